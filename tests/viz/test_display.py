"""A figure reaches every reader: picture, alt text, caption; and is the same every time."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from handlib import viz
from handlib.course import language
from handlib.viz.display import illustrations_in


def drawn():
    fig = viz.theme.figure(2, 1)
    fig.subplots().plot([0, 1], [1, 0])
    return fig


def test_the_html_holds_the_picture_and_both_captions():
    html = viz.show(drawn(), "a falling line", "It falls.", "내려갑니다.")._repr_html_()
    assert 'alt="a falling line"' in html
    assert "It falls." in html and '<span lang="ko">내려갑니다.</span>' in html
    data = re.search(r"base64,([^\"]+)", html).group(1)
    assert Image.open(io.BytesIO(base64.b64decode(data))).format == "PNG"


def test_a_korean_notebook_shows_the_korean_caption_alone():
    illustration = viz.show(drawn(), "a falling line", "It falls.", "내려갑니다.")
    language.use("ko")
    try:
        html = illustration._repr_html_()
    finally:
        language.use("en")
    assert '<span lang="ko">내려갑니다.</span>' in html and "It falls." not in html


def test_stored_figures_come_back_as_they_were_shown():
    figures = [
        viz.show(drawn(), 'a "falling" line', "It falls < 1.", "내려갑니다."),
        viz.show(drawn(), "a line", "It falls."),
    ]
    page = "<p>text</p>".join(figure._repr_html_() for figure in figures)
    assert list(illustrations_in(page)) == figures


def test_texts_are_escaped():
    html = viz.show(drawn(), 'a "quoted" <line>', "x < y")._repr_html_()
    assert "&quot;quoted&quot; &lt;line&gt;" in html and "x &lt; y" in html


@pytest.mark.parametrize(("alt", "caption"), [("", "c"), ("a", " ")])
def test_a_figure_without_words_is_refused(alt, caption):
    with pytest.raises(ValueError, match="both texts"):
        viz.show(drawn(), alt, caption)


def test_the_same_figure_gives_the_same_bytes():
    assert viz.theme.png(drawn()) == viz.theme.png(drawn())


def test_few_colours_are_few_and_smaller():
    fig = viz.theme.figure(2, 2)
    fig.subplots().imshow(np.random.default_rng(0).random((300, 300, 3)))
    full, few = viz.theme.png(fig), viz.theme.png(fig, colours=256)
    assert len(few) < 0.6 * len(full)
    assert len(Image.open(io.BytesIO(few)).convert("RGB").getcolors()) <= 256
