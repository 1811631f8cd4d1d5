"""A hash of a document that is the same as long as reading it would find nothing new."""

from __future__ import annotations

import hashlib
import re

__all__ = ["document_hash"]

_HEAD_BYTES = 64 * 1024
_TAIL_BYTES = 4 * 1024

_FEED = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<[?!][^>]*>\s*)*<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)
_ENTRY = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_DATE = re.compile(
    rb"(<(?:\w+:)?(?:lastBuildDate|pubDate|updated|modified|date)(?:\s[^<>]*)?>)[^<]{1,100}(?=<)",
    re.IGNORECASE,
)
_END = re.compile(rb"(</(?:rss|feed|rdf:RDF)\s*>)(?:\s|<!--[^>]*-->)*\Z", re.IGNORECASE)


def document_hash(body: bytes) -> str:
    """Returns a hash of a document's bytes, 32 hex digits.

    Of a feed in XML it leaves out what many programs write anew for each request: the dates of the feed
    itself, before its first entry, and comments after its end ("page generated in 1.5 seconds"). No stored
    article changes with either. Of 470 feeds in use two thirds have such a date, one in 25 such a comment.
    """
    return hashlib.blake2b(_lasting(body), digest_size=16).hexdigest()


def _lasting(body: bytes) -> bytes:
    if not _FEED.match(body, 0, _HEAD_BYTES):
        return body
    entry = _ENTRY.search(body, 0, _HEAD_BYTES)
    start = entry.start() if entry else min(len(body), _HEAD_BYTES)
    tail = max(len(body) - _TAIL_BYTES, start)
    return b"".join((_DATE.sub(rb"\1", body[:start]), body[start:tail], _END.sub(rb"\1", body[tail:])))
