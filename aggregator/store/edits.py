"""Decides what to do with an article that a poll found: `(known, found, now) -> Insert | Edit | Silent |
Same`.

Pure. An edit is a change that people notice: of `Article.content_hash`, which is stored with its
`HASH_VERSION`. Any other lasting change is stored without a new version of the article; so is a difference
that comes only from a newer reader of the same entry. Counters and dates that a feed changes with every poll
are ignored.
"""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape

from aggregator.model.article import Article
from aggregator.model.struct import Struct, replace
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
"""Increased when `Article.content_hash` changes; hashes of older versions are computed again first."""

MAX_SILENT_EDITS = 24
"""The largest number of edits of an article without a date of its source; some pages change all the time."""

_TAG = re.compile(r"<[^<>]*>")
_COUNTERS = frozenset(
    ("slash:comments", "slash:hit_parade", "thr:count", "media:community", "media:statistics")
)


class Found(Struct, frozen=True):
    """An article as a poll found it.

    - `fingerprint`: the hash of the entry that it was made from; "" if there is none.
    - `file`: the file's path inside a folder; "" for an entry of a feed.
    - `reader_version`: the version of the code that read it.
    - `is_same`: it comes from the same bytes as before.
    - `has_other_options`: it was read with other options of its source than before.
    - `stands_at`: the date for a new article without one; None for the time of the poll.
    - `content_hash`, `packed`: computed by the reader already, else empty. `packed` is the result of
      `model.article_json.pack_utf8`.
    """

    article: Article
    fingerprint: str = ""
    file: str = ""
    reader_version: int = 1
    is_same: bool = False
    has_other_options: bool = False
    stands_at: datetime | None = None
    content_hash: str = ""
    packed: bytes = b""
    judged: tuple[str, Judged] | None = None


class Known(Struct, frozen=True, kw_only=True):
    """An article as it is stored; `edits` is the number of edits for which the source gave no date."""

    article: Article
    updated: datetime
    content_hash: str
    edits: int = 0
    fingerprint: str = ""
    file: str = ""
    reader_version: int = 1


class Insert(Struct, frozen=True):
    """The article is new; `article` has both dates, neither after `now`."""

    article: Article


class Edit(Struct, frozen=True):
    """The article was edited: the old version is kept, and `edits` is the new count."""

    article: Article
    edits: int


class Silent(Struct, frozen=True):
    """The article is stored again, but its source changed nothing that people notice."""

    article: Article


class Same(Struct, frozen=True):
    """Nothing changed; `is_marked`: the fingerprint, file or reader version must still be stored."""

    is_marked: bool


def decide(
    known: Known | None, found: Found, now: datetime, *, is_renamed: bool = False
) -> Insert | Edit | Silent | Same:
    """Decides what to do with `found`; `known` is None if the article is not stored.

    `is_renamed`: its id changed. Then changed addresses in it are no edit, only changed words.

    A missing `published` becomes `stands_at`, else `now`, once; a date after `now` becomes `now`. A known
    article keeps its `published`. The `updated` of an edit is the source's date if that is new and not after
    `now`, else `now`.
    """
    if known is None:
        published = min(found.article.published or found.stands_at or now, now)
        updated = min(found.article.updated or published, now)
        article = found.article
        if (article.published, article.updated) == (published, updated):
            return Insert(article)
        return Insert(replace(article, published=published, updated=updated))
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
    """Returns whether the same entry was read by another reader version, or with other options: then
    differences come from us.

    It is the same entry if its bytes, its fingerprint, or the words of its title and body are equal.
    """
    if known.reader_version == found.reader_version and not found.has_other_options:
        return False
    if found.is_same or same_entry(known.fingerprint, found.fingerprint):
        return True
    # Another reader may read an entry differently, with another fingerprint, but its words stay the same.
    return words(known.article) == words(found.article)


def same_entry(fingerprint: str, other: str) -> bool:
    """Returns whether two fingerprints are of the same entry, by the parts that every reader version
    reads.
    """
    return bool(fingerprint) and fingerprint.partition(".")[0] == other.partition(".")[0]


def words(article: Article) -> tuple[str, str]:
    """Returns the letters and digits of an article's title and body, without markup."""
    title, body = (
        unescape(_TAG.sub("", text)) for text in (article.title, article.content or article.summary)
    )
    return "".join(filter(str.isalnum, title)), "".join(filter(str.isalnum, body))


def hash_of(article: Article) -> str:
    """Returns the content hash of an article in its stored form."""
    return versioned(article.content_hash)


def versioned(content_hash: str) -> str:
    """Returns a content hash with its version, as it is stored; hashes of version 1 have none."""
    return f"{HASH_VERSION}:{content_hash}"


def is_of_this_version(content_hash: str) -> bool:
    """Returns whether a stored content hash has the current version."""
    return _version_of(content_hash) == HASH_VERSION


def _version_of(content_hash: str) -> int:
    version, mark, _ = content_hash.partition(":")
    return int(version) if mark and version.isdecimal() else 1


def _lasting(article: Article) -> Article:
    """Returns the article without what changes with every poll: dates of the feed, counters."""
    extra = {key: value for key, value in article.extra.items() if key not in _COUNTERS}
    return replace(article, updated=None, origin=replace(article.origin, updated=None), extra=extra)
