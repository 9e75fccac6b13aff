"""`SyntheticHands`: the course's own images of half-hidden hands, with every label exact."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.objects import Split
from handlib.data.synthetic.rendered_set import RenderedSet, asset_digests, shipped_hand
from handlib.data.synthetic.stills import Still, make_still

RENDERER_VERSION = 5
"""Raise it with every change that alters an image or a label: old caches are then left alone."""


class SyntheticHands(RenderedSet):
    """Rendered right hands, held objects and things in front of them.

    Image `index` of a split depends on (split, seed, index) alone, whatever the size of the set,
    the order of access or the number of workers. Splits share no pose of the corpus, no object,
    texture, background or person, and no seed. Occlusion is spread over 0 to 0.95.

    With `cache` the images are made on first use, in one process per core, and stay on disk
    (`HANDLIB_CACHE` or the user's cache folder; 65 kB each at 128 pixels). Without it each access
    renders.

    Raises:
        ValueError: unknown split, or a size or resolution that cannot be.
        CacheError: the cache cannot be written.
    """

    kind = "stills"
    config_type = StillsConfig

    def __init__(
        self,
        split: Split,
        size: int,
        seed: int = 0,
        resolution: int = 128,
        cache: bool = True,
        config: StillsConfig | None = None,
    ) -> None:
        self.size, self.config = size, config or StillsConfig()
        super().__init__(split, size, seed, resolution, cache)

    @property
    def sequences(self) -> Sequence[range]:
        """Each image is a video of one frame: so `windows` of a Deformer may start from them."""
        return [range(index, index + 1) for index in range(len(self))]

    def render(self, index: int) -> Still:
        """The image anew, with the scene it shows."""
        return make_still(
            self.split, self.seed, index, self.resolution, self.config, shipped_hand()
        )

    def _stamp(self) -> list[Any]:
        return [RENDERER_VERSION, asdict(self.config), asset_digests()]
