"""Selects the new messages of a mailbox: the common part of Maildir and IMAP."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, NotModified, Resource, Validators

HEAD_BYTES = 64 * 1024
AT_ONCE = 4
"""How many times `max_bytes` of messages are read in one poll; further ones are left for the next."""

# Anchored at a line's start: linear in any text.
_ID = re.compile(rb"^message-id:[ \t]*(?:\n[ \t]+)?([^\n]{1,2000})$", re.IGNORECASE | re.MULTILINE)


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


def _mark(body: bytes) -> str:
    """The key of a message: its Message-ID if it has one."""
    head = body[:HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found = _ID.search(head)
    return hashlib.blake2b(found[1].strip() if found else body, digest_size=12).hexdigest()
