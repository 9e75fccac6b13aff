"""What `handlib train` builds and does for each network: one plan from a few words."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from handlib import weights
from handlib.data.subsets import read_subset
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair, right_hand
from handlib.losses import LossConfig
from handlib.models.baselines import DEFORMER, GUIDED, HANDOCCNET
from handlib.models.deformer import Deformer
from handlib.models.deformer_config import DeformerConfig
from handlib.models.discriminator import MotionDiscriminator
from handlib.models.handoccnet import HandOccNetConfig
from handlib.models.vertex_transformer import VertexTransformerConfig
from handlib.training.adversarial import Critic
from handlib.training.checkpoint import MODEL_FILE, read_tensors
from handlib.training.config import TrainConfig
from handlib.training.data import DataConfig
from handlib.training.loop import fit
from handlib.training.run import Network, NetworkConfig, build
from handlib.training.staged import fit_in_stages, single_frames

COURSE_GAP = 1  # frames at ten a second: a window spans 0.6 seconds
STILLS = 16_000  # images that a Deformer learns single frames from, beside those of its clips
PAPER_GAP = 10  # frames at thirty a second: two seconds


@dataclass(frozen=True)
class Plan:
    """A network, its data, how it is trained, and how many images or clips score it."""

    network: NetworkConfig
    data: DataConfig
    training: TrainConfig
    validation: int


def plan(
    network: str,
    recipe: Literal["course", "paper"],
    variant: str | None = None,
    data: DataConfig | None = None,
    size: int | None = None,
) -> Plan:
    """The plan for a network by name; `variant` is a key of `handlib.models.baselines`.

    data: where the images come from; how many and how far apart is the plan's. size: how many, in
    place of the plan's, which takes all of a recorded data set.

    Raises:
        ValueError: no such variant, or a paper recipe for a network without one.
    """
    course = recipe == "course"
    data = data or DataConfig()
    recorded = data.name != "synthetic"
    size = 0 if recorded and size is None else size
    if network == "deformer":
        config = DeformerConfig.course() if course else DeformerConfig.paper()
        gap = PAPER_GAP if recorded or not course else COURSE_GAP
        source = replace(data, size=300 if size is None else size, gap=gap)
        paper = TrainConfig.deformer_paper(*_epoch(data))
        training = suited(TrainConfig.deformer_course() if course else paper, source)
        return Plan(_variant(config, DEFORMER, variant), source, training, 32)
    source = replace(data, size=16_000 if size is None else size)
    epoch = [source.size] if source.size else _epoch(data)
    paper = TrainConfig.paper(*epoch)
    training = suited(TrainConfig.course() if course else paper, source)
    if network == "vertex_transformer":
        if not course or variant:
            raise ValueError("vertex_transformer: has the course's recipe only, and no variants")
        if data.name == "fpha":
            raise ValueError("vertex_transformer: learns from meshes, and FPHA has joints alone")
        return Plan(VertexTransformerConfig(), source, training, 1_000)
    still = HandOccNetConfig.course() if course else HandOccNetConfig.paper()
    if variant == "guided":
        assert isinstance(training.loss, LossConfig)
        training = replace(training, loss=training.loss.guided())
    return Plan(_variant(still, HANDOCCNET | {"guided": GUIDED}, variant), source, training, 1_000)


def begin(config: NetworkConfig, hand: HandModel | HandPair, start: Path | None = None) -> Network:
    """The network as a finished run `start` left it.

    Without one it is untrained, but for a frozen trunk: that one comes from the shipped weights.

    Raises:
        FileNotFoundError, ValueError: `start` is no finished run, or one of another network.
    """
    model = build(config, hand)
    if start:
        return go_on_from(start, model)
    if isinstance(model, Deformer) and model.config.frozen != "nothing":
        model.take_trunk(weights.load_handoccnet(right_hand(hand)))
    return model


def critic(recipe: Literal["course", "paper"]) -> Critic:
    """The judge of motions that a Deformer of this recipe plays against."""
    return Critic(MotionDiscriminator.course() if recipe == "course" else MotionDiscriminator())


def go_on_from(start: Path, model: Network) -> Network:
    """Give `model` what the finished run `start` has learned, its own recipe whatever it was."""
    tensors, _ = read_tensors(start / MODEL_FILE)
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    others = {name for name in shapes | tensors if shapes.get(name) != _shape(tensors, name)}
    if others:
        raise ValueError(
            f"{start}: a run of another network; {len(others)} of its tensors do not fit, "
            f"among them {min(others)}; give --variant and the recipe of that run"
        )
    model.load_state_dict(tensors)
    return model


def _shape(tensors: dict[str, Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None


def learn(
    model: Network,
    plan: Plan,
    train: Any,
    val: Any,
    resolution: int,
    run_dir: Path,
    resume: bool = False,
    critic: Critic | None = None,
) -> None:
    """Train `model` by `plan.training`: in stages where frames are frozen, else in one go.

    The first stage has synthetic stills beside the frames of synthetic clips, and as many more
    or fewer images than its recipe as the second stage has windows.
    """
    config = plan.training
    if critic and plan.data.name == "fpha":
        raise ValueError("critic: learns from true poses, and FPHA has joints alone; leave it out")
    if not (isinstance(model, Deformer) and model.config.frozen == "frames"):
        fit(model, train, val, config, run_dir, resume, critic)
        return
    stills = replace(plan.data, gap=0, size=STILLS)
    images = [stills.load("train", resolution)] if stills.name == "synthetic" else []
    first = TrainConfig.deformer_frames()
    seen = round(first.images * config.images / TrainConfig.deformer_course().images)
    first = suited(replace(first, images=seen, seed=config.seed, bf16=config.bf16), plan.data)
    frames = single_frames(*images, train)
    fit_in_stages(model, frames, train, val, first, config, run_dir, resume, critic)


def _epoch(data: DataConfig) -> list[int]:
    """Frames of a subset, which a paper's epochs go through; else nothing, so those of HO-3D."""
    return [len(read_subset(Path(data.subset)).frames)] if data.subset else []


def suited(training: TrainConfig, data: DataConfig) -> TrainConfig:
    """The recipe with losses that the data have labels for.

    Recorded data come without masks, and FPHA with joints alone.
    """
    loss = training.loss
    if data.name != "synthetic" and isinstance(loss, LossConfig):
        loss = replace(loss, mask=0.0)
    return replace(training, loss=loss.joints_only() if data.name == "fpha" else loss)


def _variant(config: Any, variants: dict[str, Any], name: str | None) -> Any:
    if name is None:
        return config
    if name not in variants:
        raise ValueError(f"variant: expected one of {', '.join(variants)}, found {name!r}")
    return variants[name](config)
