"""Decides which addresses may be published: the ones we fetch may contain keys and logins. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from aggregator.normalise.links import WEB

__all__ = [
    "RULES",
    "carries",
    "host_of",
    "is_publishable",
    "secrets_of",
    "without_keys",
    "without_logins",
]

RULES = 1
"""Increase it when these rules change: everything is then rendered again, full archives too."""

MAX_NESTED = 3
"""How deep addresses inside the queries of other addresses are searched."""

MIN_CHARACTERS = 6
"""A shorter query value, such as a language, may be in a path by chance."""

_LOGIN = re.compile(r"//[^\s/?#]*@")
# From the first sign of a query, fragment or parameter inside a word to the word's end, in any encoding.
_KEYS = re.compile(r"(?<=[^\s\"'(])(?:[?#;&]|%(?:25)*(?:3f|23|3b|26))[^\s\"')]+", re.IGNORECASE)
_LOGIN_IN_TEXT = re.compile(r"(?<=//)[^\s/?#]*@|(?<=%2f%2f)[^\s/?#]*?%40", re.IGNORECASE)


def is_publishable(address: str | None, secrets: Collection[str] = (), *, is_own_word: bool = False) -> bool:
    """Whether the address of a feed may be published.

    `is_own_word`: the feed itself names the address. Any other address is the one that we requested; it must
    have no query, fragment or path parameters. `secrets` are the values that `secrets_of` found in the
    requests: an address that contains one only repeats our request, as WordPress does. An address with a
    login is never publishable.
    """
    parts = _split(address)
    if address is None or parts is None or parts.scheme.lower() not in WEB or not parts.hostname:
        return False
    plain = unquote(unquote(address))
    if "@" in parts.netloc or _LOGIN.search(plain):
        return False
    if carries(address, secrets) or any(len(s) >= MIN_CHARACTERS and s in plain for s in secrets):
        return False
    path = unquote(unquote(parts.path))
    return is_own_word or not (parts.query or parts.fragment or {"?", "#", ";"}.intersection(path))


def carries(address: str | None, secrets: Collection[str]) -> bool:
    """Whether an address has a login, or any of `secrets` in its query."""
    if not address or not (secrets or "@" in address):
        return False
    parts = _split(address)
    return parts is not None and ("@" in parts.netloc or not set(secrets).isdisjoint(_values(parts)))


def host_of(address: str | None) -> str | None:
    """The host of an address in lower case, None without one."""
    parts = _split(address)
    return parts.hostname if parts else None


def secrets_of(*requests: str | None) -> frozenset[str]:
    """The values in the queries, fragments and logins of requested addresses, decoded."""
    # Most addresses have none of these, and a publication checks thousands.
    asked = (request for request in requests if request and any(mark in request for mark in "?#@"))
    return frozenset(value for request in asked if (parts := _split(request)) for value in _values(parts))


def without_logins(text: str) -> str:
    """A text, such as an error message, without the login of any address in it."""
    return _LOGIN_IN_TEXT.sub("", text)


def without_keys(text: str) -> str:
    """A text, such as an error message, with every address cut before its query and without its login."""
    return _KEYS.sub("", without_logins(text))


def _split(address: str | None) -> SplitResult | None:
    try:
        return urlsplit(address) if address else None
    except ValueError:
        return None


def _values(parts: SplitResult, depth: int = 0) -> Iterator[str]:
    """The values of the query and the fragment (the name of one without a value), user, and password.

    Also those of an address that is itself a value.
    """
    login = parts.netloc.rpartition("@")[0]
    yield from (unquote(each) for each in login.split(":") if each)
    for pair in re.split("[&;]", f"{parts.query}&{parts.fragment}"):
        name, _, value = pair.partition("=")
        found = unquote_plus(value or name)
        if found:
            yield found
        if depth < MAX_NESTED and (inner := _split(found)) and (inner.query or inner.netloc):
            yield from _values(inner, depth + 1)
