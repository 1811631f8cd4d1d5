"""Links as written in a feed -> absolute http(s) URLs (RFC 3986 §5).

A valid URL stays verbatim: links are compared, and may be ids. Only characters that no URL may contain (RFC
3986 §2) are changed: white space and control characters are removed, others percent-encoded as UTF-8, as
browsers do.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna

__all__ = ["FETCHED", "FOLLOWED", "MAX_CHARACTERS", "WEB", "resolve", "with_ascii_host", "without_login"]

MAX_CHARACTERS = 4_096
"""Longer links are dropped: servers and browsers refuse them, and they are usually data."""

WEB = frozenset({"http", "https"})
FETCHED = WEB | {"file"}
"""Schemes of further documents of a source; the fetcher decides which source may read files."""

_FOLLOWED = (
    # Schemes for which a web page may register handlers (HTML §8.9.1.4), without `ssh`: its clients had
    # security bugs.
    "bitcoin ftp ftps geo im irc ircs magnet mailto matrix mms news nntp openpgp4fpr sftp sip sips sms "
    "smsto tel urn webcal webcals xmpp "
    # Other networks.
    "acct finger gemini gopher gophers ipfs ipns irc6 lightning mumble nex nostr rtmp rtsp spartan svn"
)
FOLLOWED = WEB | frozenset(_FOLLOWED.split())
"""Schemes of links that are safe to follow, in articles and in everything that is published."""

# Letters as ranges: a class with `\w` in it takes twice as long for each character.
_LEGAL = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9_!$%&'()*+,./:;=?@~#-]*)?"
)
_DROPPED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(
    r"(?:[^\s/?#@\\<>\"^`{|}\[\]]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\\<>\"^`{|}\[\]%]+)(?::[0-9]{0,5})?"
)
_ENCODED_HOST = re.compile(r"(?:[^%@]|%[89A-Fa-f][0-9A-Fa-f])+")
"""Only bytes beyond ASCII: an encoded ASCII letter hides the real host."""
_OTHER_PLACE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")
_SITE = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?=[/?#]|$)")
_EMPTY = "\x00"
_SAFE = "!$%&'()*+,/:;=?@[]~#"


def resolve(href: str | None, *bases: str | None, schemes: frozenset[str] = WEB) -> str | None:
    """The absolute URL of `href`, or None if its scheme is not in `schemes`.

    `bases`: what it is relative to, innermost first (xml:base, the entry's link, the feed's link, the
    document's URL); each may be empty, or relative to those after it. A reference without a base is None,
    except `//host/path`, which becomes https. Schemes other than http and https (`magnet`) are accepted only
    if they are named. Never raises.
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
    url = _web(href) if name in WEB or _OTHER_PLACE.match(href) else _encoded(href)
    return url if url and len(url) <= MAX_CHARACTERS else None


def with_ascii_host(url: str) -> str:
    """The same address with its host in ASCII, as browsers do (UTS 46, IDNA 2008); all else is verbatim.

    A label that IDNA 2008 does not allow, such as an emoji, is encoded nevertheless: browsers follow it.
    """
    if url.isascii():
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    login, at, place = parts.netloc.rpartition("@")
    host, colon, port = place.partition(":")
    if host.isascii():
        return url
    return parts._replace(netloc=f"{login}{at}{_ascii(host)}{colon}{port}").geturl()


def _ascii(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode()
    except UnicodeError:
        labels = [label.casefold() for label in re.split("[.。．｡]", host)]
        made = (label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)
        return ".".join(made)


def without_login(url: str) -> str:
    """An address without the user and password in it (RFC 3986 §3.2.1).

    "" for a text that is not an address.
    """
    if "@" not in url and "[" not in url and "]" not in url and url.isascii():
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def _from_root(href: str, bases: tuple[str | None, ...]) -> str | None:
    """The fast path for links that start at the root, as most relative ones do; urljoin is slower."""
    if href[0] != "/" or href[:2] == "//" or "/." in href or len(href) > MAX_CHARACTERS // 2:
        return None
    site = _site(next(filter(None, bases), None) or "")
    url = site + href if site else ""
    return url if _LEGAL.fullmatch(url) and len(url) <= MAX_CHARACTERS else None


@lru_cache(maxsize=4)  # the links of a body have the same base, which may be long
def _site(base: str) -> str:
    """The beginning of a base up to its path; "" if it has another form than most."""
    site = _SITE.match(base)
    return site[0] if site else ""


def _join(href: str, bases: tuple[str | None, ...]) -> str:
    """`href` joined to the innermost base, which is joined to the next …; may still be relative."""
    for base in bases:
        if not base or len(base) > MAX_CHARACTERS:
            continue
        base = _DROPPED.sub("", base).strip()
        try:
            href = _joined(base, href)
        except ValueError:
            continue
        if _SCHEME.match(href):
            return href
    return "https:" + href if href.startswith("//") else href


def _joined(base: str, href: str) -> str:
    place = _OTHER_PLACE.match(base)
    if place is None or place[0].lower() in WEB or _SCHEME.match(href):
        return urljoin(_filled(base), _filled(href)).replace(f"/{_EMPTY}/", "//")
    # urljoin knows a dozen schemes by name; RFC 3986 §5.2 joins all schemes in the same way.
    joined = _joined(f"http{base[place.end() :]}", href)
    return f"{place[0]}{joined.removeprefix('http')}"


def _filled(reference: str) -> str:
    """Marks each empty segment of the path: urljoin drops these, RFC 3986 §5.2.4 keeps them."""
    start = reference.find("://") + 3 if _SCHEME.match(reference) else 2 * reference.startswith("//")
    return reference[:start] + reference[start:].replace("//", f"/{_EMPTY}/")


def _web(url: str) -> str | None:
    """A URL with a host, its illegal characters encoded; None if the host cannot be used."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    start = url.index(parts.netloc) + len(parts.netloc)
    place = unquote(parts.netloc) if _ENCODED_HOST.fullmatch(parts.netloc) else parts.netloc
    # A backslash or the like before the path: browsers and libraries disagree about the host.
    if not _HOST.fullmatch(place):
        return None
    return url[: start - len(parts.netloc)] + place + _encoded(url[start:])


def _encoded(text: str) -> str:
    return quote(text, safe=_SAFE, errors="replace")
