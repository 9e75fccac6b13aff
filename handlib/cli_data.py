"""The commands of `handlib data`: make data ready, and look at what is there."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm.auto import tqdm

from handlib.data import examine, subsets, trees
from handlib.training.data import DataConfig
from handlib.training.whole_frames import whole_frames

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


@data_app.command("subset")
def subset(
    data: Annotated[Literal["ho3d", "dexycb", "fpha"], typer.Argument(help="Data set.")],
    size: Annotated[int, typer.Option(min=1, help="Number of frames.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write: a list of names, for --subset.")
    ] = None,
    root: Annotated[str, typer.Option(help="Its folder; else HANDLIB_HO3D and so on.")] = "",
    setup: Annotated[str, typer.Option(help="As for `handlib train`.")] = "",
    split: Split = "train",
    seed: Annotated[int, typer.Option()] = 0,
    pool: Annotated[
        int, typer.Option(min=0, help="Look at the occlusion of so many; 0: of all.")
    ] = subsets.POOL,
    copy: Annotated[
        Path | None,
        typer.Option(help="Copy HO-3D's frames to a new folder, with a quarter more to test."),
    ] = None,
    hand: Annotated[
        Path | None, typer.Option(help="MANO's file or folder, by which occlusion is known.")
    ] = None,
    partial: Annotated[bool, typer.Option(help="Take an incomplete copy of DexYCB.")] = False,
    force: Annotated[bool, typer.Option(help="Replace what an earlier call wrote.")] = False,
) -> None:
    """Draw a small part of a data set, balanced by occlusion and sequence, to train on it."""
    if out is None and copy is None:
        raise ValueError("subset: expected somewhere to write to; give --out, --copy or both")
    mano = str(hand) if hand else ""
    source = DataConfig(data, root=root, setup=setup, mano=mano, partial=partial)
    frames = whole_frames(source, split)
    if out:
        subsets.check_new(out, force)
    if copy:
        subsets.check_copy(copy, frames, force)
    chosen = subsets.draw_subset(frames, size, seed, pool or None)
    if copy:
        subsets.copy_ho3d(copy, frames, chosen, force)
    if out:
        chosen.save(out, force)
    for line in chosen.lines():
        typer.echo(line)


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
