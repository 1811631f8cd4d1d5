"""Converts strings to text, URIs and language tags that are valid in XML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from aggregator.normalise.links import FOLLOWED, with_ascii_host
from aggregator.normalise.xml_characters import FORBIDDEN, legal, legal_utf8

__all__ = [
    "address",
    "body",
    "body_utf8",
    "identifier",
    "language_tag",
    "line",
    "lines",
    "percent_encoded",
    "permanent_id",
]

# RFC 3987, simplified: without characters that no IRI has, and without an invalid `%`.
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[^\x00-\x20\x7f-\x9f\s<>\"{}|\\^`%]|%[0-9A-Fa-f]{2})+")
# Addresses that need no change, nearly all of them: checked in a tenth of the time. Characters are repeated
# without an alternative: as one of two choices, beside `%`, they take four times as long.
_PLAIN = r"[a-zA-Z0-9!#$&'()*+,/:;=?@_.~-]*"
_PLAIN_ADDRESS = re.compile(
    rf"https?://[a-zA-Z0-9.-]+(?::[0-9]+)?(?:[/?#]{_PLAIN}(?:%[0-9A-Fa-f]{{2}}{_PLAIN})*)?"
)
_PRINTABLE_UP_TO = 400
_BLANK = re.compile(rf"[\s{FORBIDDEN}]*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAMED = re.compile("tag:|urn:uuid:", re.IGNORECASE)
_WELL_NAMED = re.compile(
    r"tag:(?:[\w.-]+@)?[A-Za-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?:.*"
    r"|urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}", re.ASCII)


def line(text: str | None) -> str:
    """Returns plain text for a title or name: valid in XML, without outer white space; "" for None."""
    if not text:
        return ""
    if len(text) <= _PRINTABLE_UP_TO and text.isprintable():  # as nearly all are: no call of `legal`
        return text.strip()
    return legal(text).strip()


def body(html: str) -> str:
    """Returns a body valid in XML, otherwise unchanged; "" if it is only white space."""
    cleaned = legal(html)
    return "" if cleaned.isspace() else cleaned


def body_utf8(html: str) -> bytes:
    """Returns `body(html)` in UTF-8."""
    return b"" if not html.startswith("<") and _BLANK.fullmatch(html) else legal_utf8(html)


def lines(texts: Iterable[str]) -> list[str]:
    """Returns names cleaned by `line`, in order, without empty ones and duplicates."""
    found = [cleaned for text in texts if (cleaned := line(text))]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def address(url: object) -> str | None:
    """Returns an absolute URI (RFC 3986) that is safe to link; None if `url` is not one.

    Characters that a URI cannot have, also non-ASCII ones, are percent-encoded, and the host is in punycode,
    because RSS 2.0 has no IRIs. http and https need a host. For schemes that are harmful to follow
    (javascript:, data:, file:) it is None.
    """
    if not isinstance(url, str):
        return None
    if _PLAIN_ADDRESS.fullmatch(url):
        return url
    text = identifier(percent_encoded(with_ascii_host(line(url))))
    return text if text and text.partition(":")[0].lower() in FOLLOWED else None


def percent_encoded(iri: str) -> str:
    """Converts an IRI to a URI (RFC 3987 §3.1): other characters are percent-encoded, also a stray `%`."""
    if _PLAIN_ADDRESS.fullmatch(iri):
        return iri
    return quote(_STRAY_PERCENT.sub("%25", line(iri)), safe="!#$%&'()*+,/:;=?@[]~")


def identifier(text: str | None) -> str | None:
    """Returns `text` if it can be an atom:id unchanged: an absolute IRI (RFC 4287 §4.2.6); else None."""
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
    """Like `identifier`, but None for a malformed `tag:` or `urn:uuid:` (RFC 4151 §2.1, RFC 9562 §4)."""
    found = identifier(text)
    return None if found and _NAMED.match(found) and not _WELL_NAMED.fullmatch(found) else found


def language_tag(tag: object) -> str | None:
    """Returns a language tag in the form of RFC 5646; None if it is invalid, because xml:lang allows no
    others.
    """
    return tag if isinstance(tag, str) and _LANGUAGE.fullmatch(tag) else None
