"""The types of the store's columns: how values are stored, and checked when they are read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator

from aggregator.model.article_json import Unreadable, encodable
from aggregator.schedule.state import PollState
from aggregator.store.instants import EPOCH, microseconds

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
"""The number of a row: 64 bits in every database. SQLite assigns numbers only to a column of type INTEGER."""


def moment(value: Any) -> datetime:
    """Converts microseconds since 1970 to an aware datetime in UTC. Raises Unreadable."""
    try:
        return EPOCH + timedelta(microseconds=value)
    except (TypeError, OverflowError) as error:
        raise Unreadable(f"not a date: {error}") from error


def from_json(text: str | bytes) -> Any:
    """Parses a JSON text of the store. Raises Unreadable."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error


def version_of(text: Any) -> int:
    """Parses the number of a schema. Raises Unreadable if it is not a number."""
    if not (isinstance(text, str) and text.isdecimal() and 0 < len(text) < 10 and int(text) > 0):
        raise Unreadable(f"schema {text!r}")
    return int(text)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as whole microseconds since 1970, so that all databases order it
    alike.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Converts an aware datetime to microseconds. Raises TypeError for a naive one."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Converts microseconds to an aware datetime. Raises Unreadable."""
        return None if value is None else moment(value)


class Words(TypeDecorator[str]):
    """A text of a source; `required`: it must not be NULL."""

    impl = Text
    cache_ok = True

    def __init__(self, *, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Returns the text. Raises Unreadable if the value is not text."""
        if isinstance(value, str) or (value is None and not self.required):
            return value
        raise Unreadable(f"not text: {str(value)[:40]!r}")


class Shaped(TypeDecorator[Any]):
    """JSON of one type, `dict` or `list`, stored as text: databases differ in what their JSON types
    accept.
    """

    impl = Text
    cache_ok = True

    def __init__(self, shape: type) -> None:
        super().__init__()
        self.shape = shape

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Converts a value to JSON."""
        return json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Parses JSON. Raises Unreadable if the value has another type."""
        found = from_json(value)
        if not isinstance(found, self.shape):
            raise Unreadable(f"not a {self.shape.__name__}: {str(found)[:40]!r}")
        if isinstance(found, list):  # of categories, which are names of feeds, or of addresses
            return [encodable(each) if isinstance(each, str) else each for each in found]
        return found


class Schedule(TypeDecorator[PollState]):
    """The poll state of a source, stored as JSON text; "" before the first poll."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: PollState | None, dialect: Dialect) -> str:
        """Converts a state to JSON."""
        return value.to_json() if value else ""

    def process_result_value(self, value: Any, dialect: Dialect) -> PollState:
        """Parses a state; for a text that no version wrote, returns that of a new source."""
        return PollState.remembered(value) if isinstance(value, str) else PollState()
