"""Text that a publisher's software spoilt."""

from __future__ import annotations

import pytest

from aggregator.adapters.feed import mojibake, strict
from aggregator.model.entry import Text


@pytest.mark.parametrize(
    ("spoilt", "right"),
    [
        ("KÃ¶ln", "Köln"),
        ("Knokkers â€“ Bowling", "Knokkers – Bowling"),
        ("30\x80 \x93so\x94", "30€ “so”"),
        ("Køln – “naïve” â", "Køln – “naïve” â"),
        ("日本", "日本"),
        ("plain", "plain"),
    ],
)
def test_what_was_encoded_twice_is_undone_and_nothing_else(spoilt: str, right: str) -> None:
    """Text that is right stays."""
    assert mojibake.mended(spoilt) == right


def test_a_feed_is_mended_where_people_read() -> None:
    """Also what a character reference of windows-1252's number represents."""
    feed = strict.read(
        "<rss><channel><title>KÃ¶ln</title><item><title>a &#150; b</title></item></channel></rss>".encode()
    )
    assert feed.info.title == Text("Köln")
    assert feed.entries[0].title == Text("a – b")
