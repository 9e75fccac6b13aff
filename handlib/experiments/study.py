"""A study: networks that learn from one start what joins frames, and are scored on test clips.

Each seed has its start (`starts.begin`). Every variant goes on from there on the same windows in
the same order, then is scored once on windows around every frame of the test clips. Each of its
errors stands beside the reference's, frame by frame, and intervals are over clips, since frames
of one clip resemble each other. An experiment is a claim, its variants, and what else it measures.
Recorded clips, if there are any, are scored as well.
"""

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from handlib.data import SyntheticHands, SyntheticSequences, Windows, windows
from handlib.evaluation.recorded import both_sides
from handlib.experiments.evidence import origin
from handlib.experiments.recorded import Recorded, command_with, described_sets
from handlib.experiments.starts import begin, shipped_start
from handlib.experiments.study_rows import HIDDEN, clip_of_each, errors, measures, spread_of
from handlib.hands import load_hand, load_hand_pair
from handlib.models import Deformer, DeformerConfig
from handlib.training import CachedFrames, Critic, Scores, TrainConfig, evaluate_windows, fit
from handlib.training.data import WINDOW
from handlib.training.recipes import COURSE_GAP
from handlib.training.run import write_json


@dataclass(frozen=True)
class Variant:
    """What one network of a study does differently; as it stands, it is Deformer itself.

    network, recipe: a change of the course's. length, gap: of its windows, in frames. critic:
    makes the discriminator that it plays against. seen: a change of the frames that it learns
    from and is scored on. beside: the variant that its errors are compared with, in place of the
    study's reference.
    """

    network: Callable[[DeformerConfig], DeformerConfig] = field(default=partial(replace))
    recipe: Callable[[TrainConfig], TrainConfig] = field(default=partial(replace))
    length: int = WINDOW
    gap: int = COURSE_GAP
    critic: Callable[[], Critic] | None = None
    seen: Callable[[CachedFrames], CachedFrames] = copy
    beside: str = ""


@dataclass(frozen=True)
class Judged:
    """A trained network, the test windows as features and as images, and its scores on them.

    recorded: its scores on recorded clips, by the names of the sets.
    """

    model: Deformer
    seen: CachedFrames
    test: Windows
    scores: Scores
    minutes: float
    recorded: Mapping[str, Scores] = field(default_factory=dict)


def nothing_else(judged: Judged) -> dict[str, Tensor]:
    """No measures beside the errors."""
    return {}


@dataclass(frozen=True)
class Study:
    """An experiment on what joins frames.

    reference: the variant that others are compared with. measure: what else is looked at, by
    name: a row for each test window or each test clip, of one number or several; NaN where there
    is none.
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
        recorded: Recorded | None = None,
    ) -> dict[str, Any]:
        """Train every variant from every seed's start, and write OUTPUT/NAME.json.

        Errors are millimetres, accelerations millimetres per frame². `gain` is what a network's
        root-aligned error lies below that of the one beside it where the frame is hidden most,
        `gain_all` over all frames, the others likewise for the other errors, with 95 % intervals
        over clips. In `measures` `less` is what a measure lies below that of the one beside.

        first, second: recipes of both stages. starts: the folder of kept starts, in place of the
        user's cache. shipped: no first stage, all seeds begin with what the shipped Deformer
        makes of single frames. recorded: clips to score on, too. Each row then has errors and
        gains under `recorded`, by the set's name, with intervals over recordings.
        """
        recorded = recorded or {}
        # Of the source that runs, whatever is committed meanwhile.
        made_by = origin(command_with(f"handlib experiment {self.name}", recorded))
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
            beside = {name: _Clips(t, _cached(start.model, t)) for name, t in recorded.items()}
            found = self._rows(start.model, learned, judged, beside, replace(second, seed=seed))
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
            "beside": self.beside,
            **described_sets(recorded),
            "runs": runs,
            "spread": {name: spread_of(runs, name) for name in self.variants},
            "starts": begun,
            "variants": {n: described(v, base, second) for n, v in self.variants.items()},
            "network": asdict(base),
            "recipes": [asdict(first), asdict(second)],
        }
        write_json(output / f"{self.name}.json", result)
        return result

    def _rows(
        self,
        start: Deformer,
        train: "_Clips",
        test: "_Clips",
        beside: Mapping[str, "_Clips"],
        config: TrainConfig,
    ) -> dict[str, dict[str, Any]]:
        """What a seed's networks found."""
        clip = clip_of_each(test.seen.runs())
        judged = {
            name: _train(variant, start, train, test, beside, config)
            for name, variant in self.variants.items()
        }
        measured = {name: self.measure(found) for name, found in judged.items()}
        rows = {}
        for name, other in self.beside.items():
            own, base = judged[name], judged[other]
            rows[name] = (
                {"minutes": own.minutes}
                | errors(own.scores, base.scores, clip)
                | {"measures": measures(measured[name], measured[other], clip)}
                | _recorded(own, base, beside)
            )
        return rows

    @property
    def beside(self) -> dict[str, str]:
        """What each variant is compared with."""
        return {name: v.beside or self.reference for name, v in self.variants.items()}


@dataclass(frozen=True)
class _Clips:
    """Clips, and what a start makes of their frames: each is seen once, whatever its windows."""

    data: Any  # a data set of videos
    seen: CachedFrames

    def arranged(self, variant: Variant) -> tuple[Windows, CachedFrames]:
        """The windows that a variant reads, as images and as features."""
        shown = windows(self.data, variant.length, variant.gap)
        return shown, variant.seen(self.seen.arranged(shown))


def _cached(start: Deformer, data: Any) -> CachedFrames:
    return CachedFrames(start, windows(data, WINDOW, COURSE_GAP))


def _train(
    variant: Variant,
    start: Deformer,
    train: _Clips,
    test: _Clips,
    beside: Mapping[str, _Clips],
    config: TrainConfig,
) -> Judged:
    """The second stage of one network, and its scores on the test clips and those beside them."""
    shown, judged = test.arranged(variant)
    _, seen = train.arranged(variant)
    torch.manual_seed(config.seed)
    started = time.monotonic()
    model = Deformer(variant.network(start.config), start.hand).take_frames(start)
    critic = variant.critic() if variant.critic else None
    fit(model, seen, config=variant.recipe(config), critic=critic)
    minutes = round((time.monotonic() - started) / 60, 2)
    scores = evaluate_windows(model, judged)
    if beside:
        both_sides(model, load_hand_pair())
    recorded = {
        name: evaluate_windows(model, clips.arranged(variant)[1])
        for name, clips in beside.items()
        if model.config.weights != "occlusion" or "occlusion" in clips.seen.table
    }
    return Judged(model, judged, shown, scores, minutes, recorded)


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


def _recorded(judged: Judged, reference: Judged, beside: Mapping[str, _Clips]) -> dict[str, Any]:
    """`errors` on recorded clips; None where a network needs labels that they lack."""
    if not beside:
        return {}
    rows: dict[str, Any] = dict.fromkeys(beside)
    for name, scores in judged.recorded.items():
        clip = clip_of_each(beside[name].seen.runs())
        rows[name] = errors(scores, reference.recorded[name], clip, beside[name].data.groups)
    return {"recorded": rows}
