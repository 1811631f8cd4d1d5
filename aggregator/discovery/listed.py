"""The feeds that a subscription list has, wherever it is: to be imported."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.adapters.opml import outlines
from aggregator.adapters.opml.outlines import SubscriptionList
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetcher, NotModified, user_agent

__all__ = ["listed_feeds"]


def listed_feeds(target: str, settings: Fetch, now: datetime) -> SubscriptionList:
    """The OPML document at an address, or in a file. Raises SourceError.

    A host that is typed is allowed by that; where it redirects to is still checked.
    """
    is_address = "://" in target or target.startswith("file:")
    url = target if is_address else Path(target).absolute().as_uri()
    with contextlib.suppress(ValueError):
        host = (urlsplit(url).hostname or "").rstrip(".")
        settings = settings.model_copy(update={"allow": (*settings.allow, host)})
    fetcher = Fetcher(settings, user_agent(settings))
    try:
        # Not validated: the fetcher says what is wrong with an address in this package's own terms.
        fetched = fetcher.fetch(Source.model_construct(name=target, url=url), {}, now)
    finally:
        fetcher.close()
    assert not isinstance(fetched, NotModified), "nothing was known, so nothing can be unchanged"
    document = fetched.resources[0]
    return outlines.read(document.body, document.content_type, url=target)
