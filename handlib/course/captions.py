"""Captions and alt texts of a notebook's figures, in both languages, out of the code's way.

They stand in `texts/captions_NN.yaml` as `name: {alt, caption, caption_ko}` and may hold
`{placeholders}` for numbers that the notebook measures.
"""

from collections.abc import Callable

from handlib.course import texts

_PARTS = {"alt", "caption", "caption_ko"}


def captions(number: str) -> Callable[..., dict[str, str]]:
    """A function from a figure's name (and its numbers) to the keyword arguments of `viz.show`.

    Raises:
        ValueError: a figure lacks one of its three texts.
    """
    table = texts.load(f"captions_{number}")
    for name, parts in table.items():
        if set(parts) != _PARTS:
            raise ValueError(
                f"captions_{number}.yaml: '{name}' needs {sorted(_PARTS)}, found {sorted(parts)}"
            )

    def caption(name: str, **numbers: object) -> dict[str, str]:
        return {part: text.format(**numbers) for part, text in table[name].items()}

    return caption
