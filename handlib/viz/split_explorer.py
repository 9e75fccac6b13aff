"""F split by M into F_p and F_s, image by image, and what a sharper M would keep and drop."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.data.batch import HandBatch
from handlib.viz import hand as drawing
from handlib.viz import maps, theme
from handlib.viz.controls import slider, under_controls
from handlib.viz.display import Illustration, show


def sharpened(
    necessity: Float[Tensor, "*B h w"], sharpness: int | float
) -> Float[Tensor, "*B h w"]:
    """M with its logits multiplied by `sharpness`, around the middle cell of each map.

    1 leaves the order and the slope as they are, 0 makes M one half everywhere, and a large
    number makes a switch that keeps half of the cells.
    """
    logits = necessity.logit(eps=1e-6)
    middle = logits.flatten(-2).median(-1).values[..., None, None]
    return (sharpness * (logits - middle)).sigmoid() if sharpness != 1 else necessity


class SplitExplorer:
    """Two sliders: over a batch's images by their hidden share, and how sharp M is made."""

    def __init__(
        self,
        batch: HandBatch,
        features: Float[Tensor, "B C h w"],
        necessity: Float[Tensor, "B 1 h w"],
        rank: int = 0,
        sharpness: int | float = 1,
        weights: str = "",
    ) -> None:
        """Take the features F and the necessity maps M of one pass over a batch with masks.

        Args:
            rank: the image to begin with; 0 is the least hidden one.
            weights: which weights made the maps, written above the picture.

        Raises:
            ValueError: the batch has no masks or no occlusion.
        """
        if batch.occlusion is None or batch.visible is None or batch.amodal is None:
            raise ValueError("batch: masks and occlusion are needed to sort and hatch, found None")
        self.images, self.visible, self.amodal = batch.image, batch.visible, batch.amodal
        self.occlusion, self.order = batch.occlusion, batch.occlusion.argsort(stable=True).tolist()
        self.features, self.necessity = features, necessity
        self.rank, self.sharpness, self.weights = rank, sharpness, weights

    def illustration(self) -> Illustration:
        """The static figure of the current image and sharpness."""
        i = self.order[self.rank]
        necessity, features = sharpened(self.necessity[i, 0], self.sharpness), self.features[i]
        primary, secondary = features * necessity, features * (1 - necessity)
        hidden, kept = f"{float(self.occlusion[i]):.0%}", _share(primary, features)
        fig = theme.figure(9, 2.7)
        fig.suptitle(self.weights, size=8, color=theme.MUTED)
        image, first, second, third = fig.subplots(1, 4)
        maps.show_image(image, self.images[i], f"{hidden} hidden")
        drawing.draw_hidden(image, self.visible[i], self.amodal[i])
        bar = maps.overlay(first, self.images[i], necessity, "M", (0.0, 1.0))
        fig.colorbar(bar, ax=first, shrink=0.75)
        top = (0.0, float(features.norm(dim=0).max()))
        maps.overlay(second, self.images[i], primary.norm(dim=0), "|F_p|", top)
        maps.overlay(third, self.images[i], secondary.norm(dim=0), "|F_s|", top)
        low, high = float(necessity.min()), float(necessity.max())
        lost = float((necessity < 0.01).float().mean())
        return show(
            fig,
            alt=f"Image with the hidden {hidden} of the hand hatched; M from {low:.2f} to "
            f"{high:.2f}; the strength of F_p and of F_s on one scale. {self.weights}",
            caption=f"Sharpness {self.sharpness:g}: M runs from {low:.2f} to {high:.2f}, and F_p "
            f"holds {kept:.0%} of F's squares. In {lost:.0%} of the cells M is below 0.01: only "
            "there F_p loses what it cannot get back.",
            caption_ko=f"Sharpness {self.sharpness:g}에서 M은 {low:.2f}에서 {high:.2f} 사이이며, "
            f"F_p에는 F의 제곱합 중 {kept:.0%}가 남습니다. M이 0.01보다 작은 "
            f"cell({lost:.0%})에서만 F_p가 정보를 되돌릴 수 없이 잃습니다.",
            dpi=80,
            colours=256,
        )

    def widget(self) -> Any:
        """The sliders above the picture (an ipywidgets box)."""
        from ipywidgets import IntSlider

        last = len(self.order) - 1
        rank = IntSlider(
            self.rank, min=0, max=last, description="hidden →", continuous_update=False
        )
        sharpness = slider(self, "sharpness", 0.0, 50.0, 1.0)
        return under_controls(self, {"rank": rank, "sharpness": sharpness})


def _share(part: Tensor, whole: Tensor) -> float:
    return float(part.square().sum() / whole.square().sum().clamp_min(torch.finfo().tiny))
