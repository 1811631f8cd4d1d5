"""Pages that are to complete articles, as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article, Origin
from aggregator.model.struct import replace
from aggregator.store import Found, PageRequest, Saved, Store, Update
from aggregator.store.page_requests import LATER, MAX_TIMES

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
FULL = "<p>The whole article</p>"


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store that knows one source."""
    opened = Store(place)
    opened.sources.adopt([Source(name="tea", url="https://tea.example/feed", categories=("Drinks",))], NOW)
    yield opened
    opened.close()


def entry(number: int = 1, **fields: object) -> Article:
    """An article as its feed gave it."""
    made = Article(
        id=f"{number}",
        title=f"Tea {number}",
        summary="A teaser",
        link=f"https://tea.example/{number}",
        categories=("Drinks",),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def commit(store: Store, *articles: Article, now: datetime = NOW, pages: int = 20) -> Saved:
    """A poll that found these."""
    found = [Found(article, article.content_hash) for article in articles]
    update = Update(source="tea", validators={}, body_hash=None, found=found, pages=pages)
    return store.sources.commit(update, now)


def due(store: Store, now: datetime = NOW) -> tuple[PageRequest, ...]:
    """Returns what is to be asked for."""
    return store.pages.due(["tea"], now, 100)


def complete(store: Store, now: datetime = NOW, **fields: object) -> bool:
    """Completes the one page that is due."""
    (page,) = due(store, now)
    given = {"content": FULL, **fields}
    return store.pages.complete(page, lambda own: replace(own, **given), now)  # type: ignore[arg-type]


def only(store: Store) -> Article:
    """The one article that is kept."""
    (kept,) = store.articles.all()
    return kept.article


def test_pages_are_requested_only_for_sources_with_full_text(store: Store) -> None:
    """And only for articles that have a page on the web."""
    commit(store, entry(), pages=0)
    commit(store, entry(2, link=None), entry(3, link="magnet:?xt=1"))
    assert due(store) == ()
    assert store.pages.due(["other"], NOW, 100) == ()


def test_a_page_of_several_entries_is_requested_once(store: Store) -> None:
    """The start page of a site is never requested."""
    site = Origin(link="https://tea.example/")
    commit(store, entry(1), entry(2, link="https://tea.example/1#two"))
    commit(store, entry(3, link="https://tea.example/#3", origin=site), entry(4, link=site.link, origin=site))
    assert [page.url for page in due(store)] == ["https://tea.example/1"]


def test_the_first_pages_are_due_now_and_the_others_hour_by_hour(store: Store) -> None:
    """In the order of the feed."""
    commit(store, *(entry(n) for n in range(5)), pages=2)
    assert [page.url[-1] for page in due(store)] == ["0", "1"]
    assert [page.url[-1] for page in due(store, NOW + LATER)] == ["0", "1", "2", "3"]
    assert len(due(store, NOW + 2 * LATER)) == 5


def test_text_from_a_page_stays_while_the_feeds_entry_is_equal(store: Store) -> None:
    """Read anew with a new fingerprint, under another category, it is still complete and not asked for."""
    commit(store, entry())
    assert complete(store, authors=("Ada",))
    saved = commit(store, entry(tags=("new",)), now=NOW + LATER)
    assert (saved.new, saved.changed) == (0, 0)
    assert (only(store).content, only(store).authors, only(store).tags) == (FULL, ("Ada",), ("new",))
    assert due(store, NOW + timedelta(days=9)) == ()


def test_an_edit_of_the_entry_keeps_the_text_and_asks_again(store: Store) -> None:
    """Even when what was edited is hidden by what the page gave."""
    commit(store, entry(content="<p>Short</p>"))
    complete(store)
    commit(store, entry(content="<p>Changed</p>"), now=NOW + LATER)
    assert only(store).content == FULL
    assert complete(store, NOW + LATER, content="<p>The whole new article</p>")
    assert only(store).content == "<p>The whole new article</p>"


def test_a_page_of_an_always_changing_entry_is_fetched_at_most_24_times(store: Store) -> None:
    """Some feeds count readers in a summary."""
    moment = NOW
    times = 0
    for number in range(MAX_TIMES + 10):
        commit(store, entry(summary=f"Read {number} times"), now=moment)
        if due(store, moment):
            complete(store, moment)
            times += 1
        moment += LATER
    assert times == MAX_TIMES
    assert only(store).content == FULL


def test_a_date_is_taken_from_a_page_until_the_article_was_published(store: Store) -> None:
    """A missing one was the time of the poll, and feeds have gone out with it since."""
    written = NOW - timedelta(days=30)
    commit(store, entry(1))
    complete(store, published=written)
    assert (only(store).published, only(store).updated) == (written, written)
    commit(store, entry(2))
    (page,) = due(store)
    store.pages.complete(page, lambda own: replace(own, content=FULL, published=written), NOW + LATER)
    assert {each.published for each in store.articles.all()} == {written, NOW}


def test_the_feeds_of_a_completed_article_are_stale(store: Store) -> None:
    """As after every change; a page that gave nothing changes nothing."""

    def stale() -> list[str]:
        found = [category for category in store.feeds.all() if category.is_stale]
        for category in found:
            store.feeds.rendered({category.name: category.generation})
        return sorted(category.name for category in found)

    commit(store, entry())
    assert stale() == ["", "Drinks"]
    complete(store)
    assert stale() == ["", "Drinks"]
    commit(store, entry(summary="Another"), now=NOW + LATER)
    assert stale() == ["", "Drinks"]
    assert not complete(store, NOW + LATER)
    assert stale() == []


def test_a_page_that_was_postponed_is_due_later_or_never(store: Store) -> None:
    """With the attempts that failed; until its entry changes."""
    commit(store, entry())
    (page,) = due(store)
    store.pages.postpone(page, NOW + LATER, 1)
    assert due(store) == ()
    (page,) = due(store, NOW + LATER)
    assert page.attempts == 1
    store.pages.postpone(page, None, 2)
    assert due(store, NOW + timedelta(days=99)) == ()
    commit(store, entry(summary="Edited"), now=NOW + LATER)
    (page,) = due(store, NOW + LATER)
    assert page.attempts == 0


def test_a_page_that_another_worker_completed_is_not_saved_again(store: Store) -> None:
    """A worker that stood still for an hour would else put an older text over a newer one."""
    commit(store, entry())
    (late,) = due(store)
    assert complete(store, content="<p>The newer text of the page, in more than a few words.</p>")
    assert not store.pages.complete(late, lambda own: replace(own, content=FULL), NOW + LATER)
    assert only(store).content == "<p>The newer text of the page, in more than a few words.</p>"
    commit(store, entry(2))
    (late,) = due(store)
    store.pages.postpone(late, NOW + LATER, 1)
    assert not store.pages.complete(late, lambda own: replace(own, content=FULL), NOW + LATER)
    assert [page.attempts for page in due(store, NOW + LATER)] == [1]


def test_a_pruned_article_needs_no_page(store: Store) -> None:
    """Nor does one that goes while its page is on its way."""
    commit(store, entry(1, published=NOW - timedelta(days=9)), entry(2))
    page, _ = due(store)
    assert sum(store.articles.prune(Keep(max_articles=1), 1, NOW, source="tea")) == 1
    assert [left.url for left in due(store)] == ["https://tea.example/2"]
    assert not store.pages.complete(page, lambda own: own, NOW)
