"""The path of a request, and what can be nothing of ours."""

from __future__ import annotations

import pytest

from aggregator.server.request_paths import names


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/", ("",)),
        (b"/news/", ("news", "")),
        (b"/news/rss.xml", ("news", "rss.xml")),
        (b"/%E6%96%B0%E9%97%BB/rss.xml", ("新闻", "rss.xml")),
        (b"/C%2B%2B/", ("C++", "")),
        (b"/a%20b", ("a b",)),
        (b"/100%25/", ("100%", "")),
        (b"/%252e%252e/x", ("%2e%2e", "x")),
    ],
)
def test_a_path_is_decoded_once(path: bytes, found: tuple[str, ...]) -> None:
    """As UTF-8, after it was taken apart; "" at the end means a folder."""
    assert names(path) == found


@pytest.mark.parametrize(
    "path",
    [
        *(b"/..", b"/../x", b"/a/../x", b"/a/..", b"/./x", b"/%2e%2e/x", b"/.%2e/x", b"/%2E%2E%2Fx"),
        *(b"/a%2fb", b"/a%5cb", b"/a\\b", b"/..\\x", b"/%2e%2e%5cx", b"/a%00b", b"/a%0ab", b"/a%7fb"),
        *(b"//x", b"/a//b", b"//", b"/.0123456789abcdef.part", b"/news/.git/config", b"/%2egit/"),
        *(b"/%c0%ae%c0%ae/x", b"/%c0%af", b"/%ff", b"/%e0%80%ae/x", b"x", b"*", b"http://x/y", b""),
        b"/" + b"a" * 4096,
    ],
)
def test_paths_with_dots_or_odd_characters_name_nothing(path: bytes) -> None:
    """Dots, slashes of every kind, control characters, overlong UTF-8, empty names."""
    assert names(path) is None


def test_the_path_of_the_public_address_is_removed() -> None:
    """So that self links work also without a proxy that takes it off."""
    prefix = ("my", "feeds")
    assert names(b"/my/feeds/news/rss.xml", prefix) == ("news", "rss.xml")
    assert names(b"/my/feeds/", prefix) == ("",)
    assert names(b"/my/feeds", prefix) == ()
    assert names(b"/news/rss.xml", prefix) == ("news", "rss.xml")
    assert names(b"/my/feeds/../x", prefix) is None
