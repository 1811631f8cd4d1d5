"""Strings made fit for XML."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.normalise.links import with_ascii_host
from aggregator.writers.xml_text import (
    address,
    body,
    identifier,
    language_tag,
    line,
    lines,
    percent_encoded,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://tea.example/a?b=1&c#d", "https://tea.example/a?b=1&c#d"),
        (" https://tea.example/\x01 ", "https://tea.example/"),
        ("https://tea.example/a b\n<c>", "https://tea.example/a%20b%0A%3Cc%3E"),
        ("https://tea.example/科", "https://tea.example/%E7%A7%91"),
        ("https://tea.example/%E7%A7%91", "https://tea.example/%E7%A7%91"),
        ("https://tea.example/100%", "https://tea.example/100%25"),
        ("magnet:?xt=urn:btih:1", "magnet:?xt=urn:btih:1"),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)", None),
        ("data:text/html,x", None),
        ("/a", None),
        ("//tea.example/a", None),
        ("https://", None),
        ("http:x", None),
        ("http://[", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_an_address_is_an_absolute_uri_or_nothing(url: object, expected: str | None) -> None:
    """What cannot be written as a URI is encoded; what should not be followed is left out."""
    assert address(url) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tag:a,2026:1", "tag:a,2026:1"),
        ("https://a/ä", "https://a/ä"),
        ("1", None),
        ("a: b", None),
        (None, None),
    ],
)
def test_an_identifier_is_an_absolute_iri_as_it_is(text: str | None, expected: str | None) -> None:
    """Ids are compared character by character: encoding one would make another of it."""
    assert identifier(text) == expected


@pytest.mark.parametrize(
    ("tag", "expected"), [("en-GB", "en-GB"), ("zh-Hant-TW", "zh-Hant-TW"), ("en_GB", None), (3, None)]
)
def test_a_language_tag_has_its_form(tag: object, expected: str | None) -> None:
    """RFC 5646."""
    assert language_tag(tag) == expected


def test_lines_are_stripped_and_unrepeated_in_order() -> None:
    """Names that differ only in what cannot be written are one."""
    assert lines(["b", " a ", "", "b\0", "a"]) == ["b", "a"]
    assert line(None) == ""


def test_a_body_of_white_space_counts_as_empty() -> None:
    """Otherwise an RSS item would have neither title nor content; other white space stays."""
    assert (body(" \n\0"), body(" <p>x\0</p>\n")) == ("", " <p>x</p>\n")


@settings(deadline=None)  # the table of UTS 46 is loaded by the first case that needs it
@given(
    st.one_of(
        st.from_regex(r"\Ahttps?://[a-zA-Z0-9.-]{1,9}(:[0-9]+)?([/?#][!-~]{0,9})?\Z"),
        st.text(st.sampled_from("htps:/?#a1.%2F[]@é \n\0"), max_size=15).map("http://{}".format),
    )
)
def test_the_short_way_for_plain_addresses_equals_the_long_way(url: str) -> None:
    """Most addresses take a short cut, which must change none."""
    encoded = percent_encoded(with_ascii_host(line(url)))
    assert address(url) == (encoded if identifier(encoded) else None)
