"""The verdicts follow their rule, and every claim finds its numbers in the files there are."""

import math

import numpy as np
import pytest
from scipy import stats

from handlib.course.course_map import entries
from handlib.course.paper_tables import paper_tables
from handlib.course.text import Text
from handlib.experiments.catalogue import EXPERIMENTS, IMAGE_STUDIES, STUDIES
from handlib.experiments.claims import Source, claims, effect, findings
from handlib.experiments.claims_table import forest_lines, signed, to_markdown
from handlib.experiments.evidence import FOLDER, load_evidence
from handlib.experiments.study_rows import GAINS

WHAT = Text("gain", "효과")
SOURCES = [source for claim in claims() for source in claim.measured]
STORED = [source for source in SOURCES if (FOLDER / f"{source.evidence}.json").is_file()]


def result(*seeds, network="new", other=None):
    """Rows with a gain of (mean, low, high) a seed; `other`: the same of a second network."""
    rows = []
    for number, seed in enumerate(seeds):
        mean, low, high = (None if one is None else float(one) for one in seed)
        interval = None if low is None else [low, high]
        rows.append(
            {"seed": number, "network": network, "gain": {"mean": mean, "interval": interval}}
        )
        if other is not None:
            gain = {"mean": other[number], "interval": [-1.0, 1.0]}
            rows.append({"seed": number, "network": "old", "gain": gain})
    return {"runs": rows}


def source(**changes):
    return Source(
        **{"evidence": "x", "network": "new", "path": ("gain",), "what": WHAT, "unit": "mm"}
        | changes
    )


@pytest.mark.parametrize(
    ("seeds", "sign", "minus", "verdict"),
    [
        ([(2, 1, 3), (1, 0.5, 2)], 1, 0.0, "shown"),
        ([(2, 1, 3), (1, -0.5, 2)], 1, 0.0, "not shown"),
        ([(2, 1, 3), (-2, -3, -1)], 1, 0.0, "not shown"),
        ([(-2, -3, -1), (-1, -2, -0.5)], 1, 0.0, "reversed"),
        ([(-2, -3, -1), (-1, -2, -0.5)], -1, 0.0, "shown"),
        ([(2, 1, 3), (1, 0.5, 2)], 1, 0.75, "not shown"),
        ([(0.3, 0.2, 0.4)], -1, 0.5, "shown"),
        ([(2, 0, 3)], 1, 0.0, "not shown"),
    ],
)
def test_all_intervals_must_lie_on_one_side(seeds, sign, minus, verdict):
    found = effect(source(sign=sign, minus=minus), result(*seeds))
    assert found.verdict == verdict
    assert found.mean == pytest.approx(np.mean([sign * (mean - minus) for mean, _, _ in seeds]))
    assert found.low <= min(found.seeds) and max(found.seeds) <= found.high


def test_a_difference_of_two_networks_is_judged_by_scipys_t():
    seeds, old = [(3.0, 2, 4), (2.5, 2, 4), (2.9, 2, 4)], [1.0, 1.5, 0.7]
    found = effect(source(minus="old"), result(*seeds, other=old))
    less = [a - b for (a, _, _), b in zip(seeds, old, strict=True)]
    low, high = stats.t.interval(0.95, 2, np.mean(less), stats.sem(less))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.verdict == ("shown" if stats.ttest_1samp(less, 0).pvalue < 0.05 else "not shown")
    turned = effect(source(minus="old", sign=-1), result(*seeds, other=old))
    assert (turned.low, turned.high) == pytest.approx((-high, -low))


def test_seeds_without_an_interval_are_judged_together_and_one_alone_is_not():
    none = [(0.2, None, None), (0.3, None, None), (0.25, None, None)]
    together = effect(source(), result(*none))
    assert together.verdict == "shown" and together.low < 0.2 and together.high > 0.3
    alone = effect(source(), result((5.0, None, None)))
    assert alone.low is None and alone.verdict == "not shown"


def test_what_is_not_there_is_not_measured(tmp_path):
    assert effect(source(), None) is None
    assert effect(source(network="absent"), result((1, 0, 2))) is None
    assert effect(source(path=("absent",)), result((1, 0, 2))) is None
    assert effect(source(minus="absent"), result((1, 0, 2))) is None
    assert effect(source(), result((None, None, None))) is None
    found = findings(tmp_path)
    assert len(found) == len(SOURCES) and {one.verdict for one in found} == {"not measured"}
    assert forest_lines(found) == []


def test_a_path_may_be_held_against_another_one():
    row = {"seed": 0, "network": "new", "maps": {"set": {"mean": 0.4}, "area": {"mean": 0.3}}}
    asked = source(path=("maps", "set"), minus=("maps", "area"))
    found = effect(asked, {"runs": [row, row | {"seed": 1}]})
    assert found.seeds == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize("asked", STORED, ids=lambda s: f"{s.evidence}: {s.what.en}")
def test_a_stored_result_has_what_the_claim_asks_for(asked):
    found = effect(asked, load_evidence(asked.evidence))
    assert found is not None and all(map(math.isfinite, (found.mean, found.low, found.high)))


@pytest.mark.parametrize("asked", SOURCES, ids=lambda s: f"{s.evidence}: {s.what.en}")
def test_a_claim_asks_for_networks_that_its_experiment_trains(asked):
    assert asked.evidence in EXPERIMENTS
    known = {study.name: set(study.variants) for study in (*STUDIES, *IMAGE_STUDIES)}
    for study in STUDIES:
        if study.name == asked.evidence:
            plain = {"root_aligned", "procrustes", "acceleration"}
            assert asked.path[0] in {*GAINS, *plain, "measures"}
            against_itself = asked.network == study.reference and asked.path[0] in GAINS
            assert not against_itself, "its gain over itself is zero"
    for name in (asked.network, *([asked.minus] if isinstance(asked.minus, str) else [])):
        assert name in known.get(asked.evidence, {name})


def test_what_is_printed_stands_in_the_papers_tables():
    column = paper_tables()["deformer_losses"].column("all")
    (found,) = (s for c in claims() if c.id == "max_mse" for s in c.measured if s.printed)
    assert found.printed == pytest.approx(column["neither"] - column["maxMSE only"])


def test_the_table_has_a_line_for_each_effect_and_links_what_is_here():
    found = findings()
    for language in ("en", "ko"):
        head, _, *lines = to_markdown(found, {"05": "05_necessity_map"}, language).splitlines()
        assert len(lines) == len(found)
        assert {line.count(" | ") for line in (head, *lines)} == {6}
        assert "[05](05_necessity_map.ipynb)" in lines[0]
    assert signed(-0.001) == "+0.00" and signed(-1.5) == "\N{MINUS SIGN}1.50"


def test_claims_are_in_both_languages_and_belong_to_a_notebook():
    numbers = {entry.number for entry in entries()}
    assert len({claim.id for claim in claims()}) == len(claims())
    for claim in claims():
        assert claim.notebook in numbers and claim.claim.en.endswith(".")
        assert claim.claim.ko.endswith("니다.") and not set("가힣") & set(claim.claim.en)
