"""Decides which of its articles a feed shows: the newest, or those that its settings choose.

A feed with a limit for each source, or with another order, is a selection: it has no archives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aggregator.config.rules import SavedFeed
from aggregator.publishing.outputs import FeedOutput
from aggregator.store import RecentArticles, Store, StoredArticle

__all__ = ["LOOKED_AT", "newest"]

LOOKED_AT = 1_000
"""How many of its newest articles a feed selects from."""


def newest(output: FeedOutput, store: Store, recent: RecentArticles) -> tuple[StoredArticle, ...]:
    """Returns the articles that a feed shows, in its order."""
    if not output.is_selection:
        return store.feeds.newest(output.feed.name, output.entries, recent)
    found = list(store.feeds.newest(output.feed.name, max(LOOKED_AT, output.entries), recent))
    _sort(found, output, store)
    limit, of_source = output.choice.limit_per_source, Counter[str]()
    chosen = []
    for kept in found:
        of_source[kept.article.source] += 1
        if limit is None or of_source[kept.article.source] <= limit:
            chosen.append(kept)
    return tuple(chosen[: output.entries])


def _sort(found: list[StoredArticle], output: FeedOutput, store: Store) -> None:
    """Sorts by relevance, or by how many sources have the story; among equals, the newest first."""
    settings = output.settings
    if not isinstance(settings, SavedFeed) or settings.sort == "published":
        return
    if settings.sort == "relevance":
        from aggregator.rules.query import ArticleFacts

        query = settings.parsed
        found.sort(key=lambda kept: -query.relevance(ArticleFacts(kept.article)))
        return
    others = store.stories.others([kept.pk for kept in found])
    found.sort(key=lambda kept: -_sources(kept, others.get(kept.pk, ())))


def _sources(kept: StoredArticle, others: Sequence[StoredArticle]) -> int:
    return len({kept.article.source, *(other.article.source for other in others)})
