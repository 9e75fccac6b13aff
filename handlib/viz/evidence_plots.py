"""What an experiment found, drawn from its result file: networks side by side, seed by seed.

A row a network. Small marks are the seeds, each with its 95 % interval where the file has one;
the tick and the number at the right are their mean. General drawings first, then one figure for
each experiment; `evidence_rows` says what a row and a path are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure, SubFigure

from handlib.viz import theme
from handlib.viz.evidence_axes import ERROR, Lines, Panel, Styles, dots, occlusion_lines, styles_of
from handlib.viz.evidence_rows import Row, label, networks, rows, seeded

Result = Mapping[str, Any]

ROOT_ALIGNED = Panel(("root_aligned",), "root-aligned error (mm)")
PROCRUSTES = Panel(("procrustes",), "Procrustes-aligned error (mm)")
ACCELERATION = Panel(("acceleration",), "acceleration error\n(mm per frame²)")
NECESSITY = Panel(("maps", "necessity"), "AUC of M, visible hand (0.5: chance)", 0.5)
GATE = Panel(("maps", "gate."), "AUC of each head's C_sig, hidden hand (0.5: chance)", 0.5)


def gain(*keys: str, over: str, where: str = "") -> Panel:
    """What the error lies below that of `over`; keys: where in `gain`, such as "hidden"."""
    place = f",\n{where}" if where else ""
    return Panel(("gain", *keys), f"mm below {label(over)}{place}", 0.0)


def measure(name: str, text: str, reference: float | None = None) -> Panel:
    """What a study measured beside the errors."""
    return Panel(("measures", name), text, reference)


def compare(result: Result, *bands: Sequence[Panel], lines: Lines | None = None) -> Figure:
    """Networks side by side: bands of panels, one below the other, then errors by occlusion.

    Networks that have a line keep its colour and mark in all panels.

    Raises:
        ValueError: the result lacks rows, or what a panel or `lines` asks for.
    """
    table = rows(result)
    names = networks(table)
    tall = 0.28 * len(names) + 0.85
    heights = [tall] * len(bands) + [2.9] * (lines is not None)
    fig = theme.figure(9, sum(heights))
    grid = fig.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
    parts: list[SubFigure] = np.asarray(grid).ravel().tolist()
    styles = styles_of(names, lines)
    for part, band in zip(parts, bands, strict=False):
        _band(part, table, band, styles)
    if lines is not None:
        occlusion_lines(parts[-1].subplots(), table, lines, styles)
    return fig


def by_occlusion(result: Result, lines: Lines | None = None) -> Figure:
    """Errors by the hidden share of the hand, one line a network; the band spans the seeds."""
    return compare(result, lines=lines or Lines())


def map_scores(result: Result) -> Figure:
    """Do M and C_sig tell the visible and the hidden hand from the rest? Chance is drawn."""
    return compare(result, (NECESSITY, GATE))


def _band(
    part: Figure | SubFigure, table: Sequence[Row], band: Sequence[Panel], styles: Styles
) -> None:
    axes = part.subplots(1, len(band), sharey=True, squeeze=False)[0]
    for ax, panel in zip(axes, band, strict=True):
        dots(ax, table, panel, styles)


def parts(result: Result) -> Figure:
    """Which parts of HandOccNet help, and what its maps show."""
    hidden = f"from {result['hidden_from']:.0%} hidden on"
    drawn = ("spatial_attention", "set_without_fit", "softmax_fit", "fit_without_set")
    over = "backbone"
    return compare(
        result,
        (ROOT_ALIGNED, gain("all", over=over), gain("hidden", over=over, where=hidden)),
        (NECESSITY, GATE),
        lines=Lines((*drawn, "handoccnet"), against=over),
    )


def reach(result: Result) -> Figure:
    """Do FIT and SET help where little else brings distant places together?"""
    hidden = f"from {result['hidden_from']:.0%} hidden on"
    placed = Panel(("joints_px", "hidden"), "error of hidden joints\nin the image (pixels)")
    nearer = Panel(("gain_px", "hidden"), "pixels below the backbone's\nof the same group", 0.0)
    mesh = Panel(("gain", "hidden"), f"mm below it, {hidden}", 0.0)
    return compare(result, (placed, nearer), (ROOT_ALIGNED, mesh), (NECESSITY, GATE))


def capacity(result: Result) -> Figure:
    """What do residual blocks bring in the place of FIT and SET?"""
    hidden = Panel(("gain_px", "hidden"), "hidden joints: pixels nearer\nthan the backbone's", 0.0)
    seen = Panel(("gain_px", "visible"), "visible joints: pixels nearer", 0.0)
    where = f"from {result['hidden_from']:.0%} hidden on"
    mesh = Panel(("gain", "hidden"), f"mm below the backbone,\n{where}", 0.0)
    return compare(result, (hidden, seen, mesh))


def guidance(result: Result) -> Figure:
    """What do M and the gates show when they are told to, and what does it cost?"""
    over = gain("all", over="handoccnet")
    return compare(result, (NECESSITY, GATE), (ROOT_ALIGNED, over))


def video(result: Result) -> Figure:
    """Do other frames help, and where?"""
    hidden = f"from {result['hidden_from']:.0%} hidden on"
    errors = (ROOT_ALIGNED, ACCELERATION, gain(over="single_frame", where=hidden))
    lines = Lines(("temporal", "average", "recurrent", "deformer"), against="single_frame")
    return compare(result, errors, lines=lines)


def confidence(result: Result) -> Figure:
    """Do weights fall where a frame is hidden or blurred, and do they fuse better than others?"""
    falls = (
        measure("rank_correlation", "rank correlation of a frame's\nweight and hidden share", 0.0),
        measure("fell", "share of frames whose weight\nfell when blurred (0.5: chance)", 0.5),
    )
    lines = Lines(("temporal", "average", "occlusion_weighted"), against="deformer")
    return compare(result, falls, (ROOT_ALIGNED, _hidden_gain(result)), lines=lines)


def alone(result: Result) -> Figure:
    """Is a hidden frame's guess poor, do weights know it, and does that help?"""
    poor = measure("error_rank", "rank correlation of a guess's\nerror and hidden share", 0.0)
    return _choosing(result, poor, "group")


def length(result: Result) -> Figure:
    """Do lengths weigh where weights do not, and are weights needed where there is no length?"""
    short = measure(
        "length_rank", "rank correlation of a guess's\n6D length and hidden share", 0.0
    )
    return _choosing(result, short, "pair")


def _choosing(result: Result, ranked: Panel, beside: str) -> Figure:
    """Something of a guess and its weight against the hidden share; what learned weights bring."""
    text = "rank correlation of its learned\nweight and hidden share"
    less = Panel(("gain_all",), f"mm below equal weights\nof the same {beside}", 0.0)
    return compare(result, (ranked, measure("weight_rank", text, 0.0)), (ROOT_ALIGNED, less))


def max_mse(result: Result) -> Figure:
    """Are the joints' errors more alike, and smaller?"""
    evenness = (
        measure("fingertips", "fingertips (mm)"),
        measure("knuckles", "knuckles (mm)"),
        measure("deviation_share", "deviation over joints,\nas a share of their mean"),
    )
    return compare(result, (ROOT_ALIGNED, PROCRUSTES), evenness)


def critic(result: Result) -> Figure:
    """Is the motion calmer, and what does the pose pay?"""
    within = measure("window_acceleration", "acceleration error within a\nwindow (mm per frame²)")
    angle = measure("finger_angle", "angle of the finger joints (°)")
    return compare(result, (ACCELERATION, within), (ROOT_ALIGNED, angle))


def one_shape(result: Result) -> Figure:
    """Do bones keep their length, and is it the right one?"""
    bones = (
        measure("window_drift", "drift of the bones within\na window (mm)"),
        measure("clip_drift", "drift along a clip (mm)"),
        measure("bone_error", "error of the bones' length (mm)"),
    )
    return compare(result, bones, (ROOT_ALIGNED, _hidden_gain(result)))


def window(result: Result) -> Figure:
    """How many frames, how far apart?"""
    return compare(result, (ROOT_ALIGNED, ACCELERATION, _hidden_gain(result)))


def fusion_space(result: Result) -> Figure:
    """Does it matter where guesses are added up?"""
    angle = measure("finger_angle", "angle of the finger joints (°)")
    return compare(result, (ROOT_ALIGNED, angle, _hidden_gain(result)))


def _hidden_gain(result: Result) -> Panel:
    where = f"from {result['hidden_from']:.0%} hidden on"
    return gain(over=result["reference"], where=where)


def course_recipe(result: Result) -> Figure:
    """Share of the mean pose's error, against the claim's limits."""
    table = rows(result)
    fig = theme.figure(9, 2.9)
    share, occlusion = fig.subplots(1, 2, width_ratios=(1, 1.2))
    shares = [
        {"seed": row["seed"], "network": ERROR[name], "ratio": ratio}
        for name in ERROR
        for row in table
        for ratio in [row["ratio"][name]]
    ]
    dots(share, shares, Panel(("ratio",), "share of the mean pose's error"))
    for place, name in enumerate(ERROR):
        limit = result["claim"][f"{name} / mean pose"]
        share.vlines(limit, place - 0.4, place + 0.4, color=theme.VERMILION, gid=f"{name} limit")
        at, text = (limit + 0.015, place - 0.34), f"limit {limit}"
        share.annotate(text, at, color=theme.VERMILION, fontsize=9, va="center")
    share.set_xlim(0, 1)
    occlusion_lines(occlusion, table, Lines())
    return fig


def distant_token(result: Result) -> Figure:
    """Who fetches what is told far away, and who stays silent where nothing is?"""
    fig = theme.figure(9, 3.4)
    reach, silence = fig.subplots(1, 2)
    told = Panel(("told",), "error where the answer is told\n(1: silence)", 1.0, log=True)
    dots(reach, rows(result), told)
    stranger = Panel(("stranger",), "error at strangers,\nwhere silence is right", log=True)
    dots(silence, silence_rows(result), stranger)
    return fig


def silence_rows(result: Result) -> list[dict[str, Any]]:
    """distant_token's second question as rows, a `network` a combination of aids."""
    words = {"gate": "+ gate", "mlp": "+ MLP", "empty_keys": "+ empty keys"}
    return [
        {"network": " ".join(words[aid] for aid in words if group[aid]) or "attention alone"} | row
        for group in result["silence"]
        for row in seeded(group)
    ]
