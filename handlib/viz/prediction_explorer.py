"""Walk through predictions from bare to hidden hands: image, predicted mesh, necessity maps."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from handlib.data.batch import HandBatch
from handlib.data.camera import denormalise_pixels
from handlib.data.sample import needed
from handlib.metrics import root_aligned_mpjpe
from handlib.models import HandPrediction
from handlib.viz import hand as drawing
from handlib.viz import maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show


def draw_prediction(
    ax: Axes,
    batch: HandBatch,
    prediction: HandPrediction,
    index: int,
    faces: Tensor,
    title: str = "",
) -> None:
    """The predicted mesh over image `index`.

    The network gives the hand in its own frame; it is put where its joints fall onto the
    predicted pixels.
    """
    image, camera = batch.image[index], batch.intrinsics[index]
    size = image.shape[-1]
    pixels = denormalise_pixels(prediction.joints_img[index], size)
    joints, vertices = prediction.joints[index], prediction.vertices[index]
    maps.show_image(ax, image)
    drawing.draw_placed(ax, joints, vertices, pixels, faces, camera, size, title)


class PredictionExplorer:
    """One slider over the images of a batch, sorted by the share of the hand that is hidden."""

    def __init__(
        self,
        batch: HandBatch,
        prediction: HandPrediction,
        necessity: Mapping[str, Float[Tensor, "B 1 h w"]],
        faces: Tensor,
        rank: int = 0,
    ) -> None:
        """Take the predictions for a batch with masks, and necessity maps of the same images.

        Args:
            necessity: maps by the name of the weights that made them; the first made the
                prediction, too.
            rank: the image to begin with; 0 is the least hidden one.

        Raises:
            ValueError: the batch has no masks or no occlusion.
        """
        if batch.occlusion is None or batch.visible is None or batch.amodal is None:
            raise ValueError("batch: masks and occlusion are needed to sort and hatch, found None")
        self.batch, self.prediction, self.faces = batch, prediction, faces
        self.necessity, self.rank = necessity, rank
        self.visible, self.amodal, self.occlusion = batch.visible, batch.amodal, batch.occlusion
        self.order = batch.occlusion.argsort(stable=True).tolist()
        joints = needed(batch.joints, "joints")
        self.errors = 1000 * root_aligned_mpjpe(prediction.joints, joints)  # millimetres

    def illustration(self) -> Illustration:
        """The static figure of the current image."""
        i = self.order[self.rank]
        image, hidden = self.batch.image[i], f"{float(self.occlusion[i]):.0%}"
        names, error = list(self.necessity), f"{float(self.errors[i]):.0f} mm"
        fig = theme.figure(4.6 + 2.4 * len(names), 2.6)
        seen, mesh, *beside = fig.subplots(1, 2 + len(names))
        maps.show_image(seen, image, f"{hidden} hidden")
        drawing.draw_hidden(seen, self.visible[i], self.amodal[i])
        title = f"{names[0]}: {error}"
        draw_prediction(mesh, self.batch, self.prediction, i, self.faces, title)
        for ax, (name, necessity) in zip(beside, self.necessity.items(), strict=True):
            bar = maps.overlay(ax, image, necessity[i, 0], f"M {name}", (0.0, 1.0))
        fig.colorbar(bar, ax=beside, shrink=0.75)
        return show(
            fig,
            alt=f"Image with the hidden {hidden} of the hand hatched, the mesh predicted by the "
            f"weights {names[0]} over it, and the necessity map M of the weights "
            f"{' and of those '.join(names)}. Root-aligned error {error}.",
            caption=f"Image {self.rank + 1} of {len(self.order)} in order of hidden share: "
            f"{hidden} hidden, error {error} (weights {names[0]}). M of the weights "
            f"{' and '.join(names)}. Compare the mesh with what the hatched part allows.",
            caption_ko=f"가려진 비율 순으로 {self.rank + 1}번째 이미지({hidden} 가려짐)이며 "
            f"오차는 {error}입니다(weight: {names[0]}). M의 weight는 {', '.join(names)}입니다. "
            "예측한 mesh를 빗금 친 부분과 비교해 보세요.",
            dpi=80,
        )

    def widget(self) -> Any:
        """The slider above the picture (an ipywidgets box)."""
        from ipywidgets import IntSlider

        slider = IntSlider(
            self.rank,
            min=0,
            max=len(self.order) - 1,
            description="hidden →",
            continuous_update=False,
        )
        return under_controls(self, {"rank": slider})
