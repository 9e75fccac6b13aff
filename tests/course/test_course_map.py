"""The table of the course: complete, in an order that can be followed, linking to what is here."""

import re

from handlib.course.course_map import entries, to_markdown


def test_a_notebook_needs_earlier_ones_only():
    before: set[str] = set()
    for entry in entries():
        assert set(entry.needs) <= before, entry
        before.add(entry.number)


def test_every_notebook_but_the_first_hangs_on_another():
    first, *others = entries()
    assert first.number == "00" and not first.needs
    assert all(entry.needs for entry in others)


def test_only_notebooks_that_are_here_are_links():
    table = to_markdown({"06": "06_softmax_or_sigmoid"})
    assert re.findall(r"\]\((.*?)\)", table) == ["06_softmax_or_sigmoid.ipynb"]
    assert table.count("\n") == len(entries()) + 1
