"""Plain text keeps its paragraphs and lines as HTML."""

from __future__ import annotations

import json
from textwrap import fill

import pytest

from aggregator import read
from aggregator.normalise.plain_text import as_html

TEXT = "One & two.\nThree.\n\n  \nFour <3."
HTML = "<p>One &amp; two.<br>\nThree.</p>\n<p>Four &lt;3.</p>"
PROSE = (
    "Tea is made of leaves that grow in warm and rainy hills and it is drunk hot or cold all over the world "
    * 4
)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One line.", "One line."),
        ("  One\t line.\n", "One line."),
        ("One.\nTwo.", "One.<br>\nTwo."),
        ("One.\r\nTwo.\rThree.", "One.<br>\nTwo.<br>\nThree."),
        (TEXT, HTML),
        ("- tea\n- cake", "- tea<br>\n- cake"),
        (fill(PROSE, 72), PROSE.strip()),
        (f"{fill(PROSE, 80)}\n\nEnd.", f"<p>{PROSE.strip()}</p>\n<p>End.</p>"),
        ("", ""),
        (" \n\n ", ""),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_paragraphs_and_lines_are_shown(text: str, html: str) -> None:
    """But for lines that only a program's width has made."""
    assert as_html(text) == html


def test_lines_that_end_sentences_are_lines_whatever_their_length() -> None:
    """A list of sentences of one length is not wrapped prose."""
    lines = ["Simplex: one direction works at any time, the other never does."] * 4
    assert as_html("\n".join(lines)).count("<br>") == 3


@pytest.mark.parametrize("element", ["description", "itunes:summary", "itunes:subtitle", "dc:description"])
@pytest.mark.parametrize("text", ["One &amp; two.\nThree.", "<![CDATA[One.\r\nTwo.]]>"], ids=["xml", "cdata"])
def test_every_plain_text_of_a_feed_is_shown_so(element: str, text: str) -> None:
    """Whatever element it stands in."""
    document = (
        '<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><item><title>T</title><{element}>{text}</{element}></item></channel></rss>"
    )
    (article,) = read(document.encode()).articles
    assert "<br>" in article.summary


def test_json_feed_and_rss_show_a_text_alike() -> None:
    """One function for both."""
    item = f"<item><description><![CDATA[{TEXT}]]></description></item>"
    rss = f"<rss version='2.0'><channel>{item}</channel></rss>"
    json_feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "T",
        "items": [{"id": "1", "summary": TEXT, "content_text": TEXT}],
    }
    (one,) = read(rss.encode()).articles
    (other,) = read(json.dumps(json_feed).encode()).articles
    assert one.summary == other.content == HTML
