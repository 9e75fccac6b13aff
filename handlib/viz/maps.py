"""Maps over an image: attention rows, gates, necessity maps, feature norms, and the query's place.

Tokens of an h x w grid are numbered row by row; token (row, column) covers the pixels around
x = (column + 0.5) W / w - 0.5, as pixel (0, 0) is the centre of the top-left pixel.
"""

from collections.abc import Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from handlib.viz import theme


def show_image(ax: Axes, image: Float[Tensor, "3 H W"], title: str = "") -> None:
    """An image (0..1) without axes."""
    ax.imshow(image.detach().permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="bilinear")
    ax.set_title(title)
    ax.set_axis_off()


def overlay(
    ax: Axes,
    image: Float[Tensor, "3 H W"],
    values: Float[Tensor, "h w"],
    title: str = "",
    limits: tuple[float, float] | None = None,
    strength: float = 0.8,
) -> ScalarMappable:
    """A token map over the grey image, each token a square of its true size.

    Args:
        limits: the values at both ends of the colour scale; None = 0 to the map's maximum.

    Returns:
        What a colour bar needs.
    """
    height, width = image.shape[-2:]
    values = values.detach()
    low, high = limits if limits is not None else (0.0, max(float(values.max()), 1e-12))
    grey = image.detach().mean(0).clamp(0, 1).numpy()
    ax.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="bilinear")
    drawn = ax.imshow(
        values.numpy(),
        cmap=theme.MAP,
        norm=Normalize(low, high),
        alpha=strength,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    ax.set_title(title)
    ax.set_axis_off()
    return drawn


def mark_query(ax: Axes, row: int, column: int, grid: int, size: int) -> None:
    """A square around the query token, dark on light so that it shows on any map."""
    step = size / grid
    corner = (column * step - 0.5, row * step - 0.5)
    for colour, line in ((theme.INK, 3.5), (theme.YELLOW, 1.5)):
        ax.add_patch(Rectangle(corner, step, step, fill=False, edgecolor=colour, linewidth=line))


def outline(ax: Axes, mask: Tensor, colour: str, style: str = "solid") -> None:
    """The border of a mask (H, W)."""
    ax.contour(
        mask.float().numpy(), levels=[0.5], colors=[colour], linewidths=1.2, linestyles=style
    )


def correlation_panels(
    image: Float[Tensor, "3 H W"],
    softmax_row: Float[Tensor, "h w"],
    gate: Float[Tensor, "h w"],
    query: tuple[int, int],
    amodal: Tensor | None = None,
) -> Figure:
    """What one query does: the image, its softmax row, every token's gate, and the product row.

    Row and product share one colour scale, so that what the gate takes away shows.
    """
    fig = theme.figure(9.0, 2.7)
    axes = fig.subplots(1, 4)
    row, column = query
    product = softmax_row * gate[row, column]
    top = (0.0, max(float(softmax_row.max()), 1e-12))
    show_image(axes[0], image, f"query at ({row}, {column})")
    bars = [
        overlay(axes[1], image, softmax_row, f"C_soft, sum {float(softmax_row.sum()):.2f}", top),
        overlay(axes[2], image, gate, f"C_sig, here {float(gate[row, column]):.2f}", (0.0, 1.0)),
        overlay(axes[3], image, product, f"C, sum {float(product.sum()):.2f}", top),
    ]
    for ax, bar in zip(axes[1:], bars, strict=True):
        fig.colorbar(bar, ax=ax, shrink=0.75)
    for ax in axes:
        mark_query(ax, row, column, softmax_row.shape[-1], image.shape[-1])
        if amodal is not None:
            outline(ax, amodal, theme.ORANGE)
    return fig


def number_table(
    ax: Axes,
    values: Float[Tensor, "N M"],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str = "",
    top: float = 1.0,
    digits: int = 2,
) -> None:
    """A small matrix of numbers (0 to `top`) as colours, every number written out."""
    ax.imshow(values.numpy(), cmap=theme.MAP, vmin=0, vmax=top, aspect="auto")
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            colour = theme.INK if value > 0.55 * top else theme.PAPER
            ax.text(j, i, f"{value:.{digits}f}", ha="center", va="center", color=colour)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.set_title(title)
