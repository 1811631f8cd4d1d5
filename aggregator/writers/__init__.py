"""One file per output format: channel -> bytes. The only room that knows feedgen.

A new format is one file with a `Writer` in it and one line in `WRITERS`; a document of the whole site is a
`SiteWriter` and one line in `SITE_WRITERS`. A format's name is what `publish.formats` in the config says.
"""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.writers.atom import Atom
from aggregator.writers.channel import (
    Chain,
    Channel,
    Followed,
    Item,
    Overview,
    Section,
    SiteWriter,
    Writer,
)
from aggregator.writers.html import Html
from aggregator.writers.html_site import StartPage, StatusPage, Stylesheet
from aggregator.writers.json_feed import JsonFeed
from aggregator.writers.opml import Feeds, Sources
from aggregator.writers.rss import Rss

__all__ = [
    "SITE_WRITERS",
    "WRITERS",
    "Chain",
    "Channel",
    "Followed",
    "Item",
    "Overview",
    "Section",
    "SiteWriter",
    "Writer",
]

WRITERS: Mapping[str, Writer] = {
    "rss": Rss(),
    "atom": Atom(),
    "json": JsonFeed(),
    "html": Html(),
}
SITE_WRITERS: Mapping[str, tuple[SiteWriter, ...]] = {
    "html": (StartPage(), StatusPage(), Stylesheet()),
    "opml": (Feeds(), Sources()),
}
