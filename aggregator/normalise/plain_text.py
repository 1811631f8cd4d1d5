"""Plain text from a feed, as body or summary -> HTML that shows its paragraphs and lines."""

from __future__ import annotations

import re
from itertools import pairwise

from aggregator.normalise.html import MAX_CHARACTERS, escaped

__all__ = ["as_html"]

_BETWEEN_PARAGRAPHS = re.compile(r"\n(?>(?:[^\S\n]*+\n)+)")
_WIDTHS = range(55, 100)
"""The length of the longest line of a text that a program has wrapped."""


def as_html(text: str) -> str:
    """`text` escaped: paragraphs, separated by empty lines, as `<p>`, and lines separated by `<br>`.

    A single line is not a paragraph. Lines that a program has wrapped are joined.
    """
    text = "\n".join(text[:MAX_CHARACTERS].strip().splitlines())
    if "\n" not in text:
        return escaped(text)
    blocks = [_lines(block) for block in _BETWEEN_PARAGRAPHS.split(text)]
    return blocks[0] if len(blocks) == 1 else "\n".join(f"<p>{block}</p>" for block in blocks if block)


def _lines(block: str) -> str:
    lines = [line for line in map(str.strip, block.split("\n")) if line]
    return (" " if _is_wrapped(lines) else "<br>\n").join(map(escaped, lines))


def _is_wrapped(lines: list[str]) -> bool:
    """Whether most lines end where the next word would be too long, and few at the end of a sentence."""
    width = max(map(len, lines), default=0)
    if len(lines) < 3 or width not in _WIDTHS:
        return False
    is_full = all(len(a) + 1 + len(b.split(" ", 1)[0]) > width for a, b in pairwise(lines))
    return is_full and sum(line[-1] in ".!?…:;" for line in lines[:-1]) * 2 < len(lines) - 1
