"""Footnotes of Markdown, as in PHP Markdown Extra, kramdown and Goldmark: `[^1]` and `[^1]: text`.

Also inline notes, `^[text]`, as in Pandoc and markdown-it. They are numbered in the order of the references,
and put at the end; a note without a reference is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

__all__ = ["Notes", "add_to", "without_definitions"]

MAX_REFERENCES = 2_000

_DEFINITION = re.compile(r" {0,3}\[\^([^\]\s]{1,100})\]:[ \t]*(.*)")
_FENCE = re.compile(r"\s*(```+|~~~+)")
# The beginning of another block ends a note if its lines are not indented.
_OTHER_BLOCK = re.compile(r"\s*(?:\[\^|#{1,6}\s|>|[-*+]\s|[0-9]{1,9}[.)]\s|```|~~~|\||<)")
_INDENT = re.compile(r"^(?: {1,4}|\t)")
_REFERENCE = re.compile(r"\[\^([^\]\s]{1,100})\]")


@dataclass(slots=True)
class Notes:
    """The notes of one text: `texts` by label; `order` are the referenced labels, in order."""

    texts: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    references: dict[str, int] = field(default_factory=dict)

    def refer(self, label: str) -> str | None:
        """The HTML of a reference; None when there are too many."""
        if sum(self.references.values()) >= MAX_REFERENCES:
            return None
        if label not in self.references:
            self.order.append(label)
        count = self.references[label] = self.references.get(label, 0) + 1
        number = self.order.index(label) + 1
        place = f"fnref-{number}" + (f"-{count}" if count > 1 else "")
        return f'<sup id="{place}"><a href="#fn-{number}">{number}</a></sup>'

    def rendered(self, render: Callable[[str], str]) -> str:
        """The notes for the end of the text, "" without any; `render` makes HTML of a note's text."""
        items: list[str] = []
        while len(items) < len(self.order):  # a note may refer to further ones
            number = len(items) + 1
            made = render(self.texts[self.order[number - 1]]).rstrip()
            back = f' <a href="#fnref-{number}">↩</a>'
            made = f"{made[:-4]}{back}</p>" if made.endswith("</p>") else f"{made}<p>{back.lstrip()}</p>"
            items.append(f'<li id="fn-{number}">{made}</li>\n')
        return f"<hr>\n<ol>\n{''.join(items)}</ol>\n" if items else ""


def without_definitions(text: str) -> tuple[str, dict[str, str]]:
    """The text without the definitions of notes, and the text of each by its label. Linear."""
    if "[^" not in text:
        return text, {}
    lines = re.split(r"\r\n|\n|\r", text)
    kept: list[str] = []
    found: dict[str, str] = {}
    fence = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
        elif mark:
            fence = mark[1]
        elif definition := _DEFINITION.fullmatch(line):
            end = _end(lines, at + 1)
            rest = [_INDENT.sub("", each, count=1) for each in lines[at + 1 : end]]
            found.setdefault(definition[1], "\n".join([definition[2], *rest]).strip("\n"))
            kept.append("")
            at = end
            continue
        kept.append(line)
        at += 1
    return "\n".join(kept), found


def _end(lines: list[str], at: int) -> int:
    """The line after a note that began before line `at`."""
    is_open = True  # a paragraph may continue without an indent
    end = at
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            is_open = False
        elif line.startswith(("  ", "\t")):
            is_open, end = True, at + 1
        elif is_open and not _OTHER_BLOCK.match(line):
            end = at + 1
        else:
            break
        at += 1
    return end


def add_to(markdown: MarkdownIt) -> None:
    """Adds the reference syntax to a parser; its `env` has the `Notes` under "notes"."""
    markdown.inline.ruler.before("link", "note", _reference)
    markdown.inline.ruler.before("link", "inline_note", _inline)


def _reference(state: StateInline, silent: bool) -> bool:
    notes: Notes | None = state.env.get("notes")
    found = _REFERENCE.match(state.src, state.pos) if notes is not None else None
    if notes is None or found is None or found[1] not in notes.texts:
        return False
    if not silent:
        _push(state, notes, found[1])
    state.pos = found.end()
    return True


def _inline(state: StateInline, silent: bool) -> bool:
    notes: Notes | None = state.env.get("notes")
    if notes is None or not state.src.startswith("^[", state.pos):
        return False
    end = state.md.helpers.parseLinkLabel(state, state.pos + 1)
    if end < 0:
        return False
    if not silent:
        label = f"^ {len(notes.texts)}"  # no label of the text contains a space
        notes.texts[label] = state.src[state.pos + 2 : end]
        _push(state, notes, label)
    state.pos = end + 1
    return True


def _push(state: StateInline, notes: Notes, label: str) -> None:
    made: Any = state.push("html_inline", "", 0)
    made.content = notes.refer(label) or ""
