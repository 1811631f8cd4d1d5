"""Markdown -> HTML, with limits on time and size; the result must still be sanitised.

CommonMark with tables, strikethrough, footnotes, task lists and ids of headings. Measured with markdown-it
version 4.3: repeated `![` takes 25 us a character; each row of a table is filled up to the width of its head,
so that 1.3 KB became 490 KB; a link's address is repeated for each use of its label, so that 28 KB became 40
MB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from aggregator.normalise.footnotes import Notes, add_to, without_definitions
from aggregator.normalise.headings import name_headings

__all__ = ["MAX_CHARACTERS", "hazard", "to_html"]

MAX_CHARACTERS = 1_000_000
MAX_BRACKETS = 20_000
MAX_MARKS = 100_000
MAX_LINES = 100_000
MAX_CELLS = 50_000
MAX_HTML_CHARACTERS = 2_000_000

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
add_to(_MARKDOWN)

_TOO_LONG = f"Markdown that becomes more than {MAX_HTML_CHARACTERS:,} characters of HTML"
_TASK = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_LINE_END = re.compile(r"\r\n|\n|\r")
_UNDERLINE = re.compile(r"[ \t>]*+\|?[ \t]*:?-[-:| \t]*")


def to_html(text: str) -> tuple[str, str | None]:
    """The HTML of a Markdown text and None; or "" and why it cannot be rendered in reasonable time and size.

    HTML in it is not changed, so the result must be sanitised.
    """
    if reason := hazard(text):
        return "", reason
    text, definitions = without_definitions(text)
    notes = Notes(texts=definitions)
    env: dict[str, Any] = {"notes": notes}
    tokens = _MARKDOWN.parse(text, env)
    length = _length(tokens)
    if length > MAX_HTML_CHARACTERS:
        return "", _TOO_LONG
    _mark_tasks(tokens)
    name_headings(tokens)
    made = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env)

    def of_note(written: str) -> str:
        nonlocal length
        found = _MARKDOWN.parse(written, env)
        length += _length(found)
        return (
            _MARKDOWN.renderer.render(found, _MARKDOWN.options, env) if length <= MAX_HTML_CHARACTERS else ""
        )

    made += notes.rendered(of_note)
    return (made, None) if length <= MAX_HTML_CHARACTERS else ("", _TOO_LONG)


def _mark_tasks(tokens: Sequence[Token]) -> None:
    """Makes `- [ ] text` and `- [x] text` items with a box character, which needs no form element."""
    for before, opened, token in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (before.type, opened.type, token.type) != ("list_item_open", "paragraph_open", "inline"):
            continue
        first = token.children[0] if token.children else None
        if first is not None and first.type == "text" and (task := _TASK.match(first.content)):
            box = "\N{BALLOT BOX}" if task[1] == " " else "\N{BALLOT BOX WITH CHECK}"
            first.content = f"{box} {first.content[task.end() :]}"


def hazard(text: str) -> str | None:
    """Why a Markdown text cannot be rendered in reasonable time; None when it can. Linear."""
    if len(text) > MAX_CHARACTERS:
        return f"Markdown of {len(text):,} characters, more than {MAX_CHARACTERS:,}"
    if text.count("[") > MAX_BRACKETS:
        return f"Markdown with more than {MAX_BRACKETS:,} opening brackets"
    if sum(map(text.count, "*_~`|<>\\")) > MAX_MARKS:
        return f"Markdown with more than {MAX_MARKS:,} marks"
    lines = _LINE_END.split(text)
    if len(lines) > MAX_LINES:
        return f"Markdown of {len(lines):,} lines, more than {MAX_LINES:,}"
    cells = columns = 0
    for line in lines:
        if not line or line.isspace():
            columns = 0
        elif "-" in line and _UNDERLINE.fullmatch(line):
            columns = line.count("|") + 1 if "|" in line or ":" in line else 0
        cells += columns
        if cells > MAX_CELLS:
            return f"Markdown with tables of more than {MAX_CELLS:,} cells"
    return None


def _length(tokens: Sequence[Token]) -> int:
    """The least number of characters of HTML that the tokens become; a link's address counts at each use."""
    return sum(
        len(token.content)
        + sum(len(str(value)) for value in token.attrs.values())
        + _length(token.children or ())
        for token in tokens
    )
