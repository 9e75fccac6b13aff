"""Which frames of a window a frame looks at: the temporal transformer's attention along a clip.

The row of one frame stands as bars under the frames themselves, and the whole matrix beside them.
"""

from typing import Any

from jaxtyping import Float, Int
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from handlib.viz import maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show


class FrameAttention:
    """One clip; `frame` (the window's middle), `query` (a place in the window) and `head` move."""

    def __init__(
        self,
        images: Float[Tensor, "N 3 H W"],
        occlusion: Float[Tensor, " N"],
        windows: Int[Tensor, "N T"],
        attention: Float[Tensor, "N A T T"],
        frame: int,
        head: int = 0,
    ) -> None:
        """Take a clip of N frames and the attention in the window around each of them.

        Args:
            occlusion: hidden share of the hand in each frame, 0..1.
            windows: the frames of each window.
            attention: of A heads; row = the frame that looks, column = where it looks.
            frame, head: the window to begin with; its own middle frame is the query.
        """
        self.images, self.occlusion = images, occlusion
        self.windows, self.attention = windows, attention
        self.frame, self.head, self.query = frame, head, windows.shape[1] // 2

    def row(self) -> Float[Tensor, " T"]:
        """The weights that the query gives to the frames of its window; they add up to 1."""
        return self.attention[self.frame, self.head, self.query]

    def illustration(self) -> Illustration:
        """The static figure of the current choice, described by its numbers."""
        frames, row = self.windows[self.frame].tolist(), self.row()
        best = frames[int(row.argmax())]
        numbers = ", ".join(f"{weight:.2f}" for weight in row.tolist())
        hidden = ", ".join(f"{o:.0%}" for o in self.occlusion[frames].tolist())
        asks = frames[self.query]
        return show(
            self._draw(frames, row),
            alt=f"Frames {frames[0]} to {frames[-1]}, hidden by {hidden}. In head {self.head}, "
            f"frame {asks} gives them the weights {numbers}. Beside them the matrix of all "
            "frames.",
            caption=f"Where frame {asks} (yellow) looks in head {self.head}: most at frame "
            f"{best}, {float(row.max()):.2f}; dashed: equal weights. Orange bars: more than half "
            "of the hand hidden. Right: the rows of all frames.",
            caption_ko=f"Head {self.head}에서 frame {asks}(노란색)의 attention입니다. "
            f"Frame {best}의 weight({float(row.max()):.2f})가 가장 큽니다. 점선은 weight가 모두 "
            "같을 때의 값이고, 주황색 막대는 손이 절반 넘게 가려진 frame입니다. 오른쪽은 모든 "
            "frame의 행입니다.",
            dpi=90,
            colours=256,
        )

    def _draw(self, frames: list[int], row: Float[Tensor, " T"]) -> Figure:
        fig = theme.figure(9.8, 2.9)
        ratios = (len(frames), 3.3)
        ((left, right),) = fig.subfigures(1, 2, squeeze=False, width_ratios=ratios)
        axes = left.subplots(2, len(frames), height_ratios=(1, 1.1))
        table = self.attention[self.frame, self.head]
        top = max(1.15 * float(table.max()), 0.3)
        for i, (frame, (picture, bar)) in enumerate(zip(frames, axes.T, strict=True)):
            image, hidden = self.images[frame], float(self.occlusion[frame])
            maps.show_image(picture, image, f"frame {frame}\n{hidden:.0%} hidden")
            if i == self.query:
                size = image.shape[-1] - 2
                for colour, line in ((theme.INK, 5), (theme.YELLOW, 2.5)):
                    edge = Rectangle((0.5, 0.5), size, size, fill=False, edgecolor=colour)
                    edge.set_linewidth(line)
                    picture.add_patch(edge)
            bar.bar([0], [float(row[i])], color=_colour(hidden))
            bar.axhline(1 / len(frames), color=theme.INK, linewidth=0.8, linestyle="dashed")
            bar.annotate(f"{row[i]:.2f}", (0, float(row[i])), ha="center", va="bottom")
            bar.set(ylim=(0, top), xlim=(-1, 1), xticks=[], yticks=[])
        axes[1, 0].set_ylabel("weight")
        matrix = right.subplots()
        names = [str(frame) for frame in frames]
        matrix.imshow(table.numpy(), cmap=theme.MAP, vmin=0, vmax=top)
        matrix.set_xticks(range(len(names)), names)
        matrix.set_yticks(range(len(names)), names)
        matrix.set(xlabel="looks at frame", ylabel="frame", title=f"head {self.head}")
        place = Rectangle((-0.5, self.query - 0.5), len(names), 1, fill=False)
        place.set(edgecolor=theme.YELLOW, linewidth=2)
        matrix.add_patch(place)
        return fig

    def widget(self) -> Any:
        """Sliders for window, query and head above the picture."""
        from ipywidgets import IntSlider

        count, heads, length = self.attention.shape[:3]
        ends = {"frame": count, "query": length, "head": heads}
        return under_controls(
            self,
            {
                name: IntSlider(
                    getattr(self, name), 0, end - 1, description=name, continuous_update=False
                )
                for name, end in ends.items()
            },
        )


def _colour(hidden: float) -> str:
    return theme.REGION["hidden hand" if hidden > 0.5 else "visible hand"]
