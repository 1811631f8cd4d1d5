"""Kind `opml`: a subscription list whose feeds are followed, and whose folders are their categories."""

from __future__ import annotations

from aggregator.adapters.kinds import Kind
from aggregator.adapters.opml import outlines as opml
from aggregator.model.article import Problem
from aggregator.model.entry import SubscriptionList
from aggregator.model.resource import Resource
from aggregator.model.struct import replace

MAX_FEEDS = 10_000


def read(resource: Resource, _: None) -> SubscriptionList:
    """The feeds of the list with http or https addresses. Raises ReadError if it is not OPML."""
    found = opml.read(resource.body, resource.content_type, url=resource.url)
    if len(found.subscriptions) <= MAX_FEEDS:
        return found
    cut = Problem(text=f"lists {len(found.subscriptions)} feeds; the first {MAX_FEEDS} are followed")
    return replace(found, subscriptions=found.subscriptions[:MAX_FEEDS], problems=(*found.problems, cut))


KIND = Kind(read=read, place="either")
