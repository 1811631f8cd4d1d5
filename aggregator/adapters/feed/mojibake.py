"""Undoes encoding mistakes that a publisher's software made before it wrote the feed.

Two mistakes explain nearly all cases: UTF-8 read as Latin-1 and encoded again ("KÃ¶ln" for "Köln"), and
windows-1252 read as Latin-1, which leaves C1 control characters in place of quotes, dashes and €.
"""

from __future__ import annotations

import re

from aggregator.model.entry import Entry, Feed, FeedInfo
from aggregator.model.struct import replace

_SIGNS = (
    (b"\xc3", re.compile(rb"\xc3[\x82\x83\x8e-\x91\xa2]")),
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"#", re.compile(rb"#(?:1[2-5][0-9]|[xX][89][0-9a-fA-F]|19[45]|[xX][cC][23]|226|[xX][eE]2);")),
)
_FEW = 16
_C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
# One character class first: it skips what cannot begin a match in half the time of an alternation.
_SUSPECT = re.compile("[\x80-\x9f\xc2-\xf4](?:(?<=[\x80-\x9f])|[\x80-\xbf\u0152-\u2122])")
_TO_C1 = {ord(character): code for code, character in _C1.items() if character}


def shows(document: bytes) -> bool:
    """Whether a UTF-8 document contains anything that `mend` could change."""
    return any(_has(sign, first, document) for first, sign in _SIGNS)


def _has(sign: re.Pattern[bytes], first: bytes, document: bytes) -> bool:
    """Whether `sign`, which begins with `first`, is found.

    Searching for `first` with memchr is much faster.
    """
    at = -1
    for _ in range(_FEW):
        at = document.find(first, at + 1)
        if at < 0:
            return False
        if sign.match(document, at):
            return True
    return sign.search(document, at + 1) is not None


def mended(text: str) -> str:
    """The text as its author wrote it; unchanged if neither mistake explains it."""
    if text.isascii() or not _SUSPECT.search(text):
        return text
    try:
        return text.translate(_TO_C1).encode("latin-1").decode("utf-8")
    except UnicodeError:  # it has characters that neither mistake makes, or is correct Latin-1
        return text.translate(_C1)


def mend(feed: Feed) -> None:
    """Corrects all text that people read: titles, summaries, contents, names, categories, rights."""
    _mend(feed.info)
    if feed.info.subtitle is not None:
        feed.info.subtitle = replace(feed.info.subtitle, value=mended(feed.info.subtitle.value))
    for entry in feed.entries:
        _mend(entry)
        if entry.summary is not None:
            entry.summary = replace(entry.summary, value=mended(entry.summary.value))
        entry.contents = [replace(each, value=mended(each.value)) for each in entry.contents]


def _mend(owner: Entry | FeedInfo) -> None:
    if owner.title is not None:
        owner.title = replace(owner.title, value=mended(owner.title.value))
    owner.authors = [replace(each, name=mended(each.name)) for each in owner.authors]
    owner.categories = [replace(each, term=mended(each.term)) for each in owner.categories]
    owner.rights = mended(owner.rights) if owner.rights else owner.rights
