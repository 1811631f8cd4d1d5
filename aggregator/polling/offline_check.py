"""Decides from the polls of all sources whether this machine is offline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

_PUBLISHERS_NEEDED = 3
_KNOWN_FOR = timedelta(minutes=1)


class Successes:
    """When each source was last polled successfully; queried at most once a minute, because it reads all
    rows.
    """

    def __init__(self, ask: Callable[[], Mapping[str, datetime]]) -> None:
        self._ask = ask
        self._known: tuple[datetime, Mapping[str, datetime]] | None = None

    def known(self, now: datetime) -> Mapping[str, datetime]:
        """Returns the time of the last success by the name of the source."""
        if self._known is None or not timedelta(0) <= now - self._known[0] < _KNOWN_FOR:
            self._known = (now, self._ask())
        return self._known[1]


class Network:
    """Tracks whether this machine is online, from the results of polls. Hosts in fetch.allow are ignored.

    - `publisher`: returns the publisher of an address, and the address itself for one in fetch.allow (see
      `fetch.Hosts`).
    - `addresses`: those of every source of the config, by name.
    """

    def __init__(self, publisher: Callable[[str], str], addresses: Mapping[str, str]) -> None:
        self._publisher = publisher
        self._addresses = addresses
        self._lost: set[str] = set()
        self._is_reported = False

    def answered(self, successes: Mapping[str, datetime], now: datetime) -> datetime | None:
        """Returns when a host on the internet last answered a poll successfully before `now`; None if never.

        `successes`: the time of each source's last successful poll, by name.
        """
        moments = (
            moment
            for name, moment in successes.items()
            if moment < now and self._outside(self._addresses.get(name, ""))
        )
        return max(moments, default=None)

    def record(self, address: str, *, is_offline: bool, is_answer: bool) -> str:
        """Records the result of a poll. Returns a message if this machine went offline or came back, else
        "".
        """
        publisher = self._outside(address)
        if publisher is None:
            return ""
        if is_offline:
            self._lost.add(publisher)
            if not self._is_reported and len(self._lost) >= self._enough():
                self._is_reported = True
                return (
                    "this machine seems to be offline, because no source can be reached; all are tried again "
                    "after some minutes, at most an hour, and it does not count as their failure"
                )
        elif is_answer:
            self._lost.clear()
            if self._is_reported:
                self._is_reported = False
                return "this machine is online again"
        return ""

    def _outside(self, address: str) -> str | None:
        if not address.startswith(("http:", "https:")):
            return None
        publisher = self._publisher(address)
        return None if publisher == address else publisher

    def _enough(self) -> int:
        """Returns how many publishers in a row must be unreachable: one alone may have a fault of its own."""
        # A copy of the keys: other threads add some meanwhile.
        addresses = (self._addresses.get(name, "") for name in [*self._addresses])
        return min(_PUBLISHERS_NEEDED, len(_outsiders(map(self._outside, addresses))))


def _outsiders(publishers: Iterable[str | None]) -> set[str]:
    return {publisher for publisher in publishers if publisher}
