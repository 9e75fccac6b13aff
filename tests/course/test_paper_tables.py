"""The papers' tables are complete, and agree with each other where they print the same thing."""

from itertools import combinations

import pytest

from handlib.course import texts
from handlib.course.paper_tables import paper_tables

TABLES = paper_tables()
DISAGREE = {
    (f"{paper}_{data}", "Liu 2021")
    for paper in ("handoccnet", "deformer")
    for data in ("ho3d", "dexycb")
}
RENAMED = {"PA-MPJPE": "all"}  # DexYCB's column in the two papers


def shared(a, b):
    """(method, column, value, value) of what two tables of one data set both print."""
    for name in a.columns:
        other = name if name in b.columns else RENAMED.get(name)
        if other in b.columns:
            mine, theirs = a.column(name), b.column(other)
            yield from ((m, name, mine[m], theirs[m]) for m in mine.keys() & theirs.keys())


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.id)
def test_values_are_what_their_units_allow(table):
    for name, unit in table.columns.items():
        values = table.column(name).values()
        low, high = {"mm": (1, 30), "%": (30, 100), "paper's unit": (1, 100)}[unit]
        assert all(low < v < high for v in values), name


def test_tables_print_the_same_number_for_the_same_thing():
    """Both papers and all their tables; the one exception is a lesson of notebook 03."""
    different = set()
    for a, b in combinations(TABLES.values(), 2):
        if a.data == b.data and not {"handoccnet_residual", "handoccnet_set"} & {a.id, b.id}:
            for method, _, mine, theirs in shared(a, b):
                if mine != theirs:
                    different |= {(a.id, method), (b.id, method)}
    assert different == DISAGREE


def test_a_smaller_error_has_a_larger_area_under_the_curve():
    """The area is one minus the mean error over 50 mm, if none lies beyond."""
    for table in TABLES.values():
        if "all" in table.columns and "AUC all" in table.columns:
            error, area = table.column("all"), table.column("AUC all")
            for method in error:
                assert area[method] == pytest.approx(100 - 2 * error[method], abs=0.15), method


def test_the_best_rows_are_the_papers_own_but_for_one_table():
    """HandOccNet is ahead of Deformer on HO-3D, in Deformer's own table."""
    best = {}
    for table in TABLES.values():
        error = table.column(next(iter(table.columns)))
        best[table.id] = min(error, key=error.get)
    assert best["deformer_ho3d"] == best["handoccnet_ho3d"] == "HandOccNet"
    assert best["deformer_dexycb"] == best["deformer_motion"] == "Deformer"


def test_an_unknown_column_is_named():
    with pytest.raises(KeyError, match="no column 'F@10'"):
        TABLES["deformer_ho3d"].column("F@10")


def test_a_row_that_lacks_a_value_is_refused(monkeypatch):
    entry = {"id": "x", "paper": "P", "table": "T", "data": "D", "checked": True}
    broken = entry | {"columns": {"a": "mm", "b": "mm"}, "rows": {"short": [1.0]}}
    monkeypatch.setattr(texts, "load", lambda name: [broken])
    with pytest.raises(ValueError, match="'short' needs 2 values, found 1"):
        paper_tables.__wrapped__()
