"""One file per output format: channel -> bytes. The only room that knows feedgen.

A new format is one file with a `Writer` in it and one line in `WRITERS`, or in the entry-point group
`aggregator.writers` of any package; a document of the whole site is a `SiteWriter` and one line in
`SITE_WRITERS`. `publish.formats` in the config has the names of formats.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aggregator.adapters.entry_points import entry_points
from aggregator.config.publishing import WRITERS_GROUP
from aggregator.errors import ConfigError
from aggregator.writers.atom import Atom
from aggregator.writers.channel import (
    Chain,
    Channel,
    FollowedSource,
    Item,
    OutputFormat,
    Overview,
    Section,
    SiteWriter,
    Writer,
    format_of,
)
from aggregator.writers.html.calendar_page import CalendarPage
from aggregator.writers.html.feed_page import Html
from aggregator.writers.html.members_page import MembersPage
from aggregator.writers.html.site_pages import ReadScript, StartPage, StatusPage, Stylesheet
from aggregator.writers.json_feed import JsonFeed
from aggregator.writers.opml import FeedList, SourceList
from aggregator.writers.rss import Rss

__all__ = [
    "SITE_WRITERS",
    "WRITERS",
    "Chain",
    "Channel",
    "FollowedSource",
    "Item",
    "OutputFormat",
    "Overview",
    "Section",
    "SiteWriter",
    "Writer",
    "format_of",
    "formats",
    "installed",
]

WRITERS: Mapping[str, Writer] = {
    "rss": Rss(),
    "atom": Atom(),
    "json": JsonFeed(),
    "html": Html(),
}
SITE_WRITERS: Mapping[str, tuple[SiteWriter, ...]] = {
    "html": (StartPage(), StatusPage(), Stylesheet(), MembersPage(), CalendarPage(), ReadScript()),
    "opml": (FeedList(), SourceList()),
}


def formats(chosen: Collection[str] = ()) -> tuple[OutputFormat, ...]:
    """Returns every installed format, in the registry's order; `chosen`: as for `installed`."""
    return tuple(format_of(name, writer) for name, writer in installed(chosen).items())


def installed(chosen: Collection[str]) -> Mapping[str, Writer]:
    """Returns all writers by the names of their formats: ours, and those of other packages.

    A package that cannot be loaded is left out. If its format is `chosen`, ConfigError is raised.
    """
    others: dict[str, Writer] = {}
    for entry in entry_points(WRITERS_GROUP):
        if entry.name not in WRITERS:
            try:
                others[entry.name] = entry.load()
            except Exception as error:  # importing another package may raise anything
                if entry.name in chosen:
                    what = f"format {entry.name!r} ({entry.value}) cannot be loaded: {error}"
                    raise ConfigError(what) from error
    return {**WRITERS, **others}
