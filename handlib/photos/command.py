"""The command `handlib predict`."""

from pathlib import Path
from typing import Annotated

import typer

from handlib.hands import load_hand
from handlib.photos.predict import faces_shown, predict_photos
from handlib.photos.results import free_targets, write_results
from handlib.photos.source import open_photos
from handlib.training.run import hand_of_run
from handlib.training.trained import Trained


def predict(
    files: Annotated[list[Path], typer.Argument(help="Images, or a folder of a video's frames.")],
    out: Annotated[Path, typer.Option(help="Folder for meshes, parameters and overlays.")],
    box: Annotated[
        list[str] | None,
        typer.Option(help="x1,y1,x2,y2 around the hand in pixels; once, or once for each image."),
    ] = None,
    mask: Annotated[
        list[Path] | None,
        typer.Option(help="Image that is white on the hand, for each; or a folder of them."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of a trained network; else the shipped HandOccNet.")
    ] = None,
    left: Annotated[bool, typer.Option("--left", help="The hands are left ones.")] = False,
    focal: Annotated[
        float | None, typer.Option(help="Focal length in pixels; else the image's longer side.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over earlier files.")] = False,
    hand: Annotated[
        Path | None,
        typer.Option("--hand", help="Your MANO file or folder; else the run's, or the shipped."),
    ] = None,
) -> None:
    """Predict the hand in your own images: mesh, MANO parameters, and the image with the mesh."""
    photos = open_photos(files, box or (), mask or ())
    free_targets(out, photos, replace)
    if run:
        trained = Trained.of_run(run, hand_of_run(run, str(hand) if hand else ""))
    else:
        trained = Trained.shipped(load_hand(hand))
    hands = predict_photos(trained, photos, left, focal)
    faces = faces_shown(trained.model.hand, left)
    for path in write_results(out, photos, hands, faces, trained.origin, replace):
        typer.echo(str(path))
    if "limits" in trained.origin:
        typer.echo(f"The network's limits: {trained.origin['limits']}", err=True)
