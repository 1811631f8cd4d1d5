"""The kinds of sources: each is registered under its name in the entry-point group `aggregator.adapters`.

Ours are registered there as well (pyproject.toml); docs/plugins.md explains how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

from aggregator.adapters import entry_points
from aggregator.errors import ConfigError
from aggregator.model.entry import ArticleDocument, Feed, SubscriptionList
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, NotModified, Validators
from aggregator.model.wrong_values import sentence

if TYPE_CHECKING:  # reading a feed needs none of them
    import socket
    import ssl
    from importlib.metadata import EntryPoint

    from pydantic import BaseModel

Place = Literal["url", "path", "either", "none"]
"""How a source of a kind is located: by its `url`, its `path`, one of the two, or neither."""


class RefusedFile(Exception):
    """A file of a folder that is not read on purpose: `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetrievedSource(Protocol):
    """The facts that a retriever has about the source that it fetches."""

    @property
    def name(self) -> str:
        """Its name in the config."""
        ...

    @property
    def address(self) -> str:
        """Its address as text: its URL, its path, or its kind and name."""
        ...

    @property
    def path(self) -> Path | None:
        """The folder or file that it is read from, absolute; None for a source with an address."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Its `options` table; `Kind.parse` makes the kind's model of it."""
        ...

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password of its `auth`, None without."""
        ...


class OpenFolder(Protocol):
    """An open folder from which no link leads out."""

    def open(self, name: str) -> BinaryIO:
        """Opens a regular file by its path in the folder. Raises RefusedFile and OSError."""
        ...


class Transport(Protocol):
    """The connections and files of a retriever: checked and limited.

    Sockets obey the guard of addresses (`fetch.allow`), `fetch.deadline` for the whole and `fetch.timeout`
    for a silence. Every method raises FetchError and its kinds.
    """

    @property
    def max_bytes(self) -> int:
        """The size limit for one document in bytes: `fetch.max_bytes`. A larger one is refused."""
        ...

    @property
    def deadline(self) -> timedelta:
        """The time limit for the whole fetch: `fetch.deadline`."""
        ...

    def setting(self, name: str) -> Any:
        """A setting of the config's table `[fetch]`."""
        ...

    def get(self, url: str, validators: Validators, *, secret: str = "") -> Fetched | NotModified:
        """GETs a document over HTTP(S), conditionally, in its host's turn.

        `secret` is appended to the query only when the request is sent.
        """
        ...

    def file(self, path: Path, validators: Validators) -> Fetched | NotModified:
        """One file, if it changed."""
        ...

    def folder(self, path: Path, validators: Validators) -> Fetched | NotModified:
        """The articles of a folder that are new or changed."""
        ...

    def opened(self, path: Path) -> AbstractContextManager[OpenFolder]:
        """A folder with files that the retriever reads itself. Raises OSError."""
        ...

    def connect(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> socket.socket:
        """A connection to a host that may be reached; with `tls` its certificate is checked."""
        ...

    def tls(self) -> ssl.SSLContext:
        """The TLS context of this source: `tls_verify`, `tls_ca`."""
        ...

    def is_own(self, host: str) -> bool:
        """Whether `fetch.allow` names the host."""
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Turns what sockets and TLS raise inside the `with` statement into FetchErrors."""
        ...


SourceCheck = Callable[[RetrievedSource, Callable[[str], Any]], None]
"""Checks a source; the function returns settings of `[fetch]`. Raises FetchError."""

Retriever = Callable[[RetrievedSource, Validators, Transport], Fetched | NotModified]
"""Fetches what is new at a source since the validators were returned. Raises FetchError and its kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of source: how one document of it is read, and how it is fetched.

    - `read` takes a document and the source's options, and returns a `Feed` of entries as found, which are
      normalised like every other, an `ArticleDocument`, or the feeds of a `SubscriptionList`, which are
      followed beside those of the config. Pure: no input or output, no clock; it runs in a process that may
      be killed. It raises ReadError and its kinds, nothing else. Further documents of the same source (the
      next page of a list) are named in `Feed.more`; `read` is called for them with their `number`.
    - `retrieve` fetches such a source in its own way; None: over HTTP(S), or from a file.
    - `check` finds, without network, what `retrieve` would refuse; None: no check of its own.
    - `options` is the pydantic model of the source's `options` table; None: the kind has no options.
    - `place` is how a source is located; `schemes` are those that its `url` may have.
    - `is_scraped`: its documents are pages for people, so robots.txt is obeyed (RFC 9309).
    - `has_public_address`: other people can follow a source of this kind at the same address. Then the
      address is published with its entries and in lists, if it contains no query and no login. False for
      what needs a program of ours, such as an API, a mailbox or a private instance of something.
    - `withdraws`: each article belongs to a named resource, and leaves the feeds when the next fetch no
      longer lists the resource, or when the document is to be skipped (`ArticleDocument.skipped`).
    """

    read: Callable[[Resource, Any], Feed | ArticleDocument | SubscriptionList]
    options: type[BaseModel] | None = None
    place: Place = "url"
    schemes: tuple[str, ...] = ("http", "https", "file")
    is_scraped: bool = False
    has_public_address: bool = False
    retrieve: Retriever | None = None
    check: SourceCheck | None = None
    withdraws: bool = False

    def parse(self, options: Mapping[str, Any]) -> BaseModel | None:
        """The options as this kind's model. Raises ValueError, for example pydantic's ValidationError."""
        if self.options is not None:
            return self.options.model_validate(options)
        if options:
            raise ValueError("this kind has no options; remove them")
        return None


def names() -> tuple[str, ...]:
    """The names of all installed kinds."""
    return tuple(sorted(_registered()))


@lru_cache(maxsize=64)
def named(name: str) -> Kind:
    """The kind with this name. Raises ConfigError if there is none, or if it cannot be loaded."""
    place = where(name)
    try:
        kind = _registered()[name].load() if name not in _recalled else resolve_name(place)
    except Exception as error:
        raise ConfigError(f"kind {name!r} ({place}) cannot be loaded: {error}") from error
    if not isinstance(kind, Kind):
        raise ConfigError(f"kind {name!r} ({place}) is not an aggregator.adapters.kinds.Kind")
    return kind


def where(name: str) -> str:
    """The place of the kind with this name, as `module:object`. Raises ConfigError if there is none."""
    if (place := _recalled.get(name)) is not None:
        return place
    entry = _registered().get(name)
    if entry is None:
        raise ConfigError(f"no kind is named {name!r}; there are {', '.join(names())}")
    return entry.value


_recalled: dict[str, str] = {}


def recall(name: str, place: str) -> None:
    """Lets `named` find a kind where it was before, without a search of the installed packages.

    Raises ConfigError if it is not there any more: its package was removed.
    """
    _recalled[name] = place
    try:
        named(name)
    except ConfigError:
        del _recalled[name]
        raise


def load_of_others() -> None:
    """Imports the kinds of other packages; one that fails is reported when a source of it is read."""
    ours = f"{__name__.partition('.')[0]}."
    for name, entry in _registered().items():
        if not entry.module.startswith(ours):
            with suppress(ConfigError):
                named(name)


def mistakes(name: str, options: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str]]:
    """Mistakes in a source's kind and options: for each its place, its type, and a sentence."""
    from pydantic import ValidationError

    try:
        named(name).parse(options)
    except ConfigError as error:
        return [(("kind",), "value_error", str(error))]
    except ValidationError as error:
        return [(("options", *e["loc"]), e["type"], sentence(e)) for e in error.errors()]
    except ValueError as error:
        return [(("options",), "value_error", str(error))]
    return []


@lru_cache(maxsize=1)
def schemes() -> frozenset[str]:
    """The URL schemes of all the kinds that can be loaded."""
    found: set[str] = set()
    for name in names():
        with suppress(ConfigError):
            found.update(named(name).schemes)
    return frozenset(found)


def forget() -> None:
    """Clears the cache of installed kinds: for a process in which packages are installed or removed."""
    _recalled.clear()
    named.cache_clear()
    schemes.cache_clear()
    _registered.cache_clear()
    entry_points.forget()


@lru_cache(maxsize=1)
def _registered() -> dict[str, EntryPoint]:
    # The first of several with one name is used: the first on the path.
    found: dict[str, EntryPoint] = {}
    for entry in entry_points.entry_points(entry_points.ADAPTERS):
        found.setdefault(entry.name, entry)
    return found
