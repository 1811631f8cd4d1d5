"""What becomes of an article that a poll found: pure, `(known, found, now) -> Insert | Edit | Silent | Same`.

An edit is a change of what people would notice: `Article.content_hash`, stored with its `HASH_VERSION`. Any
other lasting change is stored without a new version of the article, and so is what differs only because a
newer reader read the same entry. Counters and dates that a feed stamps on every poll are no change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape

from aggregator.model.article import Article
from aggregator.model.verdict import Judged

__all__ = [
    "HASH_VERSION",
    "MAX_SILENT_EDITS",
    "Edit",
    "Found",
    "Insert",
    "Known",
    "Same",
    "Silent",
    "decide",
    "hash_of",
    "is_of_this_version",
    "is_read_anew",
    "same_entry",
    "versioned",
    "words",
]

HASH_VERSION = 2
"""Raised when `Article.content_hash` hashes anything else; a hash of another version is made anew first."""

MAX_SILENT_EDITS = 24
"""So many edits of an article that its source gives no date for are taken; some pages change all the time."""

_TAG = re.compile(r"<[^<>]*>")
_COUNTERS = frozenset(
    ("slash:comments", "slash:hit_parade", "thr:count", "media:community", "media:statistics")
)


@dataclass(frozen=True, slots=True)
class Found:
    """An article as a poll found it.

    - `fingerprint`: the hash of the entry that it was made from, "" when there is none; `file`: the file's
      path inside a folder, "" for an entry of a feed.
    - `reader_version`: of the code that read it. `is_same`: it comes from the very bytes that it was read
      from before. `has_other_options`: it was read with other options of its source than before.
    - `stands_at`: the date of a new article without one, None for the time of the poll.
    - `content_hash`, `packed`: the article's, where its reader has made them, "" where not; `packed` is what
      `model.packed.pack` writes of it.
    - `judged`: what rules say of it, and by which at which time; None where it was not judged.
    """

    article: Article
    fingerprint: str = ""
    file: str = ""
    reader_version: int = 1
    is_same: bool = False
    has_other_options: bool = False
    stands_at: datetime | None = None
    content_hash: str = ""
    packed: str = ""
    judged: tuple[str, Judged] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An article as it is stored; `edits` counts those without a date of the source's own."""

    article: Article
    updated: datetime
    content_hash: str
    edits: int = 0
    fingerprint: str = ""
    file: str = ""
    reader_version: int = 1


@dataclass(frozen=True, slots=True)
class Insert:
    """It is new; `article` has both dates, neither after now."""

    article: Article


@dataclass(frozen=True, slots=True)
class Edit:
    """It was edited: the version before is kept, and `edits` counted."""

    article: Article
    edits: int


@dataclass(frozen=True, slots=True)
class Silent:
    """It is to be stored, but nothing that a reader would notice was changed by its source."""

    article: Article


@dataclass(frozen=True, slots=True)
class Same:
    """Nothing of it changed; with `is_marked` it is still to be noted how it was found."""

    is_marked: bool


def decide(
    known: Known | None, found: Found, now: datetime, *, is_renamed: bool = False
) -> Insert | Edit | Silent | Same:
    """What becomes of `found`; `known` is None for an article that is not stored.

    `is_renamed`: its id is another than before. Then other addresses in it are no edit, only other words.

    A missing `published` becomes `stands_at`, else `now`, once; a date after `now` becomes `now`. An article
    that is known keeps its `published`; an edit's `updated` is the source's own date where that is new and
    not after `now`, else `now`.
    """
    if known is None:
        published = min(found.article.published or found.stands_at or now, now)
        updated = min(found.article.updated or published, now)
        return Insert(found.article.dated(published, updated))
    old = known.article
    article = replace(found.article, source=old.source, published=old.published)
    before = known.content_hash if is_of_this_version(known.content_hash) else hash_of(old)
    is_edited = (versioned(found.content_hash) if found.content_hash else hash_of(article)) != before
    says_when = article.updated is not None and known.updated < article.updated <= now
    if is_edited and (is_read_anew(known, found) or (is_renamed and words(old) == words(found.article))):
        return Silent(replace(article, updated=known.updated))
    if is_edited and not says_when and known.edits >= MAX_SILENT_EDITS:
        is_edited = False
        article = old
    if is_edited:
        dated = article if says_when else replace(article, updated=now)
        return Edit(dated, known.edits + (not says_when))
    if _lasting(article) != _lasting(old):
        return Silent(replace(article, updated=known.updated))
    marks = (known.fingerprint, known.file, known.reader_version)
    return Same(is_marked=(found.fingerprint, found.file, found.reader_version) != marks)


def is_read_anew(known: Known, found: Found) -> bool:
    """Whether the same entry was read by another reader, or with other options: what differs is our doing.

    It is the same where its bytes, its fingerprint, or the words of its title and body are.
    """
    if known.reader_version == found.reader_version and not found.has_other_options:
        return False
    if found.is_same or same_entry(known.fingerprint, found.fingerprint):
        return True
    # Another reader may see an entry otherwise, and then takes another fingerprint of it. Its words stay.
    return words(known.article) == words(found.article)


def same_entry(fingerprint: str, other: str) -> bool:
    """Whether two fingerprints are of the same entry, as far as every version of the reader looks at it."""
    return bool(fingerprint) and fingerprint.partition(".")[0] == other.partition(".")[0]


def words(article: Article) -> tuple[str, str]:
    """Letters and digits of an article, without its markup."""
    title, body = (
        unescape(_TAG.sub("", text)) for text in (article.title, article.content or article.summary)
    )
    return "".join(filter(str.isalnum, title)), "".join(filter(str.isalnum, body))


def hash_of(article: Article) -> str:
    """The content hash of an article as it is stored."""
    return versioned(article.content_hash)


def versioned(content_hash: str) -> str:
    """A content hash as it is stored: with its version. Those of version 1 have none."""
    return f"{HASH_VERSION}:{content_hash}"


def is_of_this_version(content_hash: str) -> bool:
    """Whether a stored content hash is one that this version takes."""
    return _version_of(content_hash) == HASH_VERSION


def _version_of(content_hash: str) -> int:
    version, mark, _ = content_hash.partition(":")
    return int(version) if mark and version.isdecimal() else 1


def _lasting(article: Article) -> Article:
    """The article without what changes from poll to poll: dates of the feed, counters."""
    extra = {key: value for key, value in article.extra.items() if key not in _COUNTERS}
    return replace(article, updated=None, origin=replace(article.origin, updated=None), extra=extra)
