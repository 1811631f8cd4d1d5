"""The plain format between processes: structs as MessagePack, which holds data and no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

__all__ = ["MAX_DEPTH", "Format", "converted", "dumps", "is_plain", "plain"]

_Value = TypeVar("_Value")

MAX_DEPTH = 100
"""How deep lists and mappings of free form may be nested."""

_MSGPACK, _JSON = b"m", b"j"
# TypeError: keys that cannot be hashed, types that cannot be sent. OverflowError: dates beyond the calendar.
_REFUSED = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)
_encode = msgspec.msgpack.Encoder().encode


def dumps(value: object) -> bytes:
    """A value as bytes; it is made of structs, their fields' types and JSON-like values.

    What MessagePack cannot hold, integers beyond 64 bits and lone surrogates, goes as JSON. Raises ValueError
    or TypeError for anything else.
    """
    try:
        return _MSGPACK + _encode(value)
    except (OverflowError, UnicodeEncodeError):
        return _JSON + json.dumps(msgspec.to_builtins(value)).encode()


class Format(Generic[_Value]):
    """How values of one type are sent between processes: `dumps` in the sender, `loads` in the receiver."""

    dumps = staticmethod(dumps)

    def __init__(self, of: type[_Value]) -> None:
        self._of = of
        self._decode = msgspec.msgpack.Decoder(of).decode

    def loads(self, data: bytes | bytearray) -> _Value:
        """The value that `dumps` was given, of the right type in every field; the bytes may be hostile.

        Values of free form (`Any`) are not checked: see `is_plain`. Raises ValueError.
        """
        try:
            if data[:1] == _MSGPACK:
                return self._decode(memoryview(data)[1:])
            if data[:1] == _JSON:
                return msgspec.convert(json.loads(data[1:]), self._of)
        except _REFUSED as error:
            raise ValueError(f"no {self._of.__name__}: {error}"[:300]) from error
        raise ValueError(f"no {self._of.__name__}: it begins with {bytes(data[:1])!r}")


def plain(value: object, of: Any) -> Any:
    """A value of this type as JSON-like data. Raises ValueError where it is not, or cannot be sent."""
    try:
        made = msgspec.to_builtins(value)
        msgspec.convert(made, of)
    except _REFUSED as error:
        raise ValueError(str(error)) from error
    return made


def converted(made: object, of: Any) -> Any:
    """The value from which `plain` made the data. Raises ValueError for data that is not of this type."""
    try:
        return msgspec.convert(made, of)
    except _REFUSED as error:
        raise ValueError(str(error)[:300]) from error


def is_plain(value: object) -> bool:
    """Whether a value of free form is JSON-like: None, bool, number, str, list, mapping with keys of str."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for each in level:
            if isinstance(each, Mapping):
                if not all(type(key) is str for key in each):
                    return False
                below += each.values()
            elif isinstance(each, list | tuple):
                below += each
            elif each is not None and type(each) not in (str, int, bool, float):
                return False
        if not below:
            return True
        level = below
    return False
