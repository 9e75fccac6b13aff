"""A run's folder: what it trained on what, so that it can be scored, resumed and published."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from torch.utils.data import Dataset

from handlib.data import SyntheticHands, SyntheticSequences, Windows, windows
from handlib.data.sample import HandSample
from handlib.hands.hand_model import HandModel
from handlib.models.deformer import Deformer
from handlib.models.deformer_config import DeformerConfig
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.models.vertex_transformer import VertexTransformer, VertexTransformerConfig
from handlib.training.checkpoint import MODEL_FILE, read_tensors, replacing
from handlib.training.evaluate import Scores, evaluate, evaluate_windows

RUN_FILE = "run.json"
WINDOW = 7  # frames that a Deformer reads, in both the paper and the course
Split = Literal["train", "val", "test"]
NetworkConfig = HandOccNetConfig | DeformerConfig | VertexTransformerConfig
Network = HandOccNet | Deformer | VertexTransformer


@dataclass(frozen=True)
class DataConfig:
    """A data set by name and how much of it; `size` counts training images, or clips.

    `gap` is the step in frames within a window; with 0 there are images and no windows.
    """

    name: str = "synthetic"
    size: int = 16_000
    seed: int = 0
    gap: int = 0

    def load(
        self, split: Split, resolution: int, size: int | None = None
    ) -> SyntheticHands | Windows:
        """One split; `size` for another number of images or clips than the training set has.

        Raises:
            ValueError: no data set of this name.
        """
        if self.name != "synthetic":
            raise ValueError(f"data: expected 'synthetic', found {self.name!r}")
        size = size or self.size
        if not self.gap:
            return SyntheticHands(split, size, self.seed, resolution)
        clips = SyntheticSequences(split, size, self.seed, resolution=resolution)
        return windows(clips, WINDOW, self.gap)


_KINDS: dict[str, type[NetworkConfig]] = {
    "handoccnet": HandOccNetConfig,
    "deformer": DeformerConfig,
    "vertex_transformer": VertexTransformerConfig,
}


def images_of(data: Dataset[Any]) -> Dataset[HandSample]:
    """The images themselves; of windows, the frames in their middles, in the same order."""
    frames: Any = data.dataset if isinstance(data, Windows) else data
    return frames


def score(model: Network, data: Dataset[Any]) -> Scores:
    """`evaluate`, or `evaluate_windows` for a Deformer."""
    return evaluate_windows(model, data) if isinstance(model, Deformer) else evaluate(model, data)


def build(config: NetworkConfig, hand: HandModel) -> Network:
    """The network of a configuration."""
    match config:
        case DeformerConfig():
            return Deformer(config, hand)
        case VertexTransformerConfig():
            return VertexTransformer(config, hand)
        case _:
            return HandOccNet(config, hand)


@dataclass(frozen=True)
class RunConfig:
    """What `run.json` holds: the network, the data, and the command that began it."""

    network: NetworkConfig
    data: DataConfig
    command: str

    @property
    def resolution(self) -> int:
        """Side of the images that the network learns from, in pixels."""
        return getattr(self.network, "image_size", 128)

    def save(self, run_dir: Path) -> None:
        """Write `run.json`."""
        kind = next(name for name, config in _KINDS.items() if isinstance(self.network, config))
        write_json(run_dir / RUN_FILE, {"kind": kind, **asdict(self)})

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
        network = network_config(values["network"], values.get("kind", "handoccnet"))
        return cls(network, DataConfig(**values["data"]), values["command"])


def load_run(run_dir: Path, hand: HandModel) -> Network:
    """The trained network of a run, with its averaged weights, in evaluation mode."""
    model = build(RunConfig.load(run_dir).network, hand)
    model.load_state_dict(read_tensors(run_dir / MODEL_FILE)[0])
    return model.eval()


def network_config(values: dict[str, Any], kind: str = "handoccnet") -> Any:
    """A network's configuration back from JSON, which knows no tuples."""
    options: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
    }
    return _KINDS[kind](**options)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write atomically, for people to read."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")
