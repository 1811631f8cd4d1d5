"""The contract of kinds: ours keep it, and each way to break it is reported."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from aggregator.adapters import kinds
from aggregator.adapters import testing as contract
from aggregator.adapters.kinds import Kind
from aggregator.errors import ReadError
from aggregator.model.entry import Entry, Feed, Link, Text
from aggregator.model.resource import Resource
from aggregator.model.settings import Settings
from aggregator.model.struct import replace
from tests.support.site import feed

SAMPLES: Mapping[str, tuple[bytes, dict[str, Any]]] = {
    "article-page": (b"<h1>Tea</h1><article><p>Hot.</p></article>", {"content": "article"}),
    "articles": (b"---\ntitle: Tea\n---\n<p>Hot.</p>\n", {}),
    "feed": (feed("tea", 1, 2), {}),
    "json": (b'{"items": [{"title": "Tea", "url": "https://tea.example/1"}]}', {"items": "items"}),
    "opml": (b'<opml><body><outline text="Tea" xmlUrl="https://tea.example/"/></body></opml>', {}),
    "page": (b"<ul><li class=post><a href=/1>Tea</a></ul>", {"item": "li", "title": "a", "link": "a"}),
    "sitemap": (b"<urlset><url><loc>https://tea.example/1</loc></url></urlset>", {}),
}


def sample(body: bytes = b"tea\ncake") -> Resource:
    """A document at an address."""
    return Resource(url="https://tea.example/list", body=body)


@pytest.mark.parametrize("name", SAMPLES)
def test_our_kinds_keep_the_contract(name: str) -> None:
    """What we ask of others."""
    body, options = SAMPLES[name]
    assert contract.broken_promises(kinds.named(name), [sample(body)], options) == []


def _sound(resource: Resource, _: object) -> Feed:
    """One entry a line."""
    try:
        lines = resource.body.decode().split()
    except UnicodeDecodeError as error:
        raise ReadError("it is no UTF-8") from error
    return Feed(entries=[Entry(title=Text(line, "text"), links=[Link(f"/{line}")]) for line in lines])


def _more(*urls: str) -> Callable[[Resource, object], Feed]:
    return lambda resource, options: Feed(entries=_sound(resource, options).entries, more=[*urls])


def _connecting(resource: Resource, options: object) -> Feed:
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))
    return _sound(resource, options)


class Lax(BaseModel):
    """Takes any key."""


class Strict(Settings):
    """Has to be given one."""

    depth: int


def test_a_correct_kind_breaks_no_promise() -> None:
    """What the others below differ from."""
    assert contract.broken_promises(Kind(read=_sound), [sample()]) == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Kind(read=lambda r, o: Feed()), "neither entries nor further documents"),
        (Kind(read=lambda r, o: 5), "not a Feed, ArticleDocument"),  # type: ignore[arg-type,return-value]
        (Kind(read=lambda r, o: Feed(entries=[Entry(id=str(datetime.now(UTC)))])), "two results"),
        (Kind(read=lambda r, o: Feed(entries=[Entry(), Entry(id="1")])), "neither id nor link nor text"),
        (
            Kind(read=lambda r, o: _sound(replace(r, body=r.body.decode().encode()), o)),
            "UnicodeDecodeError",
        ),
        (Kind(read=_more("/next")), "is not absolute"),
        (Kind(read=_more("https://tea.example/next")), "without end"),
        (Kind(read=_connecting), "opens no connection"),
        (Kind(read=_sound, options=Lax), "accept an unknown key"),
        (Kind(read=_sound, options=Strict), "its options refuse {}"),
    ],
    ids=[
        "empty",
        "no feed",
        "a clock",
        "an entry of nothing",
        "another error",
        "a relative address",
        "endless",
        "a connection",
        "lax options",
        "missing options",
    ],
)
def test_a_kind_that_breaks_it_is_reported(kind: Kind, message: str) -> None:
    """One line for each promise."""
    assert any(message in line for line in contract.broken_promises(kind, [sample()]))
