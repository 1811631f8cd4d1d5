"""Makes digests when they are due, of everything that arrived since the last one: an entry, and mails.

As for notices, the store knows the order in which articles arrived, and the last one that each digest has
seen. First the entry is saved, with an id made of name and time: if the process is killed, the next one makes
the same entry. Then the mails are queued in the transaction that records the position, so that none is lost
and none is made twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aggregator.config.digests import SOURCE_PREFIX, Digest
from aggregator.config.load import Config, Source
from aggregator.config.rules import rule_set
from aggregator.model.article import Article, Origin
from aggregator.model.struct import replace
from aggregator.normalise.html import sanitise
from aggregator.normalise.text import plain_value
from aggregator.normalise.time_zones import zone_of
from aggregator.notify.digest_text import ITEMS, DigestText, is_emptied, without_articles
from aggregator.notify.digest_times import days_of, last_due
from aggregator.notify.new_notices import MAX_LINK, written_article
from aggregator.notify.notice import MAX_TITLE, ArticleNotice
from aggregator.notify.stored_positions import moment_of, number_of
from aggregator.publishing.rule_results import facts_of, read_verdict
from aggregator.rules.feeds_of_article import ALL, with_labels
from aggregator.store import Arrival, Erasable, Found, OutboxMessage, Store, Update, message_id_of
from aggregator.store.published_ids import uuid_of

__all__ = ["CHANNEL", "Digests", "entry_again", "forget_in_digests", "sources_of"]

CHANNEL = "digest"
_SETTING = "digests"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Mark:
    """The last article that a digest has seen, and when it was last due."""

    number: int
    due: datetime


def sources_of(config: Config) -> tuple[Source, ...]:
    """The sources of the entries of digests: only in the store, never polled or published."""
    return tuple(
        Source.model_construct(name=digest.source, categories=(digest.name,), enabled=False, private=True)
        for digest in config.digest
        if digest.enabled and digest.feed
    )


class Digests:
    """Makes the digests of a config from its store."""

    def __init__(self, config: Callable[[], Config], store: Store) -> None:
        self._config = config
        self._store = store
        self._marks: dict[str, _Mark] = {}

    @property
    def _digests(self) -> tuple[Digest, ...]:
        return tuple(digest for digest in self._config().digest if digest.enabled)

    def begin(self, now: datetime) -> None:
        """Starts digests that are new in the config at the present position: the first one is made when it is
        due next.
        """
        text, marks = self._read()
        last = self._store.arrivals.last()
        kept = {
            digest.name: marks.get(digest.name) or _Mark(last, self._due(digest, now))
            for digest in self._digests
        }
        if kept != marks and not self._store.arrivals.looked(_SETTING, text, _written(kept), ()):
            _, kept = self._read()
        self._marks = kept

    def is_due(self, now: datetime) -> bool:
        """Whether any digest is due."""
        return any(self._is_due(digest, self._marks.get(digest.name), now) for digest in self._digests)

    def make(self, now: datetime) -> int:
        """Makes the digests that are due; returns how many have articles. Raises StoreError."""
        if not self.is_due(now):
            return 0
        made = 0
        for digest in self._digests:
            text, marks = self._read()
            self._marks = marks
            mark = marks.get(digest.name)
            if mark is None or not self._is_due(digest, mark, now):
                continue
            last = self._store.arrivals.last()
            due = self._due(digest, now)
            said = self._said(digest, _Mark(min(mark.number, last), mark.due), last, due, now)
            letters: list[OutboxMessage] = []
            if said.articles:
                if digest.feed:
                    self._enter(digest, said, due, now)
                letters = [_letter(digest, said, to, now) for to in digest.to]
            marks = {**marks, digest.name: _Mark(last, due)}
            if self._store.arrivals.looked(_SETTING, text, _written(marks), letters):
                self._marks = marks
                made += bool(said.articles)
        return made

    def _due(self, digest: Digest, now: datetime) -> datetime:
        zone = zone_of(digest.timezone or self._config().site.timezone)
        return last_due(digest.time, digest.weekday, zone, now)

    def _is_due(self, digest: Digest, mark: _Mark | None, now: datetime) -> bool:
        return mark is not None and self._due(digest, now) > mark.due

    def _said(self, digest: Digest, mark: _Mark, last: int, due: datetime, now: datetime) -> DigestText:
        found: list[Arrival] = []
        count, place = 0, mark.number
        while place is not None and place < last:
            arrived, following = self._store.arrivals.after(place, last, _BATCH)
            firsts = self._store.arrivals.first_of({each.article.article.source for each in arrived})
            for each in arrived:
                # Older articles of a new source are not news.
                is_first = each.article.first_seen <= firsts[each.article.article.source]
                if is_first and each.article.published < mark.due:
                    continue
                if _matches(digest, each, now):
                    count += 1
                    found.append(each)
            found.sort(key=lambda each: (each.article.published, each.article.pk), reverse=True)
            del found[digest.limit :]
            if following is None:
                break
            place = following
        config = self._config()
        rules = rule_set(config.rules, config.feeds)
        zone = zone_of(digest.timezone or config.site.timezone)
        begin, until = days_of(mark.due, due, zone)
        return DigestText(
            name=digest.name,
            due=due.isoformat(timespec="seconds"),
            days=f"{begin}" if begin == until else f"{begin} – {until}",
            articles=tuple(written_article(each, rules) for each in found),
            more=count - len(found),
        )

    def _enter(self, digest: Digest, said: DigestText, due: datetime, now: datetime) -> None:
        site = self._config().site
        article = Article(
            source=digest.source,
            id=_entry_id(due),
            title=said.title,
            published=due,
            updated=due,
            categories=(digest.name,),
            content=sanitise(said.body()),
            origin=Origin(title=site.title, link=site.url or None),
            extra={ITEMS: [each.id for each in said.articles]},
        )
        update = Update(
            source=digest.source, validators={}, body_hash=None, title=digest.name, found=(Found(article),)
        )
        self._store.sources.commit(update, now)

    def _read(self) -> tuple[str | None, dict[str, _Mark]]:
        """The setting, and what it says; nothing for one that no version wrote."""
        text = self._store.database.setting(_SETTING)
        try:
            said: Mapping[str, Any] = json.loads(text or "{}")
            return text, {
                name: _Mark(number_of(facts["number"]), moment_of(facts["due"]))
                for name, facts in said.items()
            }
        except (ValueError, TypeError, LookupError, AttributeError):
            return text, {}


def entry_again(article: Article, config: Config) -> Article | None:
    """A published entry as it was stored, where its id says that it is of a digest here; else None."""
    if article.published is None:
        return None
    id_ = _entry_id(article.published)
    for digest in config.digest:
        if digest.enabled and digest.feed and uuid_of(digest.source, id_) == article.id:
            # Its link and its summary were made from its other fields.
            stored = replace(article, source=digest.source, id=id_, link=None, summary="")
            return replace(stored, categories=(digest.name,), tags=())
    return None


def _entry_id(due: datetime) -> str:
    return f"{due.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def forget_in_digests(store: Store, found: Collection[Erasable], now: datetime) -> None:
    """Removes articles that were taken down from all entries of digests, also from earlier versions.

    An entry of which nothing is left is forgotten too.
    """
    gone = [
        ArticleNotice(
            id=each.uid, title=plain_value(each.title, "text", MAX_TITLE), link=each.link[:MAX_LINK]
        )
        for each in found
    ]
    emptied: set[tuple[str, str]] = set()

    def without(entry: Article) -> Article:
        left = without_articles(entry, gone)
        if (left is not entry or ITEMS in left.extra) and is_emptied(left):
            emptied.add((left.source, left.id))
        return left

    store.arrivals.rewrite(SOURCE_PREFIX, without, now)
    entries = [
        each
        for source, id_ in sorted(emptied)
        for each in store.forgetting.named(id_)
        if (each.source, each.id) == (source, id_)
    ]
    store.forgetting.forget(entries, now)


def _matches(digest: Digest, arrival: Arrival, now: datetime) -> bool:
    if digest.category not in (None, ALL) and digest.category not in arrival.feeds:
        return False
    query, article = digest.parsed, arrival.article
    return query is None or query.matches(with_labels(facts_of(article), read_verdict(article.decision)), now)


def _letter(digest: Digest, said: DigestText, to: str, now: datetime) -> OutboxMessage:
    return OutboxMessage(
        id=message_id_of(CHANNEL, digest.name, said.due, to),
        channel=CHANNEL,
        target=f"{digest.name}: {to}",
        payload=said.payload(),
        queued=now,
        due=now,
    )


def _written(marks: Mapping[str, _Mark]) -> str:
    said = {
        name: {"number": mark.number, "due": mark.due.isoformat()} for name, mark in sorted(marks.items())
    }
    return json.dumps(said, ensure_ascii=False)
