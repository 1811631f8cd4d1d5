"""Finds the new messages of a mailbox and reads them: the common part of Maildir and IMAP."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from aggregator import errors
from aggregator.adapters.kinds import OpenFolder, RefusedFile, Transport
from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, NotModified, Resource, Validators

HEAD_BYTES = 64 * 1024
MAX_FILES = 200_000
AT_ONCE = 4
"""How many times `max_bytes` of messages are read in one poll; further ones are left for the next."""

# Anchored at a line's start: linear in any text.
_ID = re.compile(rb"^message-id:[ \t]*(?:\n[ \t]+)?([^\n]{1,2000})$", re.IGNORECASE | re.MULTILINE)
_FROM = re.compile(rb"^(?:from|sender):([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class MailSelection:
    """The messages that a source asks for, while they are fetched.

    `known` maps the permanent names of messages fetched earlier to stamps; a message that is twice in a
    mailbox is read once. `asked` is what the source asks for now: if it changes, everything is fetched again.
    """

    sender: str
    newest: int
    mark_seen: bool
    asked: Mapping[str, Any]
    known: Mapping[str, str]
    max_bytes: int
    files: dict[str, str] = field(default_factory=dict)
    resources: list[Resource] = field(default_factory=list)
    unread: list[Problem] = field(default_factory=list)
    bytes_left: int = 0

    @classmethod
    def by(cls, options: Any, validators: Validators, max_bytes: int) -> MailSelection:
        """The selection for a source with these options (kind `mail`) and validators."""
        asked = options.model_dump(mode="json")
        known = validators.get("files", {}) if validators.get("asked") == asked else {}
        return cls(
            sender=options.sender.lower(),
            newest=options.newest,
            mark_seen=options.mark_seen,
            asked=asked,
            known=known,
            max_bytes=max_bytes,
            bytes_left=AT_ONCE * max_bytes,
        )

    def missing(self, names: Sequence[str]) -> list[str]:
        """The names that must be fetched; the others are kept as known."""
        self.files = {name: self.known[name] for name in names if name in self.known}
        return [name for name in names if name not in self.known]

    def has_room(self, name: str, size: int) -> bool:
        """Whether a message of `size` bytes may be fetched; one that is too large is reported."""
        if size > self.max_bytes:
            too_large = f"it exceeds {self.max_bytes} bytes; raise fetch.max_bytes if it is sound"
            self.unread.append(Problem(text=too_large, where=name))
            return False
        self.bytes_left -= size
        return self.bytes_left >= 0

    def take(self, name: str, body: bytes, url: str) -> None:
        """Adds a fetched message."""
        mark = _mark(body)
        if mark not in self.files.values():
            self.resources.append(Resource(url=url, body=body, content_type="message/rfc822", name=name))
        self.files[name] = mark

    def fetched(self) -> Fetched | NotModified:
        """The result of the fetch."""
        validators = {"files": self.files, "asked": self.asked}
        if not self.resources and not self.unread and self.files == self.known:
            return NotModified(validators=validators)
        return Fetched(resources=tuple(self.resources), validators=validators, unread=tuple(self.unread))


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


def _mark(body: bytes) -> str:
    """The key of a message: its Message-ID if it has one."""
    head = body[:HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found = _ID.search(head)
    return hashlib.blake2b(found[1].strip() if found else body, digest_size=12).hexdigest()
