"""Controls above a picture that follows them: what the smaller widgets have in common."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from handlib.viz.display import Illustration


@runtime_checkable
class Explorer(Protocol):
    """Something with a few attributes and a picture of them."""

    def illustration(self) -> Illustration: ...


def slider(
    explorer: Explorer, name: str, low: float, high: float, step: float, label: str = ""
) -> Any:
    """For the attribute `name`, a number; it sets it when it is let go."""
    from ipywidgets import FloatSlider

    return FloatSlider(
        getattr(explorer, name),
        min=low,
        max=high,
        step=step,
        description=label or name,
        continuous_update=False,
    )


def under_controls(explorer: Explorer, controls: Mapping[str, Any]) -> Any:
    """An ipywidgets box: each control sets the attribute of its name; the picture follows."""
    from ipywidgets import HTML, HBox, Layout, VBox

    picture = HTML(explorer.illustration()._repr_html_())

    def redraw(_: dict) -> None:
        for name, control in controls.items():
            setattr(explorer, name, control.value)
        picture.value = explorer.illustration()._repr_html_()

    for control in controls.values():
        control.observe(redraw, names="value")
    return VBox([HBox(list(controls.values()), layout=Layout(flex_flow="row wrap")), picture])
