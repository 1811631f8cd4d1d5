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
def test_double_encoding_is_undone_and_correct_text_stays(spoilt: str, right: str) -> None:
    """Text that is right stays."""
    assert mojibake.mended(spoilt) == right


def test_mojibake_is_repaired_in_all_text_fields() -> None:
    """Also character references with the numbers of windows-1252."""
    feed = strict.read(
        "<rss><channel><title>KÃ¶ln</title><item><title>a &#150; b</title></item></channel></rss>".encode()
    )
    assert feed.info.title == Text("Köln")
    assert feed.entries[0].title == Text("a – b")
