"""The commands of `handlib data`: make data ready, and look at what is there."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm.auto import tqdm

from handlib.data import examine, trees
from handlib.training.data import DataConfig

data_app = typer.Typer(no_args_is_help=True, help="Make data ready, and look at it.")
Split = Annotated[Literal["train", "val", "test"], typer.Option()]


@data_app.command("generate")
def generate(
    split: Split = "train",
    size: Annotated[int, typer.Option(help="Number of images.")] = 16_000,
    seed: Annotated[int, typer.Option()] = 0,
    resolution: Annotated[int, typer.Option(help="Side in pixels.")] = 128,
) -> None:
    """Render synthetic hands into the cache, so that a notebook need not wait for them."""
    images = DataConfig("synthetic", size, seed).load(split, resolution)
    typer.echo(f"{len(images):,} images are ready")


@data_app.command("export")
def export(
    layout: Annotated[
        Literal["ho3d", "ho3d-v3", "dexycb", "fpha"],
        typer.Option("--as", help="Whose folders and annotations."),
    ],
    root: Annotated[Path, typer.Option(help="A new folder, or one that this command wrote.")],
    size: Annotated[int, typer.Option(help="Sequences to train on; a quarter more to test.")] = 8,
    frames: Annotated[int, typer.Option(help="Of a sequence; 1 takes still images.")] = 8,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Write synthetic hands as a small data set in the layout of a real one."""
    trees.export(layout, root, size, frames, seed)
    typer.echo(f"{root}: a tree in the layout of {layout}")


@data_app.command("check")
def check(
    root: Annotated[Path, typer.Argument(help="The folder of HO-3D, DexYCB or FPHA.")],
    layout: Annotated[
        Literal["ho3d", "dexycb", "fpha"] | None,
        typer.Option("--as", help="What it should be; else guessed."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at so many frames, evenly spaced.")
    ] = None,
) -> None:
    """Read every file of a data set, and name those that are missing or broken."""
    survey, tally = examine.survey(root, layout), examine.Tally()
    typer.echo(f"{root}: {survey.title}")
    for note in survey.notes:
        typer.echo(note)
    for finding in examine.findings(survey, limit):
        tally.add(finding)
        if finding.message:
            tqdm.write(finding.message)  # above the bar
    for line in tally.lines():
        typer.echo(line)
    if tally.faults:
        raise typer.Exit(1)
