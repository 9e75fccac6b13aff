"""A crop to move over a recorded frame: what the network sees, and the crop's own camera."""

from typing import Any

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from handlib.data.camera import SquareCrop, project
from handlib.data.crops import cut_image, square_around, to_tensor
from handlib.data.recorded_frame import RecordedFrame
from handlib.data.sample import needed
from handlib.viz import hand, maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show

RESOLUTIONS = (32, 64, 128, 256)


class CropExplorer:
    """The crop's centre (`x`, `y`) and `side` in pixels of the frame, and its `resolution`.

    The joints are projected anew with the crop's intrinsics, never moved in the picture: where
    they meet the hand, the intrinsics are right.
    """

    def __init__(self, frame: RecordedFrame, resolution: int = 128) -> None:
        """Start with HandOccNet's square around the hand, of a frame that has joints."""
        self.frame, self.resolution = frame, resolution
        self.joints = needed(frame.joints, "joints")
        start = square_around(project(self.joints, frame.intrinsics))
        self.x, self.y, self.side = (round(n) for n in (start.x, start.y, start.side))

    @property
    def crop(self) -> SquareCrop:
        """The crop of the current numbers."""
        return SquareCrop(float(self.x), float(self.y), float(self.side))

    @property
    def intrinsics(self) -> Float[Tensor, "3 3"]:
        """The camera of the resized crop."""
        return self.crop.affine(self.resolution) @ self.frame.intrinsics

    def joints_px(self) -> Float[Tensor, "21 2"]:
        """The joints in the crop's pixels."""
        return project(self.joints, self.intrinsics)

    def illustration(self) -> Illustration:
        """The static figure of the current crop: its place in the frame, and its content."""
        fig = theme.figure(7.4, 3.2)
        whole, cut = fig.subplots(1, 2, width_ratios=(1.35, 1))
        self._draw_frame(whole)
        self._draw_crop(cut)
        (fx, _, cx), (_, fy, cy) = self.intrinsics[:2].tolist()
        state = f"{self.side} px around ({self.x}, {self.y}), resized to {self.resolution}"
        camera = f"fx = {fx:.0f}, fy = {fy:.0f}, cx = {cx:.0f}, cy = {cy:.0f}"
        return show(
            fig,
            alt=f"A frame with a square marked on it, and the crop with its joints: {state}. "
            f"The crop's camera has {camera}.",
            caption=f"The square of {state}. The crop's camera: {camera}. Size and resolution "
            "change all four numbers, the place only the principal point (cx, cy).",
            caption_ko=f"({self.x}, {self.y})를 중심으로 한 변이 {self.side} px인 정사각형을 "
            f"{self.resolution} px로 바꾼 crop입니다. 이 crop의 camera는 {camera}입니다. 크기와 "
            "해상도는 네 값을 모두 바꾸고, 위치는 principal point(cx, cy)만 바꿉니다.",
            dpi=80,
            colours=256,
        )

    def _draw_frame(self, ax: Axes) -> None:
        maps.show_image(ax, to_tensor(self.frame.image), "the frame and the crop's square")
        corner = (self.x - self.side / 2, self.y - self.side / 2)
        for colour, line in ((theme.INK, 3.5), (theme.YELLOW, 1.5)):
            ax.add_patch(
                Rectangle(
                    corner, self.side, self.side, fill=False, edgecolor=colour, linewidth=line
                )
            )

    def _draw_crop(self, ax: Axes) -> None:
        image = cut_image(self.frame.image, self.crop, self.resolution)
        maps.show_image(ax, image, f"the crop, {self.resolution} × {self.resolution}")
        limits = ax.get_xlim(), ax.get_ylim()
        hand.draw_skeleton(ax, self.joints_px())
        ax.set(xlim=limits[0], ylim=limits[1])

    def widget(self) -> Any:
        """Three sliders and a menu above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown, IntSlider

        width, height = self.frame.image.size

        def slider(name: str, low: int, high: int) -> Any:
            value = getattr(self, name)
            return IntSlider(
                value,
                min=min(low, value),
                max=max(high, value),
                step=1,
                description=name,
                continuous_update=False,
            )

        return under_controls(
            self,
            {
                "x": slider("x", 0, width - 1),
                "y": slider("y", 0, height - 1),
                "side": slider("side", 40, height),
                "resolution": Dropdown(
                    options=RESOLUTIONS, value=self.resolution, description="resolution"
                ),
            },
        )
