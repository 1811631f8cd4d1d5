"""Repairs what is wrong with most feeds that are not well formed: head, characters, references and end.

It works on text, in linear time, keeps line numbers, and inside CDATA sections changes only characters that
XML forbids. Structure (tags that do not match) is left to the lenient reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.entities import html5
from itertools import islice

from aggregator.model.article import Problem
from aggregator.normalise.xml_characters import XML_FORBIDDEN, legal


@dataclass(slots=True)
class Repaired:
    """A document that begins at its root element, the root's name ("" if none is found), and the problems."""

    text: str
    root: str
    problems: list[Problem] = field(default_factory=list)
    entities: dict[str, str] = field(default_factory=dict)

    @property
    def is_feed(self) -> bool:
        return self.root.rpartition(":")[2].lower() in _FEED_ROOTS


MAX_JUNK_CHARS = 65_536
"""How far the root element is searched after a server's warnings and the like."""

_HEAD = re.compile(
    r"\s+|\ufeff|<!--(?:.*?-->|.*)|<\?(?:.*?\?>|.*)|<!DOCTYPE[^\[<>]{0,1000}(?:\[[^\]]{0,20000}\]\s*)?>",
    re.DOTALL | re.IGNORECASE,
)
_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]{1,60})\s+([\"'])([^&%<\"']{0,100})\2\s*>")
_NAME = r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?"
_ROOT = re.compile(rf"<({_NAME})(?=[\s/>])")
_FEED_ROOTS = frozenset({"rss", "rdf", "feed", "entry", "channel"})
_PAGE = frozenset({"html", "head", "body", "opml", "urlset", "sitemapindex"})


def repair(text: str) -> Repaired:
    """Applies every repair below once; leaves what it cannot repair."""
    done = Repaired(text, "")
    _cut_head(done)
    if done.root:
        _mend_characters(done)
        _mend_references(done)
        _mend_end(done)
    return done


def _line(text: str, position: int) -> str:
    return f"line {text.count(chr(10), 0, position) + 1}"


def _cut_head(done: Repaired) -> None:
    """Removes what is before the root (declaration, comments, a server's warnings) except line breaks.

    Of a document type the entities that are plain text are kept; those that use others could grow without
    limit.
    """
    text, position = done.text, 0
    junk: int | None = None
    while position < len(text) and (junk is None or position - junk < MAX_JUNK_CHARS):
        skipped = _HEAD.match(text, position)
        if skipped:
            if text.startswith("<!DOCTYPE", position):
                done.entities.update((name, value) for name, _, value in _ENTITY.findall(skipped.group()))
            position = skipped.end()
            continue
        root = _ROOT.match(text, position)
        if root:
            local = root.group(1).rpartition(":")[2].lower()
            if (
                local in _FEED_ROOTS
                or local in _PAGE
                or (junk is None and not _has_feed_root(text, position))
            ):
                done.root = root.group(1)
                break
        junk = position if junk is None else junk
        found = text.find("<", position + 1)
        position = found if found >= 0 else len(text)
    if junk is not None and done.root:
        what = f"something before the document was left out: {text[junk : junk + 60]!r}"
        done.problems.append(Problem(text=what, where=_line(text, junk)))
    head = "\n" * text.count("\n", 0, position)
    done.text = f"{head}{text[position:]}" if done.root else ""


_ANY_FEED_ROOT = re.compile(r"<(?:rss|rdf:RDF|feed)[\s>]", re.IGNORECASE)


def _has_feed_root(text: str, position: int) -> bool:
    return _ANY_FEED_ROOT.search(text, position) is not None


def _mend_characters(done: Repaired) -> None:
    text, done.text = done.text, legal(done.text)
    if done.text is not text and (first := XML_FORBIDDEN.search(text)):
        count = len(text) - len(done.text)
        done.problems.append(
            Problem(
                text=f"{count} characters that XML does not allow were left out",
                where=_line(text, first.start()),
            )
        )


# An alternative without an end matches the rest: searching an end from each beginning would be quadratic.
_TOKEN = re.compile(
    r"<!\[CDATA\[(?>[^\]]*(?:\](?!\]>)[^\]]*)*)(?:\]\]>)?"
    r"|<!--(?:.*?-->|.*)"
    r"|&(?!(?:amp|lt|gt|quot|apos);)(?:#[0-9]{1,9};|#[xX][0-9a-fA-F]{1,8};|[A-Za-z_:][\w.:-]{0,60};)?"
    r"|<(?![A-Za-z_/!?])",
    re.DOTALL,
)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def _mend_references(done: Repaired) -> None:
    """Escapes `&` and `<` that begin nothing; HTML's names and impossible numbers become characters."""
    text = done.text
    first: int | None = None

    def mend(found: re.Match[str]) -> str:
        nonlocal first
        token = found.group()
        if token.startswith("<![CDATA["):
            return token
        if token.startswith("<!--"):
            return "\n" * token.count("\n")
        mended = _ESCAPES[token] if len(token) == 1 else _reference(token, done.entities)
        if mended != token and first is None:
            first = found.start()
        return mended

    done.text = _TOKEN.sub(mend, text)
    if first is not None:
        what = f"not a reference in XML: {text[first : first + 20].partition(';')[0]!r}"
        done.problems.append(Problem(text=what, where=_line(text, first)))


def _reference(token: str, entities: dict[str, str]) -> str:
    body = token[1:-1]
    if body[0] == "#":
        code = int(f"0{body[1:]}", 0) if body[1] in "xX" else int(body[1:])
        if 0x80 <= code <= 0x9F:  # read as windows-1252, as in HTML
            return bytes([code]).decode("cp1252", "replace")
        legal = code in (9, 10, 13) or 0x20 <= code <= 0x10FFFF
        return token if legal and not XML_FORBIDDEN.match(chr(code)) else "\ufffd"
    characters = entities.get(body, html5.get(f"{body};"))
    if characters is None:
        return f"&amp;{body};"
    return "".join(_ESCAPES.get(c, c) for c in characters)


_CLOSED_ENTRY = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_OPEN_ENTRY = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)(?:[\s>]|\Z)", re.IGNORECASE)


def _mend_end(done: Repaired) -> None:
    """Removes what follows the root; closes a truncated document after its last complete entry."""
    text, end = done.text, f"</{done.root}"
    closed = text.rfind(end)
    if closed >= 0:
        rest = text[closed + len(end) :].lstrip(" \t\r\n>")
        if rest:
            what = f"something after the document was left out: {rest[:60]!r}"
            done.problems.append(Problem(text=what, where=_line(text, closed)))
        done.text = f"{text[:closed]}{end}>"
        return
    whole = max((found.end() for found in _CLOSED_ENTRY.finditer(text)), default=0)
    after = [found.start() for found in islice(_OPEN_ENTRY.finditer(text, whole or 1), 2)]
    if not whole:
        if len(after) != 1:  # a feed that closes none of its entries may be complete
            return
        whole = after[0]
    lost = " and the entry it stops in" if after else ""
    what = f"the document stops before its end{lost}; those before are whole"
    done.problems.append(Problem(text=what, where=_line(text, len(text))))
    kept = text[:whole]
    # In RSS 1.0 the channel ends before its entries.
    channel = "</channel>" if "<channel" in kept and "</channel" not in kept else ""
    done.text = f"{kept}{channel}{end}>"
