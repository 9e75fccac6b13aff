"""One look for every figure: colours that colour-blind readers can tell apart, crisp PNG.

The qualitative colours are Okabe and Ito's (2008); maps use cividis, which is ordered in
lightness for every kind of colour vision.
"""

import io

from matplotlib import cycler, style
from matplotlib.figure import Figure

INK = "#222222"
MUTED = "#8a8a8a"
PAPER = "#ffffff"
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"
VERMILION, SKY, PURPLE, YELLOW = "#d55e00", "#56b4e9", "#cc79a7", "#f0e442"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE)
MAP = "cividis"

# The same colour for the same region of an image in every figure.
REGION = {"visible hand": BLUE, "hidden hand": ORANGE, "background": MUTED}
FINGER = {
    "wrist": INK,
    "thumb": VERMILION,
    "index": ORANGE,
    "middle": GREEN,
    "ring": SKY,
    "little": PURPLE,
}

_STYLE = {
    "figure.facecolor": PAPER,
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # ships with Matplotlib: the same glyphs on every machine
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.grid": False,
    "legend.frameon": False,
    "image.cmap": MAP,
    "image.interpolation": "nearest",
    "hatch.linewidth": 0.6,
}


def figure(width: int | float = 7, height: int | float = 3) -> Figure:
    """A figure of that size in inches, in the course's style.

    It is not pyplot's: `viz.show` displays it, once. The style becomes Matplotlib's current one,
    since artists read it when they are made.
    """
    style.use(_STYLE)
    return Figure(figsize=(width, height))


def png(fig: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG, the same bytes for the same figure (no date, no version inside)."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
