"""Finds what is wrong with a source without fetching it: what `fetch` would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests

from aggregator import errors
from aggregator.adapters import kinds
from aggregator.fetch.addresses import fetchable
from aggregator.fetch.guard import Guard
from aggregator.fetch.map_errors import map_errors

if TYPE_CHECKING:
    from aggregator.config.load import Fetch, Source

_LOCAL = (".localdomain", ".local", ".lan", ".home", ".internal", ".intranet", ".private", ".corp", ".arpa")
"""Domains of private networks (RFC 6762 App. G, RFC 8375): only names in these are looked up."""

_LOOKUP_SECONDS = 2.0


def refusal(source: Source, settings: Fetch) -> errors.FetchError | None:
    """Why a fetch of this source would be refused with the present config and files; None if it is not known.

    Nothing is fetched. Only names of private networks are looked up.
    """
    try:
        _check(source, settings)
    except errors.FetchError as error:
        return error
    return None


def _check(source: Source, settings: Fetch) -> None:
    kind = kinds.named(source.kind)
    if kind.check is not None:
        kind.check(source, lambda name: getattr(settings, name))
    for authority in filter(None, (source.tls_ca, settings.tls_ca)):
        _check_path(authority, "correct tls_ca", may_be_folder=False)
    if source.path is not None:
        _check_path(source.path, "correct the source's path, or let the user who runs this read it")
    elif source.url is None:
        return
    elif source.url.startswith("file:"):
        parts = urlsplit(source.url)
        if parts.netloc in ("", "localhost"):
            advice = "correct the source's url, or let the user who runs this read the file"
            _check_path(Path(url2pathname(parts.path)), advice, may_be_folder=False)
        else:
            raise errors.FetchError(f"{source.url} names another machine, not this one", advice="")
    else:
        _check_address(source.url, settings)


def _check_path(path: Path, advice: str, *, may_be_folder: bool = True) -> None:
    try:
        is_folder = path.is_dir()
        if is_folder and may_be_folder:
            next(path.iterdir(), None)
        elif is_folder:
            raise errors.FetchError(f"{path} is a folder, not a file", advice=advice)
        elif path.is_file():
            path.open("rb").close()
        else:
            path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise errors.FetchError(f"{path} cannot be read: {why}", advice=advice) from error


def _check_address(url: str, settings: Fetch) -> None:
    if url.startswith(("http:", "https:")):
        with map_errors():
            requests.PreparedRequest().prepare_url(fetchable(url), None)
    host = urlsplit(url).hostname
    if not host:
        return
    guard = Guard(settings.allow)
    guard.check_written(host)
    name = host.rstrip(".").lower()
    if "." not in name or name.endswith(_LOCAL):
        try:
            guard.addresses(host, _LOOKUP_SECONDS)
        except errors.BlockedAddress:
            raise
        except errors.FetchError:
            pass  # an unknown name is reported by the fetch
