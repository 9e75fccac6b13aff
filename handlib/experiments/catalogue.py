"""The experiments by name: how each is run, at three sizes, how its result is told and drawn.

A new one needs an entry here, and its figure's texts in `course/texts/captions_evidence.yaml`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from matplotlib.figure import Figure

from handlib.course.captions import captions
from handlib.experiments import (
    alone,
    capacity,
    confidence,
    course_recipe,
    critic,
    distant_token,
    fusion_space,
    guidance,
    length,
    max_mse,
    one_shape,
    parts,
    reach,
    video,
    window,
)
from handlib.experiments.image_study import ImageStudy
from handlib.experiments.recorded import Kind, Recorded
from handlib.experiments.study import Study
from handlib.training import TrainConfig
from handlib.viz import Illustration, evidence_plots, show
from handlib.viz.evidence_rows import in_words, measured, numbers, rows

Result = dict[str, Any]
Size = Literal["full", "small", "quick"]


@dataclass(frozen=True)
class Experiment:
    """run(output, seeds=..., **sizes) writes a result file and returns what is in it.

    small: sizes for a first look, one to four minutes for a seed. quick: sizes at which everything
    runs and nothing is shown. lines: the result for people. figure: the result drawn. words: the
    numbers that the figure's texts ask for. starts: whether it keeps what it begins with in a
    folder, `run`'s `starts`. recorded: what its networks read of recorded sets, `run`'s
    `recorded`: images, clips, or nothing where there are no hands.
    """

    run: Callable[..., Result]
    small: dict[str, Any]
    quick: dict[str, Any]
    lines: Callable[[Result], Iterator[str]]
    figure: Callable[[Result], Figure]
    words: Callable[[Result], dict[str, str]] = lambda result: numbers(rows(result))
    starts: bool = False
    recorded: Kind | None = None


def run(
    name: str,
    output: Path,
    size: Size = "full",
    seeds: int | None = None,
    starts: Path | None = None,
    recorded: Recorded | None = None,
) -> Result:
    """Run the experiment `name`: OUTPUT/NAME.json, and what is in it.

    size: "full" is what the course ships, "small" a first look in minutes, "quick" shows that it
    runs. seeds: else three of the full size, one of the others. starts: the folder of kept
    starts, in place of the user's cache. recorded: sets to score on, too, opened for what the
    experiment's networks read, `Experiment.recorded`.

    Raises:
        ValueError: `recorded` for an experiment that looks at no hands.
    """
    chosen = EXPERIMENTS[name]
    sizes = {"full": {}, "small": chosen.small, "quick": chosen.quick}[size]
    if starts and chosen.starts:
        sizes = sizes | {"starts": starts}
    if recorded:
        if chosen.recorded is None:
            raise ValueError(f"recorded: {name} looks at no hands: nothing to score; omit it")
        sizes = sizes | {"recorded": recorded}
    return chosen.run(output, seeds=seeds or (3 if size == "full" else 1), **sizes)


def first_look(name: str) -> Illustration:
    """The figure of a small run of one seed; it is kept nowhere. One to four minutes.

    What one small run shows may be chance: the full result stands in figures/evidence.
    """
    with TemporaryDirectory() as scratch:
        return illustration(name, run(name, Path(scratch), "small"))


def illustration(name: str, result: Result) -> Illustration:
    """The figure of experiment `name`, with its alt text and captions."""
    experiment = EXPERIMENTS[name]
    texts: dict[str, Any] = captions("evidence")(name, **experiment.words(result))
    return show(experiment.figure(result), **texts, dpi=150)


def _course_recipe(result: Result) -> Iterator[str]:
    yield from _sets(result)
    for row in result["runs"]:
        yield (
            f"seed {row['seed']}: root-aligned {row['root_aligned']} mm "
            f"({row['ratio']['root_aligned']} of the mean pose), Procrustes "
            f"{row['procrustes']} mm ({row['ratio']['procrustes']}), {row['minutes']} minutes"
        )
        for errors, found in _recorded(row):
            yield f"{errors} ({found['ratio']['root_aligned']} of the mean pose's)"


def _distant_token(result: Result) -> Iterator[str]:
    for row in result["reach"]:
        told = row["spread"]["told"]
        yield (
            f"{row['network']}: error {told['mean']} of the answers' mean square "
            f"({told['min']} to {told['max']})"
        )


def _distant_token_words(result: Result) -> dict[str, str]:
    silence = measured(evidence_plots.silence_rows(result), ("stranger",))
    return numbers(rows(result)) | {"silence": in_words(silence)}


def _images(result: Result) -> Iterator[str]:
    yield from _sets(result)
    for row in result["runs"]:
        everywhere, hidden = row["gain"]["all"], row["gain"]["hidden"]
        yield (
            f"seed {row['seed']}, {row['network']}: root-aligned {row['root_aligned']} mm, "
            f"hidden joints {row['joints_px']['hidden']['mean']} pixels, below "
            f"{result['beside'][row['network']]} by {everywhere['mean']} mm "
            f"{everywhere['interval']}, where hidden most by {hidden['mean']} mm "
            f"{hidden['interval']}"
        )
        for errors, found in _recorded(row):
            gain = found["gain"]["all"]
            beside = result["beside"][row["network"]]
            yield f"{errors}, below {beside} by {gain['mean']} mm {gain['interval']}"


def _study(result: Result) -> Iterator[str]:
    yield from _sets(result)
    for row in result["runs"]:
        everywhere, hidden = row["gain_all"], row["gain"]
        beside = result["beside"][row["network"]]
        own = (
            f", {name} {found['mean']}"
            for name, found in row["measures"].items()
            if not isinstance(found["mean"], list)
        )
        yield (
            f"seed {row['seed']}, {row['network']}: root-aligned {row['root_aligned']} mm, "
            f"acceleration {row['acceleration']} mm per frame², below {beside} by "
            f"{everywhere['mean']} mm {everywhere['interval']}, where hidden most by "
            f"{hidden['mean']} mm {hidden['interval']}{''.join(own)}"
        )
        for errors, found in _recorded(row):
            gain = found["gain_all"]
            yield f"{errors}, below {beside} by {gain['mean']} mm {gain['interval']}"


def _sets(result: Result) -> Iterator[str]:
    """The recorded sets that were scored on, if there are any."""
    for name, about in result.get("recorded", {}).items():
        rendered = ", rendered by handlib" if about["rendered"] else ""
        yield (
            f"{name}: {about['setup']}, {about['split']} split, {about['frames']:,} frames of "
            f"{about['recordings']:,} recordings{rendered}"
        )


def _recorded(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The errors on each recorded set in words, and all that was found there."""
    for name, found in row.get("recorded", {}).items():
        if found is not None:
            yield (
                (
                    f"  {name}: root-aligned {found['root_aligned']} mm, "
                    f"Procrustes {found['procrustes']} mm"
                ),
                found,
            )


def _few(recipe: TrainConfig) -> TrainConfig:
    return replace(recipe, images=2 * recipe.batch_size, warmup_images=0)


def _first(recipe: TrainConfig, images: int) -> TrainConfig:
    """A recipe cut short; its warm-up, if it has one, takes a tenth."""
    return replace(recipe, images=images, warmup_images=min(recipe.warmup_images, images // 10))


def _of(study: Study) -> Experiment:
    second = TrainConfig.deformer_course()
    small = {"clips": 60, "test_clips": 16, "second": _first(second, 3_200), "shipped": True}
    quick = {
        "stills": 16,
        "clips": 2,
        "test_clips": 2,
        "first": _few(TrainConfig.deformer_frames()),
        "second": _few(second),
    }
    figure = getattr(evidence_plots, study.name)
    return Experiment(study.run, small, quick, _study, figure, starts=True, recorded="clips")


def _of_images(study: ImageStudy) -> Experiment:
    course = TrainConfig.course()
    small = {
        "size": 4_000,
        "test_size": 200,
        "first": _first(course, 4_000),
        "second": _first(course, 2_000),
    }
    quick = {"size": 64, "test_size": 64, "first": _few(course), "second": _few(course)}
    figure = getattr(evidence_plots, study.name)
    return Experiment(study.run, small, quick, _images, figure, recorded="images")


IMAGE_STUDIES = tuple(module.STUDY for module in (parts, reach, capacity, guidance))
STUDIES = tuple(
    module.STUDY
    for module in (
        video,
        confidence,
        alone,
        length,
        max_mse,
        critic,
        one_shape,
        window,
        fusion_space,
    )
)

EXPERIMENTS = (
    {
        "course_recipe": Experiment(
            course_recipe.run,
            {"size": 4_000, "test_size": 200, "recipe": _first(TrainConfig.course(), 12_000)},
            {"size": 64, "test_size": 64, "recipe": _few(TrainConfig.course())},
            _course_recipe,
            evidence_plots.course_recipe,
            recorded="images",
        ),
        "distant_token": Experiment(
            distant_token.run,
            {},
            {"steps": 2},
            _distant_token,
            evidence_plots.distant_token,
            _distant_token_words,
        ),
    }
    | {study.name: _of_images(study) for study in IMAGE_STUDIES}
    | {study.name: _of(study) for study in STUDIES}
)
