"""The promises of every kind of source, as checks that a package with its own kind can run in its tests.

from aggregator.adapters import testing
from my_package import KIND

def test_it_keeps_the_contract() -> None:
    sample = testing.Resource(url="https://example.org/list", body=Path("list.txt").read_bytes())
    assert testing.broken_promises(KIND, [sample], options={"depth": 2}) == []
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from aggregator.adapters.kinds import Kind
from aggregator.errors import ReadError
from aggregator.model.entry import ArticleDocument, Entry, Feed, SubscriptionList
from aggregator.model.reading import Reading
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.model.wire import Format, dumps
from aggregator.model.wrong_values import UNKNOWN_KEY
from aggregator.normalise import entries as normalising

__all__ = ["Resource", "broken_promises"]

MUTATIONS = 50
_STRANGE: Mapping[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t",
    "NULs": b"\0" * 1_000,
    "no text": bytes(range(256)) * 8,
    "lone surrogates": "\ud800".encode("utf-8", "surrogatepass") * 10,
    "UTF-16": "<a>text</a>".encode("utf-16"),
    "a web page": b"<!doctype html><html><body><p>Hello</p></body></html>",
    "nested elements": b"<a>" * 50_000,
    "nested lists": b"[" * 50_000,
    "an entity bomb": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
    "one long line": b"x" * 500_000,
}


def broken_promises(
    kind: Kind, samples: Sequence[Resource], options: Mapping[str, Any] | None = None
) -> list[str]:
    """The promises that the kind breaks, each as one line; empty if it keeps them all.

    `samples` are documents that it must read, the first pages of lists; `options` as the config has them. It
    is checked that the kind

    - returns a `Feed` with entries or further documents, or an `ArticleDocument`, for each sample;
    - is pure: the same result twice, plain data that can be sent to another process, and no connection
      opened;
    - raises ReadError and its kinds, nothing else, whatever the bytes are;
    - names further documents by absolute addresses, and a finite number of them;
    - has options that refuse unknown keys;
    - returns entries that become articles with different ids.
    """
    found = [*_of_options(kind)]
    try:
        parsed = kind.parse(options or {})
    except ValueError as error:
        return [*found, f"its options refuse {dict(options or {})!r}: {error}"]
    with _no_network():
        for sample in samples:
            where = sample.name or sample.url
            found += (f"{where}: {fault}" for fault in _of_sample(kind, sample, parsed))
            found += (f"{where}: {fault}" for fault in _of_mutations(kind, sample, parsed))
        for name, body in _STRANGE.items():
            resource = Resource(url="https://contract.example/", body=body)
            found += (f"given {name}: {fault}" for fault in _of_error(lambda: kind.read(resource, parsed)))  # noqa: B023
    return found


def _of_options(kind: Kind) -> Iterator[str]:
    if kind.options is None:
        return
    try:
        kind.options.model_validate({"no such option": 1})
    except ValidationError as error:
        if any(e["type"] == UNKNOWN_KEY for e in error.errors()):
            return
    yield "its options accept an unknown key: derive them from aggregator.model.settings.Settings"


def _of_sample(kind: Kind, sample: Resource, options: BaseModel | None) -> Iterator[str]:
    try:
        first, second = kind.read(sample, options), kind.read(sample, options)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        yield f"it is not read: {error!r}"
        return
    if not isinstance(first, Feed | ArticleDocument | SubscriptionList):
        yield f"it gives a {type(first).__name__}, not a Feed, ArticleDocument or SubscriptionList"  # type: ignore[unreachable]
        return
    if first != second:
        yield "reading it twice gives two results"
    if not isinstance(first, Feed):
        return
    if not first.entries and not first.more:
        yield "it gives neither entries nor further documents"
    for url in first.more:
        if not urlsplit(url).scheme:
            yield f"{url!r} in Feed.more is not absolute"
    last = kind.read(replace(sample, number=1_000, depth=1_000), options)
    if isinstance(last, Feed) and last.more:
        yield "it names further documents without end: limit them by the resource's number"
    made = normalising.articles(first, source="contract", url=sample.url)
    if Format(Reading).loads(dumps(made)) != made:
        yield "its result cannot be sent to another process: its values are not plain data"
    ids = [article.id for article in made.document.articles]
    if len(ids) != len(set(ids)):
        yield "its entries become articles of equal ids"
    if empty := sum(_is_empty(entry) for entry in first.entries):
        yield f"{empty} of its entries have neither id nor link nor text"


def _is_empty(entry: Entry) -> bool:
    return not (entry.id or entry.links or entry.title or entry.contents or entry.summary)


def _of_mutations(kind: Kind, sample: Resource, options: BaseModel | None) -> Iterator[str]:
    chance = random.Random(0)  # noqa: S311 - the same every time
    for number in range(MUTATIONS):
        body = bytearray(sample.body)
        for _ in range(chance.randint(1, 8)):
            if body:
                body[chance.randrange(len(body))] = chance.randrange(256)
        cut = chance.randrange(len(body) + 1) if number % 2 else len(body)
        resource = replace(sample, body=bytes(body[:cut]))
        for fault in _of_error(lambda: kind.read(resource, options)):  # noqa: B023
            yield f"mutation {number}: {fault}"


def _of_error(read: Callable[[], object]) -> Iterator[str]:
    try:
        read()
    except ReadError:
        return
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        yield f"it raises {error!r}, which is not a ReadError"


@contextmanager
def _no_network() -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise AssertionError("a kind opens no connection: name what it needs in Feed.more")

    before = socket.socket.connect
    socket.socket.connect = refuse  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.socket.connect = before  # type: ignore[method-assign]
