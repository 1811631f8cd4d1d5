"""The check-list of a good reader, line by line, against what goes over the wire byte for byte.

docs/manners.md tells the same in words; each of its lines names the tests here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import __version__, errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, Fetcher, NotModified, Validators, user_agent
from tests.conftest import NOW
from tests.support.wire import Serve, Wire, in_turn, sends

ETAG = 'W/"a b\\"c, \xe9"'
MODIFIED = "Sat, 01 Jan 2026 00:00:00 GMT"  # a wrong weekday
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
DOCS = Path(__file__).parents[2] / "docs" / "manners.md"


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """One whole answer."""
    head = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


OK = answer("200 OK", f"ETag: {ETAG}", f"Last-Modified: {MODIFIED}", body=b"<rss/>")
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\n\r\n"


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A fetcher that says whose it is."""
    settings = Fetch(contact="https://example.org/us", allow=("127.0.0.1",))
    made = Fetcher(settings, user_agent(settings), lambda host: ["127.0.0.1"])
    yield made
    made.close()


def get(fetcher: Fetcher, url: str, validators: Validators | None = None) -> Fetched | NotModified:
    """One poll."""
    return fetcher.fetch(Source(name="x", url=url), validators or {}, NOW)


def expected(wire: Wire, *conditions: str, path: str = "/feed") -> bytes:
    """The one request that a well-mannered reader sends, whole."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{wire.port}",
        f"User-Agent: Aggregator/{__version__} (+https://example.org/us)",
        f"Accept: {ACCEPT}",
        "Accept-Encoding: gzip, deflate, br, zstd",
        *conditions,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def test_1_validators_are_sent_back_byte_for_byte_and_none_is_invented(
    serve: Serve, fetcher: Fetcher
) -> None:
    """Nothing before the first answer; both afterwards, quotes and mistakes included."""
    wire = serve(in_turn(OK, UNCHANGED))
    first = get(fetcher, wire.url + "/feed")
    second = get(fetcher, wire.url + "/feed", first.validators)
    assert isinstance(second, NotModified)
    both = (f"If-None-Match: {ETAG}", f"If-Modified-Since: {MODIFIED}")
    assert wire.requests == [expected(wire), expected(wire, *both)]


@pytest.mark.parametrize(
    ("header", "condition"),
    [
        (f"ETag: {ETAG}", f"If-None-Match: {ETAG}"),
        (f"Last-Modified: {MODIFIED}", f"If-Modified-Since: {MODIFIED}"),
    ],
    ids=["etag", "last-modified"],
)
def test_1_a_single_validator_is_sent_back_alone(
    serve: Serve, fetcher: Fetcher, header: str, condition: str
) -> None:
    """A date is not made from Date, nor a tag from a body."""
    wire = serve(in_turn(answer("200 OK", header, f"Date: {MODIFIED}", body=b"<rss/>"), UNCHANGED))
    first = get(fetcher, wire.url + "/feed")
    get(fetcher, wire.url + "/feed", first.validators)
    assert wire.requests[1] == expected(wire, condition)


def test_2_every_200_replaces_both(serve: Serve, fetcher: Fetcher) -> None:
    """Also with the same body, and also by nothing when the new answer has none."""
    newer = answer("200 OK", 'ETag: "2"', body=b"<rss/>")
    bare = answer("200 OK", body=b"<rss/>")
    wire = serve(in_turn(OK, newer, bare, bare))
    validators: Validators = {}
    for _ in range(4):
        validators = get(fetcher, wire.url + "/feed", validators).validators
    assert wire.requests[2:] == [expected(wire, 'If-None-Match: "2"'), expected(wire)]


def test_4_max_age_expires_and_retry_after_are_returned(serve: Serve, fetcher: Fetcher) -> None:
    """max-age and Expires on 200 and 304, Retry-After on any status; 429 and 503 are `Later`."""
    fresh = answer("200 OK", "Cache-Control: max-age=3600", "Age: 600", "Retry-After: 60", body=b"<rss/>")
    expires = answer("200 OK", "Expires: Mon, 01 Jun 2026 13:00:00 GMT", body=b"<rss/>")
    wire = serve(in_turn(fresh, expires, OK, UNCHANGED))
    hints = [get(fetcher, wire.url + "/feed").hints for _ in range(3)]
    assert [h.max_age for h in hints] == [timedelta(minutes=50), timedelta(hours=1), None]
    assert [h.retry_after for h in hints] == [timedelta(minutes=1), None, None]
    for status, kind in (
        ("429 Slow", errors.Later),
        ("503 Busy", errors.Later),
        ("404 No", errors.HttpStatus),
    ):
        asked = serve(sends(answer(status, "Retry-After: 120")))
        with pytest.raises(errors.HttpStatus) as caught:
            get(fetcher, asked.url + "/feed")
        assert type(caught.value) is kind
        assert caught.value.retry_after == timedelta(minutes=2)
        assert len(asked.requests) == 1


def test_5_requests_name_the_program_and_nothing_else(serve: Serve, fetcher: Fetcher) -> None:
    """No cookie of an earlier fetch, no Referer after a redirect, no parameter of ours."""
    cookie = "Set-Cookie: id=1; Path=/"
    moved = answer("302 Found", "Location: /b", cookie)
    wire = serve(in_turn(moved, answer("200 OK", cookie, body=b"<rss/>"), moved, OK))
    for _ in range(2):
        get(fetcher, wire.url + "/a?x=%20y&&z")
    asked = [expected(wire, path="/a?x=%20y&&z"), expected(wire, "Cookie: id=1", path="/b")]
    assert wire.requests == asked * 2


def test_6_a_permanent_move_is_reported_and_410_is_gone(serve: Serve, fetcher: Fetcher) -> None:
    """The scheduler adopts it; a chain with a temporary step moves nothing."""

    def moved(*statuses: int) -> str | None:
        steps = [answer(f"{status} Moved", f"Location: /{n}") for n, status in enumerate(statuses)]
        wire = serve(in_turn(*steps, OK))
        target = get(fetcher, wire.url + "/feed").hints.moved_to
        return target and target.removeprefix(wire.url)

    assert [moved(), moved(301), moved(308, 301)] == [None, "/0", "/1"]
    assert [moved(302), moved(301, 302), moved(307, 301), moved(303)] == [None] * 4
    wire = serve(in_turn(answer("301 Moved", "Location: /b"), UNCHANGED))
    known = {"url": wire.url + "/b", "etag": '"1"'}
    assert get(fetcher, wire.url + "/a", known).hints.moved_to == wire.url + "/b"
    with pytest.raises(errors.Gone):
        get(fetcher, serve(sends(answer("410 Gone"))).url)


def test_6_retry_after_delays_the_publishers_other_feeds(serve: Serve, fetcher: Fetcher) -> None:
    """Per registrable domain; a service of one's own is held by URL."""
    wire = serve(sends(answer("429 Slow", "Retry-After: 600")))
    for host in ("127.0.0.1", "a.publisher.example"):
        with pytest.raises(errors.Later):
            get(fetcher, f"http://{host}:{wire.port}/feed")
    held_for = fetcher.hosts.held_for
    held = held_for("http://a.publisher.example/feed", 0.0)
    assert held >= 600
    assert held_for("https://b.publisher.example/other", 0.0) == held
    assert held_for(wire.url + "/feed", 0.0) >= 600
    assert held_for(wire.url + "/other", 0.0) == held_for("http://c.example/", 0.0) == 0.0


def test_7_a_fetch_is_one_request(serve: Serve, fetcher: Fetcher) -> None:
    """Nothing is tried again behind the scenes: the next poll is the scheduler's to time."""
    for manner in (sends(b""), sends(answer("500 No")), sends(answer("503 No", "Retry-After: 0"))):
        wire = serve(manner)
        with pytest.raises(errors.FetchError):
            get(fetcher, wire.url + "/feed")
        assert len(wire.requests) == 1


def test_every_line_of_the_table_names_tests_that_exist() -> None:
    """The document cannot promise what no test looks at."""
    rows = re.findall(r"^\| (\d) \|.*\|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == set("1234567")
    named = re.findall(r"`(test_\w+)`", DOCS.read_text(encoding="utf-8"))
    assert named
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert [name for name in named if f"def {name}(" not in tests] == []
