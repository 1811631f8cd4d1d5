"""Finds contradictions between tables of a config that are valid each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aggregator.config.digests import digest_mistakes
from aggregator.config.notifying import notice_mistakes
from aggregator.config.posting import posting_mistakes
from aggregator.config.rules import unknown_names

if TYPE_CHECKING:
    from aggregator.config.load import Config

__all__ = ["contradictions", "folders_read_and_written"]


def contradictions(config: Config) -> Iterator[str]:
    """A message for each contradiction, with the key and what to change."""
    sources, publish, limited = config.sources, config.publish, config.retention.categories
    yield from unknown_names(config.rules, config.feeds, sources, publish, limited)
    names = {source.name for source in sources}
    has_lists = any(source.kind == "opml" for source in sources)
    yield from notice_mistakes(config.notify, config.smtp, None if has_lists else names)
    yield from posting_mistakes(config.mastodon, None if has_lists else names)
    feeds = {*publish.categories, *(feed.name for feed in config.feeds)}
    feeds.update(name for source in sources for name in source.categories)
    yield from digest_mistakes(config.digest, config.smtp, names, feeds)
    if publish.media and not config.site.url:
        yield "publish.media: feeds need absolute addresses for copies; set site.url too"


def folders_read_and_written(config: Config) -> Iterator[str]:
    """A message for each folder of articles in which posts or feeds are written; paths must be absolute.

    Each post would be read as a new article, and written again as another post, at every fetch.
    """
    posts = config.publish.posts
    written = [("output", config.output)] + ([("publish.posts.folder", posts.folder)] if posts else [])
    for source in config.sources:
        if source.path is None or source.kind != "articles":
            continue
        place = source.path.resolve()
        for key, folder in written:
            if folder.resolve().is_relative_to(place):
                yield (
                    f"{key}: source {source.name!r} reads {source.path}, and what is written here would be "
                    "read as its articles; choose another folder"
                )
