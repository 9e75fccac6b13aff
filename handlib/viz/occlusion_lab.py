"""The live occlusion lab: a thing that you move before one hand, and what the network makes of it.

For every place of the thing the scene is rendered anew, light and shadows included, so the hidden
share is exact and nothing but the thing changes: a controlled experiment on one hand.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.camera import denormalise_pixels
from handlib.data.synthetic import SyntheticHands
from handlib.data.synthetic.objects import instance
from handlib.data.synthetic.render import Picture, render
from handlib.data.synthetic.scene import PlacedThing
from handlib.data.synthetic.stills import develop
from handlib.metrics import root_aligned_mpjpe
from handlib.models import HandOccNet, HandPrediction, record
from handlib.viz import hand as drawing
from handlib.viz import maps, theme
from handlib.viz.controls import slider, under_controls
from handlib.viz.display import Illustration, show

_UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # the thing's long axis up the image
_NEAREST = 0.08  # metres between the camera and the thing's surface


@dataclass(frozen=True)
class LabView:
    """One look at the hand, and the prediction for it; `hidden` is 0..1, `error` in metres."""

    image: Float[Tensor, "3 S S"]
    visible: Bool[Tensor, "S S"]
    amodal: Bool[Tensor, "S S"]
    hidden: float
    error: float
    necessity: Float[Tensor, "h w"]
    prediction: HandPrediction


class OcclusionLab:
    """One synthetic hand, one everyday object, and a network that looks at both."""

    def __init__(
        self,
        model: HandOccNet,
        hands: SyntheticHands,
        index: int,
        kind: str = "mug",
        number: int = 0,
    ) -> None:
        """Take image `index` of `hands` without whatever stands in it.

        Args:
            kind, number: the object, of the same split as the hand.
        """
        self.model = model.eval()
        self.still = hands.render(index)
        self.thing = instance(hands.split, kind, number)
        self.x, self.y, self.nearness = 0.5, 0.5, 0.3

    def look(self, x: float | None = None, y: float = 0.5, nearness: float = 0.3) -> LabView:
        """Render and predict with the thing at (x, y), 0..1 from edge to edge; no x: without it.

        Args:
            nearness: 0 right before the hand, 1 close to the camera, so larger in the image.
        """
        things = () if x is None else (self._placed(x, y, nearness),)
        picture = render(replace(self.still.scene, things=things))
        # The same generator each time: only the thing changes, not the noise.
        pixels = develop(np.random.default_rng(0), picture.light)
        image = torch.from_numpy(pixels).permute(2, 0, 1) / 255
        with torch.no_grad(), record(self.model) as found:
            prediction = self.model(image[None])
        truth = torch.from_numpy(self.still.posed.joints)[None]
        error = float(root_aligned_mpjpe(prediction.joints, truth))
        necessity = found["necessity"][0, 0]
        visible, amodal = torch.from_numpy(picture.visible), torch.from_numpy(picture.amodal)
        return LabView(image, visible, amodal, _hidden(picture), error, necessity, prediction)

    def _placed(self, x: float, y: float, nearness: float) -> PlacedThing:
        posed = self.still.posed
        close = _NEAREST + self.thing.radius
        front = max(float(posed.vertices[:, 2].min()) - self.thing.radius, close)
        depth = front + nearness * (close - front)
        size = len(self.still.image)
        pixel = denormalise_pixels(torch.tensor([x, y], dtype=torch.float64), size)
        ray = np.linalg.solve(posed.intrinsics, np.append(pixel.numpy(), 1))
        return PlacedThing(self.thing, _UPRIGHT, ray * depth)

    def draw(self, axes: Any, view: LabView) -> None:
        """Three panels: the image with its hidden part, M over it, the predicted mesh over it."""
        maps.show_image(axes[0], view.image, f"{view.hidden:.0%} hidden")
        if view.hidden:
            drawing.draw_hidden(axes[0], view.visible, view.amodal)
        maps.overlay(axes[1], view.image, view.necessity, "necessity M", (0.0, 1.0))
        maps.show_image(axes[2], view.image)
        size = view.image.shape[-1]
        pixels = denormalise_pixels(view.prediction.joints_img[0], size)
        camera = torch.from_numpy(self.still.posed.intrinsics).float()
        joints, vertices = view.prediction.joints[0], view.prediction.vertices[0]
        faces, title = self.model.hand.faces, f"error {view.error * 1000:.0f} mm"
        drawing.draw_placed(axes[2], joints, vertices, pixels, faces, camera, size, title)

    def illustration(self) -> Illustration:
        """The static figure of the current place."""
        view = self.look(self.x, self.y, self.nearness)
        fig = theme.figure(7.0, 2.6)
        self.draw(fig.subplots(1, 3), view)
        millimetres = view.error * 1000
        return show(
            fig,
            alt=f"Three panels with {view.hidden:.0%} of the hand hidden by a {self.thing.kind}: "
            f"image, necessity map, predicted mesh. Root-aligned error {millimetres:.0f} mm.",
            caption=f"A {self.thing.kind} hides {view.hidden:.0%} of the hand (hatched); the "
            f"error is {millimetres:.0f} mm. Everything but the {self.thing.kind} stays the same.",
            caption_ko=f"물체가 손의 {view.hidden:.0%}를 가리며(빗금), root-aligned 오차는 "
            f"{millimetres:.0f} mm입니다. 물체 외에는 아무것도 바뀌지 않습니다.",
            dpi=80,
            colours=256,
        )

    def widget(self) -> Any:
        """Sliders for the thing's place above the picture (an ipywidgets box)."""
        return under_controls(
            self,
            {
                "x": slider(self, "x", -0.3, 1.3, 0.05, "across"),
                "y": slider(self, "y", -0.3, 1.3, 0.05, "down"),
                "nearness": slider(self, "nearness", 0.0, 1.0, 0.05),
            },
        )


def _hidden(picture: Picture) -> float:
    return 1 - float(picture.visible.sum()) / max(int(picture.amodal.sum()), 1)
