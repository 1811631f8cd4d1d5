"""Links to WebSub hubs: in Link headers (RFC 8288) and in the links of feeds (W3C WebSub §4). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from aggregator.model.entry import Link
from aggregator.model.hub_links import HubLinks
from aggregator.normalise.link_relations import short_relation
from aggregator.normalise.links import resolve, without_login

__all__ = ["MAX_HUBS", "in_feed", "in_header"]

MAX_HUBS = 5
"""How many hubs of one document are used: each costs requests."""

_MAX_HEADER_CHARACTERS = 16_384
_MAX_URL_CHARACTERS = 2_000
_WANTED = ("hub", "self")
_LINK = re.compile(r"<([^<>]{0,4096})>([^<]*)")
_PARAMETER = re.compile(r";\s*([A-Za-z*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]*))")


def in_header(value: str | None, url: str) -> HubLinks | None:
    """The hubs in a Link header (all its lines joined by commas); None if it names no hub.

    `url` is the document's, to which the links are relative. A link with an `anchor` is about another
    document, and of several `rel` the first counts (RFC 8288 §3.2, §3.3).
    """
    if not value:
        return None
    found = _links((relation, href, (url,)) for relation, href in _of_header(value[:_MAX_HEADER_CHARACTERS]))
    return found if found.hubs else None


def in_feed(links: Iterable[Link], bases: tuple[str | None, ...]) -> HubLinks:
    """The hubs among the links of a feed; `bases`: what they are relative to, innermost first."""
    return _links((link.rel, link.href, (link.base, *bases)) for link in links if link.rel in _WANTED)


def _links(written: Iterable[tuple[str, str, tuple[str | None, ...]]]) -> HubLinks:
    hubs: dict[str, None] = {}
    topic = ""
    for relation, href, bases in written:
        address = _address(href, bases)
        if not address:
            continue
        if relation == "hub" and len(hubs) < MAX_HUBS:
            hubs[address] = None
        elif relation == "self":
            topic = topic or address
    return HubLinks(hubs=tuple(hubs), topic=topic)


def _of_header(value: str) -> Iterator[tuple[str, str]]:
    for href, written in _LINK.findall(value):
        parameters: dict[str, str] = {}
        for name, quoted, plain in _PARAMETER.findall(written):
            parameters.setdefault(name.lower(), quoted or plain)
        if "anchor" in parameters:
            continue
        for relation in map(short_relation, parameters.get("rel", "").split()):
            if relation in _WANTED:
                yield relation, href


def _address(href: str, bases: tuple[str | None, ...]) -> str:
    """The absolute address without a fragment, which no request has; "" for an unusable one, or one with a
    login.
    """
    address = (resolve(href, *bases) or "").partition("#")[0]
    is_sound = len(address) <= _MAX_URL_CHARACTERS and without_login(address) == address
    return address if is_sound else ""
