"""The lenient reader: feedparser's findings in our types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest

from aggregator import read
from aggregator.adapters.feed import lenient, strict
from aggregator.errors import ReadError
from aggregator.model.entry import Link

RSS = b"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>T</title><link>http://a/</link><description>D</description><ttl>9</ttl>
<item><title>One &amp;amp; two</title><link>http://a/1</link><guid isPermaLink="false">1</guid>
<pubDate>Mon, 1 Jan 2024 00:00:00 GMT</pubDate><description>S</description>
<content:encoded>&lt;p&gt;C</content:encoded><category>x</category><itunes:episodeType>full</itunes:episodeType>
<enclosure url="http://a/1.mp3" length="3" type="audio/mpeg"/><media:thumbnail url="http://a/t.jpg"/>
</item></channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>urn:f</id><title>T</title>
<updated>2024-01-01T00:00:00Z</updated><entry><id>urn:uuid:1</id><title type="html">&lt;b&gt;x</title>
<link href="http://a/1"/><author><name>Ann</name><email>a@b</email><uri>http://a/</uri></author>
<published>2024-01-01T00:00:00Z</published><updated>2024-01-02T00:00:00Z</updated>
<summary>S</summary><content type="text">a</content><category term="t" label="l"/></entry></feed>"""


@pytest.mark.parametrize("document", [RSS, ATOM], ids=["rss", "atom"])
def test_strict_and_lenient_reader_give_equal_results(document: bytes) -> None:
    """All but the line, which feedparser does not know."""
    ours, theirs = strict.read(document), lenient.read(document)
    ours.entries[0].line = None
    assert theirs.entries == ours.entries
    assert theirs.info.title == ours.info.title
    assert (theirs.version, theirs.hints) == (ours.version, ours.hints)


def test_tags_that_do_not_match_are_read_with_a_problem() -> None:
    """What feedparser is there for."""
    feed = lenient.read(
        b"<rss><channel>\n<item><title>A</title><description><p>x</description></item></channel></rss>"
    )
    assert [entry.title.value for entry in feed.entries if entry.title] == ["A"]
    assert feed.problems[0].where == "line 3"


@pytest.mark.parametrize("base", ["x/", "../x/", "\u2028https://tea.example/x/", "?x", "a/b/c"])
def test_a_relative_base_stays_what_it_is_from_tag_to_tag(base: str) -> None:
    """Joined with itself at each tag, it would be a gigabyte after thirty."""
    entry = "<entry><id>e</id><title>A</b></title><link href='one'/><div><p><em>"
    document = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{base}"><title>T</title>{entry * 30}'
    feed = lenient.read(document.encode())
    assert len(feed.entries) == 30
    assert max(len(f"{e.id}{[link.href for link in e.links]}") for e in feed.entries) < 100


@pytest.mark.parametrize("tail", ["", "<p>"], ids=["strict", "lenient"])
@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ("<pubDate>Invalid Date</pubDate><dc:date>2024-01-08</dc:date>", 8),
        ("<dc:date>2024-01-08</dc:date><pubDate>soon</pubDate>", 8),
        ("<pubDate>Mon, 32 Jan 2024</pubDate><dc:date>2024-01-08T00:00:00Z</dc:date>", 8),
        ("<pubDate>Mon, 08 Jan 2024 00:00:00 GMT</pubDate><dc:date>2024-01-09</dc:date>", 8),
        ("<pubDate>0000-00-00</pubDate><dcterms:created>2024-01-08</dcterms:created>", 8),
    ],
)
def test_the_first_readable_of_several_dates_is_used(dates: str, day: int, tail: str) -> None:
    """Whichever reader it comes to."""
    document = (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<channel><item><title>A</title>{dates}<description>x{tail}</description></item></channel></rss>"
    )
    (article,) = read(document.encode()).articles
    assert article.published == datetime(2024, 1, day, tzinfo=UTC)


def test_no_link_is_invented_from_an_id() -> None:
    """feedparser makes the guid a link; whether it is one, the normaliser decides."""
    entry = lenient.read(b"<rss><channel><item><guid>urn:x</guid></item></channel></rss>").entries[0]
    assert (entry.id, entry.links) == ("urn:x", [])


def test_links_stay_as_they_are_written() -> None:
    """The normaliser resolves them."""
    entry = lenient.read(
        b"<rss><channel><item><link>/a</link></item></channel></rss>", url="http://h/"
    ).entries[0]
    assert entry.links == [Link("/a")]


@pytest.mark.parametrize(
    "error", [ValueError, OverflowError, RecursionError, KeyError, AttributeError, UnicodeError]
)
def test_exceptions_of_feedparser_become_read_errors(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hostile documents make it raise exceptions of other libraries."""

    def raises(*_: Any, **__: Any) -> None:
        raise error("boom")

    monkeypatch.setattr(feedparser, "parse", raises)
    with pytest.raises(ReadError, match="boom"):
        lenient.read(b"<rss/>")


def test_documents_that_take_feedparser_minutes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag of 100,000 attributes; a document beyond all size."""
    with pytest.raises(ReadError, match="tag"):
        lenient.read(b"<rss " + b"a='1' " * 20_000 + b">")
    monkeypatch.setattr(lenient, "MAX_BYTES", 10)
    with pytest.raises(ReadError, match="longer than 10"):
        lenient.read(b"<rss></rss>")
