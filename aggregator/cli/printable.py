"""Makes text from feeds, pages, servers and files safe to print.

A newline in an id or a title would look like a line of ours; control characters and escape sequences would
act on the terminal; bidirectional control characters would change how a line reads.
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
# C1, bidi controls, invisible operators, annotations, tags, surrogates and noncharacters; but not joiners and
# zero-width spaces, which scripts and emoji need.
_OTHERS = (
    r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2061-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    r"\U000e0000-\U000e007f"
)
_UNPRINTABLE = re.compile(f"[{_C0}{_OTHERS}]")
_IN_JSON = re.compile(f"[{_OTHERS}]")  # json escapes the rest


def one_line(text: str) -> str:
    """The text on one line: line breaks become spaces, every other control character becomes U+FFFD."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON with unprintable characters escaped: a JSON reader gets the same value."""
    return _IN_JSON.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


class AsLines(logging.Formatter):
    """Formats a log record as one line; a traceback follows it, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line without a traceback."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The lines of a traceback, indented so that none looks like a record."""
        return "\n".join(f"  {one_line(line)}" for line in super().formatException(ei).splitlines())


class AsJson(logging.Formatter):
    """Formats a log record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message, the record's own facts, and its traceback."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return as_json(facts)
