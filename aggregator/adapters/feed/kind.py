"""The kind `feed`: RSS, RDF, Atom and JSON Feed."""

from __future__ import annotations

from aggregator.adapters.kinds import Kind
from aggregator.model.entry import Feed
from aggregator.model.resource import Resource


def _read(resource: Resource, _: None) -> Feed:
    # Imported by the reader: a poll without new content needs neither lxml nor feedparser.
    from aggregator.adapters.feed.document import read

    return read(resource.body, url=resource.url, content_type=resource.content_type)


KIND = Kind(read=_read, has_public_address=True)
