"""The front matter of other generators -> Article, as a person would read it.

Hexo, Hugo, Jekyll, Eleventy, Zola, Pelican and the posts of the old system name the same things by
different keys. A key is used only when a field can hold its whole value; everything else stays in `extra`
under its own key, so that nothing is lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from posixpath import basename, dirname, splitext
from typing import Any
from urllib.parse import unquote

from aggregator.front_matter.own_keys import OWN_KEYS, date, enclosures, text
from aggregator.front_matter.yaml_text import typed
from aggregator.model.article import Article, Enclosure, Problem

# Markdown's two forms of a first heading.
_HEADING = re.compile(r"^(?:#[ \t]+(\S[^\r\n]*)|(\S[^\r\n]*)\r?\n={3,}[ \t]*$)", re.MULTILINE)
_NOTHING = re.compile(r"(?i)\s*(?:|~|null|none|undefined|nan|invalid date)\s*")
_ABSOLUTE = re.compile(r"(?i)https?://[^\s/]\S*")
_OF_ENCLOSURE = frozenset(("url", "type", "length", "title", "duration"))
_NO_DATES = {
    (1970, 1): "is seconds taken for milliseconds, not a date",
    (1, 1): "is not a date: Hugo writes it where there is none",  # the zero of Go's time.Time
}


def article(meta: dict[str, Any], body: str, *, url: str, problems: list[Problem]) -> Article:
    """The article of front matter and a body; adds what was missing or wrong to `problems`.

    `id` falls back from `guid` and `id` to the link, to `url` (the file), to a hash of title, date and body.
    """
    meta = {key: value for key, value in meta.items() if key not in OWN_KEYS or value not in (None, "")}
    path = re.split(r"[?#]", url, maxsplit=1)[0] if "://" in url else url
    name = unquote(basename(path))
    stem, suffix = splitext(name)
    if stem == "index" and (folder := unquote(basename(dirname(path)))):
        name = folder + suffix  # a page bundle of Hugo's: its folder is what has a name
    when_text = next((found for key in _DATES if (found := text(meta.get(key)))), "")
    title = _title(meta, body, name, problems)
    published = _date(meta, _DATES, problems)
    if published is None and (day := re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=-)", name)):
        published = date(day[0])  # Jekyll and Hexo name their posts so
    link = _link(meta)
    taxonomies = meta.get("taxonomies")  # Zola's
    nested = taxonomies if isinstance(taxonomies, dict) else {}
    categories = _unique([*_categories(meta), *_categories(nested)])
    tags = _unique([*_tags(meta), *_tags(nested)])
    if nested is taxonomies and not nested:
        del meta["taxonomies"]
    ident = _scalar(meta, "guid") or _scalar(meta, "id") or link or url
    return Article(
        id=ident or _hash(title, when_text, body),
        title=title,
        link=link,
        published=published,
        updated=_date(meta, ("updated", "lastmod", "modified", "last_modified_at"), problems),
        authors=_authors(meta),
        categories=categories,
        tags=tags,
        headimg=_headimg(meta, problems),
        summary=next(
            (found for key in ("summary", "description", "excerpt") if (found := _scalar(meta, key))), ""
        ),
        content=body,
        enclosures=_enclosures(meta, problems),
        extra={key: typed(value) for key, value in meta.items()},
    )


_DATES = ("date", "published", "pubDate", "publishDate", "created")


def _scalar(meta: dict[str, Any], key: str) -> str | None:
    found = text(meta.get(key))
    if found is not None:
        del meta[key]
    return found


def _title(meta: dict[str, Any], body: str, name: str, problems: list[Problem]) -> str:
    # The old system wrote braces so, or Hexo would have run them as its templates.
    title = (_scalar(meta, "title") or "").strip().replace("&#123;", "{").replace("&#125;", "}")
    if title:
        return title
    heading = _HEADING.search(body[:20_000])
    if heading:
        title = (heading[1] or heading[2]).rstrip("# \t")
    elif name:
        stem = re.sub(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-", "", splitext(name)[0])
        title = re.sub(r"[-_]+", " ", stem).strip()
    where = "the first heading" if heading else "the file's name" if name else "nothing: it has none"
    problems.append(Problem(text=f"no title: taken from {where}"))
    return title


def _date(meta: dict[str, Any], keys: Iterable[str], problems: list[Problem]) -> datetime | None:
    """The first key that holds a date. Jekyll's `published: false` is a flag and no date."""
    for key in keys:
        written = text(meta.get(key))
        if written is None or typed(meta[key]) in (True, False):
            continue
        when = date(written)
        why = _NO_DATES.get((when.year, when.month)) if when else "is not a date"
        if when is not None and why is None:
            del meta[key]
            return when
        problems.append(Problem(text=f"{key} {why}: {written[:60]}"))
        if when or _NOTHING.fullmatch(written):
            del meta[key]
    return None


def _link(meta: dict[str, Any]) -> str | None:
    for key in ("link", "url", "canonical_url", "permalink"):
        found = text(meta.get(key))
        if found and _ABSOLUTE.fullmatch(found.strip()):
            del meta[key]
            return found.strip()
    return None


def _enclosures(meta: dict[str, Any], problems: list[Problem]) -> tuple[Enclosure, ...]:
    """Media files, where each has an address and nothing else is said of it than is known here."""
    for key in ("enclosures", "enclosure"):
        found = meta.get(key)
        listed = found if isinstance(found, list) else [found] if found else []
        tables = [each if isinstance(each, dict) else {"url": each} for each in listed]
        are_known = all(
            each.keys() <= _OF_ENCLOSURE and _ABSOLUTE.fullmatch(text(each.get("url")) or "")
            for each in tables
        )
        if tables and are_known:
            del meta[key]
            return enclosures(listed, problems)
    return ()


def _headimg(meta: dict[str, Any], problems: list[Problem]) -> str | None:
    headimg = None
    for key in ("headimg", "cover", "image", "images", "banner", "thumbnail", "photos"):
        value = meta.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        found = (text(value) or "").strip()
        if found.endswith("/undefined"):
            problems.append(Problem(text=f"{key} is no image: {found[:100]}"))
            del meta[key]
        elif headimg is None and _ABSOLUTE.fullmatch(found):
            headimg = found
            del meta[key]
        elif key == "thumbnail" and found == headimg:
            del meta[key]
    return headimg


def _authors(meta: dict[str, Any]) -> tuple[str, ...]:
    authors: list[str] = []
    for key in ("author", "authors"):
        value = meta.get(key)
        people = value if isinstance(value, list) else [value]
        names = [text(person.get("name")) if isinstance(person, dict) else text(person) for person in people]
        authors += [name.strip() for name in names if name]
        # A person with more than a name is kept whole besides.
        if value is not None and all(names) and not any(isinstance(p, dict) and len(p) > 1 for p in people):
            del meta[key]
    return _unique(authors)


def _categories(meta: dict[str, Any]) -> list[str]:
    """Hexo's paths flattened; Jekyll's `categories: a b` split at spaces, any string at commas."""
    found: list[str] = []
    for key in ("categories", "category"):
        value = meta.get(key)
        if isinstance(value, str) and "," not in value and key == "categories":
            value = value.split()
        found += _flat(meta, key, value)
    return found


def _tags(meta: dict[str, Any]) -> list[str]:
    """Jekyll's `tags: a b` split at spaces, any string at commas."""
    value = meta.get("tags")
    if isinstance(value, str) and "," not in value:
        value = value.split()
    return [*_flat(meta, "tags", value), *_flat(meta, "tag", meta.get("tag"))]


def _flat(meta: dict[str, Any], key: str, value: Any) -> list[str]:
    """The texts of a list of lists, or of a string with commas; takes the key when nothing else is in it."""
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    flat = [inner for item in items for inner in (item if isinstance(item, list) else [item])]
    names = [text(item) for item in flat]
    if key in meta and all(
        name is not None or item in (None, "") for name, item in zip(names, flat, strict=True)
    ):
        del meta[key]
    return [name.strip() for name in names if name]


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _hash(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).hexdigest()
