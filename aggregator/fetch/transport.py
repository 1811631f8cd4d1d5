"""The transport for kinds with a retriever: guarded and limited connections and files."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator import errors
from aggregator.fetch.confined_folder import Folder
from aggregator.fetch.connection import connect, exchange, secured, unreachable
from aggregator.fetch.guard import Guard
from aggregator.fetch.local_files import fetch_file, fetch_folder
from aggregator.fetch.map_errors import map_errors
from aggregator.model.retrieved import Fetched, NotModified, Validators

if TYPE_CHECKING:
    from aggregator.config.load import Fetch, Source

Get = Callable[[str, Validators, str], Fetched | NotModified]
"""GETs an address in its host's turn, conditionally, with a secret for its query. Raises FetchError."""


def retrieved(
    retrieve: Callable[[Source, Validators, GuardedTransport], object],
    source: Source,
    validators: Validators,
    settings: Fetch,
    guard: Guard,
    get: Get,
) -> Fetched | NotModified:
    """Runs a kind's own retriever within the deadline and the size limit of documents.

    Raises FetchError and its kinds, whatever the retriever raises.
    """
    with exchange.within(
        guard,
        deadline_seconds=settings.deadline.total_seconds(),
        silence_seconds=settings.timeout.total_seconds(),
    ):
        try:
            with map_errors():
                fetched = retrieve(source, validators, GuardedTransport(source, settings, guard, get))
        except errors.SourceError:
            raise
        except Exception as error:
            raise errors.FetchError(
                f"fetching it failed, which is a mistake of kind {source.kind!r}: {error!r}",
                url=source.address,
                advice="report it to the author of that kind",
            ) from error
    if isinstance(fetched, NotModified):
        return fetched
    if not isinstance(fetched, Fetched):
        reason = f"kind {source.kind!r} fetched a {type(fetched).__name__}, which is a mistake of that kind"
        raise errors.FetchError(reason, url=source.address, advice="report it to the author of that kind")
    for resource in fetched.resources:
        if len(resource.body) > settings.max_bytes:
            raise errors.TooLarge(f"a document exceeds {settings.max_bytes} bytes", url=source.address)
    return fetched


class GuardedTransport:
    """The `Transport` of one fetch of one source."""

    def __init__(self, source: Source, settings: Fetch, guard: Guard, get: Get) -> None:
        self._source = source
        self._settings = settings
        self._guard = guard
        self._get = get

    @property
    def max_bytes(self) -> int:
        return self._settings.max_bytes

    @property
    def deadline(self) -> timedelta:
        return self._settings.deadline

    def setting(self, name: str) -> Any:
        return getattr(self._settings, name)

    def get(self, url: str, validators: Validators, *, secret: str = "") -> Fetched | NotModified:
        return self._get(url, validators, secret)

    def file(self, path: Path, validators: Validators) -> Fetched | NotModified:
        return fetch_file(path.as_uri(), validators, max_bytes=self.max_bytes)

    def folder(self, path: Path, validators: Validators) -> Fetched | NotModified:
        return fetch_folder(path, validators, max_bytes=self.max_bytes)

    def opened(self, path: Path) -> Folder:
        return Folder(path)

    def connect(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> socket.socket:
        found = self._guard.addresses(host, exchange.patience())
        try:
            made = connect(found, port)
        except (OSError, errors.TimedOut) as failure:
            raise unreachable(failure) from failure
        if tls is None:
            return made
        try:
            with map_errors():
                return tls.wrap_socket(made, server_hostname=host)
        except BaseException:
            made.close()
            raise

    def tls(self) -> ssl.SSLContext:
        source = self._source
        verify = source.tls_verify and (source.tls_ca or self._settings.tls_ca or True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return secured(context, verify)

    def is_own(self, host: str) -> bool:
        return self._guard.is_own(host)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        with map_errors():
            yield
