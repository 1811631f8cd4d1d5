"""Kind `json`: the response of an API, by JMESPath expressions (jmespath.org)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, Field, PositiveInt

from aggregator.adapters import json_text
from aggregator.adapters.feed.strict import MAX_ENTRIES, bound
from aggregator.adapters.kinds import Kind
from aggregator.errors import ReadError
from aggregator.model.article import Finding, Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Media, Person, Text
from aggregator.model.resource import Resource
from aggregator.model.settings import Settings
from aggregator.normalise.dates import first as first_date
from aggregator.normalise.dates import parse as parse_date
from aggregator.normalise.links import FETCHED, resolve
from aggregator.normalise.xml_characters import legal

MAX_LOOKED_AT = 10_000
_MAX_NAMES, _MAX_NAME, _MAX_EXAMPLE = 20, 40, 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"-?\d{9,10}(?:\.\d+)?|\d{13}")


def _expression(text: str) -> str:
    try:
        _compiled(text)
    except JMESPathError as error:
        reason = " ".join(str(error).split()).partition(": ")[2].rstrip(".")
        raise ValueError(f"write a JMESPath expression ({reason[:120]})") from error
    return text


@lru_cache(maxsize=1_000)
def _compiled(text: str) -> Any:
    return jmespath.compile(text)


Expression = Annotated[str, AfterValidator(_expression)]


class JsonOptions(Settings):
    """JMESPath expressions for each field; None is guessed from the names that APIs commonly use.

    `items` is the list, `feed_title` and `next` (the address of the next page) are evaluated on the whole
    response; the others on one item. `text` is the type of `content` and `summary`. At most `pages` pages are
    read.
    """

    items: Expression | None = None
    id: Expression | None = None
    link: Expression | None = None
    title: Expression | None = None
    date: Expression | None = None
    updated: Expression | None = None
    summary: Expression | None = None
    content: Expression | None = None
    image: Expression | None = None
    author: Expression | None = None
    categories: Expression | None = None
    language: Expression | None = None
    enclosure: Expression | None = None
    feed_title: Expression | None = None
    next: Expression | None = None
    pages: Annotated[PositiveInt, Field(le=100)] = 1
    text: Literal["html", "text"] = "html"


_COMMON: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "ID", "guid", "uuid", "objectID", "key", "url", "link"),
    "link": ("url", "link", "html_url", "permalink", "web_url", "canonical_url", "href", "story_url", "uri"),
    "title": ("title", "name", "headline", "subject", "post_title", "title.rendered", "story_title"),
    "date": (
        *("published_at", "publishedAt", "date_published", "published", "pubDate", "created_at", "createdAt"),
        *("created_utc", "post_date", "date", "time", "timestamp", "created"),
    ),
    "updated": ("updated_at", "updatedAt", "date_modified", "modified", "updated", "post_modified"),
    "content": (
        *("content_html", "body_html", "content.rendered", "content", "body", "html", "selftext_html"),
        *("full_text", "story_text", "comment_text", "post_content", "text"),
    ),
    "summary": ("summary", "description", "excerpt.rendered", "excerpt", "abstract"),
    "image": ("image", "image_url", "urlToImage", "thumbnail_url", "cover_image", "thumbnail"),
    "author": ("author.name", "author.login", "author", "user.name", "user.login", "user", "by", "creator"),
    "categories": ("tags", "categories", "labels[].name", "tag_list"),
}
"""The names to look for of each field, the most probable first; `id` falls back to the address."""


_FIELDS = (*_COMMON, "language", "enclosure")


def read(resource: Resource, options: JsonOptions) -> Feed:
    """The entries of an API's response. Raises ReadError if it is not JSON, or has no list of items."""
    data, problems = json_text.load(resource.body, resource.content_type)
    feed = Feed(version="json", problems=problems)
    items, where = _items(data, options)
    chosen, guessed = _expressions(items, options)
    if guessed or options.items is None:
        shown = {"items": where, **guessed} if options.items is None else guessed
        written = ", ".join(f"{name} = {expression!r}" for name, expression in shown.items())
        feed.problems.append(Problem(text=f"options were guessed: {written}"))
        feed.findings = [_finding(name, expression, items) for name, expression in shown.items()]
    feed.info = FeedInfo(title=Text(_text(_find(data, options.feed_title)), "text"))
    other_dates = _other_dates(guessed["date"]) if "date" in guessed else ()
    for number, item in enumerate(items[:MAX_ENTRIES], 1):
        entry = _entry(item, chosen, options)
        if other_dates and parse_date(entry.published) is None:
            found = (_date(_find(item, expression)) for expression in other_dates)
            entry.published = first_date(entry.published, *found)
        if entry.title is None and not entry.links and not entry.contents and entry.summary is None:
            problem = "it has no title, link or text by these expressions; it is left out"
            feed.problems.append(Problem(text=problem, where=f"item {number}"))
            continue
        feed.entries.append(entry)
        bound(entry, feed)
    if len(items) > MAX_ENTRIES:
        feed.problems.append(Problem(text=f"only the first {MAX_ENTRIES} entries are read"))
    following = _text(_find(data, options.next))
    if following and resource.number + 1 < options.pages:
        if url := resolve(following, resource.url, schemes=FETCHED):
            feed.more.append(url)
        else:
            feed.problems.append(
                Problem(text="the next page's address is invalid; it is not read", where=following[:200])
            )
    return feed


def _finding(name: str, expression: str, items: list[Any]) -> Finding:
    if name == "items":
        return Finding(name=name, selector=expression, count=len(items), of=len(items))
    values = [value for item in items if (value := _find(item, expression)) not in (None, "", [])]
    example = ", ".join(_texts(values[0]))[:_MAX_EXAMPLE] if values else ""
    return Finding(name=name, selector=expression, count=len(values), of=len(items), example=example)


def _names(answer: Mapping[str, Any]) -> str:
    names = [legal(name[:_MAX_NAME]) for name in islice(answer, _MAX_NAMES)]
    return f"there are {', '.join(names)}" if names else "it is empty"


def _items(data: Any, options: JsonOptions) -> tuple[list[Any], str]:
    """The list of items, and the expression that finds it."""
    if options.items is not None:
        found = _find(data, options.items)
        if not isinstance(found, list):
            there = _names(data) if isinstance(data, dict) else "it is a list"
            raise ReadError(f"items = {options.items!r} finds no list in the answer; {there}")
        return found, options.items
    lists = [(len(found), -len(where), where, found) for where, found in _lists(data)]
    if not lists:
        raise ReadError("the answer holds no list of objects; name it with the option items")
    _, _, where, found = max(lists, key=lambda each: each[:2])
    return found, where


def _lists(data: Any) -> Iterator[tuple[str, list[Any]]]:
    """Every list of objects, with an expression for it; not the lists inside such a list."""
    waiting: deque[tuple[str, Any]] = deque([("", data)])
    for _ in range(MAX_LOOKED_AT):
        if not waiting:
            return
        where, value = waiting.popleft()
        if isinstance(value, list):
            if any(isinstance(item, dict) for item in value):
                yield where or "@", value
        elif isinstance(value, dict):
            for key, inner in value.items():
                name = json_text.quoted(key)
                waiting.append((f"{where}.{name}" if where else name, inner))


def _expressions(items: list[Any], options: JsonOptions) -> tuple[dict[str, str], dict[str, str]]:
    """The expression of each field, and the ones that were guessed."""
    chosen = {name: given for name in _FIELDS if (given := getattr(options, name)) is not None}
    # All items may have a wrapper: `{"kind": "t3", "data": {…}}`.
    sample = [item for item in items[:20] if isinstance(item, dict)]
    guessed = {}
    for prefix in _wrappers(sample):
        for name, candidates in _COMMON.items():
            if name not in chosen and name not in guessed:
                found = next((p for c in candidates if _tells(sample, p := f"{prefix}{c}", name)), None)
                if found:
                    guessed[name] = found
    return {**guessed, **chosen}, guessed


def _wrappers(sample: list[dict[str, Any]]) -> list[str]:
    wrapped = [key for key, value in sample[0].items() if isinstance(value, dict)] if sample else []
    return ["", *(f"{json_text.quoted(key)}." for key in wrapped if all(key in item for item in sample))][:6]


def _tells(sample: list[dict[str, Any]], expression: str, name: str) -> bool:
    """Whether most of the items have a value of the right type there."""
    values = [_find(item, expression) for item in sample]
    if name == "categories":
        fitting = sum(isinstance(v, list) and all(isinstance(each, str) for each in v) for v in values)
    elif name in ("link", "image"):
        fitting = sum(isinstance(v, str) and v.startswith(("http://", "https://", "/")) for v in values)
    elif name in ("date", "updated"):
        fitting = sum(parse_date(_date(v)) is not None for v in values)
    else:
        fitting = sum(isinstance(v, str | int | float) and bool(str(v).strip()) for v in values)
    return fitting * 2 > len(values)


def _other_dates(expression: str) -> tuple[str, ...]:
    """Other fields to try if the guessed date of an item cannot be read."""
    wrapper, dot, _ = expression.rpartition(".")
    return tuple(f"{wrapper}{dot}{name}" for name in _COMMON["date"])


def _entry(item: Any, chosen: Mapping[str, str], options: JsonOptions) -> Entry:
    found = {name: _find(item, expression) for name, expression in chosen.items()}
    text = {name: _text(value) for name, value in found.items()}
    title, link = text.get("title"), text.get("link")
    summary, content = text.get("summary"), text.get("content")
    image, enclosure = text.get("image"), text.get("enclosure")
    return Entry(
        id=text.get("id") or None,
        title=Text(title) if title else None,
        links=[Link(link)] if link else [],
        published=_date(found.get("date")),
        updated=_date(found.get("updated")),
        authors=[Person(name) for name in _texts(found.get("author"))],
        categories=[Category(term) for term in _texts(found.get("categories"))],
        summary=Text(summary, "unknown" if options.text == "html" else "text") if summary else None,
        contents=[Text(content, options.text)] if content else [],
        thumbnails=[image] if image else [],
        media=[Media(url=enclosure, is_enclosure=True)] if enclosure else [],
        language=text.get("language") or None,
    )


def _find(data: Any, expression: str | None) -> Any:
    if expression is None:
        return None
    try:
        return _compiled(expression).search(data)
    except (JMESPathError, TypeError, RecursionError):  # a function applied to a value of another type
        return None


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for each in values if (text := _text(each))]


def _date(value: Any) -> str | None:
    """A date's text; a number is read as seconds or milliseconds since 1970."""
    text = _text(value)
    if not _SECONDS.fullmatch(text):
        return text or None
    seconds = float(text) / (1000 if len(text) == 13 else 1)
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


KIND = Kind(read=read, options=JsonOptions)
