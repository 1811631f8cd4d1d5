"""Links as written in a feed -> absolute http(s) URLs (RFC 3986 §5).

What is already a URL stays verbatim, letter for letter: a link is compared, and may be an id. Only
what no URL may hold (RFC 3986 §2) is repaired: white space and control characters go, other
characters are percent-encoded as UTF-8, as browsers do.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

__all__ = ["MAX_CHARACTERS", "WEB", "resolve", "without_login"]

MAX_CHARACTERS = 4_096
"""Longer links are dropped: servers and browsers refuse them, and they are usually data."""

WEB = frozenset({"http", "https"})

_LEGAL = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*)(?::[0-9]{1,5})?(?:[/?#][\w!$%&'()*+,./:;=?@~#-]*)?", re.ASCII
)
_DROPPED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(
    r"(?:[^\s/?#@\\<>\"^`{|}\[\]]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\\<>\"^`{|}\[\]%]+)(?::[0-9]{0,5})?"
)
_SITE = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?=[/?#]|$)")
_EMPTY = "\x00"
_SAFE = "!$%&'()*+,/:;=?@[]~#"


def resolve(href: str | None, *bases: str | None, schemes: frozenset[str] = WEB) -> str | None:
    """The absolute URL that `href` means, or None when it means none of `schemes`.

    `bases`: what it is relative to, innermost first (xml:base, the entry's link, the feed's link, the
    document's URL); each may be empty, or relative to those after it. A reference without a base is
    None, except `//host/path`, which becomes https. Schemes beyond http and https (`magnet`) are
    taken only when they are named. Never raises.
    """
    if not href:
        return None
    if _LEGAL.fullmatch(href) and len(href) <= MAX_CHARACTERS:
        return href
    if url := _from_root(href, bases):
        return url
    if len(href) > 2 * MAX_CHARACTERS:
        return None
    href = _DROPPED.sub("", href).strip()
    if not href:
        return None
    scheme = _SCHEME.match(href)
    if scheme is None:
        href = _join(href, bases)
        if _LEGAL.fullmatch(href) and len(href) <= MAX_CHARACTERS:
            return href
        scheme = _SCHEME.match(href)
    if scheme is None or (name := scheme[1].lower()) not in schemes:
        return None
    url = _web(href) if name in WEB else _encoded(href)
    return url if url and len(url) <= MAX_CHARACTERS else None


def without_login(url: str) -> str:
    """An address without the user and password that it may hold (RFC 3986 §3.2.1); "" for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _from_root(href: str, bases: tuple[str | None, ...]) -> str | None:
    """Most relative links start at the root: urljoin splits and joins five parts for what two do."""
    if href[0] != "/" or href[:2] == "//" or "/." in href or len(href) > MAX_CHARACTERS // 2:
        return None
    site = _SITE.match(next(filter(None, bases), None) or "")
    url = site[0] + href if site else ""
    return url if _LEGAL.fullmatch(url) and len(url) <= MAX_CHARACTERS else None


def _join(href: str, bases: tuple[str | None, ...]) -> str:
    """`href` against the innermost base, itself against the next …; may still be relative."""
    for base in bases:
        if not base or len(base) > MAX_CHARACTERS:
            continue
        base = _DROPPED.sub("", base).strip()
        try:
            href = urljoin(_filled(base), _filled(href)).replace(f"/{_EMPTY}/", "//")
        except ValueError:
            continue
        if _SCHEME.match(href):
            return href
    return "https:" + href if href.startswith("//") else href


def _filled(reference: str) -> str:
    """With a mark in each empty part of its path: urljoin drops these, RFC 3986 §5.2.4 keeps them."""
    start = reference.find("://") + 3 if _SCHEME.match(reference) else 2 * reference.startswith("//")
    return reference[:start] + reference[start:].replace("//", f"/{_EMPTY}/")


def _web(url: str) -> str | None:
    """An http(s) URL with its illegal characters encoded; None when it has no usable host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # A backslash or the like before the path: browsers and libraries disagree about which host is meant.
    if not _HOST.fullmatch(parts.netloc):
        return None
    start = url.index(parts.netloc) + len(parts.netloc)
    return url[:start] + _encoded(url[start:])


def _encoded(text: str) -> str:
    return quote(text, safe=_SAFE, errors="replace")
