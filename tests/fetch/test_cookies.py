"""Cookies live within one fetch, and go back only to the server that set them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aggregator import errors
from aggregator.config.load import Source
from aggregator.fetch import Fetched
from aggregator.fetch.cookies import MAX_COOKIES, Cookies
from aggregator.fetch.http import HttpFetcher
from tests.conftest import NOW, Answer, Request, Server
from tests.fetch.test_http import fetcher

__all__ = ["fetcher"]


@pytest.fixture
def other_server() -> Iterator[Server]:
    """Another one."""
    running = Server()
    yield running
    running.close()


HOME = "https://tea.example/feed"


def cookies(*headers: str, url: str = HOME) -> Cookies:
    """Returns what these headers set."""
    made = Cookies(NOW)
    made.take(url, headers)
    return made


def guarded(request: Request) -> Answer:
    """A feed that is for those who send back the cookie that it sets."""
    if "seen=1" in request.headers.get("Cookie", ""):
        return Answer(200, {}, b"<rss/>")
    return Answer(302, {"Location": request.path, "Set-Cookie": "seen=1; Path=/; HttpOnly"})


def fetch(fetcher: HttpFetcher, source: Source) -> Fetched:
    """The source as it is now."""
    fetched = fetcher.fetch(source, {}, NOW)
    assert isinstance(fetched, Fetched)
    return fetched


def test_a_site_that_redirects_to_itself_with_a_cookie_is_read(server: Server, fetcher: HttpFetcher) -> None:
    """Each fetch begins without any: no cookie identifies us. That is no permanent move either."""
    server.pages["/feed"] = guarded
    source = Source(name="x", url=f"{server.url}/feed")
    for _ in range(2):
        fetched = fetch(fetcher, source)
        assert fetched.resources[0].body == b"<rss/>"
        assert fetched.hints.moved_to is None
    assert [request.headers.get("Cookie") for request in server.requests] == [None, "seen=1"] * 2


def test_cookies_of_a_site_are_added_to_those_of_the_config(server: Server, fetcher: HttpFetcher) -> None:
    """Those that the site sets anew replace them, for this fetch."""
    server.pages["/feed"] = guarded
    fetch(
        fetcher, Source.model_validate({"name": "x", "url": f"{server.url}/feed", "cookie": "me=2; seen=0"})
    )
    assert [request.headers.get("Cookie") for request in server.requests] == ["me=2; seen=0", "me=2; seen=1"]


def test_another_host_does_not_get_the_cookies(
    server: Server, other_server: Server, fetcher: HttpFetcher
) -> None:
    """Not even another port of the same host; a redirect back gets them again."""
    server.pages["/feed"] = lambda request: (
        Answer(200, {}, b"<rss/>")
        if request.headers.get("Cookie")
        else Answer(302, {"Location": f"{other_server.url}/gate", "Set-Cookie": "id=1"})
    )
    other_server.pages["/gate"] = Answer(302, {"Location": f"{server.url}/feed"})
    fetch(fetcher, Source(name="x", url=f"{server.url}/feed"))
    assert [request.headers.get("Cookie") for request in server.requests] == [None, "id=1"]
    assert [request.headers.get("Cookie") for request in other_server.requests] == [None]


def test_a_redirect_loop_that_sets_cookies_is_detected(server: Server, fetcher: HttpFetcher) -> None:
    """The same cookie again is a loop, ever new ones are too many redirects."""
    server.pages["/a"] = Answer(302, {"Location": "/a", "Set-Cookie": "id=1"})
    with pytest.raises(errors.TooManyRedirects, match="loop"):
        fetch(fetcher, Source(name="x", url=f"{server.url}/a"))
    server.pages["/b"] = lambda _: Answer(302, {"Location": "/b", "Set-Cookie": f"id={len(server.requests)}"})
    with pytest.raises(errors.TooManyRedirects, match="more than 3 times"):
        fetch(fetcher, Source(name="x", url=f"{server.url}/b"))


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ("a=1", "a=1"),
        ("a=1; Path=/elsewhere; Domain=.example; SameSite=Lax; HttpOnly; Secure", "a=1"),
        (' a = "b c" ; Max-Age=60', 'a="b c"'),
        ("a=", "a="),
        ("a=1; Max-Age=0", ""),
        ("a=1; Max-Age=-1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", ""),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ("a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "a=1"),
        ("a=1; Expires=soon", "a=1"),
        ("=1", ""),
        ("a", ""),
        ("a b=1", ""),
        ("a=1\r\nX: y", ""),
        ("a=\xe9", ""),
        (f"a={'x' * 5_000}", ""),
    ],
)
def test_invalid_cookies_are_ignored(header: str, sent: str) -> None:
    """Also expired ones; no cookie can begin another header."""
    assert cookies(header).header(HOME) == sent


def test_secure_cookies_are_sent_only_over_https() -> None:
    """Others are sent over http and https."""
    assert cookies("a=1").header("http://tea.example/") == ""
    assert cookies("a=1", url="http://tea.example/").header(HOME) == "a=1"
    assert cookies("a=1; Secure", url="http://tea.example/").header(HOME) == ""
    assert cookies("a=1").header("https://www.tea.example/") == ""
    assert cookies("a=1").header("https://tea.example:444/") == ""
    assert cookies("a=1").header("https://tea.example:443/other") == "a=1"


def test_cookies_are_limited_and_can_be_deleted() -> None:
    """The first ones stay."""
    many = cookies(*(f"a{n}=1" for n in range(100)))
    assert many.header(HOME).count("=") == MAX_COOKIES
    many.take(HOME, ["a0=2", "a1=; Max-Age=0"])
    assert many.header(HOME).startswith("a0=2; a2=1;")
