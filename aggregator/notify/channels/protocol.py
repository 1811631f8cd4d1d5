"""The interface of a channel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.config.load import Config
from aggregator.errors import DeliveryError, HttpStatus, SourceError
from aggregator.store import OutboxMessage

if TYPE_CHECKING:
    from aggregator.fetch import Fetcher

__all__ = ["DeliveryChannel", "Outside", "Patience", "not_taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The objects that channels need; `fetcher` is made at first use."""

    config: Config
    fetcher: Callable[[], Fetcher]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a channel tries; None is no limit.

    - `attempts`: after this many failures a message is given up; `refusals`: after this many if the
      receiver refused the last attempt.
    - `age`: a message that fails this long after it was queued is given up; it is tried at least once.
    - `waiting`: how many messages may wait for one target; the oldest are given up.
    """

    attempts: int | None = None
    refusals: int | None = None
    age: timedelta | None = None
    waiting: int | None = None


class DeliveryChannel(ABC):
    """Sends messages of one kind. `noun` names one of its messages in reports.

    `is_repeated`: a message says only that something changed; the next one makes up for a lost one.
    """

    noun = "notice"
    is_repeated = False
    patience = Patience(age=timedelta(days=3), waiting=200)

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    @abstractmethod
    def targets(self) -> Collection[str]:
        """The targets that the config has for this channel; messages for any other target are given up."""

    @abstractmethod
    def send(self, message: OutboxMessage, now: datetime) -> datetime | None:
        """Sends a message, within a minute. Raises DeliveryError.

        Returns the time before which nothing more may be sent to that target; None for no pause.
        """

    @abstractmethod
    def subject(self, message: OutboxMessage) -> str:
        """The subject of a message in a few words, for logs."""

    def is_resting(self, target: str, now: datetime) -> bool:
        """Whether nothing may be sent to a target now, such as in its quiet hours."""
        return False

    def place(self, target: str) -> str:
        """The place of a target, for logs and people, without secrets."""
        return target


def not_taken(error: SourceError) -> DeliveryError:
    """A failed request as a DeliveryError; the fetch error's advice about feeds is left out."""
    if not isinstance(error, HttpStatus):
        return DeliveryError(error.message)
    is_refusal = 300 <= error.status < 500 and error.status not in (408, 425, 429)
    reason = "it answered with a redirect, which is not followed" if error.status < 400 else error.reason
    return DeliveryError(reason, wait=error.retry_after, is_refusal=is_refusal, is_final=error.status == 410)
