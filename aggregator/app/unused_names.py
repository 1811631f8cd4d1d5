"""Finds names of categories in a config that nothing has any more, or that are misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from aggregator.config.article_filter import ArticleFilter
from aggregator.config.load import Config
from aggregator.config.rules import ALL, BRING_CATEGORIES, MAX_SUGGESTIONS
from aggregator.errors import StoreError

__all__ = ["given_categories", "unused_names"]


def unused_names(config: Config) -> Iterator[str]:
    """Yields a sentence for each category that a setting, notice, post or digest names and nothing has.

    A name counts as used if a source, rule, saved feed or digest of the config has it, or a stored article.
    If no store can be read, settings of categories are not reported, because articles may have the category.
    """
    known = {*given_categories(config), *(feed.name for feed in config.feeds)}
    known.update(digest.name for digest in config.digest)
    named = [each for each in _named(config) if each[1] not in known]
    settings = [each for each in _set(config) if each[1] not in known]
    if not named and not settings:
        return
    stored = _stored(config)
    brought = not BRING_CATEGORIES.isdisjoint(source.kind for source in config.sources)
    found = [*named, *([] if stored is None and brought else settings)]
    suggestions = MAX_SUGGESTIONS
    for place, name in found:
        if stored is not None and name in stored:
            continue
        suggestions -= 1
        near = difflib.get_close_matches(name, known, n=1) if suggestions >= 0 else []
        yield f"{place}: no category or saved feed is named {name!r}" + (
            f"; did you mean {near[0]!r}?" if near else ""
        )


def given_categories(config: Config) -> Iterator[str]:
    """Yields the categories that sources and rules of the config give to articles."""
    for source in config.sources:
        yield from source.categories
    for settings in config.rules:
        for action in settings.rule.actions:
            yield from action.files_under


def _named(config: Config) -> Iterator[tuple[str, str]]:
    tables: list[tuple[str, ArticleFilter]] = [
        (f"notify[{n}]", notice) for n, notice in enumerate(config.notify, 1)
    ]
    tables += [(f"mastodon[{n}]", post) for n, post in enumerate(config.mastodon, 1)]
    for place, watch in tables:
        for name in watch.categories:
            yield f"{place}.categories ({watch.name!r})", name
    for n, digest in enumerate(config.digest, 1):
        if digest.category not in (None, ALL):
            yield f"digest[{n}].category ({digest.name!r})", digest.category


def _set(config: Config) -> Iterator[tuple[str, str]]:
    """Yields the categories that have settings, except those without formats: these are meant to be
    unpublished.
    """
    for name, settings in config.publish.categories.items():
        if settings.formats != ():
            yield "publish.categories", name
    for name in config.retention.categories:
        yield "retention.categories", name


def _stored(config: Config) -> frozenset[str] | None:
    """Returns the feeds of stored articles; None if there is no store that can be read."""
    if isinstance(config.store, Path) and not config.store.is_file():
        return None
    from aggregator.store import Store  # imported here: only a config with unknown names needs it

    try:
        store = Store(config.store, reads_only=True)
        try:
            return frozenset(feed.name for feed in store.feeds.all() if feed.total)
        finally:
            store.close()
    except StoreError:
        return None
