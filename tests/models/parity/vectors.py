"""The official networks' weights and outputs, as the README beside them describes."""

import json
from pathlib import Path

import numpy as np
import torch
from parity import fill

FOLDER = Path(__file__).parent


def official_state(network: str) -> dict[str, torch.Tensor]:
    """The weights that the official network was filled with, under its own keys."""
    manifest = json.loads((FOLDER / f"{network}_manifest.json").read_text())
    return {
        key: torch.from_numpy(np.asarray(fill.weight(key, tuple(shape))))
        for key, shape in manifest.items()
    }


def load(name: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def names(vectors: dict[str, np.ndarray]) -> set[str]:
    return {key.split("/")[0] for key in vectors}


def assert_equal(name: str, ours: torch.Tensor, vectors: dict, tolerance: float = 1e-4) -> None:
    """Every stored element, and the mean, within `tolerance` of the array's deviation."""
    value = ours.numpy()
    assert value.shape == tuple(vectors[f"{name}/shape"])
    index = vectors.get(f"{name}/index", np.arange(value.size))
    expected = vectors[f"{name}/value"] if f"{name}/value" in vectors else vectors[name].ravel()
    std = vectors[f"{name}/std"]
    assert np.abs(value.ravel()[index] - expected).max() < tolerance * std
    assert abs(value.mean(dtype=np.float64) - vectors[f"{name}/mean"]) < 1e-4 * std
