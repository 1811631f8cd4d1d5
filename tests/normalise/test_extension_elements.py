"""Elements passed on: whole, but harmless."""

from __future__ import annotations

import pytest

from aggregator.normalise.extension_elements import Values, harmless


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
        (" java\tscript:alert(1)", None),
        ("About: tea", "About: tea"),
        ("Data: 5 GB", "Data: 5 GB"),
        ("data: text/html,<script>alert(1)</script>", None),
        ("\u200bvbscript:x", None),
        ("file:///etc/passwd", None),
        ({"text": "", "ref": "tag:a.example,2026:1"}, {"text": "", "ref": "tag:a.example,2026:1"}),
        ({"text": "", "ref": "2026/1?x=%7e"}, {"text": "", "ref": "2026/1?x=%7e"}),
        ({"text": "", "ref": "JAVASCRIPT:alert(1)"}, None),
        (
            {"text": "", "source": "/f", "ref": "1"},
            {"text": "", "source": "https://example.org/f", "ref": "1"},
        ),
        ({"text": "", "href": "geo:48.2,16.4"}, {"text": "", "href": "geo:48.2,16.4"}),
        ({"text": "", "uri": "urn:isbn:1"}, {"text": "", "uri": "urn:isbn:1"}),
        ({"text": "", "href": "ms-msdt:/id"}, None),
        (
            {"text": "", "feedGuid": "9-a", "feedUrl": "f"},
            {"text": "", "feedGuid": "9-a", "feedUrl": "https://example.org/f"},
        ),
        (
            {"text": "B", "xml:base": "https://b.example/x/", "href": "y"},
            {"text": "B", "href": "https://b.example/x/y"},
        ),
        ({"text": "Grüße", "xml:lang": "de"}, {"text": "Grüße", "xml:lang": "de"}),
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


@pytest.mark.parametrize(
    ("key", "text", "wanted"),
    [
        ("wfw:commentRss", "/1/feed", "https://example.org/1/feed"),
        ("wfw:commentRSS", "feed", "https://example.org/feed"),
        ("wfw:comment", "../c", "https://example.org/c"),
        ("creativeCommons:license", "//cc.example/by", "https://cc.example/by"),
        ("source:inReplyTo", "tag:b,1", "tag:b,1"),
        ("slash:section", "news/tea", "news/tea"),
        ("dc:source", "Reuters", "Reuters"),
        ("wfw:comment", "no address at all", "no address at all"),
    ],
)
def test_text_that_is_an_address_is_made_absolute(key: str, text: str, wanted: str) -> None:
    """In the elements whose text is one, and in no others."""
    assert harmless({key: [text]}, "https://example.org/") == {key: [wanted]}
    assert harmless({key: [{"text": text, "a": "b"}]}, "https://example.org/") == {
        key: [{"text": wanted, "a": "b"}]
    }
