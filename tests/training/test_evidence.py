"""The table of a result file, cell by cell."""

import pytest

from handlib.experiments.evidence import spread_table

RESULT = {
    "spread": {
        "alone": {"error": {"mean": 12.345, "min": 9.0, "max": 15.96}},
        "with a judge": {
            "error": {"mean": -0.01, "min": -3.2, "max": 3.0},
            "own": {"mean": None, "min": None, "max": None},
        },
        "other": {
            "error": {"mean": 1, "min": 1, "max": 1},
            "own": {"mean": 2, "min": 0, "max": 4},
        },
    }
}


def test_cells_stand_under_their_headers():
    head, *lines = spread_table(RESULT, {"mm": "error", "own": "own"}).splitlines()
    assert [line[:12].rstrip() for line in lines] == ["alone", "with a judge", "other"]
    assert len({len(line) for line in (head, *lines)}) == 1
    assert [line.split("  ")[-1].strip() for line in lines] == ["–", "–", "2.0 (0.0 to 4.0)"]
    assert "12.3 (9.0 to 16.0)" in lines[0] and "0.0 (-3.2 to 3.0)" in lines[1]
    assert "-0.0 " not in lines[1]


def test_an_unknown_column_is_refused_with_the_known():
    with pytest.raises(KeyError, match="expected one of error, own, found 'speed'"):
        spread_table(RESULT, {"speed": "speed"})
