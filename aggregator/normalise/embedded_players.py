"""Decides which iframes may stay: players of known sites, with addresses compared as browsers read them.

A player's frame may run scripts with the rights of its own site, so an address that only looks like a
player's must be refused: `/embed/../download/evil.html`, another port, a login, a host that ends in a dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from aggregator.normalise.links import with_ascii_host

__all__ = ["further_players", "place_of", "player_address"]

MAX_CHARACTERS = 4_096

_PLAYERS: dict[str, tuple[str, ...]] = {
    "archive.org": ("/embed/",),
    "bandcamp.com": ("/EmbeddedPlayer/", "/EmbeddedPlayer.html"),
    "clips.twitch.tv": ("/embed",),
    "embed.podcasts.apple.com": ("/",),
    "framatube.org": ("/videos/embed/",),
    "geo.dailymotion.com": ("/player/", "/player.html"),
    "open.spotify.com": ("/embed/", "/embed", "/embed-podcast/"),
    "player.bilibili.com": ("/player.html",),
    "player.twitch.tv": ("/",),
    "player.vimeo.com": ("/video/",),
    "w.soundcloud.com": ("/player/", "/player"),
    "www.bilibili.com": ("/blackboard/html5mobileplayer.html",),
    "www.dailymotion.com": ("/embed/",),
    "www.youtube-nocookie.com": ("/embed/",),
    "www.youtube.com": ("/embed/",),
    "youtube.com": ("/embed/",),
}
"""Paths that end in `/` match every player below them, the others one player each; case matters."""

_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_further = ContextVar("further players", default=_NONE)

_URL = re.compile(r"(https?):[/\\]{2,}([^/\\?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+(?::[0-9]{1,5})?")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
# Browsers remove these characters anywhere (https://url.spec.whatwg.org/#concept-basic-url-parser).
_REMOVED = re.compile(r"[\t\n\r]")
_TRIMMED = "".join(map(chr, range(0x21)))
# A server may decode once more than a browser, treat `..;` as `..`, or merge slashes.
_DISGUISED = re.compile(r"//|/\.\.|%(?:25|2[eEfF]|5[cC]|[01]|7[fF])")
_SAFE = "!$&'()*+,/:;=?@[]~%-._"


@contextmanager
def further_players(addresses: Iterable[str]) -> Iterator[None]:
    """Inside the `with` statement, iframes of these players stay too; `place_of` must accept each address."""
    places: dict[str, tuple[str, ...]] = {}
    for host, path in map(place_of, addresses):
        places[host] = (*places.get(host, ()), path)
    token = _further.set(places)
    try:
        yield
    finally:
        _further.reset(token)


def place_of(address: str) -> tuple[str, str]:
    """Host and path of a player's address: a path that ends in `/` matches everything below it.

    Raises ValueError unless it is a plain `https:` address: without a login, a query, a fragment, dot
    segments or encoded characters that a browser would resolve.
    """
    parts = urlsplit(with_ascii_host(address))
    host, path = parts.netloc.lower().removesuffix(":443"), parts.path
    is_bare = parts.scheme == "https" and not (parts.query or parts.fragment)
    is_plain = path != "" and _path(path) == path and not _DISGUISED.search(path)
    if not (is_bare and is_plain and _HOST.fullmatch(host)) or len(address) > MAX_CHARACTERS:
        raise ValueError(f"{address!r} is not an address of a player")
    return host, path


def player_address(src: str) -> str | None:
    """The https address of a known player that a browser would load for `src`; None for any other address.

    The address is normalised as the URL standard says: tabs and newlines are removed, `\\` becomes `/`, the
    host is in lower case, the scheme's own port is left out, dot segments are resolved, also those written as
    `%2e`. Then the host and the path are compared exactly. A login, another port or a path encoded twice is
    refused.
    """
    if len(src) > MAX_CHARACTERS:
        return None
    found = _URL.fullmatch(_REMOVED.sub("", src.strip(_TRIMMED)))
    if found is None:
        return None
    scheme, authority = found[1].lower(), found[2].lower()
    host = authority.removesuffix(_DEFAULT_PORT[scheme])
    path = _path(found[3])
    places = (*_PLAYERS.get(host, ()), *_further.get().get(host, ()))
    if _DISGUISED.search(path) or not any(_is_in(path, place) for place in places):
        return None
    return f"https://{host}" + quote(path + (found[4] or "") + (found[5] or ""), safe=_SAFE + "#")


def _path(written: str) -> str:
    """A path without dot segments (the URL standard's path state)."""
    segments: list[str] = []
    names = written.replace("\\", "/").split("/")[1:]
    for number, name in enumerate(names, 1):
        dots = name.lower().replace("%2e", ".")
        if dots == "..":
            segments = segments[:-1]
        if dots not in (".", ".."):
            segments.append(name)
        elif number == len(names):
            segments.append("")
    return "/" + "/".join(segments)


def _is_in(path: str, place: str) -> bool:
    return path.startswith(place) if place.endswith("/") else path == place
