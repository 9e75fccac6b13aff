"""One look for every figure: colours that colour-blind readers can tell apart, crisp PNG.

The qualitative colours are Okabe and Ito's (2008); maps use cividis, which is ordered in
lightness for every kind of colour vision.
"""

import io

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from PIL import Image

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


def png(fig: Figure, dpi: int = 110, colours: int | None = None) -> bytes:
    """The figure as PNG, the same bytes for the same figure (no date, no version inside).

    Args:
        colours: at most so many (up to 256) of the figure's own; photographs then take a third
            of the bytes and look the same at the size of a notebook.
    """
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    if colours is None:
        return buffer.getvalue()
    picture = Image.open(buffer).convert("RGB")
    # Not the default, median cut: it gives a small bright thing the colour of what is around it.
    palette = picture.quantize(colours, Image.Quantize.MAXCOVERAGE)
    few = io.BytesIO()
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(
        few, "PNG", optimize=True
    )
    return few.getvalue()
