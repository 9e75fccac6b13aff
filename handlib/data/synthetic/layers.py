"""What each pixel of a scene shows, with the things and the forearm told apart.

`HandMasks` knows the hand only. Whoever asks what a map inside a network separates needs to know
what else is there.
"""

import numpy as np
from jaxtyping import Int

from handlib.data.synthetic.rasterizer import depth_map
from handlib.data.synthetic.scene import Scene
from handlib.data.synthetic.solids import join

LAYERS = ("visible hand", "hidden hand", "thing", "forearm", "background")


def seen_layers(scene: Scene) -> Int[np.ndarray, "S S"]:
    """The number in `LAYERS` of what each pixel's centre shows.

    "Hidden hand" is whatever stands in front of the hand; "thing" and "forearm" lie beside it.
    """
    size, camera = len(scene.background), scene.intrinsics
    arm = depth_map(scene.arm.mesh.vertices, scene.arm.mesh.faces, camera, size)
    hand = depth_map(scene.vertices, scene.surface.faces, camera, size)
    thing = np.full_like(hand, np.inf)
    if scene.things:
        mesh = join([t.thing.mesh.moved(t.rotation, t.position) for t in scene.things])
        thing = depth_map(mesh.vertices, mesh.faces, camera, size)
    nearest = np.stack([hand, thing, arm]).min(0)
    covered = np.isfinite(hand)
    cases = [covered & (hand == nearest), covered, np.isinf(nearest), thing == nearest]
    numbers = [LAYERS.index(n) for n in ("visible hand", "hidden hand", "background", "thing")]
    return np.select(cases, numbers, LAYERS.index("forearm"))
