"""Scores as pictures: by occlusion, by joint, the PCK curve; what a change costs."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.integrate import trapezoid

from handlib.evaluation.tables import JointRow, OcclusionBin
from handlib.hands.skeleton import FINGER_JOINTS, JOINT_NAMES
from handlib.viz import theme
from handlib.viz.curves import grouped_bars

ERROR = "root-aligned joint error (mm)"
HIDDEN = "hidden share of the hand"
_MARKS = "os^Dv*"  # one a series, for print without colour


def by_occlusion(errors: Mapping[str, Sequence[OcclusionBin]]) -> Figure:
    """Mean error in each bin with its 95 % interval, one bar a method; rows in metres.

    Bins without an image are left out.
    """
    fig = theme.figure(7, 3.4)
    ax = fig.subplots()
    filled = {name: [row for row in rows if row.count] for name, rows in errors.items()}
    first = next(iter(filled.values()))
    labels = [f"{_share(row)}\n{row.count:,} images" for row in first]
    means = {name: 1000 * np.array([row.mean for row in rows]) for name, rows in filled.items()}
    intervals = {
        name: 1000 * np.array([row.interval for row in rows]) for name, rows in filled.items()
    }
    grouped_bars(ax, labels, means, intervals)
    ax.set_xlabel(HIDDEN)
    ax.set_ylabel("joint error (mm)")
    return fig


def change_by_occlusion(changes: Mapping[str, Mapping[str, Sequence[OcclusionBin]]]) -> Figure:
    """How much worse a network becomes in each bin, with its 95 % interval: one panel a network.

    Args:
        changes: by network, then by what was changed in it (six at most):
            `metrics.by_occlusion` of each image's error less its error before, in millimetres.
    """
    fig = theme.figure(9, 3.4)
    panels = fig.subplots(1, len(changes), sharey=True, squeeze=False)[0]
    for ax, (network, series) in zip(panels, changes.items(), strict=True):
        for i, (name, rows) in enumerate(series.items()):
            x = np.arange(len(rows)) + 0.17 * (i - (len(series) - 1) / 2)
            means, reach = _with_reach(rows)
            ax.errorbar(x, means, reach, fmt=_MARKS[i], color=theme.PALETTE[i], label=name)
        ax.axhline(0, color=theme.MUTED)
        ax.set(title=network, xlabel=HIDDEN)
        ax.set_xticks(range(len(rows)), [_share(row) for row in rows])
    panels[0].set_ylabel("change of error (mm)")
    names = panels[-1].containers
    fig.legend(handles=names, ncols=len(names), loc="outside lower center")
    return fig


def by_joint(rows: Sequence[JointRow]) -> Figure:
    """Mean error of each joint with its 95 % interval, in the colours of the fingers."""
    fig = theme.figure(7, 4.6)
    ax = fig.subplots()
    finger = {JOINT_NAMES[j]: name for name, joints in FINGER_JOINTS.items() for j in joints}
    means, reach = (1000 * x for x in _with_reach(rows))
    colours = [theme.FINGER[finger.get(row.name, "wrist")] for row in rows]
    places = np.arange(len(rows))
    ax.barh(places, means, color=colours)
    ax.errorbar(means, places, xerr=reach, fmt="none", ecolor=theme.INK)
    ax.set_yticks(places, [row.name for row in rows])
    ax.invert_yaxis()
    ax.set_xlabel(ERROR)
    return fig


def pck_curves(
    thresholds: Float[np.ndarray, " K"], shares: Mapping[str, Float[np.ndarray, " K"]]
) -> Figure:
    """Share of joints whose error is at most the threshold, in millimetres, one line a method.

    Lines differ in their strokes as well, for print without colour.
    """
    fig = theme.figure(5, 3.6)
    ax = fig.subplots()
    strokes = ("-", "--", "-.", ":")
    for i, (name, values) in enumerate(shares.items()):
        area = trapezoid(values, thresholds) / (thresholds[-1] - thresholds[0])
        label = f"{name} (AUC {area:.3f})"
        colour = theme.PALETTE[i % len(theme.PALETTE)]
        ax.plot(thresholds, values, strokes[i % len(strokes)], color=colour, label=label)
    ax.set_ylim(0, 1)
    ax.set_xlim(thresholds[0], thresholds[-1])
    ax.set_xlabel("threshold (mm)")
    ax.set_ylabel("share of joints within it")
    ax.legend(loc="lower right")
    return fig


def _share(row: OcclusionBin) -> str:
    return f"{row.low:.0%}–{row.high:.0%}"


def _with_reach(
    rows: Sequence[JointRow] | Sequence[OcclusionBin],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "2 n"]]:
    """Means, and how far their intervals reach below and above."""
    means = np.array([row.mean for row in rows])
    low, high = np.array([row.interval for row in rows]).T
    return means, np.clip([means - low, high - means], 0, None)  # below 0 by rounding alone
