"""Bodies -> summaries: the beginning of a text, up to the end of a sentence or a word."""

from __future__ import annotations

import re
from html import escape, unescape
from unicodedata import east_asian_width

from aggregator.normalise.text import LEFT_OF_TAGS, tidy, without_markup

__all__ = ["beginning", "summarise"]

MAX_SUMMARY = 280

_LEFT_OF_WRITTEN = {
    f"{slash}{name}": left
    for name, left in LEFT_OF_TAGS.items()
    if name not in ("math", "svg")
    for slash in ("", "/")
}
_WRITTEN_TAG = re.compile("<(/?[a-z][a-z0-9]*)(?=[ >])[^<>]*>")
# One character class first: it skips what cannot begin a match faster than an alternation does.
_SENTENCE_END = re.compile(
    r"[.!?…。！？．」』](?:(?<=[.!?…])(?=[\s\"'”’)]|$)[\"'”’)]*|(?<=[。！？．」』])[。！？．」』]*)"
)


def summarise(html: str, max_characters: int = MAX_SUMMARY) -> str:
    """The beginning of a sanitised body as escaped text; see `beginning`."""
    return escape(beginning(html, max_characters), quote=False)


def beginning(html: str, max_characters: int) -> str:
    """The beginning of a sanitised body as tidy text, about `max_characters` wide; "" when it has no text.

    A full-width character counts as two. Cut text ends with `…`, after a sentence if one ends in the last
    third, else after a word.
    """
    # Twelve characters of markup for each one of text are rare; usually half as much as the text is enough.
    for share in (1.5, 2.5, 5, 12):
        head = _whole_tags(html, int(share * max_characters))
        text = tidy(_without_written_markup(head))
        end = _fitting(text, max_characters)
        if end < len(text):
            break
        if len(head) == len(html):
            return text
    text = text[:end]
    if sentences := [m.end() for m in _SENTENCE_END.finditer(text, end * 2 // 3)]:
        text = text[: sentences[-1]] + " "
    else:
        space = text.rfind(" ", end * 2 // 3)
        text = text[:space] if space > 0 else text
        text = text.rstrip(" ,;:-–—、，")
    return f"{text}…" if text.strip() else ""


def _whole_tags(html: str, max_characters: int) -> str:
    """The head of sanitised HTML, never ending inside a tag or an entity."""
    if len(html) <= max_characters:
        return html
    head = html[:max_characters]
    tag, entity = head.rfind("<"), head.rfind("&", -12)
    if tag > head.rfind(">"):
        return head[:tag]
    return head[:entity] if entity > head.rfind(";") else head


# No character of these takes two columns (Unicode Standard Annex 11). A class of those that may do takes six
# times as long to compile: a millisecond of each start.
_WIDE = re.compile("[^\x00-\u10ff\u1160-\u2319]")


def _is_narrow(text: str) -> bool:
    """Whether no character of it takes two columns."""
    try:
        text.encode("cp1252")  # of this none does; a search takes five times as long
    except UnicodeEncodeError:
        return _WIDE.search(text) is None
    return True


def _fitting(text: str, max_width: int) -> int:
    """How many characters of `text` fit into `max_width` columns."""
    most = (len(text) + len(text.encode("utf-8", "surrogatepass"))) // 2  # wide characters have three bytes
    if most <= max_width or text.isascii() or _is_narrow(text[:max_width]):
        return min(len(text), max_width)
    fitting, room = 0, max_width
    # Half as many characters as there are columns always fit. Widths are called W, F, Na, N, A and H.
    while room > 0 and (piece := text[fitting : fitting + max(room // 2, 1)]):
        widths = "".join(map(east_asian_width, piece))
        width = len(piece) + widths.count("W") + widths.count("F")
        if width > room:
            break
        fitting += len(piece)
        room -= width
    return fitting


def _without_written_markup(clean: str) -> str:
    """The same as `without_markup`, in two thirds of the time for HTML that a serialiser wrote."""
    parts = _WRITTEN_TAG.split(clean)
    left = [*map(_LEFT_OF_WRITTEN.get, parts[1::2])]
    if None in left:
        return without_markup(clean)
    parts[1::2] = left
    text = "".join(parts)
    if "<" in text or ">" in text:
        return without_markup(clean)
    return unescape(text) if "&" in text else text
