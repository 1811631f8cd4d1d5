"""JSON Feed 1.1 for `conformance`: its specification as a JSON Schema, and what a schema cannot say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.conformance.values import LANGUAGE, MEDIA_TYPE, address, repeats, rfc3339_text

_TEXT = {"type": "string"}
_SAID = {"type": "string", "pattern": r"\S"}
_URL = {"type": "string", "format": "url"}
_LANGUAGE = {"type": "string", "format": "language"}
_DATE = {"type": "string", "format": "date"}
_NUMBER = {"type": "number", "minimum": 0}


def _object(required: tuple[str, ...] = (), **members: object) -> dict[str, object]:
    """An object of known members; others are extensions: an underscore, a letter, no dot, and an object."""
    return {
        "type": "object",
        "properties": members,
        "required": [*required],
        "patternProperties": {r"^_[A-Za-z][^.]*$": {"type": "object"}},
        "additionalProperties": False,
    }


_AUTHORS = {
    "type": "array",
    "minItems": 1,
    "items": {
        **_object(name=_SAID, url=_URL, avatar=_URL),
        "anyOf": [{"required": [member]} for member in ("name", "url", "avatar")],
    },
}
_ATTACHMENT = _object(
    ("url", "mime_type"),
    url=_URL,
    mime_type={"type": "string", "format": "media type"},
    title=_SAID,
    size_in_bytes={**_NUMBER, "type": "integer"},
    duration_in_seconds=_NUMBER,
)
_ITEM = {
    **_object(
        ("id",),
        id={"type": "string", "pattern": r"^\S(.*\S)?$"},
        **dict.fromkeys(("url", "external_url", "image", "banner_image"), _URL),
        **dict.fromkeys(("title", "content_html", "content_text", "summary"), _TEXT),
        date_published=_DATE,
        date_modified=_DATE,
        authors=_AUTHORS,
        tags={"type": "array", "items": _SAID, "uniqueItems": True},
        language=_LANGUAGE,
        attachments={"type": "array", "items": _ATTACHMENT},
    ),
    "anyOf": [{"required": ["content_html"]}, {"required": ["content_text"]}],
}
# `author` is what 1.0 had for `authors`: 1.1 deprecates it, and this project writes it nowhere.
_FEED = _object(
    ("version", "title", "items"),
    version={"const": "https://jsonfeed.org/version/1.1"},
    title=_SAID,
    **dict.fromkeys(("home_page_url", "feed_url", "icon", "favicon"), _URL),
    **dict.fromkeys(("description", "user_comment"), _TEXT),
    # Relative where a feed has no public address: files in a folder.
    next_url={"type": "string", "format": "reference"},
    authors=_AUTHORS,
    language=_LANGUAGE,
    expired={"type": "boolean"},
    hubs={"type": "array", "items": _object(("type", "url"), type=_SAID, url=_URL)},
    items={"type": "array", "items": _ITEM},
)

_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("url")
def _is_url(value: object) -> bool:
    return not isinstance(value, str) or not list(address(value, "", ""))


@_FORMATS.checks("reference")
def _is_reference(value: object) -> bool:
    # RFC 3986 §5.2.4: an absolute address is one too
    return not isinstance(value, str) or (
        bool(value) and not list(address(value if ":" in value else f"https://a.example/{value}", "", ""))
    )


@_FORMATS.checks("language")
def _is_language(value: object) -> bool:
    return not isinstance(value, str) or LANGUAGE.fullmatch(value) is not None


@_FORMATS.checks("media type")
def _is_media_type(value: object) -> bool:
    return not isinstance(value, str) or MEDIA_TYPE.fullmatch(value) is not None


@_FORMATS.checks("date")
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or not list(rfc3339_text(value, ""))


Draft202012Validator.check_schema(_FEED)
_VALIDATOR = Draft202012Validator(_FEED, format_checker=_FORMATS)
_SOUND: set[int] = set()  # hashes of items that were: one article stands in several feeds and archives


def check_json_feed(body: bytes, *, self_link: bool = False) -> list[str]:
    """The violations of JSON Feed 1.1; `self_link`: a feed_url must be there."""
    try:
        feed = json.loads(body.decode("utf-8"), object_pairs_hook=_object_once, parse_constant=_refused)
    except ValueError as error:
        return [f"document: {error}"]
    found = [] if _is_valid(feed) else [_told(error, feed) for error in _VALIDATOR.iter_errors(feed)]
    return found or list(_beyond(feed, self_link))


def _is_valid(feed: Any) -> bool:
    """Whether it is right by the schema; what was found to be an item is not looked at again."""
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        return False
    items = {hash(json.dumps(item)): item for item in feed["items"]}
    unseen = {key: item for key, item in items.items() if key not in _SOUND}
    if not _VALIDATOR.is_valid({**feed, "items": [*unseen.values()]}):
        return False
    _SOUND.update(unseen)
    return True


def _beyond(feed: dict[str, Any], self_link: bool) -> Iterator[str]:
    """Returns what holds between members of a document that is right by the schema."""
    if next(iter(feed)) != "version":
        yield "feed: version does not come first"
    if self_link and "feed_url" not in feed:
        yield "feed: no feed_url"
    if "feed_url" in feed and feed["feed_url"] == feed.get("next_url"):
        yield "feed: next_url is the feed_url"
    if feed.get("hubs") and "feed_url" not in feed:
        yield "feed: a hub, and no feed_url to subscribe to"
    yield from repeats([item["id"] for item in feed["items"]])
    for item in feed["items"]:
        if item.get("external_url", "") == item.get("url"):
            yield f"item {item['id']!r}: external_url is the url"


def _told(error: Any, feed: Any) -> str:
    where = [*error.absolute_path]
    name = "feed"
    if where[:1] == ["items"] and len(where) > 1:
        item = feed["items"][where[1]]
        name = f"item {where[1] + 1} {item.get('id')!r}" if isinstance(item, dict) else f"item {where[1] + 1}"
        where = where[2:]
    return f"{' '.join([name, *map(str, where)])}: {error.message}"


def _object_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, number in Counter(name for name, _ in members).items():
        if number > 1:
            raise ValueError(f"{name!r} {number} times in one object")
    return dict(members)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
