"""Documents made to harm their reader: each ends in time, within bounds, and affects its own source only."""

from __future__ import annotations

import gzip
import resource
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from aggregator.errors import ReadError
from aggregator.model.retrieved import Resource
from aggregator.reading.document import Context, Reading
from aggregator.reading.workers import Workers
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

DEADLINE = timedelta(seconds=10)
SLACK = 60.0  # to send it to a worker and to take the answer; machines differ

GOOD = feed("good", 1, 2, 3)


def rss(item: str, *, repeat: int = 1, head: str = "") -> bytes:
    """An RSS feed with this inside its items."""
    items = f"<item>{item}</item>" * repeat
    return f"{head}<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


def many(attribute: str, count: int) -> str:
    """That many attributes, each with its number."""
    return " ".join(attribute.format(n) for n in range(count))


def laughs() -> bytes:
    """A billion of them."""
    entities = "<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    return rss("<title>&a11;</title>", head=f"<!DOCTYPE rss [{entities}]>")


def blowup() -> bytes:
    """One long entity, many times."""
    return rss("<title>" + "&a;" * 50_000 + "</title>", head=f"<!DOCTYPE rss [<!ENTITY a '{'x' * 50_000}'>]>")


PLAIN = rss("<title>x</title>")
LINK = "<a href='"
ALTERNATE = b"<link rel=alternate type=application/rss+xml href=x>"

CASES: dict[str, Callable[[], bytes]] = {
    "billion laughs": laughs,
    "quadratic blow-up": blowup,
    "external entity": lambda: rss(
        "<title>&x;</title>", head="<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    ),
    "external DTD": lambda: rss("<title>x</title>", head="<!DOCTYPE rss SYSTEM 'http://127.0.0.1:1/x.dtd'>"),
    "100k attributes in XML": lambda: rss("<title " + many("a{}='x'", 100_000) + ">x</title>"),
    "100k attributes in HTML": lambda: rss(
        "<description><![CDATA[<p " + many("a{}=x", 100_000) + ">x</p>]]></description>"
    ),
    "100k nested elements in XML": lambda: rss("<a>" * 100_000 + "</a>" * 100_000),
    "100k nested elements, never closed": lambda: rss("<title>x</title>") + b"<a>" * 100_000,
    "100k nested elements in HTML": lambda: rss(
        f"<description><![CDATA[{'<div>' * 100_000}x]]></description>"
    ),
    "100k open <b> in HTML": lambda: rss(
        f"<description><![CDATA[{'<b>' * 50_000}{'<p>x' * 50_000}]]></description>"
    ),
    "100 MB of one title": lambda: rss("<title>" + "x" * 100_000_000 + "</title>"),
    "100 MB of items": lambda: rss("<title>x</title><link>https://a.example/</link>", repeat=1_600_000),
    "a million empty entries": lambda: rss("", repeat=1_000_000),
    "a million entries": lambda: rss("<title>x</title>", repeat=1_000_000),
    "gzip in gzip": lambda: gzip.compress(gzip.compress(b"\0" * 200_000_000)),
    "gzip of 1 GB": lambda: gzip.compress(b"\0" * 1_000_000_000, 1),
    "a lone surrogate": lambda: rss("<title>a&#xD800;b</title>"),
    "beyond Unicode": lambda: rss("<title>a&#x110000;b&#x7fffffffffffffff;</title>"),
    "]]> everywhere": lambda: rss(f"<description><![CDATA[{']]>' * 100_000}]]></description>"),
    "<![CDATA[ everywhere": lambda: rss(f"<description>{'<![CDATA[' * 50_000}</description>"),
    "<!-- everywhere": lambda: rss(f"<description><![CDATA[{'<!--' * 100_000}]]></description>"),
    "< everywhere": lambda: rss(f"<description>{'<' * 500_000}</description>"),
    "& everywhere": lambda: rss(f"<description>{'&' * 500_000}</description>"),
    "&amp; everywhere in HTML": lambda: rss(f"<description><![CDATA[{'&' * 500_000}]]></description>"),
    "quotes never closed": lambda: rss(
        "<description><![CDATA[" + "<a href='" * 100_000 + "]]></description>"
    ),
    "NULs": lambda: rss("<title>a\0b</title>" + "\0" * 1_000_000),
    "nothing but NULs": lambda: b"\0" * 5_000_000,
    "UTF-7": lambda: (
        b"<?xml version='1.0' encoding='utf-7'?>"
        + rss("<title>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</title>")
    ),
    "an encoding that is none": lambda: (
        b"<?xml version='1.0' encoding='../../etc/passwd'?>" + rss("<title>x</title>")
    ),
    "a codec that is no text": lambda: (
        b"<?xml version='1.0' encoding='zlib_codec'?>" + rss("<title>x</title>")
    ),
    "UTF-16 without its other half": lambda: (
        b"\xff\xfe" + rss("<title>x</title>").decode().encode("utf-16-le")[:-1]
    ),
    "half of every character": lambda: rss("<title>x</title>") + b"\xe4\xb8" * 500_000,
    "a regex trap in dates": lambda: rss(
        "<title>x</title><pubDate>" + "1 " * 50_000 + "</pubDate><pubDate>" + "9" * 100_000 + "</pubDate>"
    ),
    "a regex trap in titles": lambda: rss("<title>" + "<a " * 100_000 + "&amp;lt;" * 50_000 + "</title>"),
    "a regex trap in authors": lambda: rss("<author>" + "a@" * 100_000 + " (" * 50_000 + "</author>"),
    "a regex trap in links": lambda: rss("<link>" + "http://a" * 50_000 + "/../" * 100_000 + "</link>"),
    "a regex trap in srcset": lambda: rss(
        f"<description><![CDATA[<img srcset='{'x 1x,' * 100_000}'>]]></description>"
    ),
    "a regex trap in styles": lambda: rss(
        f"<description><![CDATA[<p style='{'color:red;' * 100_000}'>x</p>]]></description>"
    ),
    "20,000 authors": lambda: rss("<author>a@b.example (A B)</author>" * 20_000),
    "20,000 categories": lambda: rss("<category>x &amp; y</category>" * 20_000),
    "20,000 enclosures": lambda: rss("<enclosure url='https://a.example/1.mp3'/>" * 20_000),
    "20,000 namespaces": lambda: rss("<title " + many("xmlns:n{0}='urn:{0}'", 20_000) + ">x</title>"),
    "30,000 items that are not closed": lambda: rss("<title>x<link>y<description>z", repeat=30_000),
    "a page that is one link": lambda: b"<html><head>" + ALTERNATE * 50_000,
    "front matter that is not closed": lambda: b"---\n" + b"a: [" * 100_000,
}


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Workers as the application has them, with a shorter deadline."""
    with Workers(2, deadline=DEADLINE) as made:
        made.read(Resource(url="https://example.org/", body=GOOD), Context())
        yield made


def read(workers: Workers, document: Resource, kind: str) -> tuple[Reading | None, str]:
    """Returns what it gave, or why it gave nothing."""
    try:
        return workers.read(document, Context(kind=kind)), ""
    except ReadError as error:
        return None, error.reason


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_document_is_read_within_the_time_limit(workers: Workers, name: str) -> None:
    """Articles, or one clear error; and the next document is read as if nothing had been."""
    kind = "articles" if name.startswith("front matter") else "feed"
    hostile = Resource(url="https://example.org/bad", body=CASES[name]())
    before = time.monotonic()
    result, reason = read(workers, hostile, kind)
    assert time.monotonic() - before < DEADLINE.total_seconds() + SLACK
    assert result is not None or 0 < len(reason) < 1000
    assert "a bug in aggregator" not in reason
    if result is not None:
        assert len(result.document.articles) <= 10_000
        for article in result.document.articles:
            assert len(article.title) <= 1_000
            assert len(article.content) <= 4_000_000
            assert "root:" not in article.title
    good = workers.read(Resource(url="https://example.org/", body=GOOD), Context())
    assert len(good.document.articles) == 3


def test_the_parent_parses_nothing_and_others_are_untouched(server: Server, site: Site) -> None:
    """A run over hostile sources and one good one: its articles are there, and memory stays bounded."""
    names = ["billion laughs", "100k nested elements in HTML", "a million entries", "100k attributes in HTML"]
    for number, name in enumerate(names):
        server.pages[f"/{number}"] = Answer(200, {}, CASES[name]())
    server.pages["/good"] = Answer(200, {}, GOOD)
    site.configure(
        *({"name": f"bad{n}", "url": f"{server.url}/{n}", "categories": ["X"]} for n in range(len(names))),
        {"name": "good", "url": f"{server.url}/good", "categories": ["Good"]},
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = site.run("fetch")
    assert result.exit_code == 0
    assert "good: 3 new" in result.stdout
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # kilobytes
