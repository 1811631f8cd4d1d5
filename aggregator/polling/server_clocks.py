"""Collects the Date headers of polled servers, to check this machine's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from aggregator.schedule.clock import ServerTimes

_TOLERANCE = timedelta(days=1)
_AS_LONG_AS = timedelta(days=1)


class ServerClocks:
    """The newest Date header of each publisher.

    `publisher` returns the publisher of an address, and the address itself for one of the user's own hosts
    (see `fetch.Hosts`). Own hosts may share this machine's clock: they count only if there are no others, and
    then cannot prove that the clock is wrong.
    """

    def __init__(self, publisher: Callable[[str], str]) -> None:
        self._publisher = publisher
        self._heard: dict[str, tuple[datetime, datetime | None]] = {}

    def record(self, address: str, said: datetime | None, now: datetime) -> None:
        """Records the Date header of the response to a poll at `now`; None if it had none."""
        if address.startswith(("http:", "https:")):
            self._heard[self._publisher(address)] = (now, said)

    def server_times(self, addresses: Iterable[str], now: datetime) -> ServerTimes:
        """Returns what the publishers at these addresses said about the time within a day of `now`.

        Publishers that sent no time are counted only if none sent one.
        """
        owners = {a: self._publisher(a) for a in addresses if a.startswith(("http:", "https:"))}
        outside = {owner for address, owner in owners.items() if owner != address}
        asked = outside or {*owners.values()}
        heard = {owner: self._heard[owner] for owner in asked if owner in self._heard}
        recent = {
            owner: (moment, said)
            for owner, (moment, said) in heard.items()
            if abs(now - moment) <= _AS_LONG_AS
        }
        agreeing = sum(_agrees(moment, said) for moment, said in recent.values() if said is not None)
        silent = sum(said is None for _, said in recent.values())
        return ServerTimes(
            publishers=max(len(asked) - silent, min(1, len(asked))),
            agreeing=agreeing,
            disagreeing=len(recent) - silent - agreeing,
            is_outside=bool(outside),
        )


def _agrees(moment: datetime, said: datetime) -> bool:
    return abs(said - moment) <= _TOLERANCE
