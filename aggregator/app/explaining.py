"""Explains why an article is in some feeds and not in others: its rules, saved feeds and state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.app.feed_membership import FeedChooser
from aggregator.config.load import Config
from aggregator.model.struct import replace
from aggregator.model.verdict import Verdict
from aggregator.publishing.rule_results import facts_of
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.feeds_of_article import feeds_of, with_labels
from aggregator.rules.query import ArticleFacts
from aggregator.rules.rule import judge
from aggregator.store import ALL, Store, Whereabouts

__all__ = ["Explanation", "FeedReason", "explained"]

_STATES = {
    "withdrawn": "withdrawn: its file is gone, or marks it as not to be published",
    "pruned": "pruned: retention in the config does not keep it, and only its id is left",
    "forgotten": "forgotten: its content was erased on demand, and only its id is left",
    "recalled": "recalled: its content was erased on demand, and it may be stored again if its source has it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReason:
    """Why an article is in a feed or not, by the current config."""

    feed: str
    is_in: bool
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The decisions of the config about one article, and the feeds that it is in since the last publication.

    - `title`, `link`: None if only the article's id is kept.
    - `state`: "shown", or in words why it is in no feed, whatever rules say.
    - `matched`: the rules that match, in their order.
    - `tags`: each with the rule that gave it; None: its source did.
    - `rewritten_by`: rules that change how it is shown.
    - `feeds`: the feeds that it is in.
    - `pending`: the feeds that it will be in after the next publication; None: no change.
    """

    id: str
    source: str
    title: str | None
    link: str | None
    state: str
    matched: tuple[str, ...]
    tags: dict[str, str | None]
    rewritten_by: tuple[str, ...]
    feeds: tuple[str, ...]
    pending: tuple[str, ...] | None
    reasons: tuple[FeedReason, ...]


def explained(config: Config, name: str, now: datetime) -> tuple[Explanation, ...]:
    """Explains each article with this link or id. Writes nothing. Raises StoreError if there is no store."""
    chooser = FeedChooser(config)
    store = Store(config.store, reads_only=True)
    try:
        found = store.articles.whereabouts(name)
        shown = [_shown_instead(each, config, store) for each in found]
    finally:
        store.close()
    return tuple(_explained(each, chooser, instead, now) for each, instead in zip(found, shown, strict=True))


def _shown_instead(found: Whereabouts, config: Config, store: Store) -> dict[str, str]:
    """Returns the feeds that show another article of its story instead, with that article's source."""
    if found.kept is None:
        return {}
    others = store.stories.others([found.kept.pk]).get(found.kept.pk, ())
    return {
        EVERYTHING if feed == ALL else feed: other.article.source
        for other in others
        for feed in store.placements.feeds_of(other.pk)
        if feed in config.feeds_with_stories and feed not in found.feeds
    }


def _explained(
    found: Whereabouts, chooser: FeedChooser, shown_instead: Mapping[str, str], now: datetime
) -> Explanation:
    state = _STATES.get(found.state, "shown")
    if state == "shown" and not found.is_followed:
        state = "not followed: its source is not in the config any more"
    feeds = tuple(EVERYTHING if feed == ALL else feed for feed in found.feeds)
    if found.kept is None:
        return Explanation(
            id=found.uid,
            source=found.source,
            title=None,
            link=None,
            state=state,
            matched=(),
            tags={},
            rewritten_by=(),
            feeds=feeds,
            pending=None,
            reasons=(),
        )
    article, facts = found.kept.article, facts_of(found.kept)
    own = chooser.digest_of(article.source)
    verdict = judge(chooser.rules, facts, now) if own is None else Verdict()
    standing: frozenset[str] = frozenset()
    if state == "shown":
        decided = feeds_of(verdict, facts, chooser.queries, now, of_source=chooser.of_source)
        standing = decided.difference(shown_instead) if own is None else frozenset((own,))
    reasons = tuple(
        replace(each, is_in=False, because=f"it shows the article of {source!r} about the same story")
        if each.is_in and (source := shown_instead.get(each.feed)) is not None
        else each
        for each in (_reasons(verdict, facts, chooser, now) if state == "shown" else ())
    )
    return Explanation(
        id=found.uid,
        source=found.source,
        title=article.title,
        link=article.link,
        state=state,
        matched=verdict.matched,
        tags={tag: None if tag in facts.tags else verdict.tags[tag] for tag in verdict.all_tags(facts.tags)},
        rewritten_by=tuple(dict.fromkeys(each.rule for each in verdict.rewritings)),
        feeds=feeds,
        pending=None
        if standing == {*feeds}
        else tuple(reason.feed for reason in reasons if reason.feed in standing),
        reasons=reasons,
    )


def _reasons(
    verdict: Verdict, facts: ArticleFacts, chooser: FeedChooser, now: datetime
) -> Iterator[FeedReason]:
    """Yields reasons for `all`, its categories, feeds that rules name, saved feeds and its source's feed."""
    if (own := chooser.digest_of(facts.source)) is not None:
        yield FeedReason(feed=own, is_in=True, because="it is a digest, which is only in its own feed")
        return
    seen = with_labels(facts, verdict)
    names = (EVERYTHING, *facts.categories, *verdict.added, *verdict.removed, *chooser.queries)
    for feed in dict.fromkeys(names):
        query = chooser.queries.get(feed)
        if (rule := verdict.dropped_by) is not None:
            yield FeedReason(feed=feed, is_in=False, because=f"rule {rule!r} drops it")
        elif (rule := verdict.removed.get(feed)) is not None:
            yield FeedReason(feed=feed, is_in=False, because=f"rule {rule!r} removes it")
        elif query is not None:
            is_in = query.matches(seen, now)
            because = f"its query {'matches' if is_in else 'does not match'}: {query.text}"
            yield FeedReason(feed=feed, is_in=is_in, because=because)
        elif feed == EVERYTHING:
            yield FeedReason(feed=feed, is_in=True, because="it has all articles")
        elif (rule := verdict.added.get(feed)) is not None and feed not in facts.categories:
            yield FeedReason(feed=feed, is_in=True, because=f"rule {rule!r} adds it")
        else:
            yield FeedReason(feed=feed, is_in=True, because="it is a category of the article")
    if chooser.of_source:
        is_in = bool(feeds_of(verdict, facts, chooser.queries, now))
        because = "it is its source's own feed" if is_in else "the article is in no other feed"
        yield FeedReason(feed=chooser.of_source + facts.source, is_in=is_in, because=because)
