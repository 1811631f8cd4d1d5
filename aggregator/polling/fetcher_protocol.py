"""The interface through which polls fetch documents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from aggregator.fetch import Fetched, Hosts, NotModified, Resource, Validators

if TYPE_CHECKING:
    from aggregator.config.load import Source

__all__ = ["Fetches"]


class Fetches(Protocol):
    """Fetches documents; `hosts` decides when an address may be asked."""

    hosts: Hosts

    def fetch(self, source: Source, validators: Validators, now: datetime) -> Fetched | NotModified:
        """Fetches a source, conditionally if there are validators. Raises FetchError."""
        ...

    def further(self, source: Source, url: str, now: datetime) -> Resource:
        """Fetches a further document that a document of `source` names. Raises FetchError."""
        ...
