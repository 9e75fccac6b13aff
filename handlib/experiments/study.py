"""A study: networks that learn from one start what joins frames, and are scored on test clips.

Each seed has its start (`starts.begin`). Every variant goes on from there on the same windows in
the same order, then is scored once on windows around every frame of the test clips. Each of its
errors stands beside the reference's, frame by frame, and intervals are over clips, since frames
of one clip resemble each other. An experiment is a claim, its variants, and what else it measures.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from handlib.data import SyntheticHands, SyntheticSequences, Windows, windows
from handlib.experiments.evidence import (
    mean_with_interval,
    millimetres,
    occlusion_table,
    origin,
    spread,
)
from handlib.experiments.starts import begin, shipped_start
from handlib.hands import load_hand
from handlib.metrics import OCCLUSION_BINS
from handlib.models import Deformer, DeformerConfig
from handlib.training import CachedFrames, Critic, Scores, TrainConfig, evaluate_windows, fit
from handlib.training.data import WINDOW
from handlib.training.recipes import COURSE_GAP
from handlib.training.run import write_json

HIDDEN = OCCLUSION_BINS[-2]  # from this hidden share on a frame counts as hidden most
ERRORS = ("root_aligned", "procrustes", "acceleration")
GAINS = ("gain", "gain_all", "gain_procrustes", "gain_acceleration")
DIGITS = 3  # of a study's own measures


@dataclass(frozen=True)
class Variant:
    """What one network of a study does differently; as it stands, it is Deformer itself.

    network, recipe: a change of the course's. length, gap: of its windows, in frames. critic:
    makes the discriminator that it plays against.
    """

    network: Callable[[DeformerConfig], DeformerConfig] = field(default=partial(replace))
    recipe: Callable[[TrainConfig], TrainConfig] = field(default=partial(replace))
    length: int = WINDOW
    gap: int = COURSE_GAP
    critic: Callable[[], Critic] | None = None


@dataclass(frozen=True)
class Judged:
    """A trained network, the test windows as features and as images, and its scores on them."""

    model: Deformer
    seen: CachedFrames
    test: Windows
    scores: Scores
    minutes: float


def nothing_else(judged: Judged) -> dict[str, Tensor]:
    """No measures beside the errors."""
    return {}


@dataclass(frozen=True)
class Study:
    """An experiment on what joins frames.

    reference: the variant that all are compared with. measure: what else is looked at, by name: a
    row for each test window or each test clip, of one number or several; NaN where there is none.
    """

    name: str
    claim: str
    variants: Mapping[str, Variant]
    reference: str
    measure: Callable[[Judged], dict[str, Tensor]] = nothing_else

    def run(
        self,
        output: Path,
        seeds: int = 3,
        stills: int = 16_000,
        clips: int = 300,
        test_clips: int = 64,
        first: TrainConfig | None = None,
        second: TrainConfig | None = None,
        starts: Path | None = None,
        shipped: bool = False,
    ) -> dict[str, Any]:
        """Train every variant from every seed's start, and write OUTPUT/NAME.json.

        Errors are millimetres, accelerations millimetres per frame². `gain` is what a network's
        root-aligned error lies below the reference's where the frame is hidden most, `gain_all`
        over all frames, the others likewise for the other errors, with 95 % intervals over clips.
        In `measures` `less` is what a measure lies below the reference's.

        first, second: recipes of both stages. starts: the folder of kept starts, in place of the
        user's cache. shipped: no first stage, all seeds begin with what the shipped Deformer
        makes of single frames.
        """
        # Of the source that runs, whatever is committed meanwhile.
        made_by = origin(f"handlib experiment {self.name}")
        began, hand = time.monotonic(), load_hand()
        first = first or TrainConfig.deformer_frames()
        second = second or TrainConfig.deformer_course()
        train, test = SyntheticSequences("train", clips), SyntheticSequences("test", test_clips)
        images = None if shipped else SyntheticHands("train", stills)
        runs: list[dict[str, Any]] = []
        begun = []
        for seed in range(seeds):
            if images is None:
                start = shipped_start(hand)
            else:
                start = begin(images, train, replace(first, seed=seed), hand, starts)
            learned, judged = (_Clips(data, _cached(start.model, data)) for data in (train, test))
            found = self._rows(start.model, learned, judged, replace(second, seed=seed))
            begun.append({"seed": seed, "minutes": start.minutes, "reused": start.reused})
            runs += [{"seed": seed, "network": name} | row for name, row in found.items()]
        base = DeformerConfig.course()
        result = {
            "claim": self.claim,
            **made_by,
            "seeds": list(range(seeds)),
            "minutes": round((time.monotonic() - began) / 60, 1),
            "train": {"stills": stills, "clips": clips},
            "test_clips": test_clips,
            "hidden_from": HIDDEN,
            "reference": self.reference,
            "runs": runs,
            "spread": {name: _spread(runs, name) for name in self.variants},
            "starts": begun,
            "variants": {n: described(v, base, second) for n, v in self.variants.items()},
            "network": asdict(base),
            "recipes": [asdict(first), asdict(second)],
        }
        write_json(output / f"{self.name}.json", result)
        return result

    def _rows(
        self, start: Deformer, train: "_Clips", test: "_Clips", config: TrainConfig
    ) -> dict[str, dict[str, Any]]:
        """What a seed's networks found, one after the other: the reference comes first."""
        clip = clip_of_each(test.seen.runs())
        reference: tuple[Scores, dict[str, Tensor]] | None = None
        rows = {}
        for name in sorted(self.variants, key=lambda name: name != self.reference):
            judged = _train(self.variants[name], start, train, test, config)
            measured = self.measure(judged)
            reference = reference or (judged.scores, measured)
            rows[name] = (
                {"minutes": judged.minutes}
                | _errors(judged.scores, reference[0], clip)
                | {"measures": _measures(measured, reference[1], clip)}
            )
        return {name: rows[name] for name in self.variants}


@dataclass(frozen=True)
class _Clips:
    """Clips, and what a start makes of their frames: each is seen once, whatever its windows."""

    data: Any  # a data set of videos
    seen: CachedFrames


def _cached(start: Deformer, data: Any) -> CachedFrames:
    return CachedFrames(start, windows(data, WINDOW, COURSE_GAP))


def _train(
    variant: Variant, start: Deformer, train: _Clips, test: _Clips, config: TrainConfig
) -> Judged:
    """The second stage of one network, and its scores on the test clips."""
    shown = windows(test.data, variant.length, variant.gap)
    seen = train.seen.arranged(windows(train.data, variant.length, variant.gap))
    judged = test.seen.arranged(shown)
    torch.manual_seed(config.seed)
    started = time.monotonic()
    model = Deformer(variant.network(start.config), start.hand).take_frames(start)
    critic = variant.critic() if variant.critic else None
    fit(model, seen, config=variant.recipe(config), critic=critic)
    minutes = round((time.monotonic() - started) / 60, 2)
    return Judged(model, judged, shown, evaluate_windows(model, judged), minutes)


def clip_of_each(runs: Sequence[range]) -> list[int]:
    """The clip of every window."""
    return [clip for clip, frames in enumerate(runs) for _ in frames]


def described(variant: Variant, network: DeformerConfig, recipe: TrainConfig) -> dict[str, Any]:
    """For a result file: the fields in which a variant differs, and its windows."""
    judge = variant.critic() if variant.critic else None
    return {
        "network": _changed(asdict(network), asdict(variant.network(network))),
        "recipe": _changed(asdict(recipe), asdict(variant.recipe(recipe))),
        "length": variant.length,
        "gap": variant.gap,
        "critic": judge and {"weight": judge.weight, "width": judge.discriminator.gru.hidden_size},
    }


def _changed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _changed(old[name], value) if isinstance(value, dict) else value
        for name, value in new.items()
        if value != old[name]
    }


def _errors(scores: Scores, reference: Scores, clip: list[int]) -> dict[str, Any]:
    """Means, by occlusion, and what they lie below the reference's."""
    assert scores.occlusion is not None
    hidden = scores.occlusion >= HIDDEN
    less = {
        name: 1000 * (getattr(reference, name) - getattr(scores, name))
        for name in ERRORS
        if getattr(scores, name) is not None
    }
    gains = {
        "gain": _gain(less["root_aligned"].where(hidden, torch.nan), clip),
        "gain_all": _gain(less["root_aligned"], clip),
        "gain_procrustes": _gain(less["procrustes"], clip),
    }
    if "acceleration" in less:
        inner = [one for one, after in zip(clip, clip[2:], strict=False) if one == after]
        gains["gain_acceleration"] = _gain(less["acceleration"], inner)
    return millimetres(scores.means()) | {"by_occlusion": occlusion_table(scores)} | gains


def _gain(values: Tensor, clip: Sequence[int]) -> dict[str, Any]:
    return {"frames": int(values.isfinite().sum())} | mean_with_interval(values, clip)


def _measures(
    measured: dict[str, Tensor], reference: dict[str, Tensor], clip: list[int]
) -> dict[str, Any]:
    return {
        name: _summary(values, clip) | _less(values, reference.get(name), clip)
        for name, values in measured.items()
    }


def _less(values: Tensor, reference: Tensor | None, clip: list[int]) -> dict[str, Any]:
    if reference is None or reference.shape != values.shape:
        return {}
    return {"less": _summary(reference - values, clip)}


def _summary(values: Tensor, clip: list[int]) -> dict[str, Any]:
    """Count, mean and interval; lists of them for rows of several numbers."""
    if values.ndim == 2:
        columns = [_summary(column, clip) for column in values.T]
        return {name: [column[name] for column in columns] for name in columns[0]}
    groups = clip if len(values) == len(clip) else None  # else one for each clip
    count = int(values.isfinite().sum())
    return {"count": count} | mean_with_interval(values, groups, DIGITS)


def _spread(runs: list[dict[str, Any]], network: str) -> dict[str, Any]:
    mine = [row for row in runs if row["network"] == network]
    columns = {name: [row[name] for row in mine] for name in ERRORS if name in mine[0]}
    columns["hidden"] = [row["by_occlusion"][-1]["root_aligned"] for row in mine]
    columns |= {name: [row[name]["mean"] for row in mine] for name in GAINS if name in mine[0]}
    own = {
        name: spread([row["measures"][name]["mean"] for row in mine], DIGITS)
        for name, found in mine[0]["measures"].items()
        if not isinstance(found["mean"], list)
    }
    return {name: spread(values) for name, values in columns.items()} | own
