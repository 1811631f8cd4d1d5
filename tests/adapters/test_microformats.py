"""Kind `microformats`: h-feed and h-entry."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters import kinds
from aggregator.adapters import testing as contract
from aggregator.adapters.install_extras import install_command
from aggregator.errors import ConfigError, ReadError
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, Reading, read_resource
from tests.conftest import Answer, Server
from tests.support.site import Site

pytest.importorskip("mf2py", reason="mf2py is not installed")

FEED = """<!doctype html><html lang=en><title>A page</title><body>
<div class=h-feed><h1 class=p-name>Tea notes</h1><a class="p-author h-card" href=/ada>Ada</a>
<article class=h-entry><h2 class=p-name><a class=u-url href=/1>Green tea</a></h2>
<time class=dt-published datetime="2026-03-04 10:00+01:00">March</time><a class=p-category href=/t>tea</a>
<img class=u-photo src=/cup.jpg alt=cup>
<div class=e-content><p>Hot <b>water</b> and <a href=more>more</a>.</p></div>
</article>
<article class=h-entry><p class="p-name e-content">Just a note on tea.</p><a class=u-url href=/2>#</a>
<a class=u-in-reply-to href=https://cake.example/9>re</a><audio class=u-audio src=/tea.mp3></audio>
<div class="p-comment h-entry"><a class="u-url p-name" href=/c>Nice!</a></div></article></div>
<div class=h-entry><a class="u-url p-name" href=/aside>Elsewhere</a></div></body>"""


def reading(markup: str) -> Reading:
    """Returns what the kind makes of this page."""
    resource = Resource(url="https://tea.example/notes/", body=markup.encode())
    return read_resource(resource, Context(kind="microformats"))


def test_the_entries_of_a_feed_are_read_with_all_they_hold() -> None:
    """Not the comments on them, nor what stands beside the feed."""
    document = reading(FEED).document
    first, note = document.articles
    assert (document.title, first.title, first.link) == ("Tea notes", "Green tea", "https://tea.example/1")
    assert first.published == datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert (first.authors, first.tags, first.headimg) == (("Ada",), ("tea",), "https://tea.example/cup.jpg")
    assert "Hot <b>water</b>" in first.content
    assert 'href="https://tea.example/notes/more"' in first.content
    assert (note.content, note.link) == (
        "<p>Just a note on tea.</p>",
        "https://tea.example/2",
    ) or note.content
    assert note.enclosures[0].url == "https://tea.example/tea.mp3"
    assert note.extra["thr:in-reply-to"][0]["href"] == "https://cake.example/9"


def test_a_page_without_a_feed_gives_its_entries() -> None:
    """As blogs had them before h-feed, in the classes of 2005 too."""
    links = [f"<div class=h-entry><a class='u-url p-name' href=/{n}>Tea {n}</a></div>" for n in (1, 2)]
    old = "<div class=hentry><h2 class=entry-title><a rel=bookmark href=/3>Old tea</a></h2></div>"
    assert [a.title for a in reading("".join(links) + old).document.articles] == ["Tea 1", "Tea 2", "Old tea"]


@pytest.mark.parametrize(
    ("markup", "message"),
    [
        ("<p>Hello", 'no h-entry (microformats) is on the page; try kind = "page"'),
        ("<div class=h-feed><h1 class=p-name>Nothing yet</h1></div>", "no h-entry"),
        ("<div class='h-entry e-content'>" * 100 + "x", "nested more than 20 deep"),
        ("", "empty"),
    ],
    ids=["a page", "an empty feed", "nested", "nothing"],
)
def test_pages_without_entries_are_refused(markup: str, message: str) -> None:
    """With what to try."""
    with pytest.raises(ReadError, match=re.escape(message)):
        reading(markup)


def test_the_kind_keeps_the_contract() -> None:
    """What we ask of others."""
    sample = Resource(url="https://tea.example/", body=FEED.encode())
    assert contract.broken_promises(kinds.named("microformats"), [sample]) == []


def test_without_its_library_the_kind_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source of it is a mistake of the config then."""
    monkeypatch.setitem(sys.modules, "mf2py", None)
    monkeypatch.delitem(sys.modules, "aggregator.adapters.microformats", raising=False)
    kinds.named.cache_clear()
    try:
        with pytest.raises(ConfigError, match=re.escape(install_command("microformats"))):
            kinds.named("microformats")
    finally:
        kinds.named.cache_clear()


def test_a_site_with_an_h_feed_is_followed(server: Server, site: Site) -> None:
    """Two polls; what is new at the second is what was added."""
    server.pages["/"] = Answer(body=FEED.encode())
    site.configure({"name": "Tea", "kind": "microformats", "url": f"{server.url}/"})
    assert "2 new" in site.run("fetch").output
    added = "<div class=h-feed><div class=h-entry><a class='u-url p-name' href=/0>New tea</a></div>"
    server.pages["/"] = Answer(body=FEED.replace("<div class=h-feed>", added, 1).encode())
    assert "1 new, 0 changed, 2 unchanged" in site.run("fetch", "--force").output


def _expected(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The properties of all entries that say anything, comments left out."""
    found = []
    for item in items:
        if item["type"] != ["h-entry"]:
            found += _expected(item.get("children", []))
        elif {"name", "url", "content", "summary", "photo"} & item["properties"].keys():
            found.append(item["properties"])
    return found


def test_the_conformance_pairs_of_microformats_give_their_entries(corpus: Path) -> None:
    """Every h-entry that the parsing tests expect, with its link and its name, unless that is its content."""
    pairs = sorted((corpus / "pages" / "microformats").glob("*.json"))
    assert len(pairs) == 9
    for file in pairs:
        expected = _expected(json.loads(file.read_text(encoding="utf-8"))["items"])
        page = file.with_suffix(".html").read_text(encoding="utf-8")
        if not expected:
            with pytest.raises(ReadError, match="no h-entry"):
                reading(page)
            continue
        articles = reading(page).document.articles
        assert len(articles) == len(expected), file.name
        for article, properties in zip(articles, expected, strict=True):
            name = " ".join(properties.get("name", [""])[0].split())
            assert not name or article.title[:40] == name[:40], file.name
            assert not properties.get("url") or article.link == properties["url"][0], file.name


@pytest.mark.parametrize(
    ("name", "entries", "link"),
    [
        ("html/microblog_mirror__archive-index.html", 970, "/2026/08/22/for-the-sake-of-building.html"),
        ("html/odooist.github.io__index.html", 5, "posts/detect-upgrade-procedure/"),
        ("html/izquierdahispanica-org__page-2-index.html", 5, "/2011/ejercito/"),
        ("microformats/simplepie__h-feed-with-comments.html", 4, "/1"),
    ],
)
def test_real_pages_give_the_entries_that_they_show(corpus: Path, name: str, entries: int, link: str) -> None:
    """h-feed, h-entry without one, hentry of WordPress."""
    articles = reading((corpus / "pages" / name).read_text(encoding="utf-8")).document.articles
    assert len(articles) == entries
    assert (articles[0].link or "").endswith(link)
