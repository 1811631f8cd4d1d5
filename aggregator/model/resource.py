"""One document's bytes, as fetched and not yet read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One document's bytes.

    - `url` is where they were in the end (after redirects): what relative links count from.
    - `content_type` is the header's value, None when there was none.
    - `name` is the path inside a folder, with `/`, or "" for a document that stands alone.
    - `number` counts the documents that one poll of a source has led to, from 0: what a further page has
      that another one named in `Feed.more`. `depth` counts those that lead to this one, from 0.
    """

    url: str
    body: bytes
    content_type: str | None = None
    name: str = ""
    number: int = 0
    depth: int = 0
