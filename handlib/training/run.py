"""A run's folder: what it trained on what, so that it can be scored, resumed and published."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from handlib.atomic import replacing
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair, right_hand
from handlib.models.deformer import Deformer
from handlib.models.deformer_config import DeformerConfig
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.models.vertex_transformer import VertexTransformer, VertexTransformerConfig
from handlib.training.checkpoint import MODEL_FILE, read_tensors
from handlib.training.data import DataConfig
from handlib.training.evaluate import Scores, evaluate, evaluate_windows

RUN_FILE = "run.json"
NetworkConfig = HandOccNetConfig | DeformerConfig | VertexTransformerConfig
Network = HandOccNet | Deformer | VertexTransformer


_KINDS: dict[str, type[NetworkConfig]] = {
    "handoccnet": HandOccNetConfig,
    "deformer": DeformerConfig,
    "vertex_transformer": VertexTransformerConfig,
}


def score(model: Network, data: Dataset[Any]) -> Scores:
    """`evaluate`, or `evaluate_windows` for a Deformer."""
    return evaluate_windows(model, data) if isinstance(model, Deformer) else evaluate(model, data)


def build(config: NetworkConfig, hand: HandModel | HandPair) -> Network:
    """The network of a configuration; a Deformer alone moves hands of both sides."""
    match config:
        case DeformerConfig():
            return Deformer(config, hand)
        case VertexTransformerConfig():
            return VertexTransformer(config, right_hand(hand))
        case _:
            return HandOccNet(config, right_hand(hand))


@dataclass(frozen=True)
class RunConfig:
    """What `run.json` holds: the network, the data, and the command that began it."""

    network: NetworkConfig
    data: DataConfig
    command: str

    @property
    def kind(self) -> str:
        """The network's name on the command line, and that of its shipped weights."""
        return next(name for name, config in _KINDS.items() if isinstance(self.network, config))

    @property
    def resolution(self) -> int:
        """Side of the images that the network learns from, in pixels."""
        return self.network.image_size

    def save(self, run_dir: Path) -> None:
        """Write `run.json`."""
        write_json(run_dir / RUN_FILE, {"kind": self.kind, **asdict(self)})

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


def hand_of_run(run_dir: Path, mano: str = "") -> HandModel | HandPair:
    """The hand that a run's network moves, of both sides if it learned both.

    mano: file or folder of MANO's models, in place of the run's own.

    Raises:
        FileNotFoundError: `run_dir` is not the folder of a run, or a MANO file is missing.
    """
    data = RunConfig.load(run_dir).data
    return replace(data, mano=mano or data.mano).hand()


def load_run(run_dir: Path, hand: HandModel | HandPair) -> Network:
    """The trained network of a run, with its averaged weights, in evaluation mode."""
    model = build(RunConfig.load(run_dir).network, hand)
    model.load_state_dict(read_tensors(run_dir / MODEL_FILE)[0])
    return model.eval()


def network_config(values: dict[str, Any], kind: str = "handoccnet") -> Any:
    """A network's configuration back from JSON, which knows no tuples."""
    options: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
    }
    if kind == "deformer":
        options.setdefault("image_size", 128)  # what every run had before it was written down
    return _KINDS[kind](**options)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write atomically, for people to read."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")
