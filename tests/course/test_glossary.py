"""Every word of the glossary is explained in both languages and linked where it is first used."""

import re
from itertools import groupby
from operator import itemgetter

import pytest
from prose import BREAK, STEMS, pieces

from handlib.course import texts
from handlib.course.course_map import entries
from handlib.course.glossary import PAGE, link_first_uses, terms

TERMS = {term.anchor: term for term in terms()}
FORMS = {form: term for term in terms() for form in term.forms}


def bare_and_linked(number):
    """The prose with links cut out, up to each link to a term: (anchor or None, text before)."""
    before, result = "", []
    for target, run in groupby(pieces(number), key=itemgetter(1)):
        before += BREAK if target else "".join(text for text, _ in run)
        if target.startswith(f"{PAGE}#"):
            result.append((target.split("#")[1], before))
    return [*result, (None, before)]


def uses(text, term):
    """Whether `text` uses a form of `term` that is no part of another term's longer form."""
    for form in term.forms:
        first = f"[{form[0]}{form[0].upper()}]" if form == form.lower() else form[0]
        for other, owner in FORMS.items():
            if owner is not term and form.lower() in other.lower() and form != other:
                text = re.sub(re.escape(other).replace("\\ ", " +"), BREAK, text, flags=re.I)
        if re.search(rf"(?<![\w@-]){first}{re.escape(form[1:])}(?![\w-])", text):
            return True
    return False


@pytest.mark.parametrize("number", STEMS)
def test_the_first_use_is_a_link_and_no_other_is(number):
    links = bare_and_linked(number)
    anchors = [anchor for anchor, _ in links[:-1]]
    assert len(anchors) == len(set(anchors)) and set(anchors) <= TERMS.keys()
    before = dict(links)
    for anchor, term in TERMS.items():
        if not term.everyday or term.notebook <= number:
            assert not uses(before.get(anchor, before[None]), term), term.name


@pytest.mark.parametrize("anchor", TERMS)
def test_the_notebook_that_teaches_it_uses_it(anchor):
    number = TERMS[anchor].notebook
    assert number in {entry.number for entry in entries()}
    if number in STEMS:
        assert anchor in {found for found, _ in bare_and_linked(number)}


@pytest.mark.parametrize("anchor", TERMS)
def test_an_entry_is_a_sentence_or_two_in_each_language(anchor):
    term = TERMS[anchor]
    assert re.search("[가-힣]", term.meaning.ko) and not re.search("[가-힣]", term.meaning.en)
    assert term.meaning.en.endswith(".") and len(term.meaning.en) < 250
    assert re.search(r"니다\.$", term.meaning.ko)  # the polite style
    assert re.findall("[ㄱ-힣]다\\.", term.meaning.ko) == re.findall("니다\\.", term.meaning.ko)


def test_anchors_are_unique():
    assert len(TERMS) == len(terms())


def test_a_spelling_of_two_terms_is_refused(monkeypatch):
    entry = {
        "name": "a map",
        "name_ko": "지도",
        "notebook": "00",
        "meaning": "A.",
        "meaning_ko": "가.",
    }
    table = [entry, {**entry, "name": "chart", "also": ["A map"]}]
    monkeypatch.setattr(texts, "load", lambda name: [dict(entry) for entry in table])
    with pytest.raises(ValueError, match="'a map'.* more than one term"):
        terms.__wrapped__()


def linked(text, number="13"):
    return link_first_uses([text], number)[0]


@pytest.mark.parametrize(
    "text",
    [
        "`softmax`",
        "```\nsoftmax\n```",
        "$softmax(x)$ and $$softmax$$",
        "## Softmax or sigmoid",
        "| softmax | sigmoid |",
        "[the softmax](06_softmax_or_sigmoid.ipynb)",
        "<details><summary>Hint</summary>\n\nA softmax.\n</details>",
        "{{ softmax }}",
        "multi-softmax and softmaxes",
        "We set and fit it.",  # SET and FIT are capitals
    ],
)
def test_what_is_no_running_prose_stays_as_it_is(text):
    assert linked(text) == text


def test_the_longest_term_wins_across_a_line():
    text = "An *undesired\nhigh correlation*, then correlation, then correlation."
    first, second, third = linked(text).split(", then ")
    assert first == f"An *[undesired\nhigh correlation]({PAGE}#undesired-high-correlation)*"
    assert second == f"[correlation]({PAGE}#correlation-map)" and third == "correlation."


def test_an_everyday_word_is_a_term_from_its_notebook_on():
    assert linked("The key.", "05") == "The key."
    assert linked("The key.", "06") == f"The [key]({PAGE}#key)."


def test_links_end_where_the_korean_summary_begins():
    closing = "## 요약\n\nsoftmax\n"
    assert link_first_uses([closing, "softmax"], "13") == [closing, "softmax"]
