"""Whether it is this machine that is offline, judged over all sources by what their polls gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

_PUBLISHERS_THAT_TELL = 3
_KNOWN_FOR = timedelta(minutes=1)


class Successes:
    """When sources succeeded last, asked of the store at most once a minute: it looks at all of them."""

    def __init__(self, ask: Callable[[], Mapping[str, datetime]]) -> None:
        self._ask = ask
        self._known: tuple[datetime, Mapping[str, datetime]] | None = None

    def known(self, now: datetime) -> Mapping[str, datetime]:
        """By the names of sources."""
        if self._known is None or not timedelta(0) <= now - self._known[0] < _KNOWN_FOR:
            self._known = (now, self._ask())
        return self._known[1]


class Network:
    """Tracks whether this machine is online, from the results of polls. Hosts in fetch.allow are ignored.

    `publisher` gives the publisher of an address, and the address itself for one in fetch.allow (see
    `fetch.Hosts`); `addresses` are those of every source of the config, by name.
    """

    def __init__(self, publisher: Callable[[str], str], addresses: Mapping[str, str]) -> None:
        self._publisher = publisher
        self._addresses = addresses
        self._lost: set[str] = set()
        self._is_told = False

    def answered(self, successes: Mapping[str, datetime], now: datetime) -> datetime | None:
        """The last time before `now` that a host on the internet answered a poll well; None if never.

        `successes` are the times of each source's last successful poll, by name.
        """
        moments = (
            moment
            for name, moment in successes.items()
            if moment < now and self._outside(self._addresses.get(name, ""))
        )
        return max(moments, default=None)

    def hear(self, address: str, *, is_offline: bool, is_answer: bool) -> str:
        """Takes the result of a poll. Returns a message when we went offline or came back, else ""."""
        publisher = self._outside(address)
        if publisher is None:
            return ""
        if is_offline:
            self._lost.add(publisher)
            if not self._is_told and len(self._lost) >= self._enough():
                self._is_told = True
                return (
                    "this machine seems to be offline: no network leads to any source; all are tried again "
                    "in some minutes, at most an hour, and it counts as no failure of theirs"
                )
        elif is_answer:
            self._lost.clear()
            if self._is_told:
                self._is_told = False
                return "this machine is online again"
        return ""

    def _outside(self, address: str) -> str | None:
        if not address.startswith(("http:", "https:")):
            return None
        publisher = self._publisher(address)
        return None if publisher == address else publisher

    def _enough(self) -> int:
        """How many publishers in a row must be out of reach: one alone may have lost its name servers."""
        # One by one: other threads add some meanwhile.
        addresses = (self._addresses.get(name, "") for name in [*self._addresses])
        return min(_PUBLISHERS_THAT_TELL, len(_outsiders(map(self._outside, addresses))))


def _outsiders(publishers: Iterable[str | None]) -> set[str]:
    return {publisher for publisher in publishers if publisher}
