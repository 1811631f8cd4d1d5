"""The kinds of sources: each is registered under its name in the entry-point group `aggregator.adapters`.

Ours are registered there as well (pyproject.toml); docs/plugins.md explains how to add one.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

from pydantic import BaseModel, ValidationError

from aggregator.errors import ConfigError
from aggregator.model.entry import ArticleDocument, Feed, SubscriptionList
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, NotModified, Validators
from aggregator.model.wrong_values import sentence

GROUP = "aggregator.adapters"

Place = Literal["url", "path", "either", "none"]
"""What a source of a kind is found by: its `url`, its `path`, one of the two, or neither."""


class RefusedFile(Exception):
    """A file of a folder that is not read on purpose: `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetrievedSource(Protocol):
    """What a retriever knows of the source that it fetches."""

    @property
    def name(self) -> str:
        """Its name in the config."""
        ...

    @property
    def address(self) -> str:
        """Where it is, as text: its URL, its path, or its kind and name."""
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
    """An open folder: no link leads out of it."""

    def open(self, name: str) -> BinaryIO:
        """Opens a regular file by its path in the folder. Raises RefusedFile and OSError."""
        ...


class Transport(Protocol):
    """How a retriever reaches anything: what it connects to is checked and bounded.

    Sockets obey the guard of addresses (`fetch.allow`), `fetch.deadline` for the whole and `fetch.timeout`
    for a silence. Every method raises FetchError and its kinds.
    """

    @property
    def max_bytes(self) -> int:
        """How large one document may be, at most: `fetch.max_bytes`. What is larger is refused."""
        ...

    @property
    def deadline(self) -> timedelta:
        """How long the whole may take: `fetch.deadline`."""
        ...

    def setting(self, name: str) -> Any:
        """A setting of the config's table `[fetch]`."""
        ...

    def get(self, url: str, validators: Validators, *, secret: str = "") -> Fetched | NotModified:
        """GETs a document over HTTP(S), conditionally, in its host's turn.

        `secret` is appended to the query on the wire alone.
        """
        ...

    def file(self, path: Path, validators: Validators) -> Fetched | NotModified:
        """One file, where it changed."""
        ...

    def folder(self, path: Path, validators: Validators) -> Fetched | NotModified:
        """The articles of a folder that are new or changed."""
        ...

    def opened(self, path: Path) -> AbstractContextManager[OpenFolder]:
        """A folder whose files are read by the retriever itself. Raises OSError."""
        ...

    def connect(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> socket.socket:
        """A connection to a host that may be reached; with `tls` its certificate is checked by that."""
        ...

    def tls(self) -> ssl.SSLContext:
        """How certificates are checked for this source: `tls_verify`, `tls_ca`."""
        ...

    def is_own(self, host: str) -> bool:
        """Whether `fetch.allow` names the host."""
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Turns what sockets and TLS raise inside the `with` statement into FetchErrors."""
        ...


SourceCheck = Callable[[RetrievedSource, Callable[[str], Any]], None]
"""Looks at a source, with a function that gives settings of `[fetch]`. Raises FetchError."""

Retriever = Callable[[RetrievedSource, Validators, Transport], Fetched | NotModified]
"""Fetches what is new at a source since the validators were given out. Raises FetchError and its kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of source: how one document of it is read, and how it is fetched.

    - `read` takes a document and the source's options, and gives a `Feed` of entries as found, which are
      normalised like every other, an `ArticleDocument`, or the feeds of a `SubscriptionList`, which are
      followed beside those of the config. Pure: no input or output, no clock; it runs in a process that
      may be killed. It raises ReadError and its kinds, nothing else. Further documents of the same source
      (the next page of a list) are named in `Feed.more`; they come back to `read` with their `number`.
    - `retrieve` fetches such a source in its own way; None: over HTTP(S), or from a file.
    - `check` says, without any network, what `retrieve` would refuse; None: nothing of its own.
    - `options` is the pydantic model of the source's `options` table; None: it has none.
    - `place` is what a source is found by; `schemes` are those that its `url` may have.
    - `is_scraped`: its documents are pages for people, so that robots.txt is honoured (RFC 9309).
    - `has_public_address`: anybody may follow a source of this kind where we do, so that its address is
      published with its entries and in lists, as long as it holds no query and no login. False for what
      needs a program of ours, such as an API, a mailbox or a private instance of something.
    - `withdraws`: each of its articles belongs to a named resource, and leaves the feeds when the next fetch
      does not list that any more, or when the document is to be skipped (`ArticleDocument.skipped`).
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
        """The options as this kind's model. Raises ValueError, of which pydantic's ValidationError is one."""
        if self.options is not None:
            return self.options.model_validate(options)
        if options:
            raise ValueError("this kind has no options; remove them")
        return None


def names() -> tuple[str, ...]:
    """The names of all the kinds that are installed."""
    return tuple(sorted(_registered()))


@lru_cache(maxsize=64)
def named(name: str) -> Kind:
    """The kind of this name. Raises ConfigError when none has it, or it cannot be loaded."""
    entry = _registered().get(name)
    if entry is None:
        raise ConfigError(f"no kind is named {name!r}; there are {', '.join(names())}")
    try:
        kind = entry.load()
    except Exception as error:
        raise ConfigError(f"kind {name!r} ({entry.value}) cannot be loaded: {error}") from error
    if not isinstance(kind, Kind):
        raise ConfigError(f"kind {name!r} ({entry.value}) is no aggregator.adapters.kinds.Kind")
    return kind


def mistakes(name: str, options: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str]]:
    """What is wrong with a source's kind and options: for each where, its type, and a sentence."""
    try:
        named(name).parse(options)
    except ConfigError as error:
        return [(("kind",), "value_error", str(error))]
    except ValidationError as error:
        return [(("options", *e["loc"]), e["type"], sentence(e)) for e in error.errors()]
    except ValueError as error:
        return [(("options",), "value_error", str(error))]
    return []


def schemes() -> frozenset[str]:
    """The schemes that addresses of sources may have, of all the kinds that can be loaded."""
    found: set[str] = set()
    for name in names():
        with suppress(ConfigError):
            found.update(named(name).schemes)
    return frozenset(found)


def forget() -> None:
    """Forgets what is installed: for a process in which packages come and go."""
    named.cache_clear()
    _registered.cache_clear()


@lru_cache(maxsize=1)
def _registered() -> dict[str, EntryPoint]:
    # The first of a name wins: what stands first on the path.
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, entry)
    return found
