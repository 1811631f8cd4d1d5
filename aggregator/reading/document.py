"""Reading: the bytes of a document -> Document, for every source kind. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import TYPE_CHECKING, Any

from aggregator.adapters import kinds
from aggregator.errors import ConfigError, ReadError
from aggregator.model.article import Document
from aggregator.model.entry import SubscriptionList
from aggregator.model.reading import Reading
from aggregator.model.resource import Resource
from aggregator.model.wrong_values import MISSING, UNKNOWN_KEY
from aggregator.normalise import entries as normalising
from aggregator.normalise.dates import zoneless_in
from aggregator.normalise.embedded_players import further_players
from aggregator.normalise.links import WEB
from aggregator.normalise.secrets_in_addresses import host_of
from aggregator.reading.context import Context
from aggregator.reading.version import READER_VERSION

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["READER_VERSION", "Context", "Reading", "read", "read_resource"]


def read(
    body: bytes | bytearray | memoryview,
    *,
    url: str = "",
    content_type: str | None = None,
    kind: str = "feed",
    options: BaseModel | Mapping[str, Any] | None = None,
) -> Document:
    """Reads one document: returns its articles, and what was wrong with it.

    - `url`: the document's address, against which relative links are resolved.
    - `content_type`: the value of the HTTP header; None if there was none.
    - `kind`: the kind of source: "feed" for RSS, Atom and JSON Feed, "articles" for one file with front
      matter, "page" for a web page that lists articles.
    - `options`: the options of the kind, as in the config; None for its defaults.

    Dates that the document does not have are None. Raises ReadError or a subclass if the document cannot be
    read, ValueError for an unknown kind or for unknown or missing options, TypeError for a body that is not
    bytes.
    """
    _check("body", body, bytes, bytearray, memoryview)
    _check("url", url, str)
    _check("content_type", content_type, str, NoneType)
    _check("kind", kind, str)
    context = Context(kind=kind, options=_options(kind, options))
    return read_resource(Resource(url=url, body=bytes(body), content_type=content_type), context).document


def _check(name: str, value: object, *types: type) -> None:
    if not isinstance(value, types):
        text = f"{name} is {type(value).__name__}, not {types[0].__name__}"
        raise TypeError(
            f"{text}: open the file in binary mode, or encode the text" if name == "body" else text
        )


def _options(kind: str, options: BaseModel | Mapping[str, Any] | None) -> BaseModel | None:
    """Returns the options as the kind's model. Raises ValueError, also for an unknown kind, or TypeError."""
    from pydantic import BaseModel

    if isinstance(options, BaseModel):
        options = options.model_dump(exclude_unset=True)
    _check("options", options, Mapping, NoneType)
    given = dict(options or {})
    if mistakes := kinds.mistakes(kind, given):
        raise ValueError("; ".join(_mistake(kind, where, what, said) for where, what, said in mistakes))
    return kinds.named(kind).parse(given)


def _mistake(kind: str, where: tuple[str | int, ...], what: str, said: str) -> str:
    place = ".".join(map(str, where))
    if what == UNKNOWN_KEY:
        model = kinds.named(kind).options
        known = f"; it has {', '.join(sorted(model.model_fields))}" if model is not None else ""
        return f"{place}: kind {kind!r} has no such option{known}"
    if what == MISSING:
        return f"{place}: kind {kind!r} needs this option"
    return f"{place}: {said}"


def read_resource(resource: Resource, context: Context) -> Reading:
    """Reads one document for the source that `context` describes. Raises ReadError or a subclass."""
    with further_players(context.players), zoneless_in(context.timezone):
        return _read(resource, context)


def _read(resource: Resource, context: Context) -> Reading:
    try:
        kind = kinds.named(context.kind)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    try:
        found = kind.read(resource, context.options)
    except ReadError as error:
        error.url = error.url or resource.url
        raise
    if isinstance(found, SubscriptionList):
        document = Document(
            source=context.source, kind=context.kind, title=found.title, problems=found.problems
        )
        return Reading(document=document, subscriptions=found.subscriptions)
    return normalising.articles(
        found,
        source=context.source,
        kind=context.kind,
        url=resource.url,
        name=resource.name,
        categories=context.categories,
        author=context.author,
        identity=context.identity,
        known=context.known,
        has_public_address=kind.has_public_address,
        is_page=kind.is_scraped,
        # A kind may ask another address than that of the source (a private RSSHub): its host stays hidden.
        hidden_host="" if WEB.intersection(kind.schemes) else host_of(resource.url) or "",
    )
