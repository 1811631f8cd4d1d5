"""Explains refused values of settings, in sentences that say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


__all__ = ["MISSING", "UNKNOWN_KEY", "sentence"]

UNKNOWN_KEY = "extra_forbidden"
"""The type of the mistake that a key is none of the table's."""

MISSING = "missing"
"""The type of the mistake that a key that is needed is not there."""

_LIST = 'write a list in brackets, such as ["one", "two"]'
_TABLE = "write a table of keys and values"
_WHOLE = "write a whole number, without quotes and without a fraction"
_NUMBER = "write a number, without quotes"
_DATE = "write a date and time, such as 2026-01-31T12:00:00Z"

_FIXED: Mapping[str, str] = {
    UNKNOWN_KEY: "is not a known key",
    MISSING: "is missing",
    "string_type": "write a text in quotes",
    "string_sub_type": "write a text in quotes",
    "path_type": 'write a path in quotes, such as "notes"',
    "url_type": 'write an address in quotes, such as "https://example.org/"',
    "url_parsing": 'write an address, such as "https://example.org/"',
    "bool_type": "write true or false, without quotes",
    "bool_parsing": "write true or false, without quotes",
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number", "decimal_type"), _NUMBER),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _TABLE),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "date_type", "date_parsing"), _DATE),
}
_WITH_BOUND: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda ctx: f"write a number above {ctx['gt']}",
    "greater_than_equal": lambda ctx: f"write {ctx['ge']} or more",
    "less_than": lambda ctx: f"write a number below {ctx['lt']}",
    "less_than_equal": lambda ctx: f"write {ctx['le']} or less",
    "string_too_short": lambda ctx: f"write {_counted(ctx['min_length'], 'character')} or more",
    "string_too_long": lambda ctx: f"write {_counted(ctx['max_length'], 'character')} or fewer",
    "too_short": lambda ctx: f"name {ctx['min_length']} or more",
    "too_long": lambda ctx: f"name {ctx['max_length']} or fewer",
    "literal_error": lambda ctx: f"write one of {ctx['expected']}".replace("'", '"'),
    "enum": lambda ctx: f"write one of {ctx['expected']}".replace("'", '"'),
    "string_pattern_mismatch": lambda ctx: f"write a text of the form {ctx['pattern']}",
}
# Kinds of other packages may use every type that the library knows: the rest is brought into our form.
_SUBJECT = re.compile(r"^(?:Value error, |Assertion failed, )|^\w+(?: \w+)? should ")


def sentence(error: ErrorDetails) -> str:
    """A sentence that says what to write instead of a refused value, or that a key is unknown or missing.

    The sentence goes on after "the key: ", begins in lower case and does not repeat the value.
    """
    context = error.get("ctx", {})
    what = error["type"]
    if isinstance(own := context.get("error"), Exception):
        return str(own) or "this value cannot be used"
    if what in _WITH_BOUND:
        return _WITH_BOUND[what](context)
    if what in _FIXED:
        return _FIXED[what]
    found = _SUBJECT.match(error["msg"])
    return f"it should {error['msg'][found.end() :]}" if found else "this value cannot be used"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
