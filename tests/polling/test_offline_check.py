"""This machine offline, or one source out of reach: distinguished by what others gave. A resolver of ours."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from aggregator.config import load as config
from aggregator.fetch import Fetcher
from aggregator.polling.poll import Poller
from aggregator.polling.poll_result import PollResult
from aggregator.reading.document import read_resource
from aggregator.schedule import decide as schedule
from aggregator.schedule.decide import Reason
from aggregator.schedule.health import judge
from aggregator.store import Store
from tests.conftest import NOW, Answer, Behaviour, Request, Server
from tests.support.site import Site, feed

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def unchanged(name: str) -> Behaviour:
    """A feed that never changes."""

    def page(request: Request) -> Answer:
        # A connection that is kept needs no name.
        headers = {"ETag": '"1"', "Connection": "close"}
        known = request.headers.get("If-None-Match") == '"1"'
        return Answer(304, headers) if known else Answer(200, headers, feed(name, 1))

    return page


class Machine:
    """Sources of one publisher each; `lost` are the hosts that no resolver has an answer for, "*" for all."""

    def __init__(self, site: Site, server: Server, names: str, own: str = "") -> None:
        port = server.url.rpartition(":")[2]
        places = {name: f"http://{name}.example:{port}" for name in names} | dict.fromkeys(own, server.url)
        server.pages |= {f"/{name}": unchanged(name) for name in places}
        at_once = {"host_gap": "0s"}
        site.configure(
            *({"name": name, "url": f"{place}/{name}"} for name, place in places.items()), fetch=at_once
        )
        self.lost: set[str] = set()
        self._config = config.load(site.file)
        self._store = Store(self._config.store)
        self._store.sources.adopt(self._config.sources, NOW)
        self._fetcher = Fetcher(self._config.fetch, "Aggregator/test", self._resolve)
        self.restart()

    def _resolve(self, host: str) -> list[str]:
        if {host.removesuffix(".example"), "*"} & self.lost:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return ["127.0.0.1"]

    def restart(self) -> None:
        """Another run of the program over the same store."""
        self._polls = Poller(self._config, self._store, self._fetcher, read_resource)

    def poll(self, now: datetime, names: str = "") -> dict[str, PollResult]:
        """Polls these sources, or all."""
        polls = list(self._polls.poll_many(self._config.select(list(names)), now))
        return {poll.source.name: poll for poll in polls}

    def remembered(self) -> dict[str, schedule.PollState]:
        """Returns what the schedule knows of each source."""
        found = self._store.sources.states()
        return {name: state.schedule for name, state in found.items()}

    def health(self, now: datetime) -> set[str]:
        """The states that people are notified of."""
        return {judge(health, now).state for health in self._store.sources.health()}

    def close(self) -> None:
        """Lets go of everything."""
        self._fetcher.close()
        self._store.close()


Start = Callable[..., Machine]


@pytest.fixture
def start(site: Site, server: Server) -> Iterator[Start]:
    """Starts a machine with sources of these letters."""
    running: list[Machine] = []

    def started(names: str, own: str = "") -> Machine:
        running.append(Machine(site, server, names, own))
        return running[-1]

    yield started
    for machine in running:
        machine.close()


def notices(polls: dict[str, PollResult]) -> list[str]:
    """Returns what was said of the network."""
    return [poll.notice for poll in polls.values() if poll.notice]


def test_being_offline_is_reported_once_and_counts_as_no_failure(start: Start, server: Server) -> None:
    """No back-off; polls are tried again soon; then everything continues, conditionally."""
    machine = start("abcde")
    machine.poll(NOW)
    machine.lost.add("*")
    now = NOW + 2 * DAY
    message = machine.poll(now)
    (said,) = notices(message)
    assert said.startswith(
        "this machine seems to be offline, because no source can be reached; all are tried"
    )
    assert all(poll.is_offline and poll.error and poll.error.label == "network" for poll in message.values())
    for state in machine.remembered().values():
        assert (state.reason, state.failures) == (Reason.OFFLINE, 0)
        assert state.next_poll is not None
        assert 5 * MINUTE <= state.next_poll - now < 6 * MINUTE
    assert machine.health(now + 30 * DAY) == {"waiting"}
    assert notices(machine.poll(now + 6 * MINUTE)) == []
    machine.lost.clear()
    server.requests.clear()
    assert notices(machine.poll(now + 20 * MINUTE)) == ["this machine is online again"]
    assert [request.headers.get("If-None-Match") for request in server.requests] == ['"1"'] * 5
    assert notices(machine.poll(now + DAY)) == []


def test_offline_is_seen_over_several_rounds(start: Start) -> None:
    """A daemon asks for one or two at a time: three publishers in a row tell, each counted once."""
    machine = start("abcde")
    machine.poll(NOW)
    machine.lost.add("*")
    found = [notices(machine.poll(NOW + 2 * DAY + n * MINUTE, name)) for n, name in enumerate("aabbcd")]
    assert [len(message) for message in found] == [0, 0, 0, 0, 1, 0]


def test_days_without_network_count_no_failure(start: Start) -> None:
    """However often it is tried, across restarts, and also where a service of one's own answers on."""
    machine = start("abc", own="z")
    machine.poll(NOW)
    machine.lost.add("*")
    now = NOW + 2 * DAY
    for _ in range(48):
        machine.restart()
        assert machine.poll(now)["z"].error is None
        now += HOUR
    outside = [state for name, state in machine.remembered().items() if name != "z"]
    assert {(state.reason, state.failures) for state in outside} == {(Reason.OFFLINE, 0)}


@pytest.mark.parametrize("names", ["abcde", "edcba"], ids=["asked-first", "asked-last"])
def test_unreachable_name_servers_are_the_sources_failure(start: Start, names: str) -> None:
    """From the second time on, as others succeed; in any order, in any process; no word of being offline."""
    machine = start(names)
    machine.lost.add("a")
    now, waits = NOW, []
    for _ in range(5):
        machine.restart()
        assert notices(machine.poll(now)) == []
        state = machine.remembered()["a"]
        assert state.next_poll is not None
        waits.append(state.next_poll - now)
        now = state.next_poll
    assert state.failures == 4
    assert waits == sorted(waits)
    assert waits[0] < 6 * MINUTE
    assert waits[-1] >= 4 * HOUR
    assert machine.health(now + 8 * DAY) >= {"broken"}
