"""Whatever comes in, what leaves is conformant, and says to readers what the articles say."""

from __future__ import annotations

import calendar
import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from lxml import etree

from aggregator.normalise.extension_elements import inert_text
from aggregator.normalise.xml_characters import legal
from aggregator.writers import WRITERS, Channel, Writer
from aggregator.writers.extension_elements import enclosures
from aggregator.writers.xml_text import address, line, lines
from tests.conformance.documents import check_atom, check_rss
from tests.support.channels import ARTICLE, CHANNELS, article_with, channel_of, item_of
from tests.support.examples import examples

CHECKS = {"rss.xml": check_rss, "atom.xml": check_atom}
# Whole channels take minutes to shrink; the case that failed is printed either way.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
FEEDS = [WRITERS["rss"], WRITERS["atom"]]
each_writer = pytest.mark.parametrize("writer", FEEDS, ids=lambda writer: writer.file_name)


def read(body: bytes) -> Any:
    """Returns what feedparser makes of a document, with nothing resolved or sanitised."""
    parsed = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    assert not parsed.bozo, parsed.get("bozo_exception")
    return parsed


def moment(parsed: Any) -> datetime:
    return datetime.fromtimestamp(calendar.timegm(parsed), UTC)


def test_the_registry_names_each_file_once() -> None:
    """Two formats in one file would overwrite each other."""
    names = [writer.file_name for writer in WRITERS.values()]
    assert sorted({*names}) == sorted(names)
    assert {"atom.xml", "feed.json", "index.html", "rss.xml"} <= {*names}


@each_writer
def test_a_full_channel_is_conformant(writer: Writer) -> None:
    """Everything an article may hold at once, with self links."""
    other = item_of(article_with(link="https://tea.example/2"), "tag:tea.example,2026:2")
    body = writer.render(channel_of(item_of(), other))
    assert CHECKS[writer.file_name](body, self_link=True) == []


@each_writer
def test_a_channel_without_items_or_public_address_is_conformant(writer: Writer) -> None:
    """A new category, on a machine that serves nothing."""
    body = writer.render(channel_of(link="", self_links={}, language=None, description="", title=""))
    assert CHECKS[writer.file_name](body) == []


@each_writer
@settings(max_examples=examples(25), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(channel=CHANNELS)
def test_any_channel_is_conformant_and_read_back(writer: Writer, channel: Channel) -> None:
    """Ids, links, dates, authors, categories and enclosures arrive in a reader, whatever the text is."""
    body = writer.render(channel)
    assert CHECKS[writer.file_name](body) == []
    entries = read(body).entries
    assert [entry.id for entry in entries] == [item.id for item in channel.items]
    for entry, item in zip(entries, channel.items, strict=True):
        article = item.article
        link = address(article.link)
        # feedparser decodes what looks like an HTML entity in an RSS link once more: `?a&copy;`.
        assert link is None or entry.link == link or ";" in link
        assert moment(entry.published_parsed) == item.published
        if writer.file_name == "atom.xml":
            assert moment(entry.updated_parsed) == item.updated
        found = [enclosure.url for enclosure in enclosures(article)]
        if writer.file_name == "rss.xml":
            found = [url for url in found if url.startswith("http")][:1]
        assert [enclosure.href for enclosure in entry.get("enclosures", [])] == found
    root = etree.fromstring(body)
    # RSS has no way to say that text is text: a `<` that would begin a tag is parted from it.
    as_sent = inert_text if writer.file_name == "rss.xml" else str
    assert [texts(node, "category", "term") for node in nodes(root)] == [
        [as_sent(name) for name in lines(item.article.categories + item.article.tags)]
        for item in channel.items
    ]
    for node, item in zip(nodes(root), channel.items, strict=True):
        names = texts(node, "creator") or texts(node, "author")
        authors = [as_sent(name) for name in lines(item.article.authors)]
        assert names[: len(authors)] == authors


def nodes(root: etree._Element) -> list[etree._Element]:
    return [node for node in root.iter() if etree.QName(node).localname in {"item", "entry"}]


def texts(node: etree._Element, name: str, attribute: str = "") -> list[str]:
    """The children called `name`: an attribute's value, or all the text."""
    found = [child for child in node if etree.QName(child).localname == name]
    if attribute and found and found[0].get(attribute) is not None:
        return [str(child.get(attribute)) for child in found]
    return ["".join(map(str, child.itertext())).strip() for child in found]


@each_writer
@pytest.mark.parametrize(
    "content",
    [
        "<pre>  a\n\tb  </pre>\n",
        " x ",
        "a ]]> b",
        "<!-- x -->",
        "&amp;lt;",
        "科技 😀",
        "a\rb\r\n",
        "<p>a</p>  <p>b</p>",
    ],
    ids=ascii,
)
def test_content_arrives_untouched(writer: Writer, content: str) -> None:
    """Pretty printing, references and escapes change nothing in a body."""
    root = etree.fromstring(writer.render(channel_of(item_of(article_with(content=content)))))
    found = [
        n.text
        for n in nodes(root)[0]
        if etree.QName(n).localname in {"encoded", "content"} and not n.get("url")
    ]
    assert found == [content]


@each_writer
def test_characters_that_xml_forbids_are_removed_and_the_rest_stays(writer: Writer) -> None:
    """Otherwise one bad title would make the whole feed invalid."""
    article = article_with(title="a\0b\x1b\ud800c\uffff", content="<p>\x0cx\udfff</p>", authors=("A\x01nn",))
    root = etree.fromstring(writer.render(channel_of(item_of(article), title="T\0ea")))
    assert [n.text for n in root.iter() if etree.QName(n).localname == "title"][:2] == ["Tea", "abc"]
    assert "<p>x</p>" in [n.text for n in root.iter()]
    assert "Ann" in [n.text for n in root.iter()]


@each_writer
def test_equal_channels_give_equal_bytes(writer: Writer) -> None:
    """Also when mappings that are equal were filled in another order."""
    extra = {
        "podcast:person": [{"text": "Ann", "role": "host", "href": "https://a/"}],
        "itunes:episode": ["1"],
    }
    turned = {
        "itunes:episode": ["1"],
        "podcast:person": [{"href": "https://a/", "role": "host", "text": "Ann"}],
    }
    one, other = (channel_of(item_of(article_with(extra=e))) for e in (extra, turned))
    assert one == other
    assert writer.render(one) == writer.render(other)


def test_bytes_do_not_depend_on_the_process() -> None:
    """Another hash seed, locale, time zone and time of day give the same documents."""
    program = (
        "import sys, locale; locale.setlocale(locale.LC_ALL, '')\n"
        "from tests.support.channels import *; from aggregator.writers import WRITERS\n"
        "sys.stdout.buffer.write(b''.join(w.render(channel_of(item_of())) for w in WRITERS.values()))"
    )
    here = b"".join(writer.render(channel_of(item_of())) for writer in WRITERS.values())
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}
    root = Path(__file__).parents[2]
    there = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=root, env=environment
    )
    assert there.stdout == here


@each_writer
def test_feeds_name_no_xslt_stylesheet(writer: Writer) -> None:
    """Browsers are removing XSLT; a document holds no processing instruction but the declaration."""
    body = writer.render(channel_of(item_of()))
    assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert body.count(b"<?") == 1


@each_writer
@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "/1", "//tea.example/1", "http://", "http://[", "", "x y"],
)
def test_a_link_that_should_not_be_followed_is_left_out(writer: Writer, link: str) -> None:
    """Such a link in a public feed would run in somebody's reader."""
    article = article_with(
        link=link, headimg=link, extra={"comments_link": link, "links": [{"rel": "via", "href": link}]}
    )
    body = writer.render(channel_of(item_of(article)))
    assert CHECKS[writer.file_name](body) == []
    values = [value for node in etree.fromstring(body).iter() for value in (node.text, *node.attrib.values())]
    assert not link or link not in values


@each_writer
def test_a_reader_gets_the_whole_article(writer: Writer) -> None:
    """Title, link, dates, people, categories, bodies and media as feedparser sees them."""
    entry = read(writer.render(channel_of(item_of(article_with(title="Tea"))))).entries[0]
    assert (entry.id, entry.link, entry.title) == (ARTICLE.id, ARTICLE.link, "Tea")
    assert [tag.term for tag in entry.tags] == ["Drinks", "Q&A", "oolong"]
    assert entry.content[0].value == legal(ARTICLE.content)
    assert entry.summary == ARTICLE.summary
    assert entry.enclosures[0].href == "https://tea.example/1.mp3"
    assert entry.source.title == line(ARTICLE.origin.title)
    assert entry.media_thumbnail == [{"url": "https://tea.example/1.jpg"}]
    assert entry.podcast_transcript == {"url": "https://t.example/1.vtt"}
    assert entry.itunes_duration == "61"


@each_writer
def test_the_title_of_a_media_element_is_not_the_articles(writer: Writer) -> None:
    """WordPress names the author's portrait; behind the source, feedparser takes that for the title."""
    item = item_of(article_with(title="Tea", extra={"media:title": ["Portrait of Ann"]}))
    entry = read(writer.render(channel_of(item))).entries[0]
    assert (entry.title, entry.source.title) == ("Tea", ARTICLE.origin.title)
