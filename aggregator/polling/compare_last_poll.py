"""Compares a source's documents and settings with those of the poll before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from aggregator.adapters import kinds
from aggregator.fetch import Fetched, Resource
from aggregator.model.entry import IdentityKind
from aggregator.polling.document_hash import document_hash
from aggregator.reading.context import Context
from aggregator.reading.version import READER_VERSION
from aggregator.store import SourceRecord

if TYPE_CHECKING:
    from aggregator.config.load import Source

__all__ = ["body_hash_of", "context_of", "is_outdated", "is_redated", "is_same", "reading_settings"]


def is_outdated(source: Source, state: SourceRecord) -> bool:
    """Returns whether the last documents were read by another version of the reader, or in another time
    zone.
    """
    is_old = state.succeeded is not None and state.reader_version != READER_VERSION
    return is_old or is_redated(source, state)


def is_redated(source: Source, state: SourceRecord) -> bool:
    """Returns whether dates without a time zone are now read in another zone than before."""
    return state.succeeded is not None and state.schedule.read_as != (source.timezone or "")


def is_same(resource: Resource, fetched: Fetched, state: SourceRecord, body_hash: str | None) -> bool:
    """Returns whether a document is the one that was read before (see `document_hash`)."""
    if resource.name:
        stamp = fetched.validators.get("files", {}).get(resource.name)
        return stamp is not None and state.validators.get("files", {}).get(resource.name) == stamp
    return resource.number == 0 and body_hash is not None and body_hash == state.body_hash


def reading_settings(source: Source) -> str:
    """Returns a hash of the settings that decide how a document of this source is read."""
    zone = (source.timezone,) if source.timezone else ()
    facts = repr((source.kind, source.options, source.address, *zone))
    return hashlib.blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def body_hash_of(resources: Sequence[Resource]) -> str | None:
    """Returns a hash of a source's document; None for a folder, whose retriever knows which files changed."""
    if len(resources) != 1 or resources[0].name:
        return None
    return document_hash(resources[0].body)


def context_of(
    source: Source, state: SourceRecord, known: frozenset[str], players: tuple[str, ...]
) -> Context:
    """Returns what reading a document of this source needs; `known`: fingerprints of entries to skip."""
    return Context(
        kind=source.kind,
        options=kinds.named(source.kind).parse(source.options),
        source=source.name,
        categories=source.categories,
        author=source.author,
        identity=cast(IdentityKind, state.identity or "guid"),
        known=known,
        players=players,
        timezone=source.timezone,
    )
