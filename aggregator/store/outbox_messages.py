"""Messages in the outbox, and their ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aggregator.model.struct import Struct, field

__all__ = ["IN_DOUBT", "WEBSUB", "OutboxMessage", "announcement", "message_id_of"]

WEBSUB = "websub"
"""The channel of notifications to hubs."""

IN_DOUBT = "it is being sent, or was when a process ended"
"""The error of a message that a process is sending, until that process records the result."""


class OutboxMessage(Struct, frozen=True, kw_only=True):
    """A message in the outbox: `payload` is sent to `target` by `channel`.

    - `id`: equal for the same message, also when it is sent again: its idempotency key.
    - `target`: the key by which the channel finds the address, such as the name of a table in the config; not
      a secret.
    - `queued`: when it was queued, or last changed.
    - `due`: it is not sent before.
    - `attempts`: how many failed; `error`: of the last one.
    """

    id: str
    channel: str
    target: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    queued: datetime
    due: datetime
    attempts: int = 0
    error: str = ""


def message_id_of(*facts: object) -> str:
    """Returns an id of 32 hexadecimal digits, equal for equal facts (JSON values)."""
    said = json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def announcement(hub: str, topic: str, queued: datetime) -> OutboxMessage:
    """Returns the message that notifies a hub of a changed feed; one for each hub and feed."""
    return OutboxMessage(
        id=message_id_of(WEBSUB, hub, topic),
        channel=WEBSUB,
        target=hub,
        payload={"topic": topic},
        queued=queued,
        due=queued,
    )
