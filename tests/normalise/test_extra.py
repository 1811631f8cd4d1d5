"""Elements passed on: whole, but harmless."""

from __future__ import annotations

import pytest

from aggregator.normalise.extra import Values, harmless


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("12:30", "12:30"),
        ("AT&T", "AT&T"),
        ("a < b", "a < b"),
        ("List<String>", "List<String>"),
        ("<x onclick=alert(1)>", "< x onclick=alert(1)>"),
        ("<b>bold</b><script>alert(1)</script>", "<b>bold</b>"),
        ("<img src=x onerror=alert(1)>", '<img src="https://example.org/x"'),
        ("javascript:alert(1)", None),
        (" java\tscript:alert(1)", " java\tscript:alert(1)"),
        (
            {"text": "", "url": "t.vtt", "type": "text/vtt"},
            {"text": "", "url": "https://example.org/t.vtt", "type": "text/vtt"},
        ),
        ({"text": "x", "url": "javascript:alert(1)"}, {"text": "x"}),
        ({"text": "", "href": "data:text/html,x"}, None),
        ({"text": "A", "role": "<i>host", "note": "javascript:x"}, {"text": "A", "role": "< i>host"}),
        ("", None),
    ],
)
def test_text_stays_html_is_sanitised_and_addresses_are_checked(
    value: str | dict[str, str], wanted: str | dict[str, str] | None
) -> None:
    """What is left of one value; None when nothing is."""
    extra: dict[str, Values] = {"podcast:x": [value]}
    found = harmless(extra, "https://example.org/")
    if wanted is None:
        assert found == {}
    elif isinstance(wanted, str) and wanted.startswith("<img"):
        (kept,) = found["podcast:x"]
        assert isinstance(kept, str)
        assert kept.startswith(wanted)
        assert "onerror" not in kept
    else:
        assert found == {"podcast:x": [wanted]}


def test_repeats_are_kept_in_order() -> None:
    """Two persons are two persons."""
    extra: dict[str, Values] = {"podcast:person": ["A", {"text": "B", "role": "host"}, "A"]}
    assert harmless(extra) == extra
