"""robots.txt: its rules, and what is done while it cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetcher
from aggregator.fetch.http import ACCEPT, ACCEPT_PAGE
from aggregator.fetch.robots import (
    ALL_ALLOWED,
    ASKED_AGAIN_AFTER,
    FRESH_FOR,
    LONGEST_DELAY,
    Robots,
    parse,
)
from tests.conftest import Answer, Server
from tests.support.steps import steps

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SITE = "https://tea.example"


def source(url: str, kind: str = "page", *, robots: bool = True) -> Source:
    """A source at an address."""
    return Source(name="tea", url=url, kind=kind, robots=robots)


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: /a", "/abc", False),
        ("User-agent: *\nDisallow: /a", "/A", True),
        ("user-AGENT: *\nDISALLOW : /a # all of it\r\n", "/a", False),
        ("\ufeffUser-agent: *\rDisallow: /a", "/a", False),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: aggregator\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Aggregator/2.0\nDisallow: /b", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Aggregator/2.0\nDisallow: /b", "/b", False),
        ("User-agent: aggregators\nDisallow: /", "/a", True),
        ("User-agent: other\nUser-agent: aggregator\nDisallow: /a", "/a", False),
        ("User-agent: aggregator\nDisallow: /a\nUser-agent: aggregator\nDisallow: /b", "/a", False),
        ("User-agent: aggregator\nCrawl-delay: 1\nUser-agent: other\nDisallow: /", "/a", True),
        ("User-agent: aggregator\nSitemap: /s\nUser-agent: other\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a/b\nDisallow: /a", "/a/c", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.gif$", "/a/b.gif", False),
        ("User-agent: *\nDisallow: /*.gif$", "/a/b.gif?x", True),
        ("User-agent: *\nDisallow: /a$", "/a", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /*/b*c", "/a/bxc/d", False),
        ("User-agent: *\nDisallow: /*b*b$", "/b", True),
        ("User-agent: *\nDisallow: *x", "/a/x", False),
        ("User-agent: *\nDisallow: /*?page=", "/a?page=2", False),
        ("User-agent: *\nDisallow: /tee/grün", "/tee/gr%C3%BCn/1", False),
        ("User-agent: *\nDisallow: /tee/gr%c3%bcn", "/tee/grün", False),
        ("User-agent: *\nDisallow: /%7Ejoe", "/~joe/1", False),
        ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
    ],
)
def test_robots_txt_is_read_as_rfc_9309_says(text: str, path: str, allowed: bool) -> None:
    """The cases of RFC 9309 §2.2 and §5."""
    assert parse(text).allow(SITE + path) is allowed


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("User-agent: *\nCrawl-delay: 2.5", timedelta(seconds=2.5)),
        ("User-agent: *\nCrawl-delay: 86400", LONGEST_DELAY),
        ("User-agent: *\nCrawl-delay: nan", None),
        ("User-agent: *\nCrawl-delay: -1", None),
        ("User-agent: other\nCrawl-delay: 2", None),
        ("User-agent: aggregator\nDisallow: /a\nUser-agent: *\nCrawl-delay: 2", None),
    ],
)
def test_a_crawl_delay_is_obeyed_up_to_a_minute(text: str, delay: timedelta | None) -> None:
    """It is not in RFC 9309, but common."""
    assert parse(text).delay == delay


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"user-agent: a{n}\n" for n in range(20_000)) + "disallow: /a\n" * 20_000,
        "user-agent: *\n" + "disallow: /" + "*a" * 200_000 + "b$\n",
        "user-agent: *\n" + "disallow: /*a*a*a*a*b\n" * 20_000,
        "\0" * 500_000,
        ":" * 500_000,
        "user-agent: *\ndisallow: " + "%" * 400_000,
    ],
    ids=["many agents", "one long pattern", "many patterns", "NULs", "colons", "percent signs"],
)
def test_hostile_files_are_read_in_passing(text: str) -> None:
    """What took other readers minutes: twice as much of it is twice the work, and half a megabyte is read."""

    def allows(size: int) -> bool:
        return parse(text[:size]).allow(f"{SITE}/{'a' * 2_000}")

    assert allows(500 * 1024)  # first: what is done only once is no step
    assert steps(lambda: allows(60_000)) < 2.5 * steps(lambda: allows(30_000))


class Site:
    """A site's robots.txt as an origin gives it: answers in turn, and what was asked for."""

    def __init__(self, *answers: bytes | errors.FetchError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.delays: list[timedelta] = []
        self.robots = Robots(self.get, lambda _, delay: self.delays.append(delay))

    def get(self, source: Source, url: str, now: datetime) -> bytes:
        """The next answer."""
        self.asked.append(url)
        answer = self.answers.pop(0)
        if isinstance(answer, errors.FetchError):
            raise answer
        return answer

    def check(self, path: str = "/a", after: timedelta = timedelta()) -> None:
        """Asks for a page."""
        self.robots.check(source(f"{SITE}/list"), f"{SITE}{path}", NOW + after)


def test_an_origin_is_asked_once_a_day() -> None:
    """Then again."""
    site = Site(b"User-agent: *\nDisallow: /b\nCrawl-delay: 3", b"")
    site.check("/a")
    with pytest.raises(errors.Disallowed, match="robots = false"):
        site.check("/b", FRESH_FOR - timedelta(seconds=1))
    site.check("/b", FRESH_FOR)
    assert site.asked == [f"{SITE}/robots.txt"] * 2
    assert site.delays == [timedelta(seconds=3)] * 2


@pytest.mark.parametrize(
    "error",
    [
        errors.HttpStatus("no", status=404),
        errors.HttpStatus("no", status=403),
        errors.Gone("no", status=410),
        errors.TooManyRedirects("no"),
    ],
    ids=["404", "403", "410", "redirects"],
)
def test_without_a_robots_txt_everything_is_allowed(error: errors.FetchError) -> None:
    """RFC 9309 §2.3.1.2 and §2.3.1.3."""
    site = Site(error)
    site.check()
    site.check("/b", timedelta(hours=23))
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.HttpStatus("a fault", status=500), errors.Later),
        (errors.Later("busy", status=429), errors.Later),
        (errors.ConnectError("nobody"), errors.FetchError),
        (errors.NoNetwork("offline"), errors.NoNetwork),
    ],
    ids=["500", "429", "unreachable", "offline"],
)
def test_nothing_is_fetched_while_robots_txt_is_unreachable(
    error: errors.FetchError, kind: type[errors.FetchError]
) -> None:
    """For some minutes it is not asked for again (RFC 9309 §2.3.1.4); 429 asks for that in as many words."""
    site = Site(error, b"")
    for _ in range(2):
        with pytest.raises(kind, match=r"robots\.txt cannot be fetched"):
            site.check()
    site.check(after=ASKED_AGAIN_AFTER)
    assert len(site.asked) == 2


def test_the_last_robots_txt_applies_while_it_is_unreachable() -> None:
    """RFC 9309 §2.4."""
    site = Site(b"User-agent: *\nDisallow: /b", errors.ConnectError("nobody"))
    site.check()
    site.check("/a", FRESH_FOR)
    with pytest.raises(errors.Disallowed):
        site.check("/b", FRESH_FOR)


def test_each_origin_has_its_own() -> None:
    """Scheme, host and port."""
    site = Site(b"", b"User-agent: *\nDisallow: /")
    site.check()
    with pytest.raises(errors.Disallowed):
        site.robots.check(source(SITE), "http://tea.example:8080/a", NOW)
    assert site.asked[1] == "http://tea.example:8080/robots.txt"
    assert ALL_ALLOWED.allow(SITE)


@pytest.fixture
def fetcher(server: Server) -> Fetcher:
    """A fetcher that may reach the server."""
    return Fetcher(Fetch(allow=("127.0.0.1",)), "Aggregator/1")


Get = Callable[[Fetcher, Source], object]
WAYS: dict[str, Get] = {
    "a poll": lambda fetcher, source: fetcher.fetch(source, {}, NOW),
    "a further page": lambda fetcher, source: fetcher.further(source, source.address, NOW),
    "an article's page": lambda fetcher, source: fetcher.page(source, source.address, NOW),
}


@pytest.mark.parametrize("way", WAYS)
def test_pages_are_fetched_when_robots_txt_lets_us(server: Server, fetcher: Fetcher, way: str) -> None:
    """One request more, to the same origin; a page is asked for as a page."""
    server.pages = {"/list": Answer(body=b"<p>Tea")}
    WAYS[way](fetcher, source(f"{server.url}/list"))
    assert [(r.path, r.headers["Accept"]) for r in server.requests] == [
        ("/robots.txt", ACCEPT),
        ("/list", ACCEPT_PAGE),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_a_disallowed_page_is_not_asked_for(server: Server, fetcher: Fetcher, way: str) -> None:
    """And the error says what can be done."""
    server.pages = {"/list": Answer(), "/robots.txt": Answer(body=b"User-agent: aggregator\nDisallow: /l")}
    with pytest.raises(errors.Disallowed) as raised:
        WAYS[way](fetcher, source(f"{server.url}/list"))
    assert raised.value.label == "robots"
    assert [r.path for r in server.requests] == ["/robots.txt"]


@pytest.mark.parametrize("way", WAYS)
def test_robots_false_skips_robots_txt(server: Server, fetcher: Fetcher, way: str) -> None:
    """`robots = false`."""
    server.pages = {"/list": Answer(), "/robots.txt": Answer(body=b"User-agent: *\nDisallow: /")}
    WAYS[way](fetcher, source(f"{server.url}/list", robots=False))
    assert [r.path for r in server.requests] == ["/list"]


@pytest.mark.parametrize("kind", ["feed", "json", "sitemap"])
def test_robots_txt_is_not_read_for_feeds(server: Server, fetcher: Fetcher, kind: str) -> None:
    """No request is made for a feed's robots.txt, nor for that of its further documents."""
    server.pages = {"/feed": Answer(), "/robots.txt": Answer(body=b"User-agent: *\nDisallow: /")}
    one = source(f"{server.url}/feed", kind)
    fetcher.fetch(one, {}, NOW)
    fetcher.further(one, f"{server.url}/feed", NOW)
    assert [r.path for r in server.requests] == ["/feed", "/feed"]


def test_the_robots_txt_of_a_redirects_target_is_read_too(server: Server, fetcher: Fetcher) -> None:
    """Otherwise the robots.txt of a link shortener would decide for all sites."""
    server.pages = {
        "/short": Answer(302, headers={"Location": "/hidden/1"}),
        "/robots.txt": Answer(body=b"User-agent: *\nDisallow: /hidden/"),
    }
    with pytest.raises(errors.Disallowed):
        fetcher.page(source(f"{server.url}/list"), f"{server.url}/short", NOW)
    assert [r.path for r in server.requests] == ["/robots.txt", "/short"]


def test_redirects_of_robots_txt_are_followed(server: Server, fetcher: Fetcher) -> None:
    """At least five (RFC 9309 §2.3.1.2)."""
    server.pages = {f"/{n}": Answer(301, headers={"Location": f"/{n + 1}"}) for n in range(1, 5)}
    server.pages |= {
        "/robots.txt": Answer(301, headers={"Location": "/1"}),
        "/5": Answer(body=b"User-agent: *\nDisallow: /list"),
    }
    with pytest.raises(errors.Disallowed):
        fetcher.page(source(f"{server.url}/list"), f"{server.url}/list", NOW)


def test_a_server_with_a_fault_is_not_asked_for_pages(server: Server, fetcher: Fetcher) -> None:
    """A temporary error, not a failure of the source."""
    server.pages = {"/list": Answer(), "/robots.txt": Answer(503, headers={"Retry-After": "60"})}
    with pytest.raises(errors.Later) as raised:
        fetcher.fetch(source(f"{server.url}/list"), {}, NOW)
    assert raised.value.retry_after == timedelta(seconds=60)
    assert [r.path for r in server.requests] == ["/robots.txt"]


def test_only_the_beginning_of_a_long_file_is_read(server: Server, fetcher: Fetcher) -> None:
    """500 KiB (RFC 9309 §2.5)."""
    text = b"User-agent: *\n" + b"#" * 600_000 + b"\nDisallow: /"
    server.pages = {"/list": Answer(), "/robots.txt": Answer(body=text)}
    assert fetcher.page(source(f"{server.url}/list"), f"{server.url}/list", NOW).body == b""
