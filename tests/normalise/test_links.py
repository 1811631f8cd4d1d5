"""Links as written become absolute http(s) URLs, verbatim where they can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.links import MAX_CHARACTERS, WEB, resolve, without_login


@pytest.mark.parametrize(
    ("href", "bases", "expected"),
    [
        ("http://a.example/x?y=1&z=%41#f", (), "http://a.example/x?y=1&z=%41#f"),
        ("HTTP://A.example/%zz", (), "HTTP://A.example/%zz"),
        ("/x", ("https://a.example/b/c",), "https://a.example/x"),
        ("x y", ("https://a.example/b/c",), "https://a.example/b/x%20y"),
        ("../x", ("https://a.example/b/c/",), "https://a.example/b/x"),
        ("../x", ("https://a.example/w/http://b.example/t/u/",), "https://a.example/w/http://b.example/t/x"),
        ("x//y", ("https://a.example/b//c",), "https://a.example/b//x//y"),
        ("?q", ("https://a.example/b",), "https://a.example/b?q"),
        ("#f", ("https://a.example/b",), "https://a.example/b#f"),
        ("//b.example/x", ("http://a.example/",), "http://b.example/x"),
        ("//b.example/x", (), "https://b.example/x"),
        ("x", ("/blog/", "", None, "https://a.example/feed"), "https://a.example/blog/x"),
        ("  http://a.ex\nample/x\t", (), "http://a.example/x"),
        ("http://a.example/é", (), "http://a.example/%C3%A9"),
        ("http://bücher.example/", (), "http://bücher.example/"),
        ("http://[::1]:8080/x", (), "http://[::1]:8080/x"),
    ],
    ids=str,
)
def test_a_link_that_means_a_web_page_becomes_absolute(
    href: str, bases: tuple[str | None, ...], expected: str
) -> None:
    """Relative to the innermost base that makes it absolute; legal URLs are not touched."""
    assert resolve(href, *bases) == expected


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "mailto:a@b.example",
        "magnet:?xt=1",
        "http:x",
        "http:///x",
        "http://[::1",
        "http://good.example\\@evil.example/",
        "http://a b.example/",
        "http://a.example/" + "x" * MAX_CHARACTERS,
        "x",
        "",
        " \n",
    ],
    ids=lambda href: repr(href[:30]),
)
def test_a_link_that_means_no_web_page_is_none(href: str) -> None:
    """Other schemes, no host, two possible hosts, endless, or relative to nothing."""
    assert resolve(href) is None


def test_a_scheme_beyond_the_web_is_taken_when_named() -> None:
    """Enclosures may be magnet links."""
    assert resolve("magnet:?xt=urn:btih:1", schemes=WEB | {"magnet"}) == "magnet:?xt=urn:btih:1"


def test_a_broken_base_is_passed_over() -> None:
    """The next one is used instead."""
    assert resolve("x", "http://[::1", "http://a.example/") == "http://a.example/x"


def test_a_login_is_taken_out_of_an_address() -> None:
    """And nothing else of it."""
    assert without_login("https://me:secret@a.example:8443/x?y#z") == "https://a.example:8443/x?y#z"
    assert without_login("https://a.example/@me") == "https://a.example/@me"
    assert without_login("https://[") == ""


_NASTY = st.text(alphabet=st.sampled_from("hHtps:/\\?#[]@ .%a1é\n\x00\ud800&\"'<>,;"), max_size=30) | st.text(
    max_size=20
)


@given(_NASTY, _NASTY)
def test_whatever_comes_in_a_web_url_or_none_comes_out(href: str, base: str) -> None:
    """Never an exception, white space, a quote or another scheme."""
    url = resolve(href, base, "http://a.example/")
    assert url is None or (
        url.lower().startswith(("http://", "https://")) and not set(url) & set(' \n\t"<>\\`{}|^\x00\ud800')
    )
