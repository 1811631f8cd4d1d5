"""The preferences of a client, from its headers."""

from __future__ import annotations

import pytest

from aggregator.fetch.http import ACCEPT
from aggregator.server.media_types import MediaTypes
from aggregator.server.negotiation import best, encodings
from tests.support.channels import FORMATS

INDEXES = MediaTypes(FORMATS).indexes


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, ("identity",)),
        ("", ("identity",)),
        ("gzip", ("gzip", "identity")),
        ("gzip, deflate, br", ("br", "gzip", "identity")),
        ("GZIP;Q=1.0, br;q=0.5", ("gzip", "br", "identity")),
        ("x-gzip", ("gzip", "identity")),
        ("*", ("br", "gzip", "identity")),
        ("gzip, *;q=0", ("gzip", "identity")),
        ("gzip;q=0, br;q=0", ("identity",)),
        ("identity, gzip;q=0.5", ("identity", "gzip")),
        ("identity;q=0, gzip", ("gzip", "identity")),
        ("gzip;q=nonsense", ("identity",)),
        ("gzip;q=1.5, br;q=-1", ("identity",)),
        (",,;q=1,;", ("identity",)),
    ],
)
def test_encodings_in_the_order_in_which_they_are_wanted(header: str | None, chosen: tuple[str, ...]) -> None:
    """RFC 9110 §12.5.3; br is the smaller, so it comes first among equals."""
    assert encodings(header) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "index.html"),
        ("", "index.html"),
        ("*/*", "index.html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "index.html"),
        (ACCEPT, "atom.xml"),
        ("application/rss+xml, application/xml;q=0.9", "rss.xml"),
        ("application/rss+xml;q=0.5, application/atom+xml;q=0.7", "atom.xml"),
        ("application/xml", "atom.xml"),
        ("application/feed+json", "feed.json"),
        ("application/json", "feed.json"),
        ("text/*;q=0.1, application/*", "atom.xml"),
        ("text/html;q=0, */*", "atom.xml"),
        ("image/png", "index.html"),
        ("text/html;level=1;q=0.2, application/rss+xml;q=0.3", "rss.xml"),
    ],
)
def test_a_folder_is_shown_as_what_is_wanted_most(accept: str | None, chosen: str) -> None:
    """RFC 9110 §12.5.1; what cannot be had in a wanted form is given in the usual one."""
    assert best(accept, tuple(INDEXES), INDEXES) == chosen


def test_a_folder_without_pages_is_a_feed() -> None:
    """The first that is there is sent for all."""
    assert best("text/html", ("atom.xml", "rss.xml"), INDEXES) == "atom.xml"
    assert best(None, ("rss.xml",), INDEXES) == "rss.xml"
