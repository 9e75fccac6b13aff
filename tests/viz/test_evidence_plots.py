"""What is drawn of a result file is what stands in it, and what cannot be drawn is named."""

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from handlib import cli
from handlib.course import texts
from handlib.experiments import catalogue
from handlib.experiments.catalogue import EXPERIMENTS, illustration
from handlib.experiments.evidence import FOLDER, load_evidence
from handlib.viz import evidence_plots, theme
from handlib.viz.evidence_axes import Lines, Panel, dots, occlusion_lines
from handlib.viz.evidence_rows import label, measured, number, numbers

STORED = sorted(path.stem for path in FOLDER.glob("*.json"))
VIDEO = load_evidence("video")


def bins(*errors):
    return [
        {"low": i / 3, "high": (i + 1) / 3, "count": 7 * i, "root_aligned": e, "procrustes": 0}
        for i, e in enumerate(errors)
    ]  # the first is empty


def row(seed, network, error, gain, gate=None):
    maps = {} if gate is None else {f"gate.{i}": {"mean": g} for i, g in enumerate(gate)}
    gained = {"mean": gain, "interval": [gain - 1, gain + 2], "images": 7}
    return {"seed": seed, "network": network, "root_aligned": error, "maps": maps} | {
        "gain": {"all": gained},
        "by_occlusion": bins(math.nan, error - 1, error + seed),
    }


ROWS = [
    row(0, "backbone", 30.0, 0.0),
    row(0, "fit_without_set", 20.0, 10.0, (0.25, 0.75)),
    row(1, "backbone", 32.0, 0.0),
    row(1, "fit_without_set", 26.0, 6.0, (0.5, 1.0)),
]


def axes():
    return theme.figure(4, 3).subplots()


def drawn(ax, gid):
    (line,) = (line for line in ax.lines if line.get_gid() == gid)
    return line


def test_marks_are_the_seeds_and_the_tick_their_mean():
    ax = axes()
    dots(ax, ROWS, Panel(("root_aligned",), "mm"))
    assert drawn(ax, "fit_without_set seeds").get_xdata().tolist() == [20, 26]
    assert drawn(ax, "fit_without_set mean").get_xdata() == [23]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["backbone", "FIT without SET"]
    assert [text.get_text() for text in ax.texts] == ["31.0", "23.0"]


def test_intervals_are_those_of_the_file_each_at_its_seed():
    ax = axes()
    dots(ax, ROWS, Panel(("gain", "all"), "mm", reference=0.0))
    mine = [c for c in ax.collections if c.get_gid() == "fit_without_set interval"]
    segments = [segment for one in mine for segment in one.get_segments()]
    assert [segment[:, 0].tolist() for segment in segments] == [[9, 12], [5, 8]]
    heights = drawn(ax, "fit_without_set seeds").get_ydata()
    assert [segment[0, 1] for segment in segments] == pytest.approx(heights)


def test_a_reference_is_drawn_where_it_lies():
    ax = axes()
    dots(ax, ROWS, evidence_plots.GATE)
    assert list(ax.lines[0].get_xdata()) == [0.5, 0.5]


def test_all_heads_gates_are_marks_and_a_network_without_gate_has_a_dash():
    ax = axes()
    dots(ax, ROWS, evidence_plots.GATE)
    assert drawn(ax, "fit_without_set seeds").get_xdata().tolist() == [0.25, 0.75, 0.5, 1.0]
    assert [text.get_text() for text in ax.texts] == ["–", "0.625"]


def test_what_is_not_finite_is_left_out():
    found = measured([row(0, "a", math.nan, 1.0), row(1, "a", 3.0, 1.0)], ("root_aligned",))
    assert [one.mean for one in found["a"]] == [3]


def test_lines_are_means_over_seeds_without_the_empty_bin_and_bands_span_the_seeds():
    ax = axes()
    occlusion_lines(ax, ROWS, Lines())
    assert drawn(ax, "backbone").get_ydata().tolist() == [30, (30 + 33) / 2]
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == 29 and band[:, 1].max() == 33
    assert [t.get_text() for t in ax.get_xticklabels()] == ["33–67%\n7", "67–100%\n14"]


def test_lines_against_a_network_are_what_the_error_lies_below_its_own_seed_by_seed():
    ax = axes()
    occlusion_lines(ax, ROWS, Lines(("fit_without_set",), against="backbone"))
    assert drawn(ax, "fit_without_set").get_ydata().tolist() == [8, 8]
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == 6 and band[:, 1].max() == 10
    assert ax.get_xticklabels()[0].get_text().endswith("30.0 mm")


def test_a_network_has_the_same_colour_and_mark_in_panels_and_lines():
    fig = evidence_plots.video(VIDEO)
    marks = {
        (line.get_color(), line.get_marker())
        for ax in fig.axes
        for line in ax.lines
        if line.get_gid() in ("deformer", "deformer seeds")
    }
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("result", "draw", "message"),
    [
        ({"spread": {}}, evidence_plots.by_occlusion, "expected `runs`.*found \\['spread'\\]"),
        ({"runs": ROWS}, evidence_plots.map_scores, "no row has 'maps/necessity'.*gain/all"),
        (
            {"runs": ROWS},
            lambda r: evidence_plots.by_occlusion(r, Lines(("FIT",))),
            "no row of network 'FIT', there are backbone, fit_without_set",
        ),
        (
            {"runs": ROWS},
            lambda r: evidence_plots.by_occlusion(r, Lines(column="mpjpe")),
            "column: expected one of root_aligned, procrustes, found 'mpjpe'",
        ),
        (
            {"runs": [r | {"by_occlusion": []} for r in ROWS]},
            evidence_plots.by_occlusion,
            "a row of 'backbone' has none",
        ),
        (
            {"runs": [row(0, f"n{i}", 1.0, 0.0) for i in range(7)]},
            evidence_plots.by_occlusion,
            "7 networks are more than 6 lines",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named(result, draw, message):
    with pytest.raises(ValueError, match=message):
        draw(result)


def test_words_are_the_means_over_the_seeds():
    words = numbers(ROWS)
    assert words["gain_all"] == "backbone 0, FIT without SET 8.00"
    assert words["maps_gate_1"] == "FIT without SET 0.875"


@pytest.mark.parametrize(
    ("value", "text"), [(29.26, "29.3"), (2.8, "2.80"), (-0.25, "−0.250"), (0.0003, "0.0003")]
)
def test_numbers_have_digits_that_tell_something(value, text):
    assert number(value) == text


def test_numbers_side_by_side_have_the_digits_of_the_largest():
    assert [number(v, among=15.6) for v in (15.6, 7.74, -0.01)] == ["15.6", "7.7", "0.0"]


def test_names_that_are_sentences_stay_as_they_are():
    assert [label(n) for n in ("set_without_fit", "F_p alone")] == ["SET without FIT", "F_p alone"]


def test_the_recipes_shares_lie_beside_the_claims_limits():
    result = load_evidence("course_recipe")
    ax = evidence_plots.course_recipe(result).axes[0]
    (limit,) = (c for c in ax.collections if c.get_gid() == "procrustes limit")
    assert limit.get_segments()[0][:, 0].tolist() == [0.8, 0.8]
    shares = [run["ratio"]["root_aligned"] for run in result["runs"]]
    assert drawn(ax, "root-aligned error seeds").get_xdata().tolist() == shares


def test_the_distant_token_is_drawn_told_at_the_left_and_silent_at_the_right():
    result = load_evidence("distant_token")
    reach, silence = evidence_plots.distant_token(result).axes
    told = [run["told"] for run in result["reach"][2]["runs"]]
    assert drawn(reach, "convolutions, 3 cells seeds").get_xdata().tolist() == told
    (group,) = (g for g in result["silence"] if g["gate"] and not g["mlp"] and g["empty_keys"])
    mean = np.mean([run["stranger"] for run in group["runs"]])
    assert drawn(silence, "+ gate + empty keys mean").get_xdata() == pytest.approx([mean])


@pytest.mark.parametrize("name", STORED)
def test_every_stored_result_has_its_picture_and_stands_in_the_gallery(name):
    """Fails after a new result until `make figures`."""
    told = illustration(name, load_evidence(name))
    picture = io.BytesIO((FOLDER / f"{name}.png").read_bytes())
    assert Image.open(picture).size == Image.open(io.BytesIO(told.png)).size
    page = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert f"![{told.alt}](evidence/{name}.png)\n\n{told.caption}\n" in page


def test_every_experiments_figure_has_words_in_both_languages():
    table = texts.load("captions_evidence")
    assert set(table) == set(EXPERIMENTS)
    assert all(re.search("[가-힣]", parts["caption_ko"]) for parts in table.values())


def test_the_command_leaves_the_figure_beside_the_result(tmp_path, monkeypatch):
    result = load_evidence("reach")

    def run(output: Path, **_):
        (output / "reach.json").write_text(json.dumps(result))
        return result

    monkeypatch.setitem(catalogue.EXPERIMENTS, "reach", replace(EXPERIMENTS["reach"], run=run))
    done = CliRunner().invoke(cli.app, ["experiment", "reach", "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reach.json", "reach.png"]
    assert (tmp_path / "reach.png").read_bytes() == illustration("reach", result).png
