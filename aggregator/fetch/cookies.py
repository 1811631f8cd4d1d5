"""Cookies for one fetch: some sites set one and redirect to the same address to see it again.

A small part of RFC 6265: a cookie is sent only to the host and port that set it, and only over `https:` if it
was set there. Cookies are discarded when the fetch ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

__all__ = ["Cookies"]

MAX_COOKIES = 20
MAX_CHARACTERS = 4_096

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}"
_COOKIE = re.compile(rf"\s*({_NAME})\s*=\s*([\x21-\x3a\x3c-\x7e]*|\"[\x20\x21\x23-\x3a\x3c-\x7e]*\")\s*")
_AGE = re.compile(r"-?[0-9]{1,10}")


class Cookies:
    """The cookies set by the responses of one fetch."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], tuple[str, bool]] = {}

    def take(self, url: str, headers: Iterable[str]) -> None:
        """Stores what a response from `url` sets in its `Set-Cookie` headers, and removes expired cookies."""
        place, is_secure = _place_of(url)
        for header in headers:
            pair, _, attributes = header.partition(";")
            found = _COOKIE.fullmatch(pair)
            if found is None or len(header) > MAX_CHARACTERS:
                continue
            said = {name.strip().lower(): value.strip() for name, _, value in _pairs(attributes)}
            key = (place, found[1])
            if self._is_over(said):
                self._kept.pop(key, None)
            elif (is_secure or "secure" not in said) and (key in self._kept or len(self._kept) < MAX_COOKIES):
                self._kept[key] = found[2], is_secure

    def header(self, url: str, configured: str = "") -> str:
        """The `Cookie` header for a request to `url`, "" for none; `configured` cookies are first."""
        if not self._kept and not configured:
            return ""
        place, is_secure = _place_of(url)
        own = {
            name: value
            for (where, name), (value, needs_secure) in self._kept.items()
            if where == place and (is_secure or not needs_secure)
        }
        others = (pair.strip() for pair in configured.split(";"))
        pairs = [pair for pair in others if pair and pair.partition("=")[0].strip() not in own]
        return "; ".join([*pairs, *(f"{name}={value}" for name, value in own.items())])

    def _is_over(self, said: dict[str, str]) -> bool:
        if _AGE.fullmatch(said.get("max-age", "")):
            return int(said["max-age"]) <= 0
        from aggregator.normalise import dates  # imports dateutil, which few servers need

        ends = dates.exact(said.get("expires"))
        return ends is not None and ends <= self._now


def _pairs(attributes: str) -> Iterable[tuple[str, str, str]]:
    return (each.partition("=") for each in attributes.split(";"))


def _place_of(url: str) -> tuple[str, bool]:
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    usual = port == (443 if is_secure else 80)
    return (parts.hostname or "") + ("" if usual else f":{port}"), is_secure
