"""Entries -> articles, pure: text, dates, HTML, links, lead image, identity.

`articles` does all of it; the other functions are single steps.
"""

from __future__ import annotations

from aggregator.normalise.dates import parse as parse_date
from aggregator.normalise.entries import articles
from aggregator.normalise.html import sanitise
from aggregator.normalise.identity import fingerprint
from aggregator.normalise.links import resolve
from aggregator.normalise.text import plain, summarise

__all__ = [
    "articles",
    "fingerprint",
    "parse_date",
    "plain",
    "resolve",
    "sanitise",
    "summarise",
]
