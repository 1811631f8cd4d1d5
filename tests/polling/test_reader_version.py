"""A source that an earlier version of the reader read is read once anew, and nothing becomes an edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.config import load as config
from aggregator.fetch import Fetcher, Resource
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.polling.poll import Poller
from aggregator.polling.poll_result import PollResult
from aggregator.reading.document import READER_VERSION, Context, Reading, read_resource
from aggregator.store import ALL, Store
from tests.conftest import NOW, Answer, Request, Server
from tests.support.site import Site, feed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Read = Callable[[Resource, Context], Reading]


def mending(resource: Resource, context: Context) -> Reading:
    """A reader that makes something else of every body."""
    reading = read_resource(resource, context)

    def other(article: Article) -> Article:
        content, summary = (body.replace("Text", "Mended") for body in (article.content, article.summary))
        return replace(article, content=content, summary=summary)

    made = tuple(map(other, reading.document.articles))
    return replace(reading, document=replace(reading.document, articles=made))


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Raises the reader's version."""

    def raised() -> None:
        for module in ("compare_last_poll", "poll", "read_documents"):
            monkeypatch.setattr(f"aggregator.polling.{module}.READER_VERSION", READER_VERSION + 1)

    return raised


@contextmanager
def opened(site: Site) -> Iterator[Store]:
    """The site's store."""
    store = Store(site.home / "var" / "aggregator.db")
    yield store
    store.close()


def poll(site: Site, now: datetime, read: Read = read_resource, *, refetch: bool = False) -> PollResult:
    """One poll of the only source."""
    loaded = config.load(site.file)
    fetcher = Fetcher(loaded.fetch, "Test")
    with opened(site) as store:
        store.sources.adopt(loaded.sources, now)
        (made,) = Poller(loaded, store, fetcher, read).poll_many(loaded.select(()), now, refetch=refetch)
        for one in store.feeds.all():
            store.feeds.rendered({one.name: one.generation})
    fetcher.close()
    assert made.error is None, made.error
    return made


def bodies(site: Site) -> dict[str, str]:
    """Returns what is stored of each article."""
    with opened(site) as store:
        return {
            kept.article.title: kept.article.content + kept.article.summary for kept in store.articles.all()
        }


def versions(site: Site) -> int:
    """How many earlier versions are stored."""
    with opened(site) as store:
        return sum(len(store.articles.earlier_versions(kept.uid)) for kept in store.articles.all())


def conditional(body: bytes) -> Callable[[Request], Answer]:
    """A page that has a validator."""

    def page(request: Request) -> Answer:
        known = request.headers.get("If-None-Match") == '"1"'
        return Answer(304) if known else Answer(200, {"ETag": '"1"'}, body)

    return page


def test_after_an_upgrade_an_unchanged_document_is_read_again_silently(
    site: Site, server: Server, upgrade: Callable[[], None]
) -> None:
    """Without its validators, at its turn; then conditionally as before."""
    server.pages["/a"] = conditional(feed("a", 1, 2))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    assert poll(site, NOW).saved.new == 2
    poll(site, NOW + HOUR)
    with opened(site) as store:
        before = [(k.uid, k.published, k.updated) for k in store.articles.all()]
    upgrade()
    later = NOW + 2 * DAY
    saved = poll(site, later, mending).saved
    assert (saved.new, saved.changed, saved.unchanged) == (0, 0, 2)
    assert all("Mended" in body for body in bodies(site).values())
    assert versions(site) == 0
    with opened(site) as store:
        assert [(k.uid, k.published, k.updated) for k in store.articles.all()] == before
    assert not poll(site, later + HOUR, mending).was_read
    asked = [request.headers.get("If-None-Match") for request in server.requests]
    assert asked == [None, '"1"', None, '"1"']


def test_only_changed_entries_are_edits(site: Site, server: Server, upgrade: Callable[[], None]) -> None:
    """A document that changed beside the upgrade: each entry is compared with itself."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2, 3))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    poll(site, NOW)
    upgrade()
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2, 3, 4).replace(b"Text 2", b"Text two"))
    saved = poll(site, NOW + DAY, mending).saved
    assert (saved.new, saved.changed, saved.unchanged) == (1, 1, 2)
    assert versions(site) == 1
    assert all("Mended" in body for body in bodies(site).values())


def test_after_an_upgrade_validators_are_left_out_once_a_day_at_most(
    site: Site, server: Server, upgrade: Callable[[], None]
) -> None:
    """Polled whole an hour before the upgrade, it is asked conditionally until a day has passed."""
    server.pages["/a"] = conditional(feed("a", 1))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    poll(site, NOW)
    upgrade()
    for hours in (1, 2, 23, 24, 25):
        poll(site, NOW + hours * HOUR, mending)
    asked = [request.headers.get("If-None-Match") for request in server.requests]
    assert asked == [None, '"1"', '"1"', '"1"', None, '"1"']
    assert "Mended" in bodies(site)["a 1"]


def test_after_an_upgrade_a_changed_document_is_read_completely(
    site: Site, server: Server, upgrade: Callable[[], None]
) -> None:
    """What comes is read by the reader of today, though it was asked for conditionally."""
    server.pages["/a"] = conditional(feed("a", 1))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    poll(site, NOW)
    upgrade()
    server.pages["/a"] = Answer(200, {"ETag": '"2"'}, feed("a", 1, 2))
    saved = poll(site, NOW + HOUR, mending).saved
    assert server.requests[-1].headers["If-None-Match"] == '"1"'
    assert (saved.new, saved.changed) == (1, 0)
    assert all("Mended" in body for body in bodies(site).values())


def test_after_an_upgrade_unchanged_files_are_read_again_silently(
    site: Site, upgrade: Callable[[], None]
) -> None:
    """One that was edited meanwhile is an edit."""
    folder = site.home / "notes"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.md").write_text(f"---\ntitle: {name}\n---\nText of {name}\n")
    site.configure({"name": "notes", "kind": "articles", "path": "notes"})
    poll(site, NOW)
    assert not poll(site, NOW + HOUR).was_read
    upgrade()
    (folder / "b.md").write_text("---\ntitle: b\n---\nText of b, edited\n")
    saved = poll(site, NOW + 2 * HOUR, mending).saved
    assert (saved.new, saved.changed, saved.unchanged) == (0, 1, 1)
    assert versions(site) == 1
    assert all("Mended" in body for body in bodies(site).values())
    assert not poll(site, NOW + 3 * HOUR, mending).was_read


def test_refetch_after_an_upgrade_makes_no_edits(
    site: Site, server: Server, upgrade: Callable[[], None]
) -> None:
    """It reads everything anew too."""
    server.pages["/a"] = conditional(feed("a", 1, 2))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    poll(site, NOW)
    upgrade()
    assert poll(site, NOW + HOUR, mending, refetch=True).saved.changed == 0
    assert versions(site) == 0


def test_pruned_articles_stay_pruned_through_an_upgrade(
    site: Site, server: Server, upgrade: Callable[[], None]
) -> None:
    """And are known by the reader of today from then on."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2, 3))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    poll(site, NOW)
    with opened(site) as store:
        list(store.articles.prune(config.Keep(max_articles=1), 1, NOW, source="a"))
    upgrade()
    for days in (1, 2):
        assert poll(site, NOW + days * DAY, mending).saved.new == 0
    with opened(site) as store:
        assert len(store.articles.going_by("a", READER_VERSION + 1).fingerprints) == 3
        assert len(store.feeds.newest(ALL, 9)) == 1


@pytest.mark.parametrize("broken", [Answer(500), Answer(404), Answer(200, {}, b"no feed")], ids=str)
def test_after_an_upgrade_failures_cost_at_most_one_request_a_day(
    site: Site, server: Server, upgrade: Callable[[], None], broken: Any
) -> None:
    """What is known stays known, and is read anew a day later."""
    server.pages["/a"] = conditional(feed("a", 1))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    poll(site, NOW)
    upgrade()
    server.pages["/a"] = broken
    loaded = config.load(site.file)
    fetcher = Fetcher(loaded.fetch, "Test")
    with opened(site) as store:
        for hours in (48, 49):
            polls = Poller(loaded, store, fetcher, mending)
            (made,) = polls.poll_many(loaded.select(()), NOW + hours * HOUR)
            assert made.error is not None
    fetcher.close()
    assert [request.headers.get("If-None-Match") for request in server.requests] == [None, None, '"1"']
    server.pages["/a"] = conditional(feed("a", 1))
    poll(site, NOW + 73 * HOUR, mending)
    assert "Mended" in bodies(site)["a 1"]
