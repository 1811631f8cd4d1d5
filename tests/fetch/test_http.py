"""Fetching over HTTP, against a real server on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, NotModified, Validators
from aggregator.fetch.http import HttpFetcher
from tests.conftest import NOW, Answer, Request, Server

ETAG = 'W/"a b\\"c, é"'
MODIFIED = "Sat, 01 Jan 2026 00:00:00 GMT"  # a wrong weekday, to be sent back as it came


@pytest.fixture
def fetcher() -> Iterator[HttpFetcher]:
    """A fetcher with small bounds."""
    settings = Fetch(timeout=timedelta(seconds=60), max_bytes=100_000, max_redirects=3, allow=("127.0.0.1",))
    made = HttpFetcher(settings, "Aggregator/test")
    yield made
    made.close()


def fetch(fetcher: HttpFetcher, url: str, validators: Validators, **settings: Any) -> Fetched | NotModified:
    """Fetches a source of this address; even of one that the config would not let through."""
    return fetcher.fetch(Source.model_construct(name="x", url=url, **settings), validators, NOW)


def test_a_document_comes_with_its_type_its_url_and_its_validators(
    server: Server, fetcher: HttpFetcher
) -> None:
    """The body whole, and what the next request needs."""
    headers = {"Content-Type": "text/xml; charset=x", "ETag": '"1"', "Last-Modified": MODIFIED}
    server.pages["/feed"] = Answer(200, headers, b"<rss/>")
    fetched = fetch(fetcher, server.url + "/feed", {})
    assert isinstance(fetched, Fetched)
    (resource,) = fetched.resources
    assert (resource.body, resource.content_type) == (b"<rss/>", "text/xml; charset=x")
    assert resource.url == server.url + "/feed"
    assert fetched.validators == {"url": server.url + "/feed", "etag": '"1"', "last_modified": MODIFIED}


def test_etag_and_last_modified_are_sent_back_byte_for_byte(server: Server, fetcher: HttpFetcher) -> None:
    """RFC 9110 §13.1: both, when both are known, quotes and mistakes included."""
    headers = {"ETag": ETAG, "Last-Modified": MODIFIED}

    def page(request: Request) -> Answer:
        return Answer(304) if "If-None-Match" in request.headers else Answer(200, headers, b"<rss/>")

    server.pages["/feed"] = page
    first = fetch(fetcher, server.url + "/feed", {})
    second = fetch(fetcher, server.url + "/feed", first.validators)
    assert isinstance(second, NotModified)
    assert second.validators == first.validators
    unconditional, conditional = server.requests
    assert "If-None-Match" not in unconditional.headers
    assert "If-Modified-Since" not in unconditional.headers
    assert conditional.headers["If-None-Match"] == ETAG
    assert conditional.headers["If-Modified-Since"] == MODIFIED


@pytest.mark.parametrize(
    "value",
    [
        '"a\x00b"',
        '"a\tb"',
        '"a\x01b"',
        '"a\x0bb"',
        '"a\x1bb"',
        '"a\x7fb"',
        '"a\r\n b"',
        '"a\r\n\tX-Forged: 1"',
        '"a\rb"',
        '"a\u2028b"',
        '"a\u0416b"',
        "x" * 4097,
    ],
)
def test_a_validator_with_controls_is_neither_kept_nor_sent(
    server: Server, fetcher: HttpFetcher, value: str
) -> None:
    """Not even one that an earlier version kept; the other of the two still counts."""
    url = server.url + "/feed"
    if value.isascii() and "\r" not in value:  # a line break ends the line, or is read as a space
        headers = {"ETag": value, "Last-Modified": MODIFIED}
        server.pages["/feed"] = Answer(200, headers, b"x")
        assert "etag" not in fetch(fetcher, url, {}).validators
    server.pages["/feed"] = Answer(304)
    fetch(fetcher, url, {"url": url, "etag": value, "last_modified": MODIFIED})
    assert "If-None-Match" not in server.requests[-1].headers
    assert server.requests[-1].headers["If-Modified-Since"] == MODIFIED


def test_a_304_may_bring_a_new_etag(server: Server, fetcher: HttpFetcher) -> None:
    """RFC 9111 §4.3.4: what a 304 says replaces what was kept; what it does not say stays."""
    server.pages["/feed"] = Answer(304, {"ETag": '"2"'})
    known = {"url": server.url + "/feed", "etag": '"1"', "last_modified": MODIFIED}
    assert fetch(fetcher, server.url + "/feed", known).validators == {**known, "etag": '"2"'}


def test_validators_of_another_address_are_not_sent(server: Server, fetcher: HttpFetcher) -> None:
    """A validator belongs to one URL; after a move it has no meaning."""
    server.pages["/new"] = Answer(200, {}, b"x")
    fetch(fetcher, server.url + "/new", {"url": server.url + "/old", "etag": '"1"'})
    assert "If-None-Match" not in server.requests[0].headers


def test_requests_name_the_program_and_carry_nothing_that_identifies_the_user(
    server: Server, fetcher: HttpFetcher
) -> None:
    """User-Agent, Accept and Accept-Encoding; no cookies of an earlier fetch, no Referer after a redirect."""
    server.pages["/a"] = Answer(302, {"Location": "/b", "Set-Cookie": "id=1; Path=/"})
    server.pages["/b"] = Answer(200, {"Set-Cookie": "id=2; Path=/"}, b"x")
    for _ in range(2):
        fetch(fetcher, server.url + "/a", {})
    cookies = [request.headers.get("Cookie") for request in server.requests]
    assert cookies == [None, "id=1", None, "id=1"]
    for request in server.requests:
        assert request.headers["User-Agent"] == "Aggregator/test"
        assert "application/atom+xml" in request.headers["Accept"]
        assert request.headers["Accept-Encoding"] == "gzip, deflate, br, zstd"
        assert not {"Referer", "Authorization"} & request.headers.keys()


@pytest.mark.parametrize("status", [200, 203, 226])
def test_a_complete_document_is_read_although_a_range_or_diff_was_possible(
    server: Server, fetcher: HttpFetcher, status: int
) -> None:
    """A proxy that changed it, or what it became by nothing that was asked for."""
    server.pages["/feed"] = Answer(status, {"ETag": '"1"'}, b"<rss/>")
    fetched = fetch(fetcher, server.url + "/feed", {})
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].body == b"<rss/>"
    assert fetched.validators["etag"] == '"1"'


def answered_with(answer: bytes, fetcher: HttpFetcher) -> bytes:
    """The body that a server's bytes give."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        try:
            fetched = fetch(fetcher, f"http://127.0.0.1:{listening.getsockname()[1]}/", {})
        finally:
            serving.join()
    assert isinstance(fetched, Fetched)
    return fetched.resources[0].body


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<rss/>"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize(
    "interim",
    [
        HINTS,
        HINTS * 3,
        b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS,
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 199 X\n\n",
    ],
)
def test_interim_answers_are_passed_over(fetcher: HttpFetcher, interim: bytes) -> None:
    """RFC 9110 §15.2: any number of them, unknown ones too; their headers mean nothing for the answer."""
    assert answered_with(interim + WHOLE, fetcher) == b"<rss/>"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HINTS * 30 + WHOLE, "interim"),
        (HINTS, "closed|breaks off|without"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + WHOLE, "101"),
    ],
)
def test_interim_answers_without_end_are_an_error(fetcher: HttpFetcher, answer: bytes, reason: str) -> None:
    """Nor does anybody speak another protocol because a server does."""
    with pytest.raises(errors.FetchError, match=reason):
        answered_with(answer, fetcher)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_last_address_is_the_base(
    server: Server, fetcher: HttpFetcher, status: int
) -> None:
    """Relative links of the document count from where it was in the end."""
    server.pages["/a"] = Answer(status, {"Location": "dir/b"}, b"ignored")
    server.pages["/dir/b"] = Answer(200, {"ETag": '"b"'}, b"x")
    fetched = fetch(fetcher, server.url + "/a", {})
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].url == server.url + "/dir/b"
    fetch(fetcher, server.url + "/a", fetched.validators)
    assert [r.headers.get("If-None-Match") for r in server.requests] == [None, None, None, '"b"']


def test_a_redirect_to_a_utf8_path_is_followed(server: Server, fetcher: HttpFetcher) -> None:
    """Servers put raw UTF-8 into Location."""
    server.pages["/a"] = Answer(302, {"Location": "/é".encode().decode("latin-1")})
    server.pages["/%C3%A9"] = Answer(200, {}, b"x")
    fetched = fetch(fetcher, server.url + "/a", {})
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].body == b"x"


def test_redirects_that_loop_or_never_end_are_named(server: Server, fetcher: HttpFetcher) -> None:
    """A loop says so; a chain longer than the limit says so."""
    server.pages["/a"] = Answer(302, {"Location": "/b"})
    server.pages["/b"] = Answer(302, {"Location": "/a"})
    with pytest.raises(errors.TooManyRedirects, match="loop"):
        fetch(fetcher, server.url + "/a", {})
    for number in range(10):
        server.pages[f"/{number}"] = Answer(302, {"Location": f"/{number + 1}"})
    with pytest.raises(errors.TooManyRedirects, match="more than 3 times"):
        fetch(fetcher, server.url + "/0", {})


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "http://["]
)
def test_a_redirect_out_of_http_is_refused(server: Server, fetcher: HttpFetcher, target: str) -> None:
    """A server cannot send us to this machine's files."""
    server.pages["/a"] = Answer(302, {"Location": target})
    with pytest.raises(errors.BadAddress, match="it redirects to"):
        fetch(fetcher, server.url + "/a", {})


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", b"x" * 200_000),
        ("gzip", gzip.compress(b"\0" * 5_000_000)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"\0" * 5_000_000))),
        ("deflate", zlib.compress(b"\0" * 5_000_000)),
    ],
    ids=["plain", "gzip", "gzip-in-gzip", "deflate"],
)
def test_a_body_is_capped_after_decompression(
    server: Server, fetcher: HttpFetcher, encoding: str, body: bytes
) -> None:
    """A bomb is left after the first chunk past the limit."""
    server.pages["/bomb"] = Answer(200, {"Content-Encoding": encoding}, body)
    with pytest.raises(errors.TooLarge, match=r"exceeds 100000 bytes .*; raise fetch\.max_bytes"):
        fetch(fetcher, server.url + "/bomb", {})


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (Answer(404), errors.HttpStatus, "nothing at this address"),
        (Answer(410), errors.Gone, "gone permanently"),
        (Answer(429), errors.Later, "fewer requests"),
        (Answer(503), errors.Later, "not available at the moment"),
        (Answer(500), errors.HttpStatus, "failed"),
        (Answer(204), errors.HttpStatus, "204"),
        (Answer(302), errors.HttpStatus, "302"),
        (Answer(200, {"Content-Encoding": "gzip"}, b"not gzip at all"), errors.BrokenExchange, "broke off"),
        (
            Answer(200, {"Content-Length": "100", "Connection": "close"}, b"short"),
            errors.BrokenExchange,
            "broke off",
        ),
    ],
    ids=["404", "410", "429", "503", "500", "204", "302-to-nowhere", "bad-gzip", "cut-short"],
)
def test_broken_responses_are_errors_with_a_reason(
    server: Server, fetcher: HttpFetcher, answer: Answer, kind: type[Exception], reason: str
) -> None:
    """A broken answer is never taken for an empty or shorter feed."""
    server.pages["/feed"] = answer
    with pytest.raises(kind, match=reason):
        fetch(fetcher, server.url + "/feed", {})


def test_a_closed_port_and_an_unknown_host_are_unreachable(fetcher: HttpFetcher) -> None:
    """The reason is the system's own words, without addresses of objects."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    with pytest.raises(errors.ConnectError, match="unreachable: Connection refused"):
        fetch(fetcher, f"http://127.0.0.1:{port}/", {})
    with pytest.raises(errors.DnsError, match="the host nobody"):
        fetch(fetcher, "http://nobody.invalid/", {})


def test_a_silent_server_is_left_after_the_timeout() -> None:
    """A server that accepts and says nothing."""
    settings = Fetch(timeout=timedelta(seconds=0.5), allow=("127.0.0.1",))
    hasty = HttpFetcher(settings, "Aggregator/test")
    # The system accepts connections; no answer ever comes.
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        pytest.raises(errors.TimedOut, match=r"no answer within 0\.5 s"),
    ):
        fetch(hasty, f"http://127.0.0.1:{listening.getsockname()[1]}/", {})
    hasty.close()


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "http://127.0.0.1:99999/", "http://" + "a" * 300 + ".invalid/"]
)
def test_an_invalid_address_is_an_error(fetcher: HttpFetcher, url: str) -> None:
    """No library's exception leaves the room."""
    with pytest.raises(errors.FetchError):
        fetch(fetcher, url, {})
