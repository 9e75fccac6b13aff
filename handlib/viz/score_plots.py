"""Scores of one network as pictures: by occlusion, by joint, and the PCK curve."""

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


def by_occlusion(errors: Mapping[str, Sequence[OcclusionBin]]) -> Figure:
    """Mean error in each bin with its 95 % interval, one bar a method; rows in metres.

    Bins without an image are left out.
    """
    fig = theme.figure(7, 3.4)
    ax = fig.subplots()
    filled = {name: [row for row in rows if row.count] for name, rows in errors.items()}
    first = next(iter(filled.values()))
    labels = [f"{row.low:.0%}–{row.high:.0%}\n{row.count:,} images" for row in first]
    means = {name: 1000 * np.array([row.mean for row in rows]) for name, rows in filled.items()}
    intervals = {
        name: 1000 * np.array([row.interval for row in rows]) for name, rows in filled.items()
    }
    grouped_bars(ax, labels, means, intervals)
    ax.set_xlabel("hidden share of the hand")
    ax.set_ylabel("joint error (mm)")
    return fig


def by_joint(rows: Sequence[JointRow]) -> Figure:
    """Mean error of each joint with its 95 % interval, in the colours of the fingers."""
    fig = theme.figure(7, 4.6)
    ax = fig.subplots()
    finger = {JOINT_NAMES[j]: name for name, joints in FINGER_JOINTS.items() for j in joints}
    means = 1000 * np.array([row.mean for row in rows])
    low, high = 1000 * np.array([row.interval for row in rows]).T
    reach = np.clip([means - low, high - means], 0, None)  # below 0 by rounding alone
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
