"""The articles without a link, which get pages of their own."""

from __future__ import annotations

from contextlib import closing

from aggregator.config.load import Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article, Origin
from aggregator.store import Found, Store, Update
from tests.conftest import NOW

SOURCE = Source(name="news", url="https://example.org/feed", categories=("World",))
LINK = "https://example.org/1"
TITLES = {
    "usual": "One",
    "empty": "",
    "with quotes": 'She said "no"',
    "that ends with a quote": 'No "',
    "that ends with a backslash": "No \\",
    "that looks like the next key": '","link":"x',
    "that begins like the next key": ',"link":"x',
    "that is long": "x" * 600,
    "that is long and has quotes": '"' * 600,
    "in other letters": "中文" * 200,
    "with a control": "a\x00b\n",
    "with half a pair": "a\ud800",
}
EXTRAS: tuple[dict[str, str], ...] = ({}, {"link": "https://example.org/other"})


def test_they_are_found_whatever_their_titles_and_other_keys(place: StoreAddress) -> None:
    """Links of their feeds, and keys with the same name, are not theirs."""
    articles = [
        Article(
            source="news",
            id=f"{n} {title} {link}",
            title=TITLES[title],
            link=link,
            published=NOW,
            categories=("World",),
            content='<p>","link":"</p>',
            extra=extra,
            origin=Origin(link="https://example.org/", title="News"),
        )
        for n, extra in enumerate(EXTRAS)
        for title in TITLES
        for link in (LINK, None)
    ]
    with closing(Store(place)) as store:
        store.sources.adopt([SOURCE], NOW)
        found = [Found(article) for article in articles]
        store.sources.commit(Update(source="news", validators={}, body_hash=None, found=found), NOW)
        pages = store.articles_with_pages
        shown = {kept.article.id for kept in pages.some([one.pk for one in pages.shown().values()])}
    assert shown == {article.id for article in articles if article.link is None}
