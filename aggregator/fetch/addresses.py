"""Addresses of requests: which can be fetched, where a redirect leads, which share an origin. Pure."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from aggregator import errors
from aggregator.normalise.links import without_login

if TYPE_CHECKING:
    from aggregator.config.load import Source

__all__ = [
    "PORTS",
    "Place",
    "fetchable",
    "is_own_place",
    "is_same_place",
    "parts_of",
    "place_of",
    "shown_address",
    "target_of",
]

PORTS = {"http": 80, "https": 443}
"""The default port of each scheme."""

_LAST_PORT = 65_535
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=:@/-"
_PLAIN_ADDRESS = re.compile(
    r"(https?)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([1-9][0-9]{0,4}))?"
    rf"(/[{_PLAIN}]*)?(\?[?{_PLAIN}]+)?"
)


class Place(NamedTuple):
    """The parts of an address in a request for it; `target` is its path with the query."""

    scheme: str
    host: str
    port: int
    target: str


def place_of(url: str) -> Place | None:
    """The parts of an http or https address that is requested as it is written.

    None if a part of it must be encoded or normalised first, and for a user, an IPv6 address or a fragment.
    """
    found = _PLAIN_ADDRESS.fullmatch(url)
    if found is None:
        return None
    scheme, host, port, path, query = found.groups("")
    if "/." in path or int(port or 0) > _LAST_PORT:
        return None
    return Place(scheme, host, int(port or PORTS[scheme]), (path or "/") + query)


def parts_of(url: str) -> SplitResult:
    """The parts of an http or https address. Raises BadAddress."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise errors.BadAddress(f"{shown_address(url)!r} is not an http or https address")
    return parts


def fetchable(url: str) -> str:
    """The address of the request without user and password, which are sent in a header."""
    if place_of(url) is not None:
        return url
    return without_login(parts_of(url).geturl())


def shown_address(url: str) -> str:
    """The address without its password, for a message."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}" if mark else url


def target_of(url: str, location: str) -> str:
    """The address that a redirect from `url` leads to. Raises BadAddress."""
    # Header bytes reach us as Latin-1; servers that put UTF-8 there mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        target = urljoin(url, location.strip())
        return fetchable(target)
    except (ValueError, errors.BadAddress) as error:
        raise errors.BadAddress(
            f"it redirects to {location[:200]!r}, which is not an http or https address"
        ) from error


def is_own_place(source: Source, url: str) -> bool:
    """Whether the source's login and headers may be sent to `url`; only web addresses have an origin."""
    is_web = source.address.startswith(("http:", "https:"))
    return is_web and is_same_place(fetchable(source.address), url)


def is_same_place(url: str, other: str) -> bool:
    """Whether secrets for `url` may be sent to `other`: the same origin, or the same over https."""
    one, two = _origin(url), _origin(other)
    upgraded: tuple[Literal["https"], str, int] = ("https", one[1], 443)
    return one == two or (one[0] == "http" and one[2] == 80 and two == upgraded)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]
