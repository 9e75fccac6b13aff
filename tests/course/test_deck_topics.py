"""Every topic, equation, figure, table and limitation of the seminar's slides is taught."""

from pathlib import Path

import jupytext
import pytest
import yaml

from handlib.course.source import here

SOURCES = Path(__file__).parents[2] / "notebooks" / "src"
TOPICS = yaml.safe_load(Path(__file__).with_name("deck_topics.yaml").read_text(encoding="utf-8"))
NUMBERS = here(SOURCES)
KINDS = {"topic", "equation", "figure", "table", "limitation"}
taught = [topic for topic in TOPICS if "awaits" not in topic]
awaited = [topic for topic in TOPICS if "awaits" in topic]


def name(topic):
    return f"{topic['slide']}: {topic['topic']}"


@pytest.fixture(scope="module")
def cells():
    """Every notebook's cells, each in one line."""
    return {
        number: [" ".join(c.source.split()) for c in jupytext.read(SOURCES / f"{stem}.py").cells]
        for number, stem in NUMBERS.items()
    }


@pytest.mark.parametrize("topic", taught, ids=name)
def test_a_cell_teaches_it(topic, cells):
    assert any(" ".join(topic["text"].split()) in cell for cell in cells[topic["notebook"]])


@pytest.mark.parametrize("topic", awaited, ids=name)
def test_what_awaits_a_notebook_awaits_one_that_is_not_here(topic):
    assert topic["awaits"] not in NUMBERS, "name the notebook's number and a text of its cell"


def test_topics_are_complete_and_each_is_listed_once():
    places = [(t["slide"], t["kind"], t["topic"], t.get("notebook")) for t in TOPICS]
    assert len(set(places)) == len(places)
    for topic in TOPICS:
        rest = {"awaits"} if "awaits" in topic else {"notebook", "text"}
        assert set(topic) == {"slide", "kind", "topic"} | rest, topic
        assert topic["kind"] in KINDS, topic
