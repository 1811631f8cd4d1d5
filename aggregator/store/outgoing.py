"""Messages as they wait in the outbox, and their ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["IN_DOUBT", "WEBSUB", "Outgoing", "announcement", "outgoing_id"]

WEBSUB = "websub"
"""The channel of announcements to hubs."""

IN_DOUBT = "it is being sent, or was when a process ended"
"""The error of a message that a process took, until that process records what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that waits: `payload` goes to `target` by `channel`.

    - `id`: the same for the same message, also when it is sent again: the key of its idempotency.
    - `target`: what the channel finds the address by, such as the name of a table in the config: no secret.
    - `queued`: when it was queued, or renewed last; `due`: it is not sent before.
    - `attempts` that failed, and the `error` of the last one.
    """

    id: str
    channel: str
    target: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    queued: datetime
    due: datetime
    attempts: int = 0
    error: str = ""


def outgoing_id(*facts: object) -> str:
    """An id of 32 hexadecimal digits that is the same for the same facts (JSON values)."""
    said = json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def announcement(hub: str, topic: str, queued: datetime) -> Outgoing:
    """That a hub is to be notified of a feed's address: one message for both, however often it changes."""
    return Outgoing(
        id=outgoing_id(WEBSUB, hub, topic),
        channel=WEBSUB,
        target=hub,
        payload={"topic": topic},
        queued=queued,
        due=queued,
    )
