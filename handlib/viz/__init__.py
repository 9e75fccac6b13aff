"""Pictures of what the rest of the library returns: one look, captions and alt text."""

from handlib.viz.display import Illustration, show

__all__ = ["Illustration", "show"]
