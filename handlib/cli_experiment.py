"""`handlib experiment`: a claim of the papers, examined over several seeds."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from handlib.atomic import replacing
from handlib.data.files import one_of
from handlib.experiments.catalogue import EXPERIMENTS, illustration
from handlib.experiments.recorded import FRAMES, OPEN, asked

EVIDENCE = Path("figures/evidence")
QUICK_FRAMES = 16


def experiment(
    name: Annotated[str, typer.Argument(help=f"{', '.join(EXPERIMENTS)}, or all.")],
    output: Annotated[
        Path | None, typer.Option(help=f"Where results and their figures go; else {EVIDENCE}.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Runs from nothing; else 3, with --quick 1.")
    ] = None,
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
        int | None, typer.Option(min=1, help=f"Of each recorded set; else {FRAMES:,}.")
    ] = None,
    hand: Annotated[
        Path | None, typer.Option("--hand", help="Folder of your MANO files, which DexYCB needs.")
    ] = None,
) -> None:
    """Train over several seeds, and write what came out: NAME.json, and NAME.png of it."""
    one_of("name", name, (*EXPERIMENTS, "all"))
    names = tuple(EXPERIMENTS) if name == "all" else (name,)
    count = frames or (QUICK_FRAMES if quick else FRAMES)
    sets = asked(data or (), str(hand) if hand else "", count)
    kinds = {kind for each in names if (kind := EXPERIMENTS[each].recorded)}
    if sets and not kinds:
        raise ValueError(f"data: {name} looks at no hands, so there is nothing to score; omit it")
    # Before hours of training: what cannot be read is found now.
    recorded = {k: {label: OPEN[k](one) for label, one in sets.items()} for k in sorted(kinds)}
    with TemporaryDirectory() as scratch:
        folder = output or (Path(scratch) if quick else EVIDENCE)
        for each in names:
            started = time.monotonic()
            chosen = EXPERIMENTS[each]
            sizes = chosen.quick if quick else {}
            if quick and chosen.starts:
                sizes = sizes | {"starts": Path(scratch) / "starts"}
            if sets and chosen.recorded:
                sizes = sizes | {"recorded": recorded[chosen.recorded]}
            result = chosen.run(folder, seeds=seeds or (1 if quick else 3), **sizes)
            with replacing(folder / f"{each}.png") as figure:
                figure.write_bytes(illustration(each, result).png)
            for line in chosen.lines(result):
                typer.echo(line)
            minutes = (time.monotonic() - started) / 60
            kept = folder / f"{each}.json" if folder != Path(scratch) else "nothing kept"
            typer.echo(f"{each}: {minutes:.1f} minutes, {kept}")
