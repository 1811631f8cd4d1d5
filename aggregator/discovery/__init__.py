"""Finds what an address offers to follow: a page's bytes -> candidates, ranked after reading them. Pure."""

from aggregator.discovery.candidates import Candidate, ReadCandidate, address, format_of
from aggregator.discovery.common_paths import common_paths, named_sitemaps
from aggregator.discovery.known_sites import feeds as known_feeds
from aggregator.discovery.ranking import ranked
from aggregator.discovery.web_page import is_web_page, offered_feeds

__all__ = [
    "Candidate",
    "ReadCandidate",
    "address",
    "common_paths",
    "format_of",
    "is_web_page",
    "known_feeds",
    "named_sitemaps",
    "offered_feeds",
    "ranked",
]
