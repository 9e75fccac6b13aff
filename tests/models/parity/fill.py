"""Deterministic weights and inputs behind the parity vectors in this folder.

`weight("backbone.layer0.0.weight", (64, 3, 7, 7))` and `image("image", (2, 3, 256, 256))` give
exactly the arrays that the official networks were loaded with and fed, so their outputs (the .npz
files) can be compared with ours. Keys are the official checkpoints' own (see *_manifest.json).
"""

import zlib

import numpy as np

SALT = "public"

# Gains that keep necessity map, heatmaps and confidences from saturation and from uniformity.
GAIN = {
    "attention_module": 0.1,
    "hand_hm_embed.layers.2.weight": 12.0,
    "confidence_reg.weight": 40.0,
}


def weight(key: str, shape: tuple[int, ...], salt: str = SALT) -> np.ndarray:
    """Value of one state-dict entry, float32 (int64 for `num_batches_tracked`)."""
    rng = np.random.default_rng(zlib.crc32(f"{salt}:{key}".encode()))
    noise = rng.standard_normal(shape).astype(np.float32) if shape else np.float32(0)
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if leaf == "running_var":
        return (1 + 0.1 * np.abs(noise)).astype(np.float32)
    if leaf == "running_mean":
        return (0.1 * noise).astype(np.float32)
    if leaf in ("bias", "in_proj_bias"):
        return (0.05 * noise).astype(np.float32)
    if len(shape) == 1 or leaf == "betas":  # norm scales; the heatmap temperature
        return (1 + 0.05 * noise).astype(np.float32)
    if leaf in ("q_embedding", "k_embedding"):
        return noise.astype(np.float32)
    gain = next((g for part, g in GAIN.items() if part in key), 1.0)
    return (gain * noise / np.sqrt(int(np.prod(shape[1:])))).astype(np.float32)


def image(name: str, shape: tuple[int, ...], salt: str = SALT) -> np.ndarray:
    """Input array, float32: 8x8 blocky 'images' for four or more axes, plain noise for fewer."""
    rng = np.random.default_rng(zlib.crc32(f"{salt}:input:{name}".encode()))
    if len(shape) < 4:
        return rng.standard_normal(shape).astype(np.float32)
    coarse = rng.standard_normal(shape[:-2] + (8, 8)).astype(np.float32)
    return coarse.repeat(shape[-2] // 8, -2).repeat(shape[-1] // 8, -1).copy()
