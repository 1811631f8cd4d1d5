"""The part of a post before `<!-- more -->`, which Hexo, Hugo, Jekyll and WordPress show in lists."""

from __future__ import annotations

import re

__all__ = ["excerpt_of"]

_MORE = re.compile(r"<!--[ \t]*more\b[^<>]{0,200}-->", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)", re.MULTILINE)
_NOTE = re.compile(r"\[\^[^\]\s]{1,100}\](?!:)")
_DEFINITION = re.compile(r"^ {0,3}\[(?!\^)[^\[\]\n]{1,200}\]:[ \t]*\S[^\n]*$", re.MULTILINE)


def excerpt_of(content: str, *, is_markdown: bool) -> str:
    """The text before the first mark outside of code; "" without a mark or without text before it.

    For Markdown, link definitions from the rest are kept, and footnote references are removed.
    """
    for mark in _MORE.finditer(content):
        before = content[: mark.start()]
        if is_markdown and len(_FENCE.findall(before)) % 2:
            continue
        if not before.strip():
            return ""
        if is_markdown:
            links = "\n".join(_DEFINITION.findall(content, mark.end()))
            return _NOTE.sub("", before).rstrip() + (f"\n\n{links}\n" if links else "\n")
        return before.rstrip()
    return ""
