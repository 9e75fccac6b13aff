"""`handlib experiment`: a claim of the papers, examined over several seeds."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from handlib.atomic import replacing
from handlib.data.files import one_of
from handlib.experiments.catalogue import EXPERIMENTS, illustration

EVIDENCE = Path("figures/evidence")


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
) -> None:
    """Train over several seeds, and write what came out: NAME.json, and NAME.png of it."""
    one_of("name", name, (*EXPERIMENTS, "all"))
    with TemporaryDirectory() as scratch:
        folder = output or (Path(scratch) if quick else EVIDENCE)
        for each in EXPERIMENTS if name == "all" else (name,):
            started = time.monotonic()
            chosen = EXPERIMENTS[each]
            sizes = chosen.quick if quick else {}
            if quick and chosen.starts:
                sizes = sizes | {"starts": Path(scratch) / "starts"}
            result = chosen.run(folder, seeds=seeds or (1 if quick else 3), **sizes)
            with replacing(folder / f"{each}.png") as figure:
                figure.write_bytes(illustration(each, result).png)
            for line in chosen.lines(result):
                typer.echo(line)
            minutes = (time.monotonic() - started) / 60
            kept = folder / f"{each}.json" if folder != Path(scratch) else "nothing kept"
            typer.echo(f"{each}: {minutes:.1f} minutes, {kept}")
