"""The notebook's promises: complete, bilingual, rendered."""

import pytest

from handlib.course.contract import Contract, to_markdown

ENTRY = {
    "number": "06",
    "title": "Softmax or sigmoid?",
    "title_ko": "Softmax인가 sigmoid인가?",
    "summary": "One sentence.",
    "summary_ko": "한 문장.",
    "objectives": ["see it"],
    "objectives_ko": ["볼 수 있습니다"],
    "prerequisites": "00",
    "minutes_to_do": 40,
    "minutes": 2,
    "memory_mb": 900,
    "data": "none",
    "seed": 6,
}


def test_the_header_tells_everything_promised():
    header = to_markdown(Contract.from_metadata({"handlib": ENTRY}), "next")
    assert header.startswith("# 06 Softmax or sigmoid?")
    assert all(
        str(v) in header for v in ("한 문장", "볼 수 있습니다", "40 min", "2 min", "900 MB")
    )


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_a_missing_field_is_named(field):
    entry = {k: v for k, v in ENTRY.items() if k != field}
    with pytest.raises(ValueError, match=field):
        Contract.from_metadata({"handlib": entry})


def test_an_unknown_field_is_named():
    with pytest.raises(ValueError, match="minuets"):
        Contract.from_metadata({"handlib": {**ENTRY, "minuets": 1}})
