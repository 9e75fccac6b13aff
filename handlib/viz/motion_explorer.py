"""A window of motion broken on purpose: what a loss by frames, the acceleration and judges say."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from handlib.evaluation.broken_motion import displaced, frozen, jittered, shuffled
from handlib.viz import theme
from handlib.viz.controls import slider, under_controls
from handlib.viz.display import Illustration, show

Judge = Callable[[Tensor], Tensor]  # (B, T, 46) to scores (B, 1), 1 for true motion

FAULTS = ("none", "jittered", "displaced", "shuffled", "frozen")
_KO = ("없음", "jitter", "모든 frame에 같은 오차", "frame 순서 섞기", "정지")
_SHOWN = 4  # angles in the plot


class MotionExplorer:
    """One true window, a fault to choose and, for noise, its size in degrees."""

    def __init__(
        self,
        motion: Float[Tensor, "T 46"],
        judges: Mapping[str, Judge],
        fault: str = "jittered",
        degrees: float = 6.0,
    ) -> None:
        """Take a motion as the discriminator reads it, and judges by name.

        Raises:
            ValueError: no fault of that name.
        """
        if fault not in FAULTS:
            raise ValueError(f"fault: expected one of {', '.join(FAULTS)}, found {fault!r}")
        self.motion, self.judges = motion, judges
        self.fault, self.degrees = fault, degrees

    def broken(self) -> Float[Tensor, "T 46"]:
        """The window with its fault; the noise is the same for every size of it."""
        one, noise = self.motion[None], Generator().manual_seed(0)
        radians = self.degrees * torch.pi / 180
        makers: dict[str, Callable[[], Tensor]] = {
            "none": lambda: one,
            "jittered": lambda: jittered(one, noise, radians),
            "displaced": lambda: displaced(one, noise, radians),
            "shuffled": lambda: shuffled(one, noise),
            "frozen": lambda: frozen(one),
        }
        return makers[self.fault]()[0]

    def errors(self) -> tuple[float, float]:
        """Mean error of the angles in degrees, and of their acceleration in degrees per frame²."""
        off = (self.broken() - self.motion)[:, 1:].rad2deg()
        return float(off.abs().mean()), float(off.diff(n=2, dim=0).abs().mean())

    @torch.no_grad()
    def scores(self) -> dict[str, tuple[float, float]]:
        """Each judge's score of the true and of the broken window."""
        both = torch.stack([self.motion, self.broken()])
        found = {name: judge(both)[:, 0].tolist() for name, judge in self.judges.items()}
        return {name: (true, broken) for name, (true, broken) in found.items()}

    def illustration(self) -> Illustration:
        """The static figure of the current fault: angles over the frames, scores beside them."""
        broken, (error, acceleration), scores = self.broken(), self.errors(), self.scores()
        fig = theme.figure(9, 2.8)
        left, right = fig.subplots(1, 2, width_ratios=(3, 2))
        busiest = self.motion[:, 1:].std(0).argsort(descending=True)[:_SHOWN] + 1
        for angle, colour in zip(busiest.tolist(), theme.PALETTE, strict=False):
            left.plot(self.motion[:, angle].rad2deg(), "--", color=colour, linewidth=1)
            left.plot(broken[:, angle].rad2deg(), "o-", color=colour, markersize=4)
        left.set(xlabel="frame", ylabel="angle (°)", title=self._title())
        places = range(len(scores))
        for column, (colour, label) in enumerate(((theme.BLUE, "true"), (theme.ORANGE, "shown"))):
            values = [pair[column] for pair in scores.values()]
            right.barh(
                [p + 0.38 * column for p in places], values, 0.36, color=colour, label=label
            )
        right.set_yticks([p + 0.19 for p in places], list(scores))
        right.axvline(0, color=theme.INK, linewidth=0.8)
        right.set(xlabel="score (1: true motion)")
        right.invert_yaxis()
        right.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        said = "; ".join(f"{name}: {b:.2f} ({t:.2f})" for name, (t, b) in scores.items())
        korean = _KO[FAULTS.index(self.fault)]
        return show(
            fig,
            alt=f"Four finger angles over {len(broken)} frames, true dashed and {self._title()}, "
            f"and bars of the judges' scores, in brackets for the true motion: {said}.",
            caption=f"Dashed: true; dots: {self._title()}. Angles are {error:.1f}° off on "
            f"average, their accelerations {acceleration:.1f}° per frame². Scores of what is "
            f"shown, in brackets of the true motion: {said}.",
            caption_ko=f"점선은 정답, 점은 보여 주는 motion입니다(결함: {korean}). 각도는 평균 "
            f"{error:.1f}°, 가속도는 {acceleration:.1f}°/frame²만큼 틀립니다. 괄호 안은 "
            f"정답 motion의 score입니다: {said}.",
            dpi=90,
        )

    def _title(self) -> str:
        noisy = self.fault in ("jittered", "displaced")
        return f"{self.fault} by {self.degrees:g}°" if noisy else f"fault: {self.fault}"

    def widget(self) -> Any:
        """A choice of faults and a slider above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown

        fault = Dropdown(options=FAULTS, value=self.fault, description="fault")
        degrees = slider(self, "degrees", 0.0, 30.0, 1.0)
        return under_controls(self, {"fault": fault, "degrees": degrees})
