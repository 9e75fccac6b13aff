"""The layers of a scene against a ray caster, and against the masks of its image."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from handlib.data.synthetic.layers import LAYERS, seen_layers

from .scenes import cast, pixel_rays, scene_meshes, still

NUMBER = {name: number for number, name in enumerate(LAYERS)}


def arm_of(scene):
    return trimesh.Trimesh(scene.arm.mesh.vertices, scene.arm.mesh.faces, process=False)


@pytest.mark.parametrize("index", range(6))
def test_each_ray_hits_what_the_layers_say(index):
    scene = still(index).scene
    rays = pixel_rays(scene.intrinsics, 64)
    hand, rest = (cast(mesh, rays)[0] for mesh in scene_meshes(scene))
    arm = cast(arm_of(scene), rays)[0]
    slow = []
    for h, r, a in zip(hand, rest, arm, strict=True):
        if np.isfinite(h):
            slow.append("visible hand" if h < r else "hidden hand")
        elif np.isfinite(r):
            slow.append("forearm" if a == r else "thing")
        else:
            slow.append("background")
    expected = np.array([NUMBER[name] for name in slow]).reshape(64, 64)
    assert (seen_layers(scene) == expected).mean() > 0.995


@pytest.mark.parametrize("index", range(6))
def test_they_agree_with_the_masks_of_the_image(index):
    made = still(index)
    layers = seen_layers(made.scene)
    visible = layers == NUMBER["visible hand"]
    amodal = visible | (layers == NUMBER["hidden hand"])
    assert (visible == made.picture.visible).mean() > 0.97  # borders: centres against shares
    assert (amodal == made.picture.amodal).mean() > 0.97


def test_without_things_there_is_no_thing():
    scene = replace(still(0).scene, things=())
    assert NUMBER["thing"] not in seen_layers(scene)
