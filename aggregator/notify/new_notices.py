"""Makes notices of everything new since the last look of each `[[notify]]`, and queues them.

Nothing is recorded when an article is saved: the store knows the order in which articles arrived, and the
last one that each notice has seen. A notice is queued in the transaction that records this position. So a
process that is killed at any time loses no notice and makes none twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.config.article_filter import ArticleFilter
from aggregator.config.load import Config, Mastodon, Notify
from aggregator.config.rules import rule_set
from aggregator.model.struct import replace
from aggregator.normalise.text import plain_value
from aggregator.notify.mastodon_status import posts_of
from aggregator.notify.notice import MAX_SUMMARY, MAX_TITLE, ArticleNotice, Notice, SourceNotice
from aggregator.notify.quiet_hours import is_quiet
from aggregator.notify.source_events import changes, states_to_store
from aggregator.notify.stored_positions import moment_of, number_of
from aggregator.publishing.rule_results import facts_of, read_verdict, shown
from aggregator.rules.feeds_of_article import ALL, with_labels
from aggregator.rules.rule import RuleSet
from aggregator.schedule.health import BROKEN_AFTER, PollRecord
from aggregator.store import Arrival, OutboxMessage, Store, message_id_of

__all__ = ["MAX_LINK", "SETTING", "NewNotices", "matches", "renamed", "written_article"]

MAX_LINK = 2_000
SETTING = "notices"
"""The setting of the store that keeps up to where each notice has looked."""

_BATCH = 500
_BETWEEN_HEALTH = timedelta(minutes=5)
"""How often the health of all sources is checked at most: it takes days to become broken or silent."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of a notice: the number of the last article, the time of the last notice, states of
    sources.
    """

    number: int
    last: datetime | None = None
    states: Mapping[str, str] | None = None


@dataclass(slots=True)
class _Found:
    """The new articles for a notice or posts; the newest, up to its limit, are kept."""

    rule: ArticleFilter
    articles: list[Arrival] = field(default_factory=list)
    count: int = 0
    sources: list[SourceNotice] = field(default_factory=list)

    def add(self, arrival: Arrival) -> None:
        self.count += 1
        self.articles.append(arrival)
        del self.articles[: -self.rule.limit]


class NewNotices:
    """Finds what is new for the notices and posts of a config, which includes the sources from lists."""

    def __init__(self, config: Callable[[], Config], store: Store) -> None:
        self._config = config
        self._store = store
        self._published: int | None = None
        self._health_looked: datetime | None = None

    @property
    def _rules(self) -> tuple[ArticleFilter, ...]:
        config = self._config()
        return tuple(rule for rule in (*config.notify, *config.mastodon) if rule.enabled)

    def begin(self, now: datetime) -> None:
        """Starts notices that are new in the config at the present position.

        Older articles are not reported.
        """
        text, places, empty = self._read()
        kept: dict[str, _Place] = {}
        for rule in self._rules:
            place = places.get(rule.mark) or _Place(self._store.arrivals.last())
            if not (isinstance(rule, Notify) and rule.on):
                place = replace(place, states=None)
            elif place.states is None:
                place = replace(
                    place, states=states_to_store(self._records(rule), {}, now, _broken_after(rule))
                )
            kept[rule.mark] = place
        empty |= self._store.arrivals.without_any() if kept else frozenset()
        if kept or places:
            self._remember(text, _written(kept, empty))

    def published(self) -> None:
        """Records that everything that has arrived is published, and may be sent."""
        if not self._rules:
            return
        self._published = self._store.arrivals.last()
        # The first articles of a source are not reported, unless it was polled before and had none.
        text, places, empty = self._read()
        self._remember(text, _written(places, empty | self._store.arrivals.without_any()))

    def collect(self, now: datetime) -> int:
        """Queues the notices that are due, for everything published since the last ones; returns how many."""
        if self._published is None or not self._rules:
            return 0
        text, places, empty = self._read()
        last = self._store.arrivals.last()
        # If the last articles were deleted, their numbers are used again.
        places = {name: replace(each, number=min(each.number, last)) for name, each in places.items()}
        ready = {
            rule.mark: _Found(rule)
            for rule in self._rules
            if rule.mark in places and self._is_due(rule, places[rule.mark], now)
        }
        after = dict(places)
        self._look_at_articles(ready, places, after, empty, now)
        self._look_at_sources(ready, after, now)
        new: list[OutboxMessage] = []
        for name, found in ready.items():
            if found.count or found.sources:
                new += self._messages(found, places[name].last, now)
                after[name] = replace(after[name], last=now)
        return len(new) if self._remember(text, _written(after, empty), new) else 0

    def _is_due(self, rule: ArticleFilter, place: _Place, now: datetime) -> bool:
        if not isinstance(rule, Notify):
            return True  # posts wait in the outbox
        # A clock that was set back must not stop notices for long.
        is_early = place.last is not None and timedelta(0) <= now - place.last < rule.every
        return not is_early and not is_quiet(rule, self._config().site, now)

    def _look_at_articles(
        self,
        ready: Mapping[str, _Found],
        places: Mapping[str, _Place],
        after: dict[str, _Place],
        empty: Collection[str],
        now: datetime,
    ) -> None:
        last = self._published or 0
        wanted = {n: f for n, f in ready.items() if f.rule.wants_articles and places[n].number < last}
        place: int | None = min((places[name].number for name in wanted), default=None)
        while place is not None:
            arrived, place = self._store.arrivals.after(place, last, _BATCH)
            firsts = self._store.arrivals.first_of({each.article.article.source for each in arrived})
            for arrival in arrived:
                source = arrival.article.article.source
                if source not in empty and arrival.article.first_seen <= firsts[source]:
                    continue
                for name, found in wanted.items():
                    if arrival.article.pk > places[name].number and matches(found.rule, arrival, now):
                        found.add(arrival)
        for name in ready:
            after[name] = replace(after[name], number=max(after[name].number, last))

    def _look_at_sources(self, ready: Mapping[str, _Found], after: dict[str, _Place], now: datetime) -> None:
        wanted = [(f, f.rule) for f in ready.values() if isinstance(f.rule, Notify) and f.rule.on]
        looked = self._health_looked
        if not wanted or (looked is not None and abs(now - looked) < _BETWEEN_HEALTH):
            return
        self._health_looked = now
        for found, rule in wanted:
            name = rule.mark
            records, before = self._records(rule), after[name].states or {}
            seen = states_to_store(records, before, now, _broken_after(rule))
            found.sources = [each for each in changes(records, before, seen, now) if each.event in rule.on]
            after[name] = replace(after[name], states=seen)

    def _records(self, rule: Notify) -> dict[str, PollRecord]:
        """The records of the enabled sources that a notice is about."""
        about = {
            source.name
            for source in self._config().select(())
            if (not rule.sources or source.name in rule.sources)
            and (not rule.categories or not {*source.categories}.isdisjoint(rule.categories))
        }
        return {record.name: record for record in self._store.sources.health() if record.name in about}

    def _messages(self, found: _Found, last: datetime | None, now: datetime) -> list[OutboxMessage]:
        rule, config = found.rule, self._config()
        rules = rule_set(config.rules, config.feeds)
        if isinstance(rule, Mastodon):
            as_shown = [shown(each.article, rules, ALL)[0] for each in found.articles]
            return posts_of(rule, as_shown, found.articles, now, last)
        assert isinstance(rule, Notify), "there are notices and posts"
        newest = sorted(found.articles, key=lambda each: (each.article.published, each.article.pk))[::-1]
        notice = Notice(
            name=rule.name,
            made=now.isoformat(timespec="seconds"),
            articles=tuple(written_article(each, rules) for each in newest),
            more_articles=found.count - len(newest),
            sources=tuple(found.sources[: rule.limit]),
            more_sources=max(0, len(found.sources) - rule.limit),
        )
        payload = notice.payload()
        message_id = message_id_of("notice", payload)
        return [
            OutboxMessage(
                id=message_id, channel=rule.channel, target=rule.name, payload=payload, queued=now, due=now
            )
        ]

    def _remember(self, before: str | None, now: str, new: Collection[OutboxMessage] = ()) -> bool:
        return now != before and self._store.arrivals.looked(SETTING, before, now, new)

    def _read(self) -> tuple[str | None, dict[str, _Place], frozenset[str]]:
        """The setting, and what it says."""
        text = self._store.database.setting(SETTING)
        return text, *_read(text)


def _broken_after(rule: Notify) -> timedelta:
    return BROKEN_AFTER if rule.broken_after is None else rule.broken_after


def matches(rule: ArticleFilter, arrival: Arrival, now: datetime) -> bool:
    """Whether a notice is about an article."""
    article = arrival.article
    if rule.sources and article.article.source not in rule.sources:
        return False
    if rule.categories and arrival.feeds.isdisjoint(rule.categories):
        return False
    query = rule.query
    return query is None or query.matches(with_labels(facts_of(article), read_verdict(article.decision)), now)


def written_article(arrival: Arrival, rules: RuleSet) -> ArticleNotice:
    """An article in the form of a notice: as the feed of everything shows it with these rules."""
    article, _ = shown(arrival.article, rules, ALL)
    return ArticleNotice(
        id=arrival.article.uid,
        title=plain_value(article.title, "text", MAX_TITLE),
        link=(article.link or "")[:MAX_LINK],
        source=plain_value(article.origin.title or article.source, "text", MAX_TITLE),
        published=arrival.article.published.isoformat(timespec="seconds"),
        summary=plain_value(article.summary or article.content, "html", MAX_SUMMARY),
    )


def renamed(text: str, old: str, new: str) -> str:
    """The setting after a source was renamed: its recorded state stays."""
    places, empty = _read(text)
    for mark, place in places.items():
        if place.states is not None and old in place.states:
            seen = {new if name == old else name: said for name, said in place.states.items() if name != new}
            places[mark] = replace(place, states=seen)
    return _written(places, {new if name == old else name for name in empty})


def _read(text: str | None) -> tuple[dict[str, _Place], frozenset[str]]:
    """The position and states in the setting; empty if it cannot be read."""
    try:
        said = json.loads(text or "{}")
        places = {name: _place(facts) for name, facts in said.get("notices", {}).items()}
        return places, frozenset(map(str, said.get("empty", ())))
    except (ValueError, TypeError, LookupError, AttributeError):
        return {}, frozenset()


def _place(facts: Mapping[str, Any]) -> _Place:
    last, seen = facts.get("last"), facts.get("noted")
    return _Place(
        number=number_of(facts["number"]),
        last=None if last is None else moment_of(last),
        states=None if seen is None else {str(name): str(said) for name, said in seen.items()},
    )


def _written(places: Mapping[str, _Place], empty: Collection[str]) -> str:
    notices = {
        name: {
            "number": place.number,
            "last": place.last and place.last.isoformat(),
            "noted": place.states,
        }
        for name, place in sorted(places.items())
    }
    return json.dumps({"notices": notices, "empty": sorted(empty)}, ensure_ascii=False)
