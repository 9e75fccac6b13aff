"""`handlib experiment`: a claim of the papers, examined over several seeds."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from handlib.atomic import replacing
from handlib.data.files import one_of
from handlib.experiments.catalogue import EXPERIMENTS, Size, illustration, run

EVIDENCE = Path("figures/evidence")


def experiment(
    name: Annotated[str, typer.Argument(help=f"{', '.join(EXPERIMENTS)}, or all.")],
    output: Annotated[
        Path | None, typer.Option(help=f"Where results and their figures go; else {EVIDENCE}.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Runs from nothing; else 3, with --small and --quick 1.")
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="A first look: a minute or two for each seed.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="In seconds: shows that it runs, and nothing else.")
    ] = False,
) -> None:
    """Train over several seeds, and write what came out: NAME.json, and NAME.png of it."""
    one_of("name", name, (*EXPERIMENTS, "all"))
    size: Size = "quick" if quick else "small" if small else "full"
    with TemporaryDirectory() as scratch:
        folder = output or (EVIDENCE if size == "full" else Path(scratch))
        starts = Path(scratch) / "starts" if quick else None  # those of two images are no starts
        for each in EXPERIMENTS if name == "all" else (name,):
            started = time.monotonic()
            result = run(each, folder, size, seeds, starts)
            with replacing(folder / f"{each}.png") as figure:
                figure.write_bytes(illustration(each, result).png)
            for line in EXPERIMENTS[each].lines(result):
                typer.echo(line)
            minutes = (time.monotonic() - started) / 60
            kept = folder / f"{each}.json" if folder != Path(scratch) else "nothing kept"
            typer.echo(f"{each}: {minutes:.1f} minutes, {kept}")
