"""An Article's own keys in front matter: `article` reads back exactly what `metadata` writes.

A file is ours when it holds both `guid` and `source`, which are always written: only then the keys mean
exactly this, and nothing is repaired or guessed. Other files are read by `others`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import format_datetime
from typing import Any

from aggregator.errors import WriteError
from aggregator.front_matter import generator_keys
from aggregator.front_matter.generator_keys import Flavour
from aggregator.front_matter.yaml_text import typed
from aggregator.model.article import Article, Enclosure, Origin, Problem
from aggregator.normalise import dates

OWN_KEYS = (
    *("title", "categories", "headimg", "author", "date", "thumbnail", "link", "guid", "source", "updated"),
    *("authors", "tags", "enclosures", "summary", "origin", "extra"),
)


# --- out


def metadata(article: Article, flavour: Flavour = "") -> dict[str, Any]:
    """The keys of an article's file, in the order they are written.

    `thumbnail` repeats the lead image, and a `flavour` adds what its generator wants. Extra keys are
    written at the top level as found; those that clash with a key of ours, or would control that generator,
    go under `extra`.
    """
    extra = dict(article.extra)
    clashing = {key: extra.pop(key) for key in OWN_KEYS if key in extra}
    updated = date_text(article.updated) if article.updated else None
    added = generator_keys.added(flavour, updated=updated, headimg=article.headimg)
    steering = [
        key for key in extra if flavour and isinstance(key, str) and key.lower() in generator_keys.STEERING
    ]
    repeated = generator_keys.repeated(extra, updated=updated, headimg=article.headimg)
    clashing |= {key: extra.pop(key) for key in dict.fromkeys([*added, *steering, *repeated]) if key in extra}
    first = article.authors[0] if article.authors else None
    keys: dict[str, Any] = {
        "title": article.title,
        "categories": list(article.categories),
        "headimg": article.headimg,
        "author": first,
    }
    if "comments" in extra:
        keys["comments"] = _Kept(extra.pop("comments"))
    keys["date"] = article.published and date_text(article.published)
    if (
        "thumbnail" in clashing
        and isinstance(found := clashing["thumbnail"], str)
        and found != article.headimg
    ):
        keys["thumbnail"] = _Kept(clashing.pop("thumbnail"))
    else:
        keys["thumbnail"] = article.headimg
    keys |= {
        "link": article.link,
        "guid": _Kept(article.id),
        "source": _Kept(article.source),
        "updated": updated,
        **added,
        "authors": list(article.authors) if len(article.authors) > 1 or first == "" else None,
        "tags": list(article.tags),
        "enclosures": [_enclosure_keys(enclosure) for enclosure in article.enclosures],
        "summary": article.summary or None,
        "origin": _origin_keys(article.origin),
        "extra": clashing,
    }
    written = {
        key: value.value if isinstance(value, _Kept) else value
        for key, value in keys.items()
        if key == "title" or (value is not None and value != [] and value != {})
    }
    for key, value in extra.items():
        if not isinstance(key, str):
            raise WriteError(f"front matter cannot hold the extra key {key!r}: make it text")
        written[key] = value
    return written


class _Kept:
    """A value that is written even when it is empty."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Date(str):
    """The text of a date, which needs no quotes."""

    __slots__ = ()


def date_text(when: datetime) -> Date:
    """RFC 1123 text where it is exact (whole seconds, four-digit year), else ISO 8601; always UTC."""
    if when.utcoffset() is None:
        raise WriteError("front matter cannot hold a date without a zone: make it UTC")
    when = when.astimezone(UTC)
    if when.microsecond or when.year < 1000:
        return Date(when.isoformat())
    return Date(format_datetime(when, usegmt=True))


def _enclosure_keys(enclosure: Enclosure) -> dict[str, Any]:
    keys = {
        "url": enclosure.url,
        "type": enclosure.type,
        "length": enclosure.length,
        "title": enclosure.title,
    }
    found = {key: value for key, value in keys.items() if value is not None}
    if enclosure.duration is not None:
        # Seconds; a fraction is text, since a float would round it.
        micros = enclosure.duration // timedelta(microseconds=1)
        whole, rest = divmod(micros, 1_000_000)
        found["duration"] = str(Decimal(micros).scaleb(-6)) if rest else whole
    return found


def _origin_keys(origin: Origin) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value
        for name in ("id", "title", "link", "self_link", "language", "rights")
        if (value := getattr(origin, name)) is not None and (value != "" or name != "title")
    }
    if origin.names_itself:
        found["names_itself"] = True
    if origin.updated is not None:
        found["updated"] = str(date_text(origin.updated))
    if origin.extra:
        found["extra"] = dict(origin.extra)
    return found


# --- in


def is_ours(meta: dict[str, Any]) -> bool:
    """Whether `metadata` wrote these keys."""
    return "source" in meta and bool(text(meta.get("guid")))


def article(meta: dict[str, Any], body: str, problems: list[Problem]) -> Article:
    """The article of a file that we wrote; a value that a later edit broke is left out with a Problem."""
    known = set(OWN_KEYS)
    headimg, updated = text(meta.get("headimg")), text(meta.get("updated"))
    extra = {key: typed(value) for key, value in meta.items() if key not in known}
    for key in generator_keys.repeated(extra, updated=updated, headimg=headimg):
        del extra[key]
    thumbnail = meta.get("thumbnail")
    if thumbnail is not None and text(thumbnail) != headimg:
        extra["thumbnail"] = typed(thumbnail)
    if isinstance(nested := meta.get("extra"), dict):
        extra |= typed(nested)
    authors = _texts(meta.get("authors"))
    if not authors and (author := text(meta.get("author"))):
        authors = (author,)
    origin = meta.get("origin")
    return Article(
        source=text(meta["source"]) or "",
        id=text(meta["guid"]) or "",
        title=text(meta.get("title")) or "",
        link=text(meta.get("link")),
        published=_own_date(meta, "date", problems),
        updated=_own_date(meta, "updated", problems),
        authors=authors,
        categories=_texts(meta.get("categories")),
        tags=_texts(meta.get("tags")),
        headimg=headimg,
        summary=text(meta.get("summary")) or "",
        content=body,
        enclosures=enclosures(meta.get("enclosures"), problems),
        origin=_origin(origin, problems) if isinstance(origin, dict) else Origin(),
        extra=extra,
    )


def text(value: Any) -> str | None:
    """A scalar as it was written; None for none, lists and mappings."""
    if isinstance(value, str):
        # An empty plain scalar is YAML's null; a quoted one is text.
        return str(value) if value or type(value) is str else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple([found for item in items if (found := text(item)) is not None])


def _own_date(meta: dict[str, Any], key: str, problems: list[Problem]) -> datetime | None:
    if (written := text(meta.get(key))) is None:
        return None
    when = date(written)
    if when is None:
        problems.append(Problem(text=f"{key} is not a date: {written[:60]}"))
    return when


def enclosures(value: Any, problems: list[Problem]) -> tuple[Enclosure, ...]:
    """Media files, each a table of its facts or an address; adds what is wrong with one to `problems`."""
    found = []
    for item in value if isinstance(value, list) else [value] if value else []:
        keys = item if isinstance(item, dict) else {"url": item}
        target = text(keys.get("url"))
        if target is None:
            problems.append(Problem(text="an enclosure has no url: left out"))
            continue
        length = typed(keys.get("length"))
        seconds = text(keys.get("duration"))
        try:
            duration = None if seconds is None else timedelta(microseconds=int(Decimal(seconds).scaleb(6)))
        except (InvalidOperation, OverflowError, ValueError):
            problems.append(Problem(text=f"an enclosure's duration is not in seconds: {seconds}"[:100]))
            duration = None
        found.append(
            Enclosure(
                url=target,
                type=text(keys.get("type")),
                length=length if isinstance(length, int) and not isinstance(length, bool) else None,
                title=text(keys.get("title")),
                duration=duration,
            )
        )
    return tuple(found)


def _origin(keys: dict[str, Any], problems: list[Problem]) -> Origin:
    return Origin(
        id=text(keys.get("id")),
        title=text(keys.get("title")) or "",
        link=text(keys.get("link")),
        self_link=text(keys.get("self_link")),
        updated=_own_date(keys, "updated", problems),
        language=text(keys.get("language")),
        rights=text(keys.get("rights")),
        names_itself=keys.get("names_itself") is True,
        extra=typed(extra) if isinstance(extra := keys.get("extra"), dict) else {},
    )


def date(written: str) -> datetime | None:
    """A date in UTC, read as those of feeds are; None when it is none, or no day of the calendar."""
    return dates.exact(written.strip())
