"""The whole hand's mask from its mesh, and the hidden share by a mask of what can be seen."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from handlib.data.crops import cut_mask
from handlib.data.sample import HandMasks
from handlib.data.synthetic.rasterizer import rasterize
from handlib.data.synthetic.skin import HandSurface


@dataclass(frozen=True)
class HiddenHand:
    """An annotated hand in an image of `width` × `height` pixels.

    vertices: of the model, metres, camera frame. visible: where the hand was seen, at any
    resolution. The raster is not anti-aliased, so masks are exact to half a pixel.
    """

    vertices: Float[np.ndarray, "778 3"]
    surface: HandSurface
    intrinsics: Float[np.ndarray, "3 3"]
    visible: Bool[np.ndarray, "h w"]
    width: int
    height: int

    def masks(self, affine: Float[np.ndarray, "3 3"], resolution: int | None) -> HandMasks:
        """The masks in a crop, or in the whole image if `resolution` is None.

        affine: pixels of the image to pixels of the crop.
        """
        rows, columns = (resolution, resolution) if resolution else (self.height, self.width)
        parts = self._parts(affine @ self.intrinsics, rows, columns)
        seen = cut_mask(self.visible, self.width, affine, rows, columns)
        labels = torch.from_numpy(parts)
        return HandMasks(
            visible=torch.from_numpy(seen & (parts > 0)), amodal=labels > 0, parts=labels
        )

    def share(self) -> float:
        """1 - |visible ∩ amodal| / |amodal|, at the resolution of `visible`; 1 for no hand."""
        rows, columns = self.visible.shape
        scale = columns / self.width
        shrink = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])
        amodal = self._parts(shrink @ self.intrinsics, rows, columns) > 0
        whole = int(np.count_nonzero(amodal))
        return 1 - int(np.count_nonzero(self.visible & amodal)) / max(whole, 1)

    def _parts(
        self, intrinsics: Float[np.ndarray, "3 3"], rows: int, columns: int
    ) -> UInt8[np.ndarray, "rows columns"]:
        """1 + the MANO joint that moves the nearest skin, 0 where there is no hand."""
        closed = self.surface.close(self.vertices)
        hand = rasterize(closed, self.surface.faces, intrinsics, rows, columns)
        parts = np.zeros(rows * columns, np.uint8)
        parts[hand.pixel] = self.surface.face_part.take(hand.face)
        return parts.reshape(rows, columns)
