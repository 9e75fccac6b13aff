"""Where HO-3D keeps the files of a frame."""

from pathlib import Path
from typing import NamedTuple

from handlib.data.files import first_existing
from handlib.data.ho3d_index import ADVICE

SUFFIXES = {"v2": (".png", ".jpg"), "v3": (".jpg", ".png")}
"""Of the versions' images; a mixture of both is around."""


class HO3DFiles(NamedTuple):
    """The files of one split. Frames have the names of its list, such as "ABF10/0000"."""

    root: Path
    split: str
    version: str

    def image(self, name: str) -> Path:
        """The colour image.

        Raises:
            FileNotFoundError: there is none.
        """
        paths = [self._file(name, "rgb", suffix) for suffix in SUFFIXES[self.version]]
        return first_existing(paths, "the frame's image", ADVICE)

    def annotation(self, name: str) -> Path:
        """The pickled labels, there or not."""
        return self._file(name, "meta", ".pkl")

    def depth(self, name: str) -> Path:
        """The depth image, there or not."""
        return self._file(name, "depth", ".png")

    def segmentations(self) -> list[Path]:
        """Folders that may hold the rendered segmentations of the split's sequences.

        They come in an archive of their own, unpacked into the root, beside it, or on top of it.
        """
        folder = f"HO3D_{self.version}_segmentations_rendered"
        places = [self.root / folder, self.root.parent / folder, self.root]
        return [place / self.split for place in places]

    def segmentation(self, name: str) -> Path:
        """The rendered segmentation.

        Raises:
            FileNotFoundError: there is none.
        """
        sequence, number = name.split("/")
        paths = [
            place / sequence / "seg" / f"{number}{suffix}"
            for place in self.segmentations()
            for suffix in (".jpg", ".png")
        ]
        return first_existing(
            paths,
            "the rendered segmentation, which masks and occlusion need",
            f"Unpack HO3D_{self.version}_segmentations_rendered.zip into the root, or open the "
            "set with masks=False.",
        )

    def _file(self, name: str, kind: str, suffix: str) -> Path:
        sequence, number = name.split("/")
        return self.root / self.split / sequence / kind / f"{number}{suffix}"
