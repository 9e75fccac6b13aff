"""`SyntheticSequences`: short videos of hands that move, hold things, and are hidden at times."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Bool

from handlib.data.synthetic.cache import SHARD
from handlib.data.synthetic.clips import Clip
from handlib.data.synthetic.config import SequencesConfig
from handlib.data.synthetic.dataset import RENDERER_VERSION
from handlib.data.synthetic.objects import Split
from handlib.data.synthetic.rendered_set import RenderedSet, asset_digests, shipped_hand
from handlib.data.synthetic.stills import Still

CLIPS_VERSION = 1
"""Raise it with every change that alters a frame or a label of a clip."""


class SyntheticSequences(RenderedSet):
    """Rendered clips of a right hand that gestures, waves, points, or handles things.

    `size` clips of `frames` frames each, `config.rate` (10) a second, one after the other:
    `sequences` are the indices of each clip's frames. Shape, person, skin, camera, background
    and light stay the same in a clip; the camera stands still, so the hand moves within the
    image. Things pass in front and hide the hand, often all of it, for a moment. Fast motion is
    blurred; labels are those of the middle of the exposure. All frames are `valid`.

    Frame k of clip n depends on (split, seed, frames, n, k) alone, whatever the size of the set,
    the order of access or the number of workers. Splits share no pose of the corpus, no object,
    texture, background or person, and no seed.

    With `cache` the frames are made on first use, in one process per core, and stay on disk
    (`HANDLIB_CACHE` or the user's cache folder; 65 kB each at 128 pixels). Without it they are
    rendered on access, best clip by clip.

    Raises:
        ValueError: unknown split, or a size, resolution or number of frames that cannot be.
        CacheError: the cache cannot be written.
    """

    kind = "sequences"
    config_type = SequencesConfig

    def __init__(
        self,
        split: Split,
        size: int,
        seed: int = 0,
        frames: int = 32,
        resolution: int = 128,
        cache: bool = True,
        config: SequencesConfig | None = None,
    ) -> None:
        if frames < 1:
            raise ValueError(f"frames: expected at least 1 in a clip, found {frames}")
        self.size, self.frames, self.config = size, frames, config or SequencesConfig()
        self.shard = frames * max(1, SHARD // frames)  # whole clips
        self._clip: tuple[int, Clip] | None = None
        super().__init__(split, size * frames, seed, resolution, cache)

    @property
    def sequences(self) -> Sequence[range]:
        """The indices of each clip's frames."""
        starts = range(0, len(self), self.frames)
        return [range(start, start + self.frames) for start in starts]

    @property
    def valid(self) -> Bool[np.ndarray, " N"]:
        """Whether a frame has labels to learn from: all have."""
        return np.ones(len(self), bool)

    def clip(self, number: int) -> Clip:
        """What happens in clip `number`; the last one asked for is kept."""
        if self._clip is None or self._clip[0] != number:
            made = Clip(
                self.split,
                self.seed,
                number,
                self.frames,
                self.resolution,
                self.config,
                shipped_hand(),
            )
            self._clip = (number, made)
        return self._clip[1]

    def render(self, index: int) -> Still:
        """The frame anew, with the scene it shows."""
        number, frame = divmod(index, self.frames)
        return self.clip(number).render(frame)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_clip": None}

    def _stamp(self) -> list[Any]:
        return [RENDERER_VERSION, CLIPS_VERSION, asdict(self.config), asset_digests()]

    def _name(self) -> str:
        return f"{self.split}-{self.seed}-{self.frames}x{self.resolution}"

    def _options(self) -> dict[str, Any]:
        return super()._options() | {"frames": self.frames}
