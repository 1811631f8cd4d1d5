"""Which frames may stay: the players of known sites, compared as a browser reads an address.

A frame of a player may run scripts with the rights of its own site, so an address that only looks like a
player's must not pass: `/embed/../download/evil.html`, another port, a login, a host that ends in a dot.
"""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["player_address"]

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
"""Paths that end in `/` are folders of players, the others are one player each; letters' case matters."""

_URL = re.compile(r"(https?):[/\\]{2,}([^/\\?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
# Removed by a browser wherever they stand (https://url.spec.whatwg.org/#concept-basic-url-parser).
_REMOVED = re.compile(r"[\t\n\r]")
_TRIMMED = "".join(map(chr, range(0x21)))
# A server may decode once more than a browser, take `..;` for `..`, or merge slashes.
_DISGUISED = re.compile(r"//|/\.\.|%(?:25|2[eEfF]|5[cC]|[01]|7[fF])")
_SAFE = "!$&'()*+,/:;=?@[]~%-._"


def player_address(src: str) -> str | None:
    """The https address of a known player that a browser would load for `src`; None for any other address.

    The address is normalised as the URL standard says: tabs and newlines go, `\\` becomes `/`, the host lower
    case, the scheme's own port is left out, dot segments are resolved, also those written as `%2e`. Then the
    host and the path are compared exactly. A login, another port or a path encoded twice is refused.
    """
    if len(src) > MAX_CHARACTERS:
        return None
    found = _URL.fullmatch(_REMOVED.sub("", src.strip(_TRIMMED)))
    if found is None:
        return None
    scheme, authority = found[1].lower(), found[2].lower()
    host = authority.removesuffix(_DEFAULT_PORT[scheme])
    path = _path(found[3])
    if _DISGUISED.search(path) or not any(_is_in(path, place) for place in _PLAYERS.get(host, ())):
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
