"""The types of the store's columns: how values of ours are kept, and checked when they are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator

from aggregator.model.packed import Unreadable
from aggregator.schedule.state import PollState

__all__ = [
    "Instant",
    "Number",
    "Schedule",
    "Shaped",
    "Unreadable",
    "Words",
    "from_json",
    "microseconds",
    "moment",
    "version_of",
]

Number = BigInteger().with_variant(Integer(), "sqlite")
"""The number of a row; 64 bits in every database. SQLite's own numbering wants INTEGER and nothing else."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """An aware datetime as whole microseconds since 1970. A naive one raises TypeError, as it is a bug."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: Any) -> datetime:
    """Microseconds since 1970 -> aware datetime in UTC. Raises Unreadable."""
    try:
        return _EPOCH + timedelta(microseconds=value)
    except (TypeError, OverflowError) as error:
        raise Unreadable(f"no date: {error}") from error


def from_json(text: str | bytes) -> Any:
    """The value of a JSON text in the store. Raises Unreadable."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from error


def version_of(text: Any) -> int:
    """The number of a schema. Raises Unreadable for what is none."""
    if not (isinstance(text, str) and text.isdecimal() and 0 < len(text) < 10 and int(text) > 0):
        raise Unreadable(f"schema {text!r}")
    return int(text)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime as whole microseconds since 1970: sorts and compares alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime -> microseconds; TypeError for a naive one."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Microseconds -> aware datetime. Raises Unreadable."""
        return None if value is None else moment(value)


class Words(TypeDecorator[str]):
    """A text of a source; `required` where there must be one."""

    impl = Text
    cache_ok = True

    def __init__(self, *, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """The text itself. Raises Unreadable for what is none."""
        if isinstance(value, str) or (value is None and not self.required):
            return value
        raise Unreadable(f"no text: {str(value)[:40]!r}")


class Shaped(TypeDecorator[Any]):
    """JSON of one type, `dict` or `list`, as text: databases differ in what their own JSON may hold."""

    impl = Text
    cache_ok = True

    def __init__(self, shape: type) -> None:
        super().__init__()
        self.shape = shape

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """A value -> its JSON."""
        return json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """JSON -> the value. Raises Unreadable for one of another type."""
        found = from_json(value)
        if not isinstance(found, self.shape):
            raise Unreadable(f"no {self.shape.__name__}: {str(found)[:40]!r}")
        return found


class Schedule(TypeDecorator[PollState]):
    """What the schedule remembers of a source, as JSON text; "" before the first poll."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: PollState | None, dialect: Dialect) -> str:
        """A state -> its JSON."""
        return value.to_json() if value else ""

    def process_result_value(self, value: Any, dialect: Dialect) -> PollState:
        """JSON -> the state; what no version wrote is a new source's."""
        return PollState.remembered(value) if isinstance(value, str) else PollState()
