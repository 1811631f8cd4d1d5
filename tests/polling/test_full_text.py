"""Full text: a feed with teasers, its site's pages, and what goes wrong between them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.app.app import App
from aggregator.config.load import load
from aggregator.errors import Disallowed, FetchError, Gone, HttpStatus, Later, NoNetwork, SourceError
from aggregator.fetch import Fetcher
from aggregator.model.article import Article
from aggregator.polling.full_text import AFTER, Completed, Completing, again_at, merged
from aggregator.polling.poll import Poller
from aggregator.reading.document import read_resource
from aggregator.store import Store, StoredArticle
from tests.conftest import Answer, Server
from tests.support.site import Site

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
WORDS = "This is the whole story of the tea, told at some length and with care. "


def page(number: int, text: str = "") -> Answer:
    """An article's page, with what stands around it."""
    body = f"""<!doctype html><html lang="en"><head><title>Tea {number} | Tea club</title>
        <meta name="author" content="Ada Leaf"><meta property="og:image" content="/pot.jpg"></head><body>
        <nav><ul><li><a href="/">Home</a></li><li><a href="/about">About</a></li></ul></nav>
        <article><h1>Tea {number}</h1><p>{text or f"Story {number}."} {WORDS * 3}</p>
        <p>{WORDS * 3}<a href="more">More</a></p></article>
        <footer>All rights reserved by the tea club</footer></body></html>"""
    return Answer(headers={"Content-Type": "text/html; charset=utf-8"}, body=body.encode())


def teasers(server: Server, *numbers: int, summary: str = "A teaser") -> None:
    """Puts a feed of teasers on the server."""
    items = "".join(
        f"<item><title>Tea {n}</title><link>{server.url}/{n}</link><guid>{server.url}/{n}</guid>"
        f"<description>{summary} {n}</description></item>"
        for n in numbers
    )
    body = f"<rss version='2.0'><channel><title>Tea</title><link>{server.url}</link>{items}</channel></rss>"
    server.pages["/feed"] = Answer(body=body.encode())


def configured(site: Site, server: Server, **settings: Any) -> None:
    """A site whose one source wants full text."""
    site.configure({"name": "tea", "url": f"{server.url}/feed", "full_text": True, **settings})


def run(site: Site, now: datetime = NOW, *, refetch: bool = False) -> Completed | None:
    """One poll of everything and one round of pages at a moment of one's choosing."""
    config = load(site.file)
    store, fetcher = Store(config.store), Fetcher(config.fetch, "Aggregator/1")
    try:
        store.sources.adopt(config.sources, now)
        polls = Poller(config, store, fetcher, read_resource)
        assert [poll.error for poll in polls.poll_many(config.sources, now, refetch=refetch)] == [None]
        fared = list(Completing(config, store, fetcher, read_resource).complete(config.sources, now))
    finally:
        fetcher.close()
        store.close()
    assert len(fared) <= 1
    return fared[0] if fared else None


def kept(site: Site) -> dict[str, StoredArticle]:
    """Returns what the store has, by the last part of the address."""
    store = Store(load(site.file).store)
    try:
        return {(each.article.link or "").rpartition("/")[2]: each for each in store.articles.all()}
    finally:
        store.close()


def asked(server: Server) -> Counter[str]:
    """How often each path was asked for."""
    return Counter(request.path for request in server.requests)


def test_teasers_are_completed_once_by_their_pages(site: Site, server: Server) -> None:
    """Each page is fetched once; a second poll fetches none, nor does one of everything anew."""
    configured(site, server)
    teasers(server, 1, 2)
    server.pages |= {"/1": page(1), "/2": page(2)}

    fared = run(site)

    assert fared is not None
    assert (fared.read, fared.problems) == (2, [])
    articles = kept(site)
    assert "Story 1." in articles["1"].article.content
    assert "All rights" not in articles["1"].article.content
    assert articles["1"].article.summary == "A teaser 1"
    assert articles["1"].article.title == "Tea 1"
    assert articles["1"].article.authors == ("Ada Leaf",)
    assert articles["1"].article.headimg == f"{server.url}/pot.jpg"
    assert f'href="{server.url}/more"' in articles["1"].article.content

    teasers(server, 3, 1, 2)
    server.pages["/3"] = page(3)
    run(site, NOW + timedelta(hours=2))
    run(site, NOW + timedelta(hours=4), refetch=True)
    assert asked(server) == {"/feed": 3, "/robots.txt": 2, "/1": 1, "/2": 1, "/3": 1}
    assert [each.article.content.count("Story") for each in kept(site).values()] == [1, 1, 1]


def test_an_article_completed_in_its_first_run_counts_as_unedited(site: Site, server: Server) -> None:
    """It is published as one article with one date, and has no earlier version."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = page(1)
    run(site)
    (only,) = kept(site).values()
    assert only.updated == only.published == NOW
    store = Store(load(site.file).store)
    assert store.articles.earlier_versions(only.uid) == ()
    store.close()


def test_the_feed_that_is_published_has_the_full_text(site: Site, server: Server) -> None:
    """`aggregator fetch` polls, completes, and publishes, and tells of it."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = page(1)
    result = site.run("fetch")
    assert "tea: 1 pages read" in result.output
    assert b"Story 1." in next(body for name, body in site.files().items() if name.endswith("atom.xml"))


def test_the_json_of_a_run_has_the_fetched_pages(site: Site, server: Server) -> None:
    """For scripts."""
    configured(site, server)
    teasers(server, 1)
    message = json.loads(site.run("fetch", "--json").stdout)
    (pages,) = message["pages"]
    assert (pages["source"], pages["read"], pages["given_up"]) == ("tea", 0, 1)


def test_an_edit_in_the_feed_asks_for_the_page_again(site: Site, server: Server) -> None:
    """Only for that one; until it is there, the earlier text stays; then it is an edit with a version."""
    configured(site, server)
    teasers(server, 1, 2)
    server.pages |= {"/1": page(1), "/2": page(2)}
    run(site)

    teasers(server, 1, 2, summary="Another teaser")
    server.pages["/1"] = page(1, "Story rewritten.")
    server.pages["/2"] = Answer(503)
    later = NOW + timedelta(hours=2)
    fared = run(site, later)

    assert fared is not None
    assert (fared.read, fared.later) == (1, 1)
    assert asked(server)["/1"] == 2
    articles = kept(site)
    assert "Story rewritten." in articles["1"].article.content
    assert "Story 2." in articles["2"].article.content
    assert articles["2"].article.summary == "Another teaser 2"
    assert articles["1"].updated == later
    store = Store(load(site.file).store)
    (before,) = store.articles.earlier_versions(articles["1"].uid)
    store.close()
    assert "Story 1." in before.article.content
    assert before.article.summary == "A teaser 1"


def test_a_page_that_becomes_unreadable_keeps_earlier_text(site: Site, server: Server) -> None:
    """A wall of consent, after an edit: the earlier text stays beside the new teaser."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = page(1)
    run(site)
    teasers(server, 1, summary="A much longer teaser than the wall of consent has words, say. " * 3)
    server.pages["/1"] = Answer(
        body=b"<article><p>Please agree to everything we say, and to whatever else we may say.</p></article>"
    )
    fared = run(site, NOW + timedelta(hours=2))
    assert fared is not None
    assert fared.spare == 1
    only = kept(site)["1"].article
    assert "Story 1." in only.content
    assert only.summary.startswith("A much longer teaser")


def test_a_page_that_fails_is_asked_for_later(site: Site, server: Server) -> None:
    """The article is there meanwhile as the feed gave it; the source's poll succeeded."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = Answer(500)
    fared = run(site)
    assert fared is not None
    assert (fared.read, fared.later, fared.problems) == (0, 1, [])
    assert kept(site)["1"].article.summary == "A teaser 1"

    server.pages["/1"] = page(1)
    assert run(site, NOW + timedelta(minutes=30)) is None
    later = NOW + AFTER[0]
    fared = run(site, later)
    assert fared is not None
    assert fared.read == 1
    only = kept(site)["1"]
    assert "Story 1." in only.article.content
    assert (only.published, only.updated) == (NOW, later), "readers that go by dates see the text come"


def test_a_page_that_keeps_failing_is_given_up_and_reported(site: Site, server: Server) -> None:
    """After four attempts, over a day; the article stays, and the page is not asked for any more."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = Answer(500)
    moment = NOW
    rounds = []
    for wait in (*AFTER, timedelta(days=1), timedelta(days=30)):
        rounds.append(run(site, moment))
        moment += wait
    assert [r and (r.later, r.given_up) for r in rounds] == [(1, 0), (1, 0), (1, 0), (0, 1), None]
    last = rounds[3]
    assert last is not None
    assert "given up: the server failed (500)" in str(last.problems[0])
    assert asked(server)["/1"] == 4
    assert kept(site)["1"].article.summary == "A teaser 1"


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_page_is_not_fetched_again(site: Site, server: Server, status: int) -> None:
    """It is reported once."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = Answer(status)
    fared = run(site)
    assert fared is not None
    assert fared.given_up == 1
    assert run(site, NOW + timedelta(days=2)) is None
    assert asked(server)["/1"] == 1


def test_retry_after_of_a_page_is_kept(site: Site, server: Server) -> None:
    """A server that asks for two days has two days."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = Answer(503, headers={"Retry-After": "172800"})
    run(site)
    assert run(site, NOW + timedelta(hours=47)) is None
    server.pages["/1"] = page(1)
    fared = run(site, NOW + timedelta(hours=49))
    assert fared is not None
    assert fared.read == 1


def test_a_disallowed_page_is_not_fetched(site: Site, server: Server) -> None:
    """The advice says what can be done; others are fetched."""
    configured(site, server)
    teasers(server, 1, 2)
    server.pages |= {"/1": page(1), "/2": page(2)}
    server.pages["/robots.txt"] = Answer(body=b"User-agent: *\nDisallow: /2\n")
    fared = run(site)
    assert fared is not None
    assert (fared.read, fared.given_up) == (1, 1)
    assert "robots = false" in str(fared.problems[0])
    assert asked(server)["/2"] == 0


def test_robots_false_skips_the_robots_txt_of_pages(site: Site, server: Server) -> None:
    """`robots = false` is for that."""
    configured(site, server, robots=False)
    teasers(server, 1)
    server.pages |= {"/1": page(1), "/robots.txt": Answer(body=b"User-agent: *\nDisallow: /\n")}
    fared = run(site)
    assert fared is not None
    assert fared.read == 1
    assert asked(server)["/robots.txt"] == 0


def test_a_run_that_was_killed_before_its_pages_loses_nothing(site: Site, server: Server) -> None:
    """They were asked for with the articles, in one transaction; the next run has them."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = page(1)
    config = load(site.file)
    with App(config, NOW) as app:
        list(app.fetch(config.sources, NOW))
    fared = run(site, NOW + timedelta(minutes=1))
    assert fared is not None
    assert fared.read == 1
    assert "Story 1." in kept(site)["1"].article.content


def test_the_pages_fetched_per_hour_are_limited(site: Site, server: Server) -> None:
    """A new source with many entries is not hammered: they come hour by hour, the first ones first."""
    configured(site, server, full_text={"pages": 2})
    teasers(server, *range(1, 6))
    server.pages |= {f"/{n}": page(n) for n in range(1, 6)}
    counts = [run(site, NOW + timedelta(hours=hours)) for hours in range(4)]
    assert [fared.read if fared else 0 for fared in counts] == [2, 2, 1, 0]
    pages = [request.path for request in server.requests if request.path[1:].isdecimal()]
    assert {*pages[:2]} == {"/1", "/2"}


def test_a_page_with_less_than_its_feed_changes_nothing(site: Site, server: Server) -> None:
    """Such as a wall of consent where the article should be."""
    configured(site, server)
    teasers(server, 1, summary="A long text in the feed itself. " * 40)
    consent = f"<article><p>{'Please agree to everything. ' * 20}</p></article>"
    server.pages["/1"] = Answer(body=consent.encode())
    fared = run(site)
    assert fared is not None
    assert (fared.read, fared.spare) == (0, 1)
    assert "Please agree" not in kept(site)["1"].article.content


def test_a_document_that_is_not_a_page_is_given_up(site: Site, server: Server) -> None:
    """A PDF, say; its article stays."""
    configured(site, server)
    teasers(server, 1)
    server.pages["/1"] = Answer(headers={"Content-Type": "application/pdf"}, body=b"%PDF-1.7 and so on")
    fared = run(site)
    assert fared is not None
    assert fared.given_up == 1
    assert "PDF" in str(fared.problems[0])
    assert "1" in kept(site)


def test_selectors_choose_the_article_on_its_page(site: Site, server: Server) -> None:
    """Selectors in place of what is found by itself."""
    configured(site, server, full_text={"content": "article p", "remove": "a", "author": "footer"})
    teasers(server, 1)
    server.pages["/1"] = page(1)
    run(site)
    article = kept(site)["1"].article
    assert "More" not in article.content
    assert article.authors == ("All rights reserved by the tea club",)


def test_pages_given_up_are_fetched_again_with_refetch(site: Site, server: Server) -> None:
    """So that a wrong selector can be corrected; what was completed is left alone."""
    configured(site, server, full_text={"content": ".text"})
    teasers(server, 1, 2)
    server.pages |= {"/1": page(1), "/2": Answer(body=b"<div class=text><p>Two is a long story.</p></div>")}
    fared = run(site)
    assert fared is not None
    assert (fared.read, fared.given_up) == (1, 1)
    assert 'content = ".text" gave nothing' in str(fared.problems[0])

    configured(site, server, full_text={"content": "article, .text"})
    assert run(site, NOW + timedelta(hours=2)) is None
    fared = run(site, NOW + timedelta(hours=4), refetch=True)
    assert fared is not None
    assert fared.read == 1
    assert (asked(server)["/1"], asked(server)["/2"]) == (2, 1)


def test_titles_made_from_addresses_are_replaced_by_the_pages(site: Site, server: Server) -> None:
    """A sitemap has neither titles nor texts: the pages have."""
    configured(site, server, kind="sitemap")
    sitemap = f"<urlset><url><loc>{server.url}/1</loc></url></urlset>"
    server.pages |= {"/feed": Answer(body=sitemap.encode()), "/1": page(1)}
    run(site)
    article = kept(site)["1"].article
    assert article.title == "Tea 1"
    assert article.summary.startswith("Story 1.")


def test_robots_txt_does_not_apply_to_polls_of_feeds(site: Site, server: Server) -> None:
    """Feeds are made for programs."""
    site.configure({"name": "tea", "url": f"{server.url}/feed"})
    teasers(server, 1)
    run(site)
    assert asked(server) == {"/feed": 1}


@pytest.mark.parametrize(
    ("error", "attempts", "after"),
    [
        (FetchError("broken"), 1, AFTER[0]),
        (FetchError("broken"), 3, AFTER[2]),
        (FetchError("broken"), 4, None),
        (Later("busy", status=503, retry_after=timedelta(hours=5)), 1, timedelta(hours=5)),
        (Later("busy", status=503, retry_after=timedelta(days=900)), 1, timedelta(days=7)),
        (HttpStatus("no", status=403), 1, AFTER[0]),
        (HttpStatus("no", status=404), 1, None),
        (Gone("no", status=410), 1, None),
        (Disallowed("no"), 1, None),
        (NoNetwork("offline"), 0, AFTER[0]),
    ],
    ids=["first", "third", "fourth", "asked", "asked too much", "403", "404", "410", "robots", "offline"],
)
def test_when_a_page_is_asked_for_again(error: SourceError, attempts: int, after: timedelta | None) -> None:
    """Four attempts over a day, but none where the publisher has said no."""
    assert again_at(error, attempts, NOW) == (None if after is None else NOW + after)


def test_the_feeds_own_words_are_kept() -> None:
    """Only what it lacks comes from the page."""
    own = Article(id="1", title="Tea", summary="A teaser", authors=("Bo",), published=NOW)
    text = "<p>Much more text</p>"
    there = Article(id="1", title="Club", content=text, summary="Much", authors=("Ada",), headimg="u")
    both = merged(own, there)
    assert (both.title, both.summary, both.authors, both.published) == ("Tea", "A teaser", ("Bo",), NOW)
    assert (both.content, both.headimg) == (text, "u")


def test_a_default_author_is_replaced_by_the_pages() -> None:
    """The config's `author` is for articles that name none, and the page does."""
    own = Article(id="1", title="Tea", authors=("The club",))
    there = Article(id="1", title="Tea", content="<p>Text</p>", authors=("Ada",))
    assert merged(own, there, "The club").authors == ("Ada",)


def test_pictures_are_not_given_up_for_words() -> None:
    """A comic's page has more words than its feed, and none of them is the comic."""
    own = Article(id="1", title="A comic", content="<img src='https://c.example/1.png'>")
    there = Article(id="1", title="A comic", content="<p>Archive, about, shop and a licence</p>")
    assert merged(own, there) is own


def test_a_wrong_option_is_reported_when_the_config_is_read(tmp_path: Path) -> None:
    """With the key as it was written, and what there is."""
    site = Site(tmp_path)
    site.configure({"name": "tea", "url": "https://tea.example/", "full_text": {"contents": "article"}})
    result = site.run("check")
    assert result.exit_code == 2
    assert "full_text.contents (source 'tea'): is not a known key; did you mean 'content'?" in result.stderr
    assert "image, pages, remove" in result.stderr
