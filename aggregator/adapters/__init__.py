"""One file per source kind: bytes -> entries; pure, no input or output.

A new kind is one file with a `read` in it and one line in `ADAPTERS`. An adapter gives either a `Feed`
of entries as found, which are normalised like every other, or an `Article` that is one already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aggregator.adapters import articles, feed
from aggregator.article import Article, Problem
from aggregator.entry import Feed
from aggregator.fetch.resource import Resource


@dataclass(frozen=True, slots=True)
class Post:
    """A document that is one article, and what was odd about it."""

    article: Article
    problems: tuple[Problem, ...] = ()


Adapter = Callable[[Resource], Feed | Post]
"""Reads one document. Pure; raises ReadError and its kinds, nothing else."""


def _feed(resource: Resource) -> Feed:
    return feed.read(resource.body, url=resource.url, content_type=resource.content_type)


def _articles(resource: Resource) -> Post:
    return Post(*articles.read(resource.body, name=resource.name or resource.url))


ADAPTERS: Mapping[str, Adapter] = {
    "feed": _feed,
    "articles": _articles,
}
