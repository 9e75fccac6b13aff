"""Figures in a notebook, with a caption that says what to see and alt text.

JupyterLab drops the alternative text of an `image/png` output, so a figure is stored as an HTML
`<figure>` around the PNG: `alt` reaches the screen reader, the caption stays with the picture.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape

from matplotlib.figure import Figure

from handlib.course import language
from handlib.viz import theme

_FIGURE = re.compile(
    r'<figure[^>]*><img alt="(?P<alt>[^"]*)".*?base64,(?P<png>[^"]+)">'
    r'<figcaption>(?P<caption>.*?)(?:(?:<br>)?<span lang="ko">(?P<ko>.*?)</span>)?</figcaption>',
    re.DOTALL,
)


@dataclass(frozen=True)
class Illustration:
    """A finished picture; the last expression of a cell, or passed to `display`."""

    png: bytes
    alt: str
    caption: str
    caption_ko: str

    def __repr__(self) -> str:
        return f"[figure: {self.alt}]"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<figure style="margin:0"><img alt="{escape(self.alt)}" style="max-width:100%" '
            f'src="data:image/png;base64,{data}">'
            f"<figcaption>{self._captions()}</figcaption></figure>"
        )

    def _captions(self) -> str:
        """English with Korean below it, or in a Korean notebook Korean alone."""
        korean = f'<span lang="ko">{escape(self.caption_ko)}</span>' if self.caption_ko else ""
        if language.current() == "ko" and korean:
            return korean
        return escape(self.caption) + (f"<br>{korean}" if korean else "")


def show(
    fig: Figure,
    alt: str,
    caption: str,
    caption_ko: str = "",
    dpi: int = 110,
    colours: int | None = None,
) -> Illustration:
    """Render `fig` with its caption.

    Args:
        alt: what the picture shows, for someone who cannot see it.
        caption: what to look at, and what it means.
        colours: how many to keep, for figures of photographs (`theme.png`).

    Raises:
        ValueError: `alt` or `caption` is empty.
    """
    if not alt.strip() or not caption.strip():
        raise ValueError("show(fig, alt, caption): both texts are needed, found an empty one")
    return Illustration(theme.png(fig, dpi, colours), alt, caption, caption_ko)


def illustrations_in(html: str) -> Iterator[Illustration]:
    """The figures of a stored output, as they were shown."""
    for found in _FIGURE.finditer(html):
        alt, caption, korean = (unescape(found[part] or "") for part in ("alt", "caption", "ko"))
        yield Illustration(base64.b64decode(found["png"]), alt, caption, korean)
