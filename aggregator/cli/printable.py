"""Text of strangers made fit to print: feeds, pages, servers and files may say anything.

A newline in an id or a title would make a line that looks like ours; control characters and escape sequences
would act on the terminal; characters that turn the direction of writing would make a line read otherwise.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["AsJson", "AsLines", "as_json", "one_line"]

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_C0 = r"\x00-\x1f"
# C1, bidi controls, invisible operators, annotations, tags, surrogates and noncharacters; not the joiners and
# spaces without width, which scripts and emoji need.
_OTHERS = (
    r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2061-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    r"\U000e0000-\U000e007f"
)
_UNPRINTABLE = re.compile(f"[{_C0}{_OTHERS}]")
_IN_JSON = re.compile(f"[{_OTHERS}]")  # json escapes the rest


def one_line(text: str) -> str:
    """The text on one line: breaks as a space, every other control as U+FFFD."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON in which what must not be printed is escaped: the same value for whatever reads it."""
    return _IN_JSON.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


class AsLines(logging.Formatter):
    """A log record as one line; a traceback follows it, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line itself."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The lines of a traceback, none of which can be taken for a record."""
        return "\n".join(f"  {one_line(line)}" for line in super().formatException(ei).splitlines())


class AsJson(logging.Formatter):
    """A log record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message, the facts that the record carries, and its traceback."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return as_json(facts)
