"""A run's folder: what it trained on what, so that it can be scored, resumed and published."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from handlib.data.synthetic import SyntheticHands
from handlib.hands.hand_model import HandModel
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.training.checkpoint import MODEL_FILE, read_tensors, replacing

RUN_FILE = "run.json"
Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class DataConfig:
    """A data set by name and how much of it; `size` counts training images."""

    name: str = "synthetic"
    size: int = 16_000
    seed: int = 0

    def load(self, split: Split, resolution: int, size: int | None = None) -> SyntheticHands:
        """One split; `size` for another number of images than the training set has.

        Raises:
            ValueError: no data set of this name.
        """
        if self.name != "synthetic":
            raise ValueError(f"data: expected 'synthetic', found {self.name!r}")
        return SyntheticHands(split, size or self.size, seed=self.seed, resolution=resolution)


@dataclass(frozen=True)
class RunConfig:
    """What `run.json` holds: the network, the data, and the command that began it."""

    network: HandOccNetConfig
    data: DataConfig
    command: str

    def save(self, run_dir: Path) -> None:
        """Write `run.json`."""
        write_json(run_dir / RUN_FILE, asdict(self))

    @classmethod
    def load(cls, run_dir: Path) -> "RunConfig":
        """Read `run.json`.

        Raises:
            FileNotFoundError: `run_dir` is not the folder of a run.
        """
        path = run_dir / RUN_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: no such file; give a folder that `handlib train --run` has written"
            )
        values = json.loads(path.read_text())
        network = network_config(values["network"])
        return cls(network, DataConfig(**values["data"]), values["command"])


def load_run(run_dir: Path, hand: HandModel) -> HandOccNet:
    """The trained network of a run, with its averaged weights, in evaluation mode."""
    model = HandOccNet(RunConfig.load(run_dir).network, hand)
    model.load_state_dict(read_tensors(run_dir / MODEL_FILE)[0])
    return model.eval()


def network_config(values: dict[str, Any]) -> HandOccNetConfig:
    """A network's configuration back from JSON, which knows no tuples."""
    options: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
    }
    return HandOccNetConfig(**options)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write atomically, for people to read."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")
