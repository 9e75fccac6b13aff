"""Links of notebooks and reference pages lead somewhere, images have words, the chain is whole."""

import re
from functools import cache
from pathlib import Path

import pytest
import reference_pages
from markdown_it import MarkdownIt
from prose import STEMS, markdown

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PAGES = reference_pages.pages()
parser = MarkdownIt().enable("table")


def inline(text):
    """All inline tokens and bits of HTML in `text`."""
    for token in parser.parse(text):
        yield from token.children or [token]


def links(text):
    return [token.attrs["href"] for token in inline(text) if token.type == "link_open"]


def resolve(folder, link):
    """The file that a relative link names, and its fragment."""
    file, _, fragment = link.partition("#")
    return (folder / file).resolve(), fragment


@cache
def anchors(path):
    return set(re.findall(r'<a id="([^"]+)"></a>', PAGES[path]))


def check(folder, text):
    for link in links(text):
        if link.startswith("https://"):
            continue
        path, fragment = resolve(folder, link)
        if path.suffix == ".ipynb":
            assert path.parent == NOTEBOOKS and path.stem in STEMS.values(), link
        else:
            assert path in PAGES or path.exists(), link
        assert not fragment or fragment in anchors(path), link


@pytest.mark.parametrize("number", STEMS)
def test_links_of_a_notebook(number):
    check(NOTEBOOKS, "\n\n".join(markdown(number)))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_of_a_page(page):
    check(page.parent, PAGES[page])
    ids = re.findall(r'<a id="([^"]+)"', PAGES[page])
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pages_are_up_to_date(page):
    assert page.read_text(encoding="utf-8") == PAGES[page], "run `make table`"


@pytest.mark.parametrize("number", STEMS)
def test_images_have_words(number):
    for token in inline("\n\n".join(markdown(number))):
        assert token.type != "image" or token.content.strip()
        if token.type in ("html_inline", "html_block"):
            for image in re.findall(r"<img[^>]*>", token.content):
                assert re.search(r'alt="[^"]*\w', image), image


def test_every_notebook_reaches_the_pages():
    for number in STEMS:
        reached = {resolve(NOTEBOOKS, link)[0] for link in links(markdown(number)[0])}
        assert PAGES.keys() <= reached


def test_the_chain_leads_through_all_notebooks_and_back():
    forward, backward = {}, {}
    for number, stem in STEMS.items():
        header = markdown(number)[0]
        forward[stem] = re.findall(r"\]\((\w+)\.ipynb\) →", header)
        backward[stem] = re.findall(r"← \[[^\]]*\]\((\w+)\.ipynb\)", header)
    stems = list(STEMS.values())
    assert forward == dict(zip(stems, [[s] for s in stems[1:]] + [[]], strict=True))
    assert backward == dict(zip(stems, [[]] + [[s] for s in stems[:-1]], strict=True))
