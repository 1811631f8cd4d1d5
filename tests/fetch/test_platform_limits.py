"""Hosts with a pace of their own: what the program knows, what the config says, and a server's log of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config.load import Fetch, HostPace, Source
from aggregator.errors import Later
from aggregator.fetch import Fetcher, user_agent
from aggregator.fetch.pacing import Hosts, Pace
from aggregator.fetch.platform_limits import PLATFORMS, paces
from aggregator.polling.paced_threads import PacedThreads
from tests.conftest import NOW, Answer, Request, Server

DOCS = Path(__file__).parents[2] / "docs"
SECOND = timedelta(seconds=1)
USUAL = Pace(SECOND, 2)


def hosts(**settings: object) -> Hosts:
    """The pacing of a config."""
    made = Fetch.model_validate(settings)
    return Hosts(gap=made.host_gap, at_once=made.host_at_once, paces=paces(made))


def starts(paced: Hosts, *urls: str) -> list[float]:
    """When so many requests that all come at 0 may start."""
    return [paced.reserve(url, 0.0) for url in urls]


def test_each_platform_names_where_its_limit_is_published() -> None:
    """And stands in the documents with pace and source, as the program has it."""
    rows = re.findall(r"^\| `([\w.]+)` \| (\S+) \| (\d+) \| (.*) \|$", manners(), re.MULTILINE)
    assert rows == [
        (host, f"{gap.total_seconds():g}s", str(at_once), f"[{limit}]({source})")
        for host, ((gap, at_once), limit, source) in PLATFORMS.items()
    ]
    assert all(each.source.startswith("https://") for each in PLATFORMS.values())


def manners() -> str:
    """The document."""
    return (DOCS / "manners.md").read_text(encoding="utf-8")


def test_a_platform_is_one_publisher_with_all_its_subdomains() -> None:
    """Its pace counts over all of them, and a name that only ends alike is another's."""
    paced = hosts()
    assert starts(paced, "https://rss.arxiv.org/a", "http://export.arxiv.org/b", "https://arxiv.org/") == [
        0.0,
        3.0,
        6.0,
    ]
    assert starts(paced, "https://notarxiv.org/a", "https://notarxiv.org/b") == [0.0, 1.0]
    assert starts(paced, "https://bsky.app/profile/a/rss", "https://bsky.app/profile/b/rss") == [0.0, 0.2]


def test_the_config_gives_a_host_a_pace_of_its_own() -> None:
    """In place of what the program knows, for blogs that are publishers of their own without it too."""
    paced = hosts(
        hosts={
            "arxiv.org": {"gap": "10s"},
            "github.io": {"gap": "100ms", "at_once": 8},
            "bücher.example": {"gap": "5s"},
            "127.0.0.1": {"gap": "2s"},
        }
    )
    assert starts(paced, "https://arxiv.org/a", "https://rss.arxiv.org/b") == [0.0, 10.0]
    assert starts(paced, "https://a.github.io/", "https://b.github.io/") == [0.0, 0.1]
    assert starts(paced, "https://www.bücher.example/", "https://xn--bcher-kva.example/") == [0.0, 5.0]
    assert starts(paced, "http://127.0.0.1/a", "http://2130706433/b") == [0.0, 2.0]
    assert [paced.start(f"https://{n}.github.io/", 1.0 + 0.2 * n) for n in range(8)] == [None] * 8
    assert paced.start("https://9.github.io/", 3.0) is not None


def test_the_pace_of_the_longer_host_name_applies() -> None:
    """A part of a site may have a pace of its own beside the rest."""
    paced = hosts(hosts={"site.example": {"gap": "5s"}, "api.site.example": {"gap": "20s"}})
    assert starts(paced, "https://v2.api.site.example/", "https://api.site.example/") == [0.0, 20.0]
    assert starts(paced, "https://www.site.example/", "https://site.example/") == [0.0, 5.0]


def test_keys_without_a_value_are_those_of_the_platform_or_the_default() -> None:
    """Each key is decided separately."""
    settings = Fetch(
        hosts={
            "rss.arxiv.org": HostPace(gap=5 * SECOND),
            "blogs.example": HostPace(gap=5 * SECOND),
            "bsky.app": HostPace(at_once=1),
        }
    )
    found = paces(settings)
    assert found["rss.arxiv.org"] == Pace(5 * SECOND, 1)
    assert found["blogs.example"] == Pace(5 * SECOND, 2)
    assert found["bsky.app"] == Pace(PLATFORMS["bsky.app"].pace.gap, 1)


def test_a_general_pace_that_was_chosen_is_kept_at_platforms_that_allow_more() -> None:
    """And one that is faster than a platform allows changes nothing there."""
    slow = paces(Fetch(host_gap=10 * SECOND, host_at_once=1))
    assert set(slow.values()) == {Pace(10 * SECOND, 1)}
    fast = paces(Fetch(host_gap=timedelta(0), host_at_once=64))
    assert fast == {host: each.pace for host, each in PLATFORMS.items()}


def test_crawl_delay_and_retry_after_count_more_than_a_pace() -> None:
    """For every subdomain of the host; a shorter delay than its gap does not hurry us."""
    paced = hosts(hosts={"blogs.example": {"gap": "100ms", "at_once": 8}, "slow.example": {"gap": "10s"}})
    paced.slow("https://a.blogs.example/", timedelta(seconds=7))
    assert starts(paced, "https://a.blogs.example/", "https://b.blogs.example/") == [0.0, 7.0]
    assert paced.start("https://a.blogs.example/", 0.0) is None
    assert paced.start("https://b.blogs.example/", 1.0) == 7.0
    paced.hold("https://a.blogs.example/", timedelta(hours=1), 7.0)
    assert isinstance(paced.refusal("https://c.blogs.example/", 8.0), Later)
    paced.slow("https://slow.example/", timedelta(seconds=1))
    assert starts(paced, "https://slow.example/", "https://www.slow.example/") == [0.0, 10.0]


class Log:
    """What a server saw: when each request came, and how many were there at a time at most."""

    def __init__(self, server: Server, *, together: int) -> None:
        self.came: list[float] = []
        self.most = self._running = 0
        self._lock = threading.Lock()
        self._all_there = threading.Barrier(together)
        for number in range(6):
            server.pages[f"/{number}"] = self._answer

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            self.came.append(time.monotonic())
            self._running += 1
            self.most = max(self.most, self._running)
        self._all_there.wait(10)  # nobody is answered before that many have asked
        with self._lock:
            self._running -= 1
        return Answer(body=b"<rss/>")


@pytest.fixture
def fetchers() -> Iterator[list[Fetcher]]:
    """Fetchers to close."""
    made: list[Fetcher] = []
    yield made
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("gap", "at_once"), [(timedelta(0), 3), (timedelta(milliseconds=100), 1)], ids=["allowed", "spared"]
)
def test_a_servers_log_shows_the_pace_of_its_host(
    server: Server, fetchers: list[Fetcher], gap: timedelta, at_once: int
) -> None:
    """Over subdomains: as many at once as allowed and never more; and the gap between those that come."""
    log = Log(server, together=at_once)
    settings = Fetch(
        allow=("127.0.0.1",),
        hosts={"platform.example": HostPace(gap=gap, at_once=at_once)},
    )
    fetchers.append(fetcher := Fetcher(settings, user_agent(settings), lambda _: ["127.0.0.1"]))
    port = server.url.rpartition(":")[2]
    urls = [f"http://blog{n}.platform.example:{port}/{n}" for n in range(6)]

    def get(number: int) -> int:
        fetcher.fetch(Source(name="x", url=urls[number]), {}, NOW)
        return number

    def refused(number: int, error: Later) -> int:
        raise error

    turns = PacedThreads(fetcher.hosts, urls, workers=6, work=get, postponed=refused, stop=threading.Event())
    assert sorted(number for batch in turns for number, _ in batch) == list(range(6))
    assert log.most == at_once
    # Five gaps; half of that, as what a busy machine delays most may be the first request.
    assert log.came[-1] - log.came[0] >= gap.total_seconds() * 2.5
