"""Recognises an entry at the next poll: by its guid, else its link, else a hash.

Feeds get this wrong in every way: no guid, one guid for all, a guid that is the site. So the kind of identity
is chosen for a whole document, and stored by the caller: an article with a changed id would be published as
new. No entry is lost because another has its id.
"""

from __future__ import annotations

import hashlib
import marshal
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from aggregator.model.article import Problem
from aggregator.model.entry import (
    ArticleDocument,
    Category,
    Entry,
    IdentityKind,
    Link,
    Media,
    Person,
    Text,
)
from aggregator.model.struct import Struct

__all__ = ["Identities", "fingerprint", "fingerprint_of_document", "identify"]

MAX_CHARACTERS = 2_048
_KINDS: tuple[IdentityKind, ...] = ("guid", "link", "hash")


class Identities(Struct, frozen=True):
    """`ids`: one for each entry, in order, unique; None for a copy of an earlier one. `kind`: for the next
    call.
    """

    ids: tuple[str | None, ...]
    kind: IdentityKind
    problems: tuple[Problem, ...] = ()


def identify(
    entries: Sequence[Entry], links: Sequence[str | None], remembered: IdentityKind = "guid"
) -> Identities:
    """An id for each of `entries`; `links` are their absolute links in the same order.

    - guid verbatim (RFC 4287 §4.2.6, RSS 2.0 `<guid>`); without one the link is used, then a hash of title,
      date and content. Over 2,048 characters, or not encodable, it is hashed.
    - An exact copy of an earlier entry is dropped, with a Problem.
    - A value that several entries share becomes `value|link` for each of them, then `value|link|hash`.
    - When at least two, and more than 5% of the entries have no value or a shared one, the next kind is
      used for all of them. `remembered` is the kind to begin with: a feed never returns to an earlier kind
      by itself.
    """
    found = [_value(entry, link, remembered) for entry, link in zip(entries, links, strict=True)]
    if all(found) and len(set(found)) == len(found):  # as in most feeds
        return Identities(tuple(found), remembered)
    problems: list[Problem] = []
    copies = _copies(entries, links)
    if copies:
        first = min(copies)
        text = f"left out {len(copies)} exact copies of earlier entries, this is the first"
        problems.append(Problem(text=text, where=_where(entries[first], links[first])))
    kept = [n for n in range(len(entries)) if n not in copies]
    kind = remembered
    while kind != "hash":
        values = [_value(entries[n], links[n], kind) for n in kept]
        faults = _faults(values)
        if faults <= max(1, len(kept) * 0.05):
            break
        following = _KINDS[_KINDS.index(kind) + 1]
        if any(values):  # RSS before 2.0 has no guid: not a problem
            text = f"{faults} of {len(kept)} entries have no unique {kind}"
            problems.append(Problem(text=f"{text}, so all are identified by {following}"))
        kind = following
    ids: list[str | None] = [None] * len(entries)
    names = {n: _first_value(entries[n], links[n], kind) for n in kept}
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    taken: set[str] = set()
    # Entries with a unique id first: generated ids must not collide with those.
    for n in sorted(kept, key=lambda n: names[n] in shared):
        name = names[n]
        if name in shared:
            name = _unique(f"{name}|{links[n] or ''}", entries[n], taken)
            problems.append(
                Problem(text=f"shares its {kind} with another: its id is {name!r}", where=names[n])
            )
        taken.add(name)
        ids[n] = name
    return Identities(tuple(ids), kind, tuple(problems))


def _unique(name: str, entry: Entry, taken: set[str]) -> str:
    if name in taken:
        name = f"{name}|{_digest(entry)}"
    number, numbered = 2, name
    while numbered in taken:
        numbered = f"{name}|{number}"
        number += 1
    return numbered


def _copies(entries: Sequence[Entry], links: Sequence[str | None]) -> set[int]:
    """Entries with the id, link and content of an earlier one; hashed only if id and link repeat."""
    pairs = Counter((e.id, link) for e, link in zip(entries, links, strict=True))
    seen: set[tuple[str | None, str | None, str]] = set()
    copies = set()
    for n, (entry, link) in enumerate(zip(entries, links, strict=True)):
        if pairs[entry.id, link] == 1:
            continue
        mark = (entry.id, link, fingerprint(entry))
        if mark in seen:
            copies.add(n)
        seen.add(mark)
    return copies


def _value(entry: Entry, link: str | None, kind: IdentityKind) -> str | None:
    if kind == "hash":
        return _digest(entry)
    return _sound(entry.id if kind == "guid" else link)


def _first_value(entry: Entry, link: str | None, kind: IdentityKind) -> str:
    for candidate in _KINDS[_KINDS.index(kind) : 2]:
        if value := _value(entry, link, candidate):
            return value
    return _digest(entry)


def _sound(value: str | None) -> str | None:
    """`value` verbatim, or its hash if no store or XML document could contain it."""
    if value and (len(value) > MAX_CHARACTERS or not (value.isascii() or _encodable(value))):
        return _hash(value)
    return value or None


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _faults(values: Sequence[str | None]) -> int:
    counts = Counter(values)
    return sum(count for value, count in counts.items() if value is None or count > 1)


def _digest(entry: Entry) -> str:
    title = entry.title.value if entry.title else ""
    body = [text.value for text in entry.contents] + ([entry.summary.value] if entry.summary else [])
    return _hash(title, entry.published or entry.updated or "", *body)


def _hash(*parts: str) -> str:
    text = "\x1f".join(parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _where(entry: Entry, link: str | None) -> str:
    return entry.id or link or (entry.title.value[:100] if entry.title else "")


# Fingerprints are made of these values: a repr with the names of the fields costs more.
def _values(of: type[Struct], *without: str) -> Callable[[object], Any]:
    return attrgetter(*(name for name in of.__struct_fields__ if name not in without))


_TEXT = _values(Text)
_LINK, _PERSON, _CATEGORY, _MEDIA = (_values(of) for of in (Link, Person, Category, Media))
_PLAIN = _values(
    Entry,
    "title",
    "links",
    "authors",
    "contributors",
    "categories",
    "summary",
    "contents",
    "media",
    "source",
    "line",
)


def fingerprint(entry: Entry, *context: str) -> str:
    """A hash of everything in a raw entry except its line, and of `context`; the same in every process."""
    bodies = entry.contents if entry.summary is None else [*entry.contents, entry.summary]
    values = (
        _PLAIN(entry),
        _TEXT(entry.title) if entry.title else None,
        entry.summary is None,
        [*map(_TEXT, bodies)],
        [*map(_LINK, entry.links)],
        [*map(_PERSON, entry.authors)],
        [*map(_PERSON, entry.contributors)],
        [*map(_CATEGORY, entry.categories)],
        [*map(_MEDIA, entry.media)],
        repr(entry.source) if entry.source else None,
        context,
    )
    # marshal takes a fifth of repr's time; its version 2 writes equal values as equal bytes in every process.
    # SHA-256 because processors have instructions for it: BLAKE2 takes twice as long.
    return hashlib.sha256(marshal.dumps(values, 2)).hexdigest()[:32]


def fingerprint_of_document(found: ArticleDocument, *context: str) -> str:
    """A hash of everything in a document that is one article, and of `context`; the same in every process."""
    written = repr((found, context)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(written).hexdigest()[:32]
