"""Reads files and folders on this machine; again only when their size or modification time differs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from aggregator import errors
from aggregator.adapters.kinds import RefusedFile
from aggregator.fetch.confined_folder import Folder, stamp_of
from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, NotModified, Resource, Validators

ARTICLE_SUFFIXES = frozenset((".md", ".markdown", ".mdown", ".html", ".htm", ".txt", ".json"))
MAX_FILES = 200_000


def fetch_file(url: str, validators: Validators, *, max_bytes: int) -> Fetched | NotModified:
    """Reads the file of a `file:` URL (RFC 8089). Raises FetchError or TooLarge.

    Only regular files are read, and no link that leads out of the folder that the URL names.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:  # of brackets that are around no IPv6 address
        raise errors.FetchError(f"{url} is not an address of a file: {error}", url=url) from error
    if parts.netloc not in ("", "localhost"):
        raise errors.FetchError(f"{url} names another machine, not this one", url=url, advice="")
    from urllib.request import url2pathname  # which imports much

    path = Path(url2pathname(parts.path))
    try:
        with Folder(path.parent) as folder:
            stamp, body = _read(folder, path.name, validators.get("stamp"), max_bytes)
    except RefusedFile as error:
        raise errors.FetchError(f"{path} {error.reason}", url=url, advice="") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        raise errors.FetchError(f"{path} cannot be read: {_why(error)}", url=url) from error
    if body is None:
        return NotModified(validators=validators)
    return Fetched(resources=(Resource(url=url, body=body),), validators={"stamp": stamp})


def fetch_folder(path: Path, validators: Validators, *, max_bytes: int) -> Fetched | NotModified:
    """Reads the articles in a folder that are new or changed; a single file counts as a folder with one file.

    Hidden files and folders, and files with a suffix that no generator uses for articles, are skipped. Links
    to folders are not followed, as they may form a loop. Links that lead out of the folder, and files that
    are not regular, are not read: they are named in `refused` and reported in `unread`, like a file that
    cannot be read; all are tried again the next time. Raises FetchError when the folder itself cannot be
    read.
    """
    known = validators.get("files", {})
    stamps: dict[str, list[int]] = {}
    resources: list[Resource] = []
    unread: list[Problem] = []
    refused: set[str] = set()
    try:
        is_folder = path.is_dir()
        with Folder(path if is_folder else path.parent) as folder:
            place = path if is_folder else path.parent
            for written, stamp in _articles_in(folder) if is_folder else [(path.name, None)]:
                name = written if written.isascii() else _utf8(written)
                try:
                    found, body = stamp or [], None
                    if stamp is None or known.get(name) != stamp:
                        found, body = _read(folder, written, known.get(name), max_bytes)
                    if body is not None:
                        resources.append(Resource(url=(place / written).as_uri(), body=body, name=name))
                    stamps[name] = found
                except RefusedFile as error:
                    refused.add(name)
                    unread.append(Problem(text=error.reason, where=name))
                except OSError as error:
                    if not is_folder:
                        raise
                    unread.append(Problem(text=f"cannot be read: {error.strerror}", where=name))
                except errors.TooLarge as error:
                    unread.append(Problem(text=error.message, where=name))
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        raise errors.FetchError(f"{path} cannot be read: {_why(error)}", url=str(path)) from error
    files = {"files": stamps}
    if not resources and not unread and stamps == known:
        return NotModified(validators=files)
    return Fetched(
        resources=tuple(resources), validators=files, unread=tuple(unread), refused=frozenset(refused)
    )


def _articles_in(folder: Folder) -> Iterator[tuple[str, list[int] | None]]:
    """The name of each article and its stamp; None for what must be opened to get a stamp, such as a link.

    Links to folders elsewhere are included; they are refused later.
    """
    waiting = [""]
    count = 0
    while waiting:
        inside = waiting.pop()
        with os.scandir(folder.path / inside) as found:
            entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda entry: entry.name)
        waiting += [f"{inside}{e.name}/" for e in reversed(entries) if e.is_dir(follow_symlinks=False)]
        for entry in entries:
            name = inside + entry.name
            is_link = entry.is_symlink()
            if entry.is_dir():
                if is_link and not _is_inside(folder, name):
                    yield name, None
                continue
            if Path(entry.name).suffix.lower() not in ARTICLE_SUFFIXES:
                continue
            count += 1
            if count > MAX_FILES:
                raise errors.FetchError(
                    f"it holds more than {MAX_FILES} files", url=str(folder.path), advice=""
                )
            try:
                is_file = entry.is_file(follow_symlinks=False)
                yield name, stamp_of(entry.stat(follow_symlinks=False)) if is_file else None
            except FileNotFoundError:
                continue  # removed meanwhile


def _read(folder: Folder, name: str, known: object, max_bytes: int) -> tuple[list[int], bytes | None]:
    """The stamp of a file, and its bytes; None if the stamp is still `known`. Raises TooLarge."""
    with folder.open(name) as file:
        stamp = stamp_of(os.fstat(file.fileno()))
        if stamp == known:
            return stamp, None
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise errors.TooLarge(f"it exceeds {max_bytes} bytes", url=name)
    return stamp, body


def _utf8(name: str) -> str:
    r"""A file's name as text; bytes in it that are not UTF-8, as in old archives, become `\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_inside(folder: Folder, name: str) -> bool:
    try:
        folder.resolved(name)
    except RefusedFile:
        return False
    return True


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
