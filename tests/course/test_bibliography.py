"""Every reference of a notebook is in the bibliography, with the same authors and year."""

import re

import pytest
from prose import STEMS, markdown

from handlib.course.bibliography import PAGE, link_titles, works

WORKS = {work.key: work for work in works()}
KEY = re.compile(rf"\({re.escape(PAGE)}#(\w+)\)")


def references(number):
    """The items under the heading References, each in one line."""
    text = "\n".join(markdown(number)).split("## References\n")[1]
    return [" ".join(item.split()) for item in re.split(r"^- ", text, flags=re.M)[1:]]


def surname(work):
    first = work.authors.split(",")[0].removesuffix(" et al.")
    return first.split(" (")[0].split()[-1]


@pytest.mark.parametrize("number", STEMS)
def test_references_are_known(number):
    items = references(number)
    assert items
    for item in items:
        assert KEY.search(item), f"not in bibliography.yaml: {item}"
        assert not re.search(r"\*(?!\[)\w[^*]*\*(?!\])", item), f"not in bibliography.yaml: {item}"


@pytest.mark.parametrize("number", STEMS)
def test_references_have_the_authors_and_the_year(number):
    for item in references(number):
        for work in map(WORKS.get, KEY.findall(item)):
            assert surname(work) in item, item
            assert work.year is None or str(work.year) in item, item


@pytest.mark.parametrize("number", STEMS)
def test_whoever_is_cited_in_the_text_is_in_the_references(number):
    text = " ".join("\n".join(markdown(number)).split("## References\n")[0].split())
    cited = re.findall(r"(\w+) et al\.[ ,(]+(?:[A-Z]+ )?(\d{4})", text)
    keys = {key for item in references(number) for key in KEY.findall(item)}
    found = {(surname(WORKS[key]), str(WORKS[key].year)) for key in keys}
    assert set(cited) <= found


def test_every_work_is_cited():
    cited = {key for number in STEMS for item in references(number) for key in KEY.findall(item)}
    assert cited == WORKS.keys()


def test_keys_are_surname_and_year_in_order():
    assert len(WORKS) == len(works()) and list(WORKS) == sorted(WORKS)
    for work in works():
        plain = surname(work).lower().replace("-", "")
        assert work.key == f"{plain}{work.year or ''}", work


def test_a_title_may_end_at_its_colon_and_only_references_are_linked():
    text = "*HandOccNet.*\n\n## References\n\n- J. Park. *HandOccNet.* *Unknown.* CVPR 2022."
    before, after = link_titles(text).split("## References")
    assert before == "*HandOccNet.*\n\n"
    assert f"*[HandOccNet.]({PAGE}#park2022)* *Unknown.*" in after
