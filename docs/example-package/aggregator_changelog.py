"""Kind `changelog`: a CHANGELOG.md as a feed, an entry for each version (keepachangelog.com)."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from aggregator.adapters.kinds import Kind
from aggregator.errors import ReadError
from aggregator.model.entry import Entry, Feed, FeedInfo, Link, Text
from aggregator.model.resource import Resource
from aggregator.model.settings import Settings

_TITLE = re.compile(r"^# +(\S.*)$", re.MULTILINE)
_VERSION = re.compile(r"^## +\[?v?([^\]\s]{1,80})\]?(?: +[-–—(] *(\d{4}-\d{2}-\d{2}))?", re.MULTILINE)
_MARKDOWN = MarkdownIt("commonmark")


class Options(Settings):
    """`unreleased`: whether what is not released yet is an entry too."""

    unreleased: bool = False


def read(resource: Resource, options: Options) -> Feed:
    """An entry for each `## [1.2.3] - 2026-01-31`. Raises ReadError for a document without one."""
    try:
        text = resource.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"byte {error.start}: it is not UTF-8") from error
    versions = list(_VERSION.finditer(text))
    if not versions:
        raise ReadError("it has no heading of a version, such as `## [1.2.3] - 2026-01-31`")
    title = _TITLE.search(text)
    feed = Feed(info=FeedInfo(title=Text(title[1] if title else "Changelog", "text")))
    ends = [following.start() for following in versions[1:]] + [len(text)]
    for found, end in zip(versions, ends, strict=True):
        version, date = found[1], found[2]
        if version.lower() == "unreleased" and not options.unreleased:
            continue
        feed.entries.append(
            Entry(
                id=f"{resource.url}#{version}",
                title=Text(version, "text"),
                links=[Link(f"{resource.url}#{version}")],
                published=date,
                contents=[Text(_MARKDOWN.render(text[found.end() : end]), "html")],
            )
        )
    return feed


KIND = Kind(read=read, options=Options)
