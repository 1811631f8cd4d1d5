"""Dry runs of the config's rules and saved feeds over articles that are not stored."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from aggregator.config.choosing import rule_set
from aggregator.config.load import Config, Source, named
from aggregator.config.subscriptions import followed_as
from aggregator.model.article import Document
from aggregator.rules.query import ArticleFacts
from aggregator.rules.standing import feeds_of
from aggregator.rules.trial import Trial, tried
from aggregator.rules.verdict import Verdict

__all__ = ["tried_on_document"]


def tried_on_document(document: Document, config: Config, source: str | None, now: datetime) -> Trial:
    """What the rules would do to the articles of a document, and in which feeds these would stand.

    `source` is the name of the source that it is taken for; None: that which the config has at its address,
    or none, whose articles only rules without `sources` are asked about. Raises ConfigError for a name that
    no source has.
    """
    if source is not None:
        named([source], [each.name for each in config.sources])
    taken_for = _source(document, config, source)
    rules = rule_set(config.rules, config.feeds)
    queries = {feed.name: feed.parsed for feed in config.feeds}
    found = []
    for article in document.articles:
        own = taken_for.categories if taken_for else ()
        facts = ArticleFacts(
            article,
            source=taken_for.name if taken_for else "",
            first_seen=now,
            published=article.published or now,
            is_dated=article.published is not None,
            categories=tuple(dict.fromkeys((*own, *article.categories))),
        )
        found.append((facts, feeds_of(Verdict(), facts, queries, now)))
    return tried(rules, queries, found, now)


def _source(document: Document, config: Config, name: str | None) -> Source | None:
    """The source of this name, else the one that reads what the document was read from."""
    place = document.source
    if name is None and "://" in place:
        name = followed_as(place, config.sources)
    path = Path(place).absolute()
    for source in config.sources:
        if source.name == name or (name is None and source.path == path):
            return source
    return None
