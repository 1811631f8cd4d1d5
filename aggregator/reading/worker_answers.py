"""The answer of a worker process to its parent: a reading or an error, as plain data that is then checked.

A document may exploit a bug in a library written in C and so control the worker. Until that worker is
replaced, its answers may be false. They are still only data, of limited size, of the right types and for the
right source: nothing in them is executed in the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, get_origin, get_type_hints

from aggregator.errors import ReadError
from aggregator.model.article import Article
from aggregator.model.article_json import Unreadable, pack_utf8, unpack
from aggregator.model.reading import Reading
from aggregator.model.struct import Struct, field, replace
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
"""The longest text of an error that is sent; longer ones are cut."""


class Failure(Struct, frozen=True, kw_only=True):
    """A ReadError as plain data.

    `kind` is the module and name of its class, and `label` the label of that class. `advice` is None if it
    is that of the class. `fields` are the attributes that the class annotates, such as `feeds` of NotAFeed.
    """

    kind: str
    label: str
    reason: str
    url: str = ""
    advice: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class PackedArticle(Struct, frozen=True, kw_only=True):
    """An article as stored: `text` is what `model.article_json.pack_utf8` returns. Its source is not sent."""

    id: str
    published: datetime | None
    updated: datetime | None
    text: bytes


class Answer(Struct, frozen=True, kw_only=True):
    """The answer of a worker: either `reading`, with its articles in `articles`, or `failure`."""

    reading: Reading | None = None
    articles: tuple[PackedArticle, ...] = ()
    failure: Failure | None = None


ANSWERS = Format(Answer)


def answer_of(reading: Reading) -> Answer:
    """Converts a reading to the form in which a worker sends it."""
    document = reading.document
    if not document.articles:
        return Answer(reading=reading)
    articles = [
        PackedArticle(id=each.id, published=each.published, updated=each.updated, text=pack_utf8(each))
        for each in document.articles
    ]
    bare = replace(reading, document=replace(document, articles=()))
    return Answer(reading=bare, articles=tuple(articles))


def failure_of(error: ReadError) -> Failure:
    """Converts an error to plain data. Attributes that are not plain data or not annotated are left out."""
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
    """Makes the error of its plain data: of the same class if this process has it, else a ReadError.

    Raises ValueError if a field does not have the type that its class annotates.
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
    """Returns the reading that a worker sent, with its articles also in the packed form that is stored.

    Raises the ReadError that the worker sent instead, and ValueError if the answer cannot be that to a
    document of this source.
    """
    if answer.failure is not None:
        raise error_of(answer.failure)
    if answer.reading is None:
        raise ValueError("it is empty")
    document, count = answer.reading.document, len(answer.articles)
    if (document.source, document.kind) != (context.source, context.kind):
        raise ValueError("it is for another source")
    if document.articles or answer.reading.packed:
        raise ValueError("it has articles in two places")
    if answer.reading.fingerprints and len(answer.reading.fingerprints) != count:
        raise ValueError("it does not have one fingerprint for each article")
    if len(answer.reading.content_hashes) not in (0, count):
        raise ValueError("it does not have one content hash for each article")
    if len(answer.reading.judged) not in (0, count):
        raise ValueError("it does not have one judgement for each article")
    if not count and not answer.reading.judged_by:
        return answer.reading
    articles = tuple([_article(each, context.source) for each in answer.articles])
    packed = tuple([each.text for each in answer.articles])
    return replace(
        answer.reading,
        document=replace(document, articles=articles),
        packed=packed,
        judged_by=context.judged_by if answer.reading.judged else "",
    )


def _article(sent: PackedArticle, source: str) -> Article:
    dates = {"published": sent.published, "updated": sent.updated}
    if not sent.text.isascii():  # a fraction of the time of decoding
        sent.text.decode()  # it is stored as it is, and `unpack` skips keys that it does not know
    try:
        article = unpack(sent.text, source=source, id=sent.id, **dates)
    except Unreadable as error:
        raise ValueError(f"it has an article that cannot be read: {error}"[:300]) from error
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
    """Yields the imported classes of errors: nothing is imported because a worker names it."""
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _annotated(kind: type[ReadError]) -> dict[str, Any]:
    """Returns the names and types of the fields that a class of errors adds to those of every error."""
    try:
        hints = get_type_hints(kind)
    except NameError:  # annotated with a name that only type checkers import
        return {}
    return {
        name: of
        for name, of in hints.items()
        if of is not ClassVar and get_origin(of) is not ClassVar and name != "advice"
    }
