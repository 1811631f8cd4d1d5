"""Links of Atom, in whatever document they stand, and what RFC 5005 and WebSub add to a feed's head."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tests.conformance.values import (
    ATOM,
    HISTORY,
    IRI,
    LANGUAGE,
    MEDIA_TYPE_AND_MORE,
    Node,
    address,
    attributes,
    name_of,
)

_CHAIN = ("current", "prev-archive", "next-archive")
_PAGES = ("first", "last", "previous", "next")
# What a feed says of itself once, and no entry says at all.
_OF_A_FEED = frozenset({*_CHAIN, *_PAGES, "self", "hub"})
# RFC 3986 §4.2, without an authority: what leads from one document of a folder to another.
_RELATIVE = re.compile(r"(?!/|[^/?#]*:)(?:[A-Za-z0-9!$&'()*+,/:;=?@._~-]|%[0-9A-Fa-f]{2})+")


def atom_link(link: Node, where: str, *, in_head: bool) -> Iterator[str]:
    """RFC 4287 §4.2.7; `in_head`: it stands in the feed itself, not in an entry or its source.

    A link of a chain (RFC 5005) may be relative: files in a folder that has no public address.
    """
    yield from attributes(link, where, "rel type hreflang title length", "href")
    rel, href = link.get("rel", "alternate"), link.get("href")
    if href is not None and not (rel in _CHAIN and _RELATIVE.fullmatch(href)):
        yield from address(href, where, "link", iri=True, schemes="http https" if rel == "hub" else "")
    if not (re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=@-]+", rel) or IRI.fullmatch(rel)):
        yield f"{where}: link rel {rel!r}"
    if rel in _OF_A_FEED and not in_head and not (rel == "self" and where.endswith("source")):
        yield f"{where}: link rel {rel!r} belongs to a feed"
    if not MEDIA_TYPE_AND_MORE.fullmatch(link.get("type", "a/b")):
        yield f"{where}: link type {link.get('type')!r} is no media type"
    if not LANGUAGE.fullmatch(link.get("hreflang", "en")):
        yield f"{where}: link hreflang {link.get('hreflang')!r} is no language tag"
    if rel == "enclosure" and not re.fullmatch("[0-9]+", link.get("length", "0")):
        yield f"{where}: enclosure length {link.get('length')!r} is no number of bytes"


def feed_links(head: Node, where: str) -> Iterator[str]:
    """Returns the facts in the links and markers of a feed's head: its self link, its hubs, its chain."""
    links = [(link.get("rel", "alternate"), link.get("href")) for link in head.findall(ATOM + "link")]
    hrefs = dict(links)
    for rel, number in Counter(rel for rel, _ in links if rel in _OF_A_FEED - {"hub"}).items():
        if number > 1:
            yield f"{where}: {number} links rel={rel!r}"
    for link, number in Counter(links).items():
        if number > 1 and link[0] == "hub":
            yield f"{where}: hub {link[1]!r} named {number} times"
    if "hub" in hrefs and "self" not in hrefs:
        yield f"{where}: a hub, and no self link to subscribe to (WebSub §4)"
    chain = [hrefs[rel] for rel in ("self", *_CHAIN) if rel in hrefs]
    if len(chain) != len(set(chain)):
        yield f"{where}: self, current, prev-archive, next-archive: two are one document (RFC 5005 §4)"
    markers = [str(node.tag) for node in head.iterdescendants(HISTORY + "complete", HISTORY + "archive")]
    direct = head.findall(HISTORY + "complete") + head.findall(HISTORY + "archive")
    for node in direct:
        if node.text or len(node) or node.attrib:
            yield f"{where}: <fh:{name_of(node)}> is not empty"
    if len(direct) != len(markers):
        yield f"{where}: <fh:complete> or <fh:archive> outside the feed's head (RFC 5005 §2)"
    if len(markers) > 1:
        yield f"{where}: {len(markers)} of <fh:complete> and <fh:archive>, not at most 1"
    if HISTORY + "complete" in markers and any(rel in hrefs for rel in _CHAIN[1:]):
        yield f"{where}: complete, and yet in a chain of archives (RFC 5005 §2)"
    if (HISTORY + "archive" in markers or "next-archive" in hrefs) and "current" not in hrefs:
        yield f"{where}: an archive that does not tell its feed: no link rel='current' (RFC 5005 §4)"
    if any(rel in hrefs for rel in _PAGES) and any(rel in hrefs for rel in _CHAIN[1:]):
        yield f"{where}: both paged (RFC 5005 §3) and archived (§4)"
