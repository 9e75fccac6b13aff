"""Checkpoints: one safetensors file that holds all a run needs to go on, written in one piece.

A safetensors file is numbers and a JSON header; reading one runs no code, unlike a pickle.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from handlib.atomic import replacing
from handlib.training.adversarial import Critic
from handlib.training.average import WeightAverage
from handlib.training.config import TrainConfig
from handlib.training.history import History

STATE_FILE = "state.safetensors"
MODEL_FILE = "model.safetensors"
CRITIC_FILE = "critic.safetensors"  # the judge, of runs that had one


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a safetensors file atomically."""
    copies = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(copies, temporary, dict(header))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file and its header.

    Raises:
        FileNotFoundError, ValueError: `path` is missing or no safetensors file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; is this the folder of a run?")
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(
            f"{path}: expected a safetensors file, found: {error}; delete it and start again"
        ) from error


@dataclass(frozen=True)
class TrainingState:
    """The moving parts of a run; all but `history` change in place."""

    model: nn.Module
    optimizer: Optimizer
    average: WeightAverage
    history: History
    critic: Critic | None = None

    def save(self, path: Path, step: int, config: TrainConfig) -> None:
        """Write everything that step `step` depends on."""
        parts: dict[str, Mapping[str, Tensor]] = {
            "model": self.model.state_dict(),
            "average": self.average.average,
            "history": self.history.to_tensors(),
            "random": {"torch": torch.get_rng_state()},
            "optimizer": _moments_by_name(self.optimizer),
        }
        if self.critic:
            parts["critic"] = self.critic.discriminator.state_dict()
            parts["critic_optimizer"] = _moments_by_name(self.critic.optimizer)
        tensors = {
            f"{part}/{name}": value for part in parts for name, value in parts[part].items()
        }
        header = {"step": str(step), "config": json.dumps(asdict(config))}
        write_tensors(path, tensors, header)

    def load(self, path: Path, config: TrainConfig) -> int:
        """Go on from a saved state; returns the step that comes next.

        Raises:
            ValueError: the state was saved under another recipe.
        """
        tensors, header = read_tensors(path)
        _require_same_recipe(path, json.loads(header["config"]), asdict(config))
        parts: dict[str, dict[str, Tensor]] = {"optimizer": {}, "critic_optimizer": {}}
        for key, value in tensors.items():
            part, name = key.split("/", 1)
            parts.setdefault(part, {})[name] = value
        self.model.load_state_dict(parts["model"])
        self.average.load(parts["average"])
        _load_moments(self.optimizer, parts["optimizer"])
        if self.critic:
            self.critic.discriminator.load_state_dict(parts["critic"])
            _load_moments(self.critic.optimizer, parts["critic_optimizer"])
        torch.set_rng_state(parts["random"]["torch"])
        saved = History.from_tensors(parts["history"])
        vars(self.history).update(vars(saved))
        return int(header["step"])


def _moments_by_name(optimizer: Optimizer) -> dict[str, Tensor]:
    return {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def _load_moments(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser its tensors back, each laid out in memory like its parameter.

    A file has one order of the axes, the convolutions are channels-last, and fused Adam walks
    through memory without a look at strides.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        like = parameters[int(index)]
        alike = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(index), {})[name] = alike.detach()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _require_same_recipe(path: Path, saved: dict[str, Any], wanted: dict[str, Any]) -> None:
    wanted = json.loads(json.dumps(wanted))
    changed = [name for name in wanted if wanted[name] != saved.get(name)]
    if changed:
        found = ", ".join(f"{name}={saved.get(name)} (now {wanted[name]})" for name in changed)
        raise ValueError(
            f"{path}: this run was started with {found}; resume it with the same recipe, "
            "or start another run in another folder"
        )
