"""How a reading, or the error that it ended with, comes back from a worker: as plain data, then checked.

A worker may have been taken over by a document, through a mistake in a library written in C. Of the documents
that it is given it can then say what it likes, until it is replaced; but it says that as bounded data of the
right types and for the right source, never as anything that runs in the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, get_origin, get_type_hints

from aggregator.errors import ReadError
from aggregator.model.article import Article
from aggregator.model.packed import Unreadable, pack, unpack
from aggregator.model.reading import Reading
from aggregator.model.wire import Format, converted, is_plain, plain
from aggregator.reading.context import Context

__all__ = [
    "ANSWERS",
    "Answer",
    "Failure",
    "PackedArticle",
    "answer_of",
    "error_of",
    "failure_of",
    "reading_of",
]

MAX_TEXT_CHARS = 4_000
"""Of each text of an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A ReadError as plain data.

    `kind` is its class by module and name, `label` its class's; `advice` None where it is its class's.
    `fields` are the attributes that its class annotates, such as `feeds` of NotAFeed.
    """

    kind: str
    label: str
    reason: str
    url: str = ""
    advice: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedArticle:
    """An article as it is stored: `text` is what `model.packed.pack` writes. Its source is not sent."""

    id: str
    published: datetime | None
    updated: datetime | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a worker answers: a reading, whose articles are sent packed, or a failure."""

    reading: Reading | None = None
    articles: tuple[PackedArticle, ...] = ()
    failure: Failure | None = None


ANSWERS = Format(Answer)


def answer_of(reading: Reading) -> Answer:
    """A reading as it is sent."""
    document = reading.document
    articles = [
        PackedArticle(id=each.id, published=each.published, updated=each.updated, text=pack(each))
        for each in document.articles
    ]
    bare = replace(reading, document=replace(document, articles=()))
    return Answer(reading=bare, articles=tuple(articles))


def failure_of(error: ReadError) -> Failure:
    """An error as plain data; an attribute that is none, or not annotated, stays behind."""
    kind = type(error)
    fields = {}
    for name, of in _annotated(kind).items():
        if hasattr(error, name):
            try:
                fields[name] = plain(getattr(error, name), of)
            except ValueError:
                continue
    return Failure(
        kind=_name(kind),
        label=error.label,
        reason=str(getattr(error, "reason", error))[:MAX_TEXT_CHARS],
        url=str(getattr(error, "url", ""))[:MAX_TEXT_CHARS],
        advice=error.advice if "advice" in vars(error) else None,
        fields=fields,
    )


def error_of(failure: Failure) -> ReadError:
    """The error again, of the same class where this process knows it; else a ReadError with its label.

    Raises ValueError when a field is not of the type that its class annotates.
    """
    kind = next((kind for kind in _kinds() if _name(kind) == failure.kind), ReadError)
    error = kind.__new__(kind, failure.reason)  # not called: its parameters are not known here
    ReadError.__init__(
        error,
        failure.reason[:MAX_TEXT_CHARS],
        url=failure.url[:MAX_TEXT_CHARS],
        advice=None if failure.advice is None else failure.advice[:MAX_TEXT_CHARS],
    )
    if _name(kind) != failure.kind:
        error.__dict__["label"] = failure.label[:30]
    for name, of in _annotated(kind).items():
        if name in failure.fields:
            setattr(error, name, converted(failure.fields[name], of))
    return error


def reading_of(answer: Answer, context: Context) -> Reading:
    """The reading that a worker answered, with the articles packed as well, ready to be stored.

    Raises the ReadError that it answered instead, and ValueError where the answer cannot be one to reading a
    document for this source.
    """
    if answer.failure is not None:
        raise error_of(answer.failure)
    if answer.reading is None:
        raise ValueError("it is empty")
    document, count = answer.reading.document, len(answer.articles)
    if (document.source, document.kind) != (context.source, context.kind):
        raise ValueError("it is of another source")
    if document.articles or answer.reading.packed:
        raise ValueError("it has articles in two places")
    if answer.reading.fingerprints and len(answer.reading.fingerprints) != count:
        raise ValueError("it has not one fingerprint an article")
    if len(answer.reading.content_hashes) not in (0, count):
        raise ValueError("it has not one content hash an article")
    articles = tuple([_article(each, context.source) for each in answer.articles])
    packed = tuple([each.text for each in answer.articles])
    return replace(answer.reading, document=replace(document, articles=articles), packed=packed)


def _article(sent: PackedArticle, source: str) -> Article:
    dates = {"published": sent.published, "updated": sent.updated}
    try:
        article = unpack(sent.text, source=source, id=sent.id, **dates)
    except Unreadable as error:
        raise ValueError(f"it has no article: {error}"[:300]) from error
    for moment in (article.published, article.updated, article.origin.updated):
        if moment is not None and moment.tzinfo is not UTC:
            raise ValueError("it has a date that is not in UTC")
    extras = [extra for extra in (article.extra, article.origin.extra) if extra]
    if not article.id or not all(map(is_plain, extras)):
        raise ValueError("it has an article without an id, or with extra values that are not JSON-like")
    return article


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _kinds(kind: type[ReadError] = ReadError) -> Iterator[type[ReadError]]:
    """Those that are imported here: nothing is imported because a worker says so."""
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _annotated(kind: type[ReadError]) -> dict[str, Any]:
    """The fields that a kind of error has besides those of every error, and their types."""
    try:
        hints = get_type_hints(kind)
    except NameError:  # annotated with a name that only type checkers import
        return {}
    return {
        name: of
        for name, of in hints.items()
        if of is not ClassVar and get_origin(of) is not ClassVar and name != "advice"
    }
