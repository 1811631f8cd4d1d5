"""Which documents count as the one that was read before."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ReadError
from aggregator.model.resource import Resource
from aggregator.polling.document_hash import document_hash
from aggregator.reading.document import Context, read_resource
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

RSS = (
    b"<?xml version='1.0'?>\n<!-- generator=\"WordPress/2.9.2\" -->\n"
    b"<rss version='2.0'><channel><title>T</title>"
    b"<lastBuildDate>Mon, 05 Oct 2026 10:00:00 GMT</lastBuildDate><pubDate>Sun, 04 Oct 2026</pubDate>"
    b"<item><title>A</title><pubDate>Sat, 03 Oct 2026 10:00:00 GMT</pubDate></item></channel></rss>\n"
)
ATOM = (
    b"\xef\xbb\xbf<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>"
    b"<updated >2026-10-05T10:00:00Z</updated>"
    b"<entry><title>A</title><id>a</id><updated>2026-10-03T10:00:00Z</updated></entry></feed>"
)
RDF = (
    b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'"
    b" xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>T</title><dc:date>2026-10-05</dc:date>"
    b"<items/></channel><item><title>A</title><dc:date>2026-10-03</dc:date></item></rdf:RDF>"
)


@pytest.mark.parametrize(
    ("body", "before", "after"),
    [
        (RSS, b"Mon, 05 Oct 2026 10:00:00 GMT", b"Tue, 06 Oct 2026 11:30:00 GMT"),
        (RSS, b"Sun, 04 Oct 2026", b"now"),
        (RSS, b"</rss>\n", b"</rss>\n\n<!-- Dynamic page generated in 0.590 seconds. -->\n<!-- Cached -->\n"),
        (ATOM, b"2026-10-05T10:00:00Z", b"2026-10-06T10:00:00.123+02:00"),
        (RDF, b"2026-10-05", b"2026-10-06T00:00:00Z"),
    ],
)
def test_dates_of_the_feed_itself_and_comments_after_its_end_do_not_count(
    body: bytes, before: bytes, after: bytes
) -> None:
    """Programs that make a feed for each request write the time of that request there."""
    assert body.count(before) == 1
    assert document_hash(body.replace(before, after)) == document_hash(body)


@pytest.mark.parametrize(
    ("body", "before", "after"),
    [
        (RSS, b"Sat, 03 Oct 2026", b"Sun, 04 Oct 2026"),
        (RSS, b"<title>T", b"<title>U"),
        (RSS, b"</channel>", b"<!-- a comment inside --></channel>"),
        (RSS, b"<item>", b"<lastBuildDate>Mon, 05 Oct 2026</lastBuildDate><item>"),
        (RSS, b"</rss>\n", b"</rss>\n<rss/>"),
        (ATOM, b"2026-10-03", b"2026-10-04"),
        (RDF, b"2026-10-03", b"2026-10-04"),
        (RDF, b"<items/>", b"<items> </items>"),
        (b"[1]", b"1", b"2"),
        (b"", b"", b" "),
        (b"<html><updated>1</updated></html>", b"1", b"2"),
        (b"<urlset><date>1</date></urlset>", b"1", b"2"),
        (b"<entry xmlns='http://www.w3.org/2005/Atom'><updated>1</updated></entry>", b"1<", b"2<"),
    ],
)
def test_everything_else_counts(body: bytes, before: bytes, after: bytes) -> None:
    """Dates of entries, other elements of the feed, and every byte of what is no feed in XML."""
    changed = body.replace(before, after)
    assert changed != body
    assert document_hash(changed) != document_hash(body)


def test_the_time_that_a_hash_takes_grows_with_the_size_alone() -> None:
    """Nothing hostile makes it search the same bytes again and again: 5 MB take as long as any other 5 MB."""
    parts = (b"<!-- ", b"<?x ", b" \n", b"<updated>", b"<updated ", b"<x:updated", b"</rss>", b"-->", b"<a:")
    for head, tail in itertools.product(parts, parts):
        assert len(document_hash(b"<rss>" + head * 500_000 + b"<item/>" + tail * 500_000)) == 32


_PIECES = st.sampled_from(
    [
        *(
            b"<updated>1</updated>",
            b"<updated>2</updated>",
            b"<pubDate>Mon, 05 Oct 2026</pubDate>",
            b"<entry>",
        ),
        *(
            b"</entry>",
            b"<id>a</id>",
            b"<id>b</id>",
            b"<title>t</title>",
            b"<![CDATA[",
            b"]]>",
            b"<!-- ",
            b" -->",
        ),
        *(
            b"<item>",
            b"</item>",
            b"<date>3</date>",
            b"</feed>",
            b"<summary>s</summary>",
            b"<content>c</content>",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=12), st.lists(_PIECES, max_size=12), st.data())
def test_documents_with_one_hash_have_the_same_articles(
    head: list[bytes], rest: list[bytes], data: st.DataObject
) -> None:
    """Wherever such elements stand: in comments, in CDATA sections, between entries, after the end."""
    body = b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"".join([*head, *rest]) + b"</feed>"
    number = data.draw(st.integers(0, max(len(head) - 1, 0)))
    others = [*head[:number], data.draw(_PIECES), *head[number + 1 :]]
    other = b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"".join([*others, *rest]) + b"</feed>"
    if document_hash(other) == document_hash(body):
        assert _marks(other) == _marks(body)


_OWN_DATE = re.compile(rb"<(?:lastBuildDate|pubDate|updated|dc:date)>([^<]{1,100})<")


def _marks(body: bytes) -> tuple[str, ...]:
    try:
        return read_resource(
            Resource(url="https://a.example/", body=body), Context(known=frozenset())
        ).fingerprints
    except ReadError:
        return ()


def test_feeds_in_use_have_the_same_articles_at_another_time(corpus: Path) -> None:
    """With another date of its own, a feed of the corpus has the same hash and the same articles."""
    changed = 0
    for file in sorted((corpus / "feeds").rglob("*")):
        body = file.read_bytes() if file.is_file() else b""
        if (found := _OWN_DATE.search(body[:2_000])) is None:
            continue
        other = body[: found.start(1)] + b"2026-11-01" + body[found.end(1) :]
        if document_hash(other) == document_hash(body):
            changed += 1
            assert _marks(other) == _marks(body), file
    assert changed > 100


def test_a_feed_made_anew_with_the_same_entries_is_not_read_again(site: Site, server: Server) -> None:
    """Its new validators are saved: the next poll asks with these."""
    body = feed("a", 1, 2).replace(b"<item>", b"<lastBuildDate>1</lastBuildDate><item>", 1)
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, body)
    site.configure({"name": "a", "url": f"{server.url}/a", "categories": ["X"]})
    assert "a: 2 new" in site.run("fetch").stdout
    server.pages["/a"] = Answer(200, {"ETag": '"2"'}, body.replace(b">1<", b">2<"))
    assert "nothing new at the source" in site.run("fetch", "--force").stdout
    site.run("fetch", "--force")
    assert server.requests[-1].headers["If-None-Match"] == '"2"'
    server.pages["/a"] = Answer(200, {"ETag": '"3"'}, feed("a", 1, 2, 3))
    assert "a: 1 new" in site.run("fetch", "--force").stdout
