"""An article's further links, category terms, people's addresses and text languages, checked before writing.

`normalise.extra_metadata` makes them, but a front-matter file may have anything under these keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from aggregator.model.article import Article
from aggregator.model.struct import Struct
from aggregator.normalise.extension_elements import ADDRESS_SCHEMES, is_active
from aggregator.normalise.links import FOLLOWED
from aggregator.normalise.text import plain_name
from aggregator.writers.xml_text import address, identifier, language_tag, line

__all__ = [
    "NO_ADDRESS",
    "CategoryTerm",
    "PersonAddress",
    "further_links",
    "person_addresses",
    "terms_of",
    "text_language",
]

MAX_EACH = 100
# A registered name, or a URI (RFC 3986 §3) with at most one fragment and no invalid `%`.
_URI_CHARACTER = r"(?:[!$&'()*+,/:;=?@\w.~-]|%[0-9A-Fa-f]{2})"
_RELATION = re.compile(
    rf"[a-z][a-z0-9.-]{{0,49}}|[A-Za-z][A-Za-z0-9+.-]{{0,19}}:{_URI_CHARACTER}{{1,300}}"
    rf"(?:#{_URI_CHARACTER}{{0,300}})?",
    re.ASCII,
)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}(?:\s*;[ -~]{0,100})?", re.ASCII)
# The domain must have a dot: others are account names, which readers do not accept as addresses.
_EMAIL = re.compile(r"[^\s<>()\[\]\",;:@?]{1,64}@(?:[\w-]{1,63}\.){1,9}[\w-]{1,63}")
_THREAD = {
    "thr:count": re.compile(r"[0-9]{1,9}"),
    "thr:updated": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]{5,20}(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"),
}


class CategoryTerm(Struct, frozen=True):
    """A category as in its feed: Atom's term and scheme, or RSS's text and domain; "" for none."""

    term: str
    scheme: str = ""
    label: str = ""


class PersonAddress(Struct, frozen=True):
    """A person's addresses; "" for unknown ones."""

    uri: str = ""
    email: str = ""


NO_ADDRESS = PersonAddress()


def further_links(article: Article) -> list[dict[str, str]]:
    """Returns the article's links other than its page and enclosures, as attributes, `rel` and `href`
    first.
    """
    if "links" not in article.extra:
        return []
    own = address(article.link)
    found: list[dict[str, str]] = []
    alternates = {("", "")} if own else set()
    for each in _mappings(article.extra.get("links")):
        rel, href = each.get("rel"), _href(each.get("href"))
        if not isinstance(rel, str) or not _RELATION.fullmatch(rel) or is_active(rel) or href is None:
            continue
        media_type, language = each.get("type"), language_tag(each.get("hreflang"))
        made = {"rel": rel, "href": href}
        if isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type):
            made["type"] = media_type
        if language:
            made["hreflang"] = language
        if title := _said(each, "title"):
            made["title"] = title
        if (length := _said(each, "length")).isdecimal() and length.isascii():
            made["length"] = length
        if rel == "replies":
            made |= {
                name: text for name, form in _THREAD.items() if form.fullmatch(text := _said(each, name))
            }
        if rel == "alternate":  # RFC 4287 §4.1.2: only one of each type and language
            look = (made.get("type", ""), made.get("hreflang", ""))
            if look in alternates:
                continue
            alternates.add(look)
        if rel != "enclosure" and made not in found:
            found.append(made)
    return found


def terms_of(article: Article) -> dict[str, list[CategoryTerm]]:
    """Returns terms and schemes by category or tag, if the feed gave more than a name."""
    if "terms" not in article.extra:
        return {}
    found: dict[str, list[CategoryTerm]] = {}
    for each in _mappings(article.extra.get("terms")):
        term, scheme, label = _said(each, "term"), _said(each, "scheme"), _said(each, "label")
        if term and not is_active(term) and not is_active(scheme):
            made = CategoryTerm(term, scheme, label)
            known = found.setdefault(plain_name(label or term), [])
            if made not in known:
                known.append(made)
    return found


def person_addresses(article: Article) -> dict[tuple[str, str], PersonAddress]:
    """Returns the addresses of persons, by role (author, contributor) and name; the first of each counts."""
    if "people" not in article.extra:
        return {}
    found: dict[tuple[str, str], PersonAddress] = {}
    for each in _mappings(article.extra.get("people")):
        # A `mailto:` address may have had a subject.
        uri, email = address(each.get("uri")) or "", _said(each, "email").partition("?")[0]
        made = PersonAddress(uri, email if _EMAIL.fullmatch(email) else "")
        if made != NO_ADDRESS:
            found.setdefault((_said(each, "role"), _said(each, "name")), made)
    return found


def text_language(article: Article, name: str, around: str | None) -> str | None:
    """Returns the language of the title, summary or content; None if it equals `around`, that of the
    parent.
    """
    if (said := article.extra.get("languages")) is None:
        return None
    found = language_tag(said.get(name)) if isinstance(said, Mapping) else None
    return found if found != around else None


def _href(value: object) -> str | None:
    """Returns an address that a feed may link to, of any scheme, including `tag:` and `urn:`; else None."""
    if (found := address(value)) or not isinstance(value, str):
        return found
    name = identifier(value)
    return name if name and name.partition(":")[0].lower() in ADDRESS_SCHEMES - FOLLOWED else None


def _mappings(values: object) -> Iterator[Mapping[str, object]]:
    for each in values[:MAX_EACH] if isinstance(values, list | tuple) else ():
        if isinstance(each, Mapping):
            yield each


def _said(each: Mapping[str, object], name: str) -> str:
    value = each.get(name)
    return line(value[:500]) if isinstance(value, str) else ""
