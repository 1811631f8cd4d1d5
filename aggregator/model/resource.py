"""One document's bytes, as fetched and not yet read."""

from __future__ import annotations

from aggregator.model.struct import Struct


class Resource(Struct, frozen=True, kw_only=True):
    """One document's bytes.

    - `url` is the final address, after redirects; relative links are resolved with it.
    - `content_type` is the header's value, None when there was none.
    - `name` is the path inside a folder, with `/`, or "" for a document that stands alone.
    - `number` counts the documents of one poll, from 0; further ones were named in `Feed.more` of another.
      `depth` is how many documents led to this one, from 0.
    """

    url: str
    body: bytes
    content_type: str | None = None
    name: str = ""
    number: int = 0
    depth: int = 0
