"""Pictures of what the rest of the library returns: one look, captions and alt text."""

from handlib.viz import curves, evidence_plots, hand, maps, regions, theme, widgets
from handlib.viz.display import Illustration, show

__all__ = [
    "Illustration",
    "curves",
    "evidence_plots",
    "hand",
    "maps",
    "regions",
    "show",
    "theme",
    "widgets",
]
