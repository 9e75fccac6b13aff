"""`handlib experiment`: a claim of the papers, examined over several seeds."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from handlib.atomic import replacing
from handlib.data.files import one_of
from handlib.experiments.catalogue import EXPERIMENTS, Size, illustration, run
from handlib.experiments.recorded import FRAMES, OPEN, asked

EVIDENCE = Path("figures/evidence")
FEWER: dict[Size, int] = {"small": 200, "quick": 16}  # frames of recorded sets


def experiment(
    name: Annotated[str, typer.Argument(help=f"{', '.join(EXPERIMENTS)}, or all.")],
    output: Annotated[
        Path | None, typer.Option(help=f"Where results and their figures go; else {EVIDENCE}.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Runs from nothing; else 3, with --small and --quick 1.")
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="A first look: one to four minutes for each seed.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="In seconds: shows that it runs, and nothing else.")
    ] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="A recorded set to score on, too, once for each: ho3d=FOLDER, ho3d-v3=FOLDER, "
            "dexycb-s1=FOLDER, fpha=FOLDER; or a name alone, its folder in HANDLIB_HO3D and so on."
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(min=1, help=f"Of each recorded set; else {FRAMES:,}, --small 200."),
    ] = None,
    hand: Annotated[
        Path | None, typer.Option("--hand", help="Folder of your MANO files, which DexYCB needs.")
    ] = None,
) -> None:
    """Train over several seeds, and write what came out: NAME.json, and NAME.png of it."""
    one_of("name", name, (*EXPERIMENTS, "all"))
    size: Size = "quick" if quick else "small" if small else "full"
    names = tuple(EXPERIMENTS) if name == "all" else (name,)
    sets = asked(data or (), str(hand) if hand else "", frames or FEWER.get(size, FRAMES))
    kinds = {kind for each in names if (kind := EXPERIMENTS[each].recorded)}
    if sets and not kinds:
        raise ValueError(f"data: {name} looks at no hands, so there is nothing to score; omit it")
    # Before hours of training: what cannot be read is found now.
    recorded = {k: {label: OPEN[k](one) for label, one in sets.items()} for k in sorted(kinds)}
    with TemporaryDirectory() as scratch:
        folder = output or (EVIDENCE if size == "full" else Path(scratch))
        starts = Path(scratch) / "starts" if quick else None  # those of two images are no starts
        for each in names:
            started, kind = time.monotonic(), EXPERIMENTS[each].recorded
            result = run(each, folder, size, seeds, starts, recorded[kind] if kind else None)
            with replacing(folder / f"{each}.png") as figure:
                figure.write_bytes(illustration(each, result).png)
            for line in EXPERIMENTS[each].lines(result):
                typer.echo(line)
            minutes = (time.monotonic() - started) / 60
            kept = folder / f"{each}.json" if folder != Path(scratch) else "nothing kept"
            typer.echo(f"{each}: {minutes:.1f} minutes, {kept}")
