"""Files and folders on this machine: read again only when their size or time of change differ."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from aggregator import errors
from aggregator.fetch.retrieve import Fetched, NotModified, Resource, Validators
from aggregator.model.article import Problem

ARTICLE_SUFFIXES = frozenset((".md", ".markdown", ".mdown", ".html", ".htm", ".txt", ".json"))
MAX_FILES = 200_000


def fetch_file(url: str, validators: Validators, *, max_bytes: int) -> Fetched | NotModified:
    """Reads the file behind a `file:` URL (RFC 8089). Raises FetchError or TooLarge."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise errors.FetchError(f"{url} names another machine, not this one", url=url, advice="")
    path = Path(url2pathname(parts.path))
    try:
        stamp = _stamp(path)
        if validators.get("stamp") == stamp:
            return NotModified(validators=validators)
        body = _read(path, max_bytes)
    except OSError as error:
        raise errors.FetchError(f"{path} cannot be read: {error.strerror}", url=url) from error
    return Fetched(resources=(Resource(url=url, body=body),), validators={"stamp": stamp})


def fetch_folder(folder: Path, validators: Validators, *, max_bytes: int) -> Fetched | NotModified:
    """Reads the articles under `folder` that are new or changed; a single file counts as a folder of one.

    Hidden files and folders, and files whose suffix no generator uses for articles, are passed over.
    Links to folders are not followed, so that a loop cannot hold us. A file that cannot be read is told
    in `unread` and tried again the next time. Raises FetchError when the folder itself cannot be read.
    """
    known = validators.get("files", {})
    stamps: dict[str, list[int]] = {}
    resources: list[Resource] = []
    unread: list[Problem] = []
    try:
        for path in _articles_under(folder):
            name = path.relative_to(folder).as_posix() if path != folder else path.name
            try:
                stamp = _stamp(path)
                if known.get(name) != stamp:
                    resources.append(Resource(url=path.as_uri(), body=_read(path, max_bytes), name=name))
                stamps[name] = stamp
            except OSError as error:
                unread.append(Problem(text=f"cannot be read: {error.strerror}", where=name))
            except errors.TooLarge as error:
                unread.append(Problem(text=error.told, where=name))
    except OSError as error:
        raise errors.FetchError(f"{folder} cannot be read: {error.strerror}", url=str(folder)) from error
    found = {"files": stamps}
    if not resources and not unread and stamps == known:
        return NotModified(validators=found)
    return Fetched(resources=tuple(resources), validators=found, unread=tuple(unread))


def _articles_under(folder: Path) -> Iterator[Path]:
    if not stat.S_ISDIR(folder.stat().st_mode):
        yield folder
        return
    waiting = [folder]
    count = 0
    while waiting:
        inside = sorted(waiting.pop().iterdir(), key=lambda path: path.name)
        waiting += [
            p for p in reversed(inside) if not p.name.startswith(".") and p.is_dir() and not p.is_symlink()
        ]
        for path in inside:
            if path.name.startswith(".") or path.suffix.lower() not in ARTICLE_SUFFIXES or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise errors.FetchError(f"it holds more than {MAX_FILES} files", url=str(folder), advice="")
            yield path


def _stamp(path: Path) -> list[int]:
    info = path.stat()
    return [info.st_mtime_ns, info.st_size]


def _read(path: Path, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        body = file.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise errors.TooLarge(f"it exceeds {max_bytes} bytes", url=str(path))
    return body
