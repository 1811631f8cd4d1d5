"""Ids of headings in Markdown: each generator makes them differently, and authors link to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import unquote

from markdown_it.token import Token

__all__ = ["name_headings"]

# The explicit syntax of kramdown and Goldmark: `## Title {#id}`, `## Title {: #id .class}`.
_GIVEN = re.compile(r"[ \t]*\{:?[ \t]*(?:[^{}#]*[ \t])?#([^\s{}]{1,200})[^{}]*\}[ \t]*$")
_LINK = re.compile(r"\bhref\s*=\s*[\"']?#([^\"'\s>]{1,300})", re.IGNORECASE)


def name_headings(tokens: Sequence[Token]) -> None:
    """Gives headings their explicit ids, or the ids that links of the same text use.

    A link's fragment is compared with a heading's words without regard to case and punctuation, so it matches
    the id that any of the generators would make.
    """
    wanted: dict[str, str] = {}
    for fragment in _fragments(tokens):
        wanted.setdefault(_key(fragment), fragment)
    seen: dict[str, int] = {}
    for heading, text in pairwise(tokens):
        if heading.type != "heading_open":
            continue
        given = _given(text)
        key = _key(
            "".join(child.content for child in text.children or () if child.type in ("text", "code_inline"))
        )
        count = seen[key] = seen.get(key, -1) + 1
        id_ = given or wanted.get(f"{key}-{count}" if count else key)
        if id_:
            heading.attrSet("id", id_)


def _given(text: Token) -> str:
    last = text.children[-1] if text.children else None
    found = _GIVEN.search(last.content[-300:]) if last is not None and last.type == "text" else None
    if last is None or found is None:
        return ""
    last.content = last.content[: len(last.content) - len(found[0])]
    return found[1]


def _fragments(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("html_block", "html_inline"):
            yield from (unquote(found) for found in _LINK.findall(token.content))
        elif token.type == "link_open" and (href := str(token.attrs.get("href", ""))).startswith("#"):
            yield unquote(href[1:])
        if token.children:
            yield from _fragments(token.children)


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-")
