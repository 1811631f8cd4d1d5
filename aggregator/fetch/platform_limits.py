"""Platforms that publish rate limits for programs: their paces apply without any setting.

A platform that publishes no number is not here: it is paced like any other publisher, unless the config says
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from aggregator.fetch.pacing import Pace, enclosing

if TYPE_CHECKING:
    from aggregator.config.load import Fetch

__all__ = ["PLATFORMS", "Platform", "paces"]


class Platform(NamedTuple):
    """A platform's pace, `limit` in the platform's own words, and `source`, the page that says so."""

    pace: Pace
    limit: str
    source: str


def _pace(*, milliseconds: int, at_once: int) -> Pace:
    return Pace(timedelta(milliseconds=milliseconds), at_once)


PLATFORMS: Mapping[str, Platform] = {
    "api.github.com": Platform(
        _pace(milliseconds=1_000, at_once=1),
        "one request at a time",
        "https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api",
    ),
    "arxiv.org": Platform(
        _pace(milliseconds=3_000, at_once=1),
        "one request in three seconds, one connection, feeds included",
        "https://info.arxiv.org/help/api/tou.html",
    ),
    "bsky.app": Platform(
        _pace(milliseconds=200, at_once=4),  # half of what is allowed
        "3,000 requests in five minutes from one address",
        "https://docs.bsky.app/docs/advanced-guides/rate-limits",
    ),
    "eutils.ncbi.nlm.nih.gov": Platform(
        _pace(milliseconds=350, at_once=2),
        "three requests a second without a key",
        "https://www.ncbi.nlm.nih.gov/books/NBK25497/",
    ),
    "reddit.com": Platform(
        _pace(milliseconds=6_000, at_once=1),
        "ten requests a minute without a login",
        "https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki",
    ),
    "sec.gov": Platform(
        _pace(milliseconds=200, at_once=4),  # half of what is allowed
        "ten requests a second from one user",
        "https://www.sec.gov/about/developer-resources",
    ),
}
"""By host; a host's subdomains are included."""


def paces(settings: Fetch) -> Mapping[str, Pace]:
    """The pace of each host that has one: the config's, else the platform's.

    What the config does not set for a host is as for the platform, else as for any publisher. No platform is
    requested faster than a `host_gap` or `host_at_once` that was set allows.
    """
    usual = Pace(settings.host_gap, settings.host_at_once)
    chosen = settings.model_fields_set
    known = {
        host: Pace(
            max(pace.gap, usual.gap) if "host_gap" in chosen else pace.gap,
            min(pace.at_once, usual.at_once) if "host_at_once" in chosen else pace.at_once,
        )
        for host, (pace, *_) in PLATFORMS.items()
    }
    found = dict(known)
    for host, own in settings.hosts.items():
        around = next((known[name] for name in enclosing(host) if name in known), usual)
        found[host] = Pace(
            around.gap if own.gap is None else own.gap,
            around.at_once if own.at_once is None else own.at_once,
        )
    return found
