"""Makes the result of a fetch of an HTTP response: a document or "unchanged", validators, hints. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from aggregator import errors
from aggregator.fetch import bot_protection, freshness
from aggregator.model.retrieved import AnswerHints, Fetched, NotModified, Resource, Validators
from aggregator.normalise import hub_links

__all__ = ["challenged", "conditions", "fetched", "hints_in", "not_modified"]

MAX_VALIDATOR_CHARS = 4096
"""A longer ETag is not stored: servers would refuse the request that sends it back."""

_SOUND = re.compile(r"[\x20-\x7e\x80-\xff]+")


def conditions(url: str, validators: Validators) -> dict[str, str]:
    """Returns the headers of a conditional request (RFC 9110 §13.1); none for validators of another URL."""
    if validators.get("url") != url:
        return {}
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
    return {header: validators[key] for header, key in pairs if _is_sound(validators.get(key))}


def fetched(url: str, status: int, headers: Mapping[str, str], body: bytes, hints: AnswerHints) -> Fetched:
    """Returns a document as the result. Raises ChallengePage."""
    if who := bot_protection.challenger(status, headers, b""):
        raise errors.ChallengePage(challenged(who), status=status, retry_after=hints.retry_after)
    resource = Resource(url=url, body=body, content_type=headers.get("Content-Type"))
    found = {"url": url, **_validators(headers)}
    hubs = hub_links.in_header(headers.get("Link"), url)
    return Fetched(resources=(resource,), validators=found, hints=hints, hub_links=hubs)


def not_modified(validators: Validators, headers: Mapping[str, str], hints: AnswerHints) -> NotModified:
    """Returns "unchanged" as the result; the validators are those sent, and those of the response."""
    return NotModified(validators={**validators, **_validators(headers)}, hints=hints)


def hints_in(headers: Mapping[str, str], now: datetime, moved_to: str | None) -> AnswerHints:
    """Returns the server's hints; `moved_to`: the address that it has moved to permanently."""
    return AnswerHints(
        max_age=freshness.max_age(headers, now),
        retry_after=freshness.retry_after(headers, now),
        moved_to=moved_to,
        time=freshness.time(headers),
    )


def challenged(who: str) -> str:
    """Returns the text of the error for a page of bot protection."""
    return f"bot protection ({who}) asks for proof that a human is reading"


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    pairs = (("etag", "ETag"), ("last_modified", "Last-Modified"))
    found = ((key, headers.get(header)) for key, header in pairs)
    return {key: value for key, value in found if value and _is_sound(value)}


def _is_sound(value: object) -> bool:
    """Whether a validator may be sent back: it has no control character and no line break of a folded header.

    Bytes beyond ASCII, which appear as Latin-1 letters here, are allowed in an ETag (RFC 9110 §8.8.3).
    """
    return isinstance(value, str) and len(value) <= MAX_VALIDATOR_CHARS and bool(_SOUND.fullmatch(value))
