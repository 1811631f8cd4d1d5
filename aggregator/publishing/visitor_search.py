"""Searches by visitors in what is published, with results as a page and as feeds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from aggregator.config.load import Config
from aggregator.config.rules import rule_set
from aggregator.errors import QueryError
from aggregator.publishing.copies_in_articles import copies_of
from aggregator.publishing.outputs import items
from aggregator.publishing.page_look import look_of
from aggregator.publishing.public_addresses import public_addresses_of
from aggregator.publishing.rule_results import facts_of, read_verdict, shown
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.query import Query, parse_once
from aggregator.rules.query.terms import FIELDS
from aggregator.store import ALL, Store, StoredArticle
from aggregator.writers.channel import Channel, Item, Writer, format_of
from aggregator.writers.html.page_variables import MAX_QUERY
from aggregator.writers.html.search_page import SearchResults, problem_of, results_page

__all__ = ["MAX_RESULTS", "PublicSearch", "SearchFound", "asked"]

MAX_RESULTS = 50
_BODIES = frozenset(("text", "content", "summary"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFound:
    """The newest published articles that a query matches.

    - `is_complete`: there are no others.
    - `updated`: their newest change; without articles, that of any feed.
    """

    items: tuple[Item, ...]
    is_complete: bool
    updated: datetime


def asked(text: str) -> Query:
    """Parses a visitor's query. Raises QueryError, also for one that would take too long."""
    if len(text) > MAX_QUERY:
        raise QueryError(f"a search of {len(text):,} characters, more than {MAX_QUERY}", text, about="length")
    query = parse_once(text)
    if _BODIES & query.regex_fields:
        reason = "a regex needs a field, and none of text, content and summary: title:/te.?/"
        raise QueryError(reason, text, about="regex")
    return query


class PublicSearch:
    """Searches what the feeds of a config show; `writers`: all that are installed, by format name."""

    def __init__(self, config: Config, writers: dict[str, Writer], version: str) -> None:
        self._config = config
        self._version = version
        self._look = look_of(config)
        self._rules = rule_set(config.rules, config.feeds)
        settings = {**config.publish.categories, **{each.name: each for each in config.feeds}}
        usual = config.publish.formats
        feeds = {
            ALL: usual,
            **{name: usual if s.formats is None else s.formats for name, s in settings.items()},
        }
        self._unpublished = frozenset(name for name, formats in feeds.items() if not formats)
        self.writers = {
            name: writer
            for name, writer in writers.items()
            if config.serve.search_feeds and name in usual and format_of(name, writer).is_feed
        }

    def find(self, query: Query, now: datetime, is_over: Callable[[], bool]) -> SearchFound:
        """Returns what a query matches, in articles as feeds show them: never in texts that rules removed.

        Raises StoreError, and TookTooLong once `is_over` returns True.
        """
        store = Store(self._config.store, reads_only=True)
        try:
            disclosure = public_addresses_of(self._config, store)
            feeds = store.feeds.all()
            found: list[Item] = []
            for kept, feed in self._candidates(store, query, now, is_over):
                article, _ = shown(kept, self._rules, feed or EVERYTHING)
                if query.matches(facts_of(kept, article), now):
                    if len(found) == MAX_RESULTS:
                        return _found(found, is_complete=False)
                    copies = copies_of([kept], store, self._config)
                    found += items([kept], disclosure, self._rules, feed, copies=copies)
        finally:
            store.close()
        changed = max((feed.changed for feed in feeds), default=_EPOCH).replace(microsecond=0)
        return _found(found, changed)

    def _candidates(
        self, store: Store, query: Query, now: datetime, is_over: Callable[[], bool]
    ) -> Iterator[tuple[StoredArticle, str]]:
        """Yields articles that may match, each with the name of a feed that shows it, preferably `all`."""
        for kept in store.search.may_match(query.narrowing(now), self._unpublished, is_over):
            feed = ALL
            if read_verdict(kept.decision).rewritings:
                of = [name for name in store.placements.feeds_of(kept.pk) if name not in self._unpublished]
                feed = ALL if ALL in of or not of else of[0]
            yield kept, feed

    def why(self, error: QueryError | str) -> str:
        """Why there are no results, in the language of the site: a mistake, or the key of its words."""
        return problem_of(error, self._config.site.language, [name for name in FIELDS if name])

    def page(self, text: str, found: SearchFound | None, problem: str = "") -> bytes:
        """Returns the page of a search; with `found` None, an empty one."""
        feeds = [
            (address(text, name), format_of(name, writer).label, format_of(name, writer).media_type)
            for name, writer in self.writers.items()
        ]
        return results_page(
            SearchResults(
                query=text,
                title=self._config.site.title,
                items=found.items if found else (),
                is_complete=found.is_complete if found else True,
                problem=problem,
                feeds=feeds if found else (),
                language=self._config.site.language,
                generator_version=self._version,
                look=self._look,
            )
        )

    def feed(self, text: str, found: SearchFound, name: str) -> bytes:
        """Returns the results in the format of this name. Raises WriteError."""
        site = self._config.site
        base = f"{site.url.rstrip('/')}/" if site.url else ""
        formats = tuple(format_of(each, writer) for each, writer in self.writers.items())
        return self.writers[name].render(
            Channel(
                id=uuid.uuid5(uuid.NAMESPACE_URL, f"{site.url or site.title}\n{text}").urn,
                title=f"{text} — {site.title}",
                description=f"What {site.title} has on: {text}",
                category=None,
                link=f"{base}{address(text)}" if base else "",
                self_links={f.file_name: f"{base}{address(text, f.name)}" for f in formats} if base else {},
                files=tuple(f.file_name for f in formats),
                formats=formats,
                updated=found.updated,
                items=found.items,
                language=site.language,
                image=site.image or None,
                total=len(found.items),
                generator_version=self._version,
            )
        )


def address(text: str, name: str = "") -> str:
    """Returns the address of a search relative to the output folder: of its page, or of its feed in a
    format.
    """
    return f"search?{urlencode({'q': text, **({'format': name} if name else {})})}"


def _found(found: list[Item], otherwise: datetime = _EPOCH, *, is_complete: bool = True) -> SearchFound:
    updated = max((item.updated for item in found), default=otherwise)
    return SearchFound(items=tuple(found), is_complete=is_complete, updated=updated)
