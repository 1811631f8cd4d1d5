"""What polls fetch through."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from aggregator.config.load import Source
from aggregator.fetch import Fetched, Hosts, NotModified, Resource, Validators

__all__ = ["Fetches"]


class Fetches(Protocol):
    """Where bytes come from; `hosts` says when an address may be asked."""

    hosts: Hosts

    def fetch(self, source: Source, validators: Validators, now: datetime) -> Fetched | NotModified:
        """What is new at `source`. Raises FetchError."""
        ...

    def further(self, source: Source, url: str, now: datetime) -> Resource:
        """A document that `source` led to. Raises FetchError."""
        ...
