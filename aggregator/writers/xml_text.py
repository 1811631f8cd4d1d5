"""Strings -> text, URIs and language tags that are valid in XML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from aggregator.normalise.characters import legal
from aggregator.normalise.links import FOLLOWED, with_ascii_host

__all__ = [
    "address",
    "body",
    "identifier",
    "language_tag",
    "line",
    "lines",
    "percent_encoded",
    "permanent_id",
]

# RFC 3987, loosely: characters that no IRI has, and a `%` that encodes nothing.
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[^\x00-\x20\x7f-\x9f\s<>\"{}|\\^`%]|%[0-9A-Fa-f]{2})+")
# Addresses that are certainly left as they are: nearly all, in a tenth of the time.
_PLAIN_ADDRESS = re.compile(
    r"https?://[a-zA-Z0-9.-]+(?::[0-9]+)?(?:[/?#](?:[a-zA-Z0-9!#$&'()*+,/:;=?@_.~-]|%[0-9A-Fa-f]{2})*)?"
)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAMED = re.compile("tag:|urn:uuid:", re.IGNORECASE)
_WELL_NAMED = re.compile(
    r"tag:(?:[\w.-]+@)?[A-Za-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?:.*"
    r"|urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}", re.ASCII)


def line(text: str | None) -> str:
    """Plain text for a title or name: cleaned, without outer white space; "" for None."""
    return legal(text).strip() if text else ""


def body(html: str) -> str:
    """A body, cleaned and else untouched; "" when it is nothing but white space."""
    cleaned = legal(html)
    return "" if cleaned.isspace() else cleaned


def lines(texts: Iterable[str]) -> list[str]:
    """Names cleaned by `line`, in order, without empty ones and repeats."""
    return list(dict.fromkeys(filter(None, map(line, texts))))


def address(url: object) -> str | None:
    """An absolute URI (RFC 3986) that a reader may follow, or None when `url` is not one.

    Characters that a URI cannot hold, non-ASCII ones included, are percent-encoded, and a host is in
    punycode: RSS 2.0 knows no IRIs. http and https need a host. Schemes that are harmful to follow
    (javascript:, data:, file:) give None.
    """
    if not isinstance(url, str):
        return None
    if _PLAIN_ADDRESS.fullmatch(url):
        return url
    text = identifier(percent_encoded(with_ascii_host(line(url))))
    return text if text and text.partition(":")[0].lower() in FOLLOWED else None


def percent_encoded(iri: str) -> str:
    """An IRI as a URI (RFC 3987 §3.1): what a URI cannot hold is percent-encoded, also a stray `%`."""
    if _PLAIN_ADDRESS.fullmatch(iri):
        return iri
    return quote(_STRAY_PERCENT.sub("%25", line(iri)), safe="!#$%&'()*+,/:;=?@[]~")


def identifier(text: str | None) -> str | None:
    """`text` when it can be an atom:id as it is: an absolute IRI (RFC 4287 §4.2.6), else None."""
    if text and _PLAIN_ADDRESS.fullmatch(text):
        return text
    found = line(text)
    try:
        parts = urlsplit(found)
    except ValueError:  # "http://[": not an address
        return None
    if not _IRI.fullmatch(found) or (parts.scheme in {"http", "https"} and not parts.netloc):
        return None
    return found


def permanent_id(text: str | None) -> str | None:
    """The same, but None for a malformed `tag:` or `urn:uuid:` (RFC 4151 §2.1, RFC 9562 §4)."""
    found = identifier(text)
    return None if found and _NAMED.match(found) and not _WELL_NAMED.fullmatch(found) else found


def language_tag(tag: object) -> str | None:
    """A language tag in the form of RFC 5646, or None: xml:lang may hold nothing else."""
    return tag if isinstance(tag, str) and _LANGUAGE.fullmatch(tag) else None
