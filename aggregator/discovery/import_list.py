"""Reads the feeds of a subscription list at an address or in a file, for an import."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.adapters.opml import outlines
from aggregator.adapters.opml.outlines import Subscription, SubscriptionList
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetcher, NotModified, user_agent

__all__ = ["addresses_in", "is_of_addresses", "listed_feeds"]

_LOOK_BYTES = 4_096
_MOST_CHARACTERS = 4_096


def is_of_addresses(target: str) -> bool:
    """Whether it is a file with an address on each line; one that cannot be read is reported later."""
    if "://" in target or target.startswith("file:"):
        return False
    try:
        with Path(target).open("rb") as file:
            beginning = file.read(_LOOK_BYTES)
    except (OSError, ValueError):
        return False
    first = next((line for line in beginning.splitlines() if line.strip() and not line.startswith(b"#")), b"")
    return first.strip().lower().startswith((b"http://", b"https://"))


def addresses_in(target: str) -> Iterator[Subscription]:
    """The addresses in such a file, read lazily; lines that begin with # are skipped.

    Such a feed has no title: it is named by its address.
    """
    with Path(target).open(encoding="utf-8", errors="replace") as file:
        while line := file.readline(_MOST_CHARACTERS):
            url = line.strip()
            if url and not url.startswith("#"):
                yield Subscription(url=url, title=url.partition("://")[2].rstrip("/"))


def listed_feeds(target: str, settings: Fetch, now: datetime) -> SubscriptionList:
    """The OPML document at an address, or in a file. Raises SourceError.

    A typed host is allowed, even a private one; redirects are still checked.
    """
    is_address = "://" in target or target.startswith("file:")
    url = target if is_address else Path(target).absolute().as_uri()
    with contextlib.suppress(ValueError):
        host = (urlsplit(url).hostname or "").rstrip(".")
        settings = settings.model_copy(update={"allow": (*settings.allow, host)})
    fetcher = Fetcher(settings, user_agent(settings))
    try:
        # Not validated: the fetcher explains what is wrong with an address.
        fetched = fetcher.fetch(Source.model_construct(name=target, url=url), {}, now)
    finally:
        fetcher.close()
    assert not isinstance(fetched, NotModified), "without validators there is no 304"
    document = fetched.resources[0]
    return outlines.read(document.body, document.content_type, url=target)
