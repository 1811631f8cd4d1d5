"""Freshness and Retry-After of a response, from its headers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

LONGEST = timedelta(days=366)
"""Longer times that a server asks for are reduced to this, so that no date overflows."""

_DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"([^"\\]*)"|([^\s,;"]*)))?')
_SECONDS = re.compile(r"[0-9]+")


def max_age(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the response stays fresh from `now` on; None when it does not say.

    Cache-Control is preferred to Expires, and Age is subtracted (RFC 9111 §4.2.1, §4.2.3). `no-cache`,
    `no-store` and an Expires that is not a date mean zero (§5.2.2.4, §5.3). `s-maxage` is ignored: it is for
    shared caches, which a feed reader is not.
    """
    said: dict[str, str] = {}
    if control := headers.get("Cache-Control"):
        for name, quoted, plain in _DIRECTIVE.findall(control[:1000]):
            said.setdefault(name.lower(), quoted or plain)
    if "no-cache" in said or "no-store" in said:
        return timedelta()
    fresh = _seconds(said.get("max-age"))
    if fresh is None and (expires := headers.get("Expires")) is not None:
        until = http_date(expires)
        fresh = timedelta() if until is None else until - (http_date(headers.get("Date")) or now)
    if fresh is None:
        return None
    return min(max(fresh - (_seconds(headers.get("Age")) or timedelta()), timedelta()), LONGEST)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the server asks us to wait, from seconds or a date; None when it does not say.

    A date is compared with the response's own Date, so that a server with a wrong clock is understood (RFC
    9110 §10.2.3).
    """
    value = headers.get("Retry-After")
    if (wait := _seconds(value)) is None:
        if (until := http_date(value)) is None:
            return None
        wait = until - (http_date(headers.get("Date")) or now)
    return min(max(wait, timedelta()), LONGEST)


def until_reset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long until a server that has reached its rate limit accepts requests again; None when it does not
    say.

    `X-RateLimit-Remaining: 0` and `X-RateLimit-Reset`: a time in ISO 8601 (Mastodon), in seconds since 1970
    (GitHub), or seconds from now.
    """
    remaining, reset = headers.get("X-RateLimit-Remaining"), (headers.get("X-RateLimit-Reset") or "").strip()
    if remaining is None or remaining.strip() != "0" or len(reset) > 100:
        return None
    if (seconds := _seconds(reset)) is not None:
        wait = datetime.fromtimestamp(int(reset), UTC) - now if 9 <= len(reset) <= 10 else seconds
    else:
        try:
            until = datetime.fromisoformat(reset)
            wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError):
            return None
    return min(max(wait, timedelta()), LONGEST)


def time(headers: Mapping[str, str]) -> datetime | None:
    """The server's time when it sent the response; None when it does not say.

    Date is when the response was made, and Age how long caches have kept it since (RFC 9110 §6.6.1, RFC 9111
    §4.2.3).
    """
    made = http_date(headers.get("Date"))
    if made is None:
        return None
    try:
        return made + (_seconds(headers.get("Age")) or timedelta())
    except OverflowError:
        return None


@lru_cache(maxsize=100)  # many responses come within a second
def http_date(value: str | None) -> datetime | None:
    """RFC 9110 §5.6.7, all three forms, as aware UTC; None for anything else."""
    if not value or len(value) > 100:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError):
        return None
    try:
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def _seconds(value: str | None) -> timedelta | None:
    value = value.strip() if value else ""
    if not _SECONDS.fullmatch(value):
        return None
    return timedelta(seconds=int(value)) if len(value) < 9 else LONGEST
