"""Structs as JSON text, as the store keeps small ones."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from aggregator.model.article_json import encodable

__all__ = ["JsonFormat", "Moment"]

_Value = TypeVar("_Value")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""An aware datetime: a text without a zone is refused."""

# Equal sets as equal texts.
_encode = msgspec.json.Encoder(order="deterministic").encode


class JsonFormat(Generic[_Value]):
    """How structs of one type are kept as text: times and durations in ISO 8601."""

    def __init__(self, of: type[_Value]) -> None:
        self._of = of
        # Not strict: durations may also be numbers of seconds.
        self._decode = msgspec.json.Decoder(of, strict=False).decode

    @staticmethod
    def dumps(value: object) -> str:
        """Returns a value as a JSON object, with "?" in place of lone surrogates, which no store can keep."""
        try:
            return _encode(value).decode()
        except UnicodeEncodeError:
            return encodable(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))

    def loads(self, text: str) -> _Value:
        """Returns the value that `dumps` was given. Unknown keys are ignored, missing ones are defaults.

        Raises ValueError.
        """
        try:
            return self._decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            raise ValueError(f"no {self._of.__name__}: {error}"[:300]) from error
