"""Reads the new messages of a Maildir (maildir(5))."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from aggregator import errors
from aggregator.adapters.kinds import OpenFolder, RefusedFile, Transport
from aggregator.adapters.mail.new_messages import HEAD_BYTES, MailSelection
from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, NotModified, Validators

MAX_FILES = 200_000

# Anchored at a line's start: linear in any text.
_FROM = re.compile(rb"^(?:from|sender):([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)


def fetch_maildir(
    folder: Path, options: Any, validators: Validators, transport: Transport
) -> Fetched | NotModified:
    """The newest messages in a Maildir that are not known yet. Raises FetchError.

    A message is known by its unique name, without the flags that a mail program adds to it (maildir(5)): it
    is the same in new/ and in cur/. Of other senders' messages only the headers are read.
    """
    wanted = MailSelection.by(options, validators, transport.max_bytes)
    found = _messages(folder)
    try:
        with transport.opened(folder) as opened:
            files = dict(islice(_of_sender(found, opened, wanted), wanted.newest))
            for name in wanted.missing(list(files)):
                _take(opened, name, files[name], wanted, folder)
    except OSError as error:
        raise errors.FetchError(f"{folder} cannot be read: {error.strerror}", url=str(folder)) from error
    return wanted.fetched()


def _take(opened: OpenFolder, name: str, path: str, wanted: MailSelection, folder: Path) -> None:
    try:
        with opened.open(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not wanted.has_room(name, size):
                return
            wanted.take(name, file.read(size), folder.as_uri())
        if wanted.mark_seen:
            _mark_seen(folder, folder / path)
    except FileNotFoundError:
        return  # a mail program has moved it meanwhile: it comes with the next poll
    except RefusedFile as error:
        wanted.unread.append(Problem(text=error.reason, where=name))
    except OSError as error:
        wanted.unread.append(Problem(text=f"cannot be read: {error.strerror}", where=name))


def _messages(folder: Path) -> list[tuple[str, str]]:
    """Every message's permanent name and path in the folder, the newest first by the time of delivery."""
    found: list[tuple[int, str, str]] = []
    for part in ("new", "cur"):
        try:
            inside = os.scandir(folder / part)
        except OSError as error:
            raise errors.FetchError(
                f"{folder / part} cannot be read: {error.strerror}",
                url=str(folder),
                advice="name a Maildir, which has the folders new and cur in it",
            ) from error
        with inside:
            for entry in islice(inside, MAX_FILES):
                # A mail program may move it meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                        moment = entry.stat(follow_symlinks=False).st_mtime_ns
                        found.append((moment, entry.name, f"{part}/{entry.name}"))
    found.sort(reverse=True)
    return [(_lasting(name), path) for _, name, path in found]


def _lasting(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace").partition(":")[0]


def _of_sender(
    messages: Sequence[tuple[str, str]], opened: OpenFolder, wanted: MailSelection
) -> Iterator[tuple[str, str]]:
    for name, path in messages:
        if not wanted.sender or name in wanted.known:
            yield name, path
            continue
        try:
            with opened.open(path) as file:
                head = file.read(HEAD_BYTES)
        except (OSError, RefusedFile):
            yield name, path  # reported when it is read
            continue
        head = head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        if any(wanted.sender.encode() in line.lower() for line in _FROM.findall(head)):
            yield name, path


def _mark_seen(folder: Path, path: Path) -> None:
    name, _, flags = path.name.partition(":2,")
    if "S" not in flags:
        path.rename(folder / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")
