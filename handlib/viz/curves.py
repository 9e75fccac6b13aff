"""Curves and bars: losses over training, groups of values with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from handlib.viz import theme


def loss_curves(
    ax: Axes, images: Sequence[int], losses: Mapping[str, Sequence[float]], smooth: int = 25
) -> None:
    """Each loss term over the images seen: its running mean, on a logarithmic scale.

    Args:
        images: images seen at each step.
        losses: the terms by name, one value a step.
        smooth: steps in the running mean.
    """
    for name, values in losses.items():
        width = min(smooth, len(values))
        mean = np.convolve(np.asarray(values, dtype=float), np.ones(width) / width, mode="valid")
        ax.plot(images[width - 1 :], mean, label=name)
    ax.set_yscale("log")
    ax.set_xlabel("images seen")
    ax.set_ylabel("loss")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)


def grouped_bars(
    ax: Axes,
    groups: Sequence[str],
    series: Mapping[str, Float[np.ndarray, " n"]],
    intervals: Mapping[str, Float[np.ndarray, "n 2"]] | None = None,
    colours: Sequence[str] = theme.PALETTE,
) -> None:
    """Bars side by side in each group, with their value and, where given, an interval.

    Args:
        intervals: lower and upper end by series name, on the values' own scale.
    """
    width = 0.8 / len(series)
    places = np.arange(len(groups))
    for i, ((name, values), colour) in enumerate(zip(series.items(), colours, strict=False)):
        x = places + (i - (len(series) - 1) / 2) * width
        bars = ax.bar(x, values, width * 0.92, label=name, color=colour)
        top = np.asarray(values, dtype=float)
        if intervals is not None and name in intervals:
            low, high = intervals[name].T
            reach = np.clip([values - low, high - values], 0, None)  # below 0 by rounding alone
            ax.errorbar(x, values, reach, fmt="none", ecolor=theme.INK)
            top = high
        for bar, value, above in zip(bars, values, top, strict=True):
            _label(ax, bar.get_x() + bar.get_width() / 2, above, value)
    ax.set_xticks(places, groups)
    ax.margins(y=0.12)
    ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(series))


def _label(ax: Axes, x: float, y: float, value: float) -> None:
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    ax.annotate(text, (x, y), (0, 2), textcoords="offset points", ha="center", fontsize=8)
