"""How the output folder is served: addresses, freshness, bounds."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from aggregator.config.values import Duration
from aggregator.model.settings import Settings

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]*):(?P<port>[0-9]{1,5})")


def split_address(text: str) -> tuple[str, int]:
    """Host ("" for every address of this machine) and port of `HOST:PORT`. Raises ValueError."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise ValueError('write host and port, such as "127.0.0.1:8000", "[::1]:8000" or ":8000"')
    return match["host"].strip("[]"), int(match["port"])


def _address(value: object) -> str:
    text = value if isinstance(value, str) else ""
    split_address(text)
    return text


ListenAddress = Annotated[str, BeforeValidator(_address)]


class Serve(Settings):
    """Where and how `serve` answers; `metrics` None: at `listen`, and to this machine alone.

    `max_age` is for how long feeds may be kept without asking again; None: a quarter of `interval`.
    """

    listen: ListenAddress = "127.0.0.1:8000"
    metrics: ListenAddress | None = None
    max_age: Duration | None = None
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 512
    access_log: bool = False
