"""The text of a status: within any length, with any title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.notify.mastodon_status import counted, language_of, status_text

LINK = "https://tea.example/" + "a" * 200


def test_a_status_is_title_link_and_hashtags() -> None:
    """Each in a paragraph of its own."""
    said = {"title": "Tea", "link": "https://tea.example/1", "tags": ["RSS", "Tea"]}
    assert status_text(said, 500, 23) == "Tea\n\nhttps://tea.example/1\n\n#RSS #Tea"
    assert status_text({"link": LINK}, 500, 23) == LINK


@given(
    title=st.text(max_size=200) | st.just("https://a.b " * 40) | st.just("x" * 600),
    tags=st.lists(st.from_regex(r"\w{1,60}", fullmatch=True), max_size=6),
    longest=st.integers(100, 1_000),
)
def test_a_status_never_exceeds_the_servers_limit(title: str, tags: list[str], longest: int) -> None:
    """A link counts as the server says; the link stays, and nobody is mentioned."""
    text = status_text({"title": title, "link": LINK, "tags": tags}, longest, 23)
    assert counted(text.replace(LINK, ""), 23) + 23 <= longest
    assert LINK in text
    assert "@a" not in text.replace(LINK, "")


@pytest.mark.parametrize(
    ("said", "others", "language"),
    [
        ("de-AT", (None, "en"), "de"),
        ("", (None, "en-GB"), "en"),
        ("de", ("fr", "en"), "fr"),
        ("x-klingon", (None, None), ""),
        ("english", (None, "pt_BR"), "pt"),
    ],
)
def test_the_language_is_that_of_the_config_the_feed_or_the_site(
    said: str, others: tuple[str | None, ...], language: str
) -> None:
    """As a code of two or three letters."""
    assert language_of({"language": said}, *others) == language
