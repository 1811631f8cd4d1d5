"""Values of an entry that an article has no field for: links, category terms, addresses, languages.

All of them are kept in `Article.extra`, in plain mappings, and are written if a format has an element for
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aggregator.model.entry import Category, Entry, Link, Person, Text
from aggregator.normalise.extension_elements import ADDRESS_SCHEMES, inert_text, is_active
from aggregator.normalise.links import WEB, resolve
from aggregator.normalise.text import email_of, people, plain_name, tidy

__all__ = ["addresses", "languages", "links", "of", "terms"]

MAX_LINKS = 100
MAX_TERMS = 100
MAX_PEOPLE = 50
MAX_CHARACTERS = 500

# A registered name or a URI (RFC 4287 §4.2.7.2; RFC 8288 §3.3 has its characters).
_RELATION = re.compile(r"[a-z][a-z0-9.-]{0,49}|[A-Za-z][A-Za-z0-9+.-]{0,19}:[!-~]{1,300}")
# Links of a document: itself, its other documents, and where its publisher edits it (RFC 5023 §11.1).
_OF_A_FEED = frozenset(
    {
        "current",
        "edit",
        "edit-media",
        "enclosure",
        "first",
        "hub",
        "last",
        "next",
        "next-archive",
        "prev",
        "prev-archive",
        "previous",
        "self",
    }
)
_PAGES = frozenset({"", "text/html", "application/xhtml+xml"})
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}(?:\s*;[ -~]{0,100})?", re.ASCII)


def of(
    entry: Entry,
    own: str | None,
    bases: Sequence[str],
    authors: Sequence[Person],
    texts: Mapping[str, Text | None],
    is_public: Callable[[str], bool],
) -> dict[str, Any]:
    """The keys of `Article.extra` for all of these, without empty ones.

    `own` is the address of the entry's page, `authors` are its own or its feed's, `texts` the title, summary
    and content that were used. A link that is not `is_public` is left out.
    """
    found: dict[str, Any] = {}
    if kept := [link for link in links(entry.links, own, *bases) if is_public(link["href"])]:
        found["links"] = kept
    if entry.categories and (kept := terms(entry.categories)):
        found["terms"] = kept
    if (authors or entry.contributors) and (
        kept := addresses(authors, "author", *bases) + addresses(entry.contributors, "contributor", *bases)
    ):
        found["people"] = kept
    if said := languages((entry.language or "").strip(), texts):
        found["languages"] = said
    return found


def links(found: Sequence[Link], own: str | None, *bases: str) -> list[dict[str, str]]:
    """An entry's links besides its page (`own`) and its enclosures: `rel`, `href`, and their other
    attributes.

    Every relation is kept (RFC 4287 §4.2.7.2, RFC 4685 §4, RFC 4946, IANA's registry) except those between
    the documents of a feed. An alternate is kept if it is the page in another language or of another type.
    """
    kept: list[dict[str, str]] = []
    for link in found:
        if link.rel == "alternate" and not (link.language or link.title or link.type):
            continue  # the page, in nearly every entry
        rel = link.rel
        if rel in _OF_A_FEED or not _RELATION.fullmatch(rel) or is_active(rel):
            continue
        href = resolve(link.href, link.base, *bases, schemes=ADDRESS_SCHEMES)
        if href is None:
            continue
        said = {name: text for name, text in _attributes(link) if text}
        if rel == "alternate" and not _says_more(said, is_own=href == own):
            continue
        made = {"rel": rel, "href": href, **said}
        if made not in kept:
            kept.append(made)
        if len(kept) == MAX_LINKS:
            break
    return kept


def _attributes(link: Link) -> Iterable[tuple[str, str]]:
    media_type, language = (link.type or "").strip(), (link.language or "").strip()
    yield "type", media_type if _MEDIA_TYPE.fullmatch(media_type) else ""
    yield "hreflang", language if _LANGUAGE.fullmatch(language) else ""
    yield "title", inert_text(tidy((link.title or "")[:MAX_CHARACTERS]))
    length = (link.length or "").strip()
    yield "length", length if length.isascii() and length.isdecimal() and len(length) < 19 else ""
    for name, value in (link.others or {}).items():
        yield name, _text(value)


def _says_more(said: Mapping[str, str], *, is_own: bool) -> bool:
    """Whether an alternate is more than the page again, such as its address with click tracking."""
    if "hreflang" in said or said.get("type", "").partition(";")[0].strip().lower() not in _PAGES:
        return True
    return is_own and "title" in said


def terms(found: Sequence[Category]) -> list[dict[str, str]]:
    """Categories that are more than a name: `term`, and `scheme` (RSS: domain) and `label` if present.

    The name, which is the tag, is the label, else the term, as plain text.
    """
    kept: list[dict[str, str]] = []
    for category in found[: 2 * MAX_TERMS]:
        if not category.scheme and not category.label:
            continue
        term, scheme = _text(category.term), _text(category.scheme)
        label = plain_name(category.label) if category.label else ""
        if term and (scheme or (label and label != term)):
            made = {
                name: text for name, text in (("term", term), ("scheme", scheme), ("label", label)) if text
            }
            if made not in kept:
                kept.append(made)
    return kept[:MAX_TERMS]


def addresses(found: Sequence[Person], role: str, *bases: str) -> list[dict[str, str]]:
    """Persons with an address, by `role`: `name` as `people` returns it, and `uri` or `email` or both."""
    kept: list[dict[str, str]] = []
    for person in found[:MAX_PEOPLE]:
        if not (person.uri or person.email or "@" in person.name):
            continue
        names = people([person])
        uri = resolve(person.uri, *bases, schemes=WEB) or ""
        email = email_of(person)
        if len(names) == 1 and (uri or email):
            said = (("role", role), ("name", names[0]), ("uri", uri), ("email", email))
            made = {name: text for name, text in said if text}
            if made not in kept:
                kept.append(made)
    return kept


def languages(language: str | None, texts: Mapping[str, Text | None]) -> dict[str, str]:
    """The languages of single texts, by field name, if they differ from the entry's (XML 1.0 §2.12)."""
    found = {}
    for name, text in texts.items():
        if text is None or text.language is None or text.language == language:
            continue
        said = text.language.strip()
        if said and said != language and _LANGUAGE.fullmatch(said):
            found[name] = said
    return found


def _text(written: str | None) -> str:
    """An identifier or a name as written, on one line.

    "" for an address that would run code when followed.
    """
    text = tidy((written or "")[:MAX_CHARACTERS])
    return "" if is_active(text) else inert_text(text)
