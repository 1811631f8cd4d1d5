"""Article <-> the JSON text in which the store keeps it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from aggregator.model.article import Article, Enclosure, Origin

__all__ = ["Unreadable", "encodable", "pack", "pack_utf8", "title_and_link", "unpack"]

_COLUMNS = frozenset(("source", "id", "published", "updated"))
_NAMES = tuple(n for n in Article.__struct_fields__ if n not in _COLUMNS and n != "origin")
_ORIGIN = Origin.__struct_fields__
_MAX_INTEGER = 2**63
_DATE, _MICROSECONDS = "$date", "$microseconds"
_MARKS = (f'{{"{_DATE}":'.encode(), f'{{"{_MICROSECONDS}":'.encode())

# AttributeError: a list or a number instead of an article.
_UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)
_TEXT = (str, bytes)
_MAX_SHARED_BYTES = 2_048
_NO_ORIGIN = msgspec.Raw(b"{}")

_encode = msgspec.json.Encoder().encode


class Unreadable(ValueError):
    """The text cannot come from `pack`."""


def encodable(text: str) -> str:
    """`text` with "?" in place of lone surrogates, which no database, file name or mail can contain."""
    return text.encode("utf-8", "replace").decode()


class _Packed(msgspec.Struct, omit_defaults=True, gc=False):
    title: str = ""
    link: str | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    headimg: str | None = None
    summary: str = ""
    content: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    extra: Mapping[str, Any] = msgspec.field(default_factory=dict)
    origin: msgspec.Raw = _NO_ORIGIN


class _Glimpse(msgspec.Struct, gc=False):
    title: str = ""
    link: str | None = None


_decode = msgspec.json.Decoder(_Packed).decode
_decode_origin = msgspec.json.Decoder(Origin).decode
_glimpse = msgspec.json.Decoder(_Glimpse).decode


def pack(article: Article) -> str:
    """An article as JSON without its source, id and dates; fields with default values are left out."""
    return pack_utf8(article).decode()


def pack_utf8(article: Article) -> bytes:
    """Returns what `pack` returns, in UTF-8."""
    if _is_json(article.extra):
        try:
            # A third of the time of a mapping with the same keys.
            return _encode(
                _Packed(
                    article.title,
                    article.link or None,
                    article.authors,
                    article.categories,
                    article.tags,
                    article.headimg or None,
                    article.summary,
                    article.content,
                    article.enclosures,
                    article.extra,
                    _encoded_origin(article.origin),
                )
            )
        except (OverflowError, UnicodeEncodeError):
            pass
    # msgspec refuses lone surrogates, and writes NaN as null.
    kept: dict[str, Any] = {name: value for name in _NAMES if (value := getattr(article, name))}
    if origin := _facts_of(article.origin):
        kept["origin"] = origin
    if article.extra:
        kept["extra"] = _marked(article.extra)
    return json.dumps(msgspec.to_builtins(kept), separators=(",", ":")).encode()


def unpack(
    text: str | bytes,
    *,
    source: str,
    id: str,  # noqa: A002 - the field's own name
    published: datetime | None,
    updated: datetime | None,
) -> Article:
    """The article that `pack` wrote, with these values for the other fields; `text` may be in UTF-8. Raises
    Unreadable.

    Categories, which are names of feeds, are `encodable`.
    """
    if not (isinstance(source, str) and isinstance(id, str) and isinstance(text, _TEXT)):
        raise Unreadable("no text")
    try:
        # From bytes, msgspec takes two thirds of the time, and a search a tenth.
        data = text if isinstance(text, bytes) else text.encode()
        try:
            kept = _decode(data)
            origin = _origin_of(bytes(kept.origin))
        except msgspec.DecodeError:
            whole = json.loads(data.decode())
            origin = msgspec.convert(whole.pop("origin", {}), Origin)
            kept = msgspec.convert(whole, _Packed)
            kept.categories = tuple(map(encodable, kept.categories))
        extra = kept.extra
        if extra and any(mark in data for mark in _MARKS):
            extra = _unmarked(extra)
        return Article(
            source=source,
            id=id,
            title=kept.title,
            link=kept.link,
            published=published,
            updated=updated,
            authors=kept.authors,
            categories=kept.categories,
            tags=kept.tags,
            headimg=kept.headimg,
            summary=kept.summary,
            content=kept.content,
            enclosures=kept.enclosures,
            origin=origin,
            extra=extra,
        )
    except _UNREADABLE as error:
        raise Unreadable(str(error)) from error


def title_and_link(text: str) -> tuple[str, str | None]:
    """Only the title and the link of an article, in a tenth of the time. Raises Unreadable."""
    try:
        try:
            found = _glimpse(text)
        except msgspec.DecodeError:
            found = msgspec.convert(json.loads(text), _Glimpse)
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    return found.title, found.link


def _origin_of(data: bytes) -> Origin:
    # A feed's description of itself may be long: a long one is not cached.
    return _shared_origin(data) if len(data) <= _MAX_SHARED_BYTES else _decode_origin(data)


# The entries of a feed come from the same one, and share it; sorted by date, those of many feeds alternate.
@lru_cache(maxsize=4_096)
def _shared_origin(data: bytes) -> Origin:
    return _decode_origin(data)


@lru_cache(maxsize=256)  # the entries of a feed come from the same one
def _encoded_origin(origin: Origin) -> msgspec.Raw:
    facts = _facts_of(origin)
    return msgspec.Raw(_encode(facts)) if facts else _NO_ORIGIN


def _facts_of(origin: Origin) -> Mapping[str, Any]:
    return {name: value for name in _ORIGIN if (value := getattr(origin, name))}


def _is_json(extra: Mapping[str, Any]) -> bool:
    """Whether a value is unchanged after writing and reading JSON."""
    level: list[object] = [*extra.values()]
    while level:
        below: list[object] = []
        for each in level:
            if each is None or type(each) is str or type(each) is bool:
                continue
            if isinstance(each, Mapping):
                below += each.values()
            elif isinstance(each, list | tuple):
                below += each
            elif type(each) is float:
                if not math.isfinite(each):
                    return False
            elif type(each) is not int or not -_MAX_INTEGER <= each < _MAX_INTEGER:
                return False
        level = below
    return True


def _marked(value: object) -> object:
    if isinstance(value, datetime):
        return {_DATE: value.astimezone(UTC).isoformat()}
    if isinstance(value, timedelta):
        return {_MICROSECONDS: value // timedelta(microseconds=1)}
    if isinstance(value, Mapping):
        return {key: _marked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(each) for each in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"an article cannot keep a {type(value).__name__}")


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(each) for each in value]
    if not isinstance(value, dict):
        return value
    try:
        if len(value) == 1 and isinstance(date := value.get(_DATE), str):
            return datetime.fromisoformat(date)
        if len(value) == 1 and isinstance(count := value.get(_MICROSECONDS), int):
            return timedelta(microseconds=count)
    except (ValueError, OverflowError):
        return value  # front matter of others may have such a key too
    return {key: _unmarked(each) for key, each in value.items()}
