"""Decides which articles are about the same story, and which of them is shown, by the config."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from types import TracebackType
from typing import Self

from aggregator.app.feed_membership import FeedChooser
from aggregator.config.load import Config, Source
from aggregator.config.subscriptions import with_listed
from aggregator.errors import ConfigError
from aggregator.rules.story_windows import TEXT_WINDOW
from aggregator.store import ALL, Store, StoredArticle, StoryArticle, StoryMember, StoryRecord, by_categories

__all__ = ["StoryEditor", "StoryPolicy", "listed", "reason"]

_BY_EDITOR = {"": "the first", "editor": "an editor joined it", "split": "an editor split it off"}


class StoryPolicy:
    """Decides about stories by the settings of a config, for the store.

    `shows` and `order` are equal for configs whose feeds show the same articles of stories, in the same
    order.
    """

    def __init__(self, config: Config) -> None:
        self.finds = config.stories.find
        chosen = {ALL: config.publish.all, **config.publish.categories}
        chosen |= {feed.name: feed for feed in config.feeds}
        self._showing = frozenset(config.feeds_with_stories)
        self._preferred = {
            name: {source: n for n, source in enumerate(chosen[name].priority or ())}
            for name in self._showing
            if name in chosen and chosen[name].priority
        }
        self._priorities: dict[str, int] = {}
        self._digests = {digest.source for digest in config.digest}
        self.set_sources(config.sources)

    def set_sources(self, sources: Iterable[Source]) -> None:
        """Sets the sources that there are now, including those that OPML lists name."""
        self._priorities = {source.name: source.priority for source in sources if source.priority}

    # What compares texts is imported where articles are compared: most runs find nothing new.

    @property
    def most_candidates(self) -> int:
        """The largest number of articles that one article is compared with."""
        from aggregator.rules.stories import MOST_CANDIDATES

        return MOST_CANDIDATES

    @property
    def shows(self) -> str:
        """A digest of which feeds show only one article of a story."""
        return _digest(sorted(self._showing))

    @property
    def order(self) -> str:
        """A digest of what decides which article they show."""
        of_feeds = sorted([name, [*order]] for name, order in self._preferred.items())
        return _digest([sorted(self._priorities.items()), of_feeds])

    def keys(self, found: StoredArticle) -> Sequence[int]:
        """Returns the keys by which articles about the same story are found; none for entries of digests and
        for articles that were old when they were found.

        A new source brings its old articles: comparing them took five times as long as reading them, and no
        other source has these stories any more.
        """
        if found.article.source in self._digests or found.first_seen - found.published > TEXT_WINDOW:
            return ()
        from aggregator.rules.stories import article_keys

        return article_keys(found.article)

    def join(
        self, new: StoredArticle, candidates: Sequence[tuple[StoredArticle, frozenset[str]]]
    ) -> tuple[int, str] | None:
        """Returns the candidate whose story the new article joins, and why, as JSON; None: no story."""
        from aggregator.rules.stories import Lookalike, comparable, join

        looked_at = (
            Lookalike(each.pk, comparable(each.article, each.first_seen), sources)
            for each, sources in candidates
        )
        found = join(comparable(new.article, new.first_seen), looked_at)
        if found is None:
            return None
        why = {"code": found.why.code, "score": round(found.why.score, 3), "with": found.article}
        return found.article, json.dumps(why)

    def shows_one(self, feed: str) -> bool:
        """Returns whether a feed shows only one article of a story."""
        return feed in self._showing

    def anew(self, members: Sequence[StoryMember]) -> Sequence[int]:
        """Returns the members ordered by the priority of their sources, then by age."""
        from aggregator.rules.stories import Member, in_order

        found = (Member(each.article, each.source, each.first_seen) for each in members)
        return [each.article for each in in_order(found, self._priorities, anew=True)]

    def in_feed(self, members: Sequence[StoryMember], feed: str) -> Sequence[int]:
        """Returns the members in a feed's order of preference; those that came late are after all others."""
        preferred = self._preferred.get(feed, {})

        def rank(member: StoryMember) -> tuple[bool, int, int]:
            of_source = preferred.get(member.source, len(preferred))
            return member.is_late, 0 if member.is_late else of_source, member.place

        return [member.article for member in sorted(members, key=rank)]


class StoryEditor:
    """Changes stories on a person's request (`aggregator stories`); use it in a `with` statement."""

    def __init__(self, config: Config) -> None:
        chooser, self._policy = FeedChooser(config), StoryPolicy(config)
        judge = chooser if chooser.digest else by_categories
        self._store = Store(config.store, judge=judge, stories=self._policy)
        self._policy.set_sources(with_listed(config.sources, self._store.subscriptions.listed())[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    def named(self, name: str) -> tuple[StoredArticle, ...]:
        """Returns the articles with this link or id."""
        return self._store.articles.named(name)

    def split(self, found: Iterable[StoredArticle], now: datetime) -> None:
        """Removes these articles from their stories permanently."""
        self._store.stories.split([each.pk for each in found], now)

    def join(self, found: Iterable[StoredArticle], now: datetime) -> None:
        """Joins these articles, and the stories that they are in, into one story."""
        self._store.stories.join([each.pk for each in found], now)

    def rebuild(self, now: datetime) -> Iterator[tuple[int, int, int]]:
        """Looks for stories among all stored articles; see `Stories.rebuild`. Raises ConfigError."""
        if not self._policy.finds:
            raise ConfigError(
                "stories.find is false, so no stories are looked for; set it to true, or remove it"
            )
        return self._store.stories.rebuild(now)


def listed(config: Config) -> tuple[StoryRecord, ...]:
    """Returns every story of a config's store. Raises StoreError."""
    with closing(Store(config.store, reads_only=True)) as store:
        return tuple(store.stories.all())


def reason(member: StoryArticle) -> str:
    """Returns a sentence that says why an article is in its story."""
    from aggregator.rules.stories import Why

    return _BY_EDITOR.get(member.code) or str(Why(member.code, member.score))


def _digest(facts: object) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()
