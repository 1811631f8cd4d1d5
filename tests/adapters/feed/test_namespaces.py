"""Names of elements."""

from __future__ import annotations

import pytest

from aggregator.adapters.feed.namespaces import URIS, name


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("pubDate", "pubdate"),
        ("{http://www.w3.org/2005/Atom}Entry", "atom:entry"),
        ("{https://www.w3.org/2005/atom/}entry", "atom:entry"),
        ("{http://search.yahoo.com/mrss}content", "media:content"),
        ("{http://www.itunes.com/DTDs/Podcast-1.0.dtd}episodeType", "itunes:episodeType"),
        (
            "{https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md}person",
            "podcast:person",
        ),
        ("{http://www.georss.org/georss\n}point", "georss:point"),
        ("{http://purl.org/rss/1.0/}item", "item"),
        ("itunes:author", "itunes:author"),
        ("atom10:link", "atom:link"),
        ("{urn:nobody}title", ""),
        ("nobody:title", ""),
    ],
)
def test_a_name_is_the_same_however_its_namespace_is_written(tag: str, expected: str) -> None:
    """Scheme, case, slash, white space and old addresses vary."""
    assert name(tag) == expected


def test_each_prefix_is_known_by_its_own_uri() -> None:
    """What goes out comes in again."""
    assert [name(f"{{{uri}}}x") for uri in URIS.values()] == [f"{prefix}:x" for prefix in URIS]
