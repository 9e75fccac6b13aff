"""Pictures for the README and the gallery page: what HandOccNet sees of one half-hidden hand."""

import torch
from matplotlib.axes import Axes
from torch import Tensor

from handlib.data.batch import HandBatch
from handlib.data.camera import denormalise_pixels
from handlib.models import HandOccNet, HandPrediction, record
from handlib.viz import hand, maps, theme
from handlib.viz.display import Illustration, show
from handlib.viz.regions import token_regions


def hidden_query(batch: HandBatch, index: int, side: int) -> tuple[int, int]:
    """Row and column of the token in the middle of the hidden part of an image's hand.

    Raises:
        ValueError: the image has no token on a hidden part of the hand.
    """
    if batch.visible is None or batch.amodal is None:
        raise ValueError("batch: masks are needed to find the hidden hand, found None")
    hidden = token_regions(batch.visible, batch.amodal, side)["hidden hand"][index]
    places = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), -1)
    places = places.reshape(-1, 2)[hidden].float()  # K 2
    if not len(places):
        raise ValueError(f"batch: image {index} has no hidden part as large as half a token")
    nearest = (places - places.mean(0)).norm(dim=1).argmin()
    row, column = places[nearest].long().tolist()
    return row, column


def most_like(occlusion: Tensor, ratio: float) -> int:
    """The image whose occlusion comes nearest to `ratio`."""
    return int((occlusion - ratio).abs().argmin())


def handoccnet_panels(
    model: HandOccNet,
    batch: HandBatch,
    index: int,
    which: tuple[str, str],
    dpi: int = 130,
    colours: int | None = None,
) -> Illustration:
    """Ten panels from one recorded forward pass: from the image to the mesh.

    which: the weights, in English and in Korean, for the captions. dpi, colours: as for `show`.
    """
    query = hidden_query(batch, index, model.config.cells)
    image = batch.image[index]
    with torch.no_grad(), record(model) as found:
        prediction = model.eval()(image[None])
    fig = theme.figure(12.5, 5.6)
    axes = fig.subplots(2, 5).ravel().tolist()
    maps.show_image(axes[0], image, "image")
    maps.show_image(axes[1], image, "hidden part (hatched)")
    _draw_hidden(axes[1], batch, index)
    _draw_maps(axes[2:6], found, image, query)
    for ax, name, title in ((axes[6], "fit", "|F_FIT|"), (axes[7], "set", "|F_SET|")):
        norm = found[name][0].norm(dim=0)
        maps.overlay(ax, image, norm, title, (float(norm.min()), float(norm.max())))
    _draw_prediction(axes[8:], prediction, image, batch.intrinsics[index], model.hand.faces)
    return show(fig, *_words(batch, index, which), dpi=dpi, colours=colours)


def _words(batch: HandBatch, index: int, which: tuple[str, str]) -> tuple[str, str, str]:
    """Alt text, caption and Korean caption."""
    share = "part" if batch.occlusion is None else f"{float(batch.occlusion[index]):.0%}"
    return (
        f"Ten panels of HandOccNet, {which[0]}, about a hand of which {share} is hidden: "
        "image, hidden part, necessity map, softmax row, gate, gated row, feature norms after "
        "FIT and SET, predicted joints and predicted mesh.",
        f"HandOccNet, {which[0]}, on a test image with {share} of the hand hidden. The yellow "
        "square is the query; correlations are means over the heads of FIT's first block.",
        f"손의 {share}가 가려진 test image에 대한 HandOccNet({which[1]})의 중간 결과입니다. "
        "노란 사각형이 query이고, correlation은 FIT 첫 번째 block의 head 평균입니다.",
    )


def _draw_hidden(ax: Axes, batch: HandBatch, index: int) -> None:
    if batch.visible is not None and batch.amodal is not None:
        hand.draw_hidden(ax, batch.visible[index], batch.amodal[index])


def _draw_maps(
    axes: list[Axes], found: dict[str, Tensor], image: Tensor, query: tuple[int, int]
) -> None:
    side = found["necessity"].shape[-1]
    token = query[0] * side + query[1]
    row = found["fit.0.softmax"][0, :, token].mean(0).reshape(side, side)
    gate = found["fit.0.gate"][0, ..., 0].mean(0).reshape(side, side)
    product = found["fit.0.correlation"][0, :, token].mean(0).reshape(side, side)
    top = (0.0, float(row.max()))
    maps.overlay(axes[0], image, found["necessity"][0, 0], "necessity map M", (0.0, 1.0))
    maps.overlay(axes[1], image, row, "C_soft of the query", top)
    maps.overlay(axes[2], image, gate, "C_sig", (0.0, 1.0))
    maps.overlay(axes[3], image, product, "C = C_soft ⊗ C_sig", top)
    for ax in axes[1:]:
        maps.mark_query(ax, *query, side, image.shape[-1])


def _draw_prediction(
    axes: list[Axes], prediction: HandPrediction, image: Tensor, intrinsics: Tensor, faces: Tensor
) -> None:
    pixels = denormalise_pixels(prediction.joints_img[0], image.shape[-1])
    maps.show_image(axes[0], image, "predicted joints")
    hand.draw_skeleton(axes[0], pixels)
    maps.show_image(axes[1], image)
    joints, mesh, title = prediction.joints[0], prediction.vertices[0], "predicted mesh"
    hand.draw_placed(axes[1], joints, mesh, pixels, faces, intrinsics, image.shape[-1], title)
