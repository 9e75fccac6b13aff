"""Every figure's words are complete, and the notebooks ask for those that exist."""

import re
from pathlib import Path

import pytest

from handlib.course import texts
from handlib.course.captions import captions

SOURCES = Path(__file__).parents[2] / "notebooks" / "src"
NUMBERS = sorted(p.stem[-2:] for p in Path(texts.__file__).parent.glob("captions_[0-9]*.yaml"))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_notebook_uses_exactly_the_captions_there_are(number):
    (source,) = SOURCES.glob(f"{number}_*.py")
    used = re.findall(r'caption\(\s*"([^"]+)"', source.read_text(encoding="utf-8"))
    assert sorted(used) == sorted(texts.load(f"captions_{number}"))


@pytest.mark.parametrize("number", NUMBERS)
def test_korean_captions_are_korean(number):
    for parts in texts.load(f"captions_{number}").values():
        assert re.search("[가-힣]", parts["caption_ko"])


def test_numbers_are_filled_in(monkeypatch):
    parts = {"alt": "gate {gate:.2f}", "caption": "c", "caption_ko": "캡션 {gate:.1f}"}
    monkeypatch.setattr(texts, "load", lambda name: {"a": parts})
    assert captions("06")("a", gate=0.125)["alt"] == "gate 0.12"


def test_a_missing_text_is_named(monkeypatch):
    monkeypatch.setattr(texts, "load", lambda name: {"a": {"alt": "x", "caption": "y"}})
    with pytest.raises(ValueError, match="captions_06.yaml: 'a' needs"):
        captions("06")
