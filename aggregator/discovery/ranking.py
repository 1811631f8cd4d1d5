"""Which of several feeds is most probably wanted: estimated before they are read, and judged after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from aggregator.discovery.candidates import Candidate, ReadCandidate

STALE = timedelta(days=365)
"""A feed with its newest entry older than another's by this much counts as abandoned."""

_SAME = 0.6
_HOW = {"itself": 0, "site": 1, "link": 2, "path": 3, "anchor": 4, "page": 5, "sitemap": 5}
_FORMATS = {"Atom": 0, "JSON Feed": 1, "RSS": 2}
_TYPES = {"application/atom+xml": 0, "application/feed+json": 1, "application/json": 3}
_FORMAT_WORD = re.compile(r"\b(?:rss|atom|rdf|xml|json|feed|[012]\.\d+)\b|[\W_]+", re.IGNORECASE)


def likeliest(candidates: Iterable[Candidate], asked: str) -> tuple[Candidate, ...]:
    """Candidates not yet fetched, the most probable first. `asked` is the page that they were found for.

    The order: known sites, links in the head, paths of the site's engine, links in the text; comments feeds
    last. Otherwise the publisher's order is kept; of two with the same title, Atom is before RSS and JSON.
    """
    every = list(candidates)
    stems: dict[str, int] = {}
    for number, each in enumerate(every):
        stems.setdefault(_stem(each), number)
    return tuple(
        sorted(
            every,
            key=lambda each: (
                each.is_of_comments,
                _HOW["sitemap" if each.how == "anchor" and each.is_aside else each.how],
                not each.own,
                each.is_aside,
                not each.is_of(asked),
                stems[_stem(each)],
                _TYPES.get(each.type, 2) if each.how == "link" else 0,
            ),
        )
    )


def ranked(found: Sequence[ReadCandidate], asked: str) -> tuple[ReadCandidate, ...]:
    """Candidates that were read, the best first; `found` is in the order of `likeliest`, which breaks ties.

    Articles before comments, those with entries before empty ones, feeds before pages and sitemaps, active
    ones before abandoned ones. Of feeds with the same entries full text is before summaries, and then
    Atom before JSON Feed before RSS; RSS is the first where entries carry media, whose elements are RSS's.
    """
    newest = max((each.newest for each in found if each.newest), default=None)
    groups = _groups(found)

    def key(each: ReadCandidate) -> tuple[bool | int, ...]:
        candidate = each.candidate
        is_stale = newest is not None and each.newest is not None and newest - each.newest > STALE
        return (
            candidate.is_of_comments,
            not each.document.articles,
            _rest(each),
            is_stale,
            not candidate.own,
            candidate.is_aside,
            not candidate.is_of(asked),
            groups[candidate.url],
            each.holds != "full text",
            _format(each),
        )

    return tuple(sorted(found, key=key))


def _rest(each: ReadCandidate) -> int:
    """The rank of feeds; of a page with dated entries, a sitemap, a page with only links."""
    if each.candidate.how == "sitemap":
        return 2
    if each.candidate.how != "page":
        return 0
    return 1 if each.newest else 3


def _format(each: ReadCandidate) -> int:
    has_media = any(article.enclosures for article in each.document.articles)
    return -1 if has_media and each.format == "RSS" else _FORMATS.get(each.format, 3)


def _groups(found: Sequence[ReadCandidate]) -> dict[str, int]:
    """For each address the number of the first feed with mostly the same entries."""
    leaders: list[tuple[int, frozenset[str]]] = []
    groups = {}
    for number, each in enumerate(found):
        held = frozenset(a.link or a.id for a in each.document.articles)
        same = (n for n, other in leaders if len(held & other) > _SAME * max(len(held), len(other)))
        leader = next(same, None)
        if leader is None:
            leaders.append((number, held))
        groups[each.candidate.url] = number if leader is None else leader
    return groups


def _stem(candidate: Candidate) -> str:
    """A title without the words for formats; candidates without a title differ from each other."""
    return _FORMAT_WORD.sub(" ", candidate.title).strip().lower() or (
        f"{candidate.how}" if candidate.title else candidate.url
    )
