"""The tables for hubs that report changes (WebSub); a part of `store.schema`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text

from aggregator.store.column_types import Instant, Shaped

__all__ = ["hub_pings", "hub_subscriptions", "metadata"]

metadata = MetaData()
"""The metadata of all tables of the store, including those of `store.schema`."""

# Hubs that report changes of sources (WebSub): a row for each source that names a hub, and for each
# subscription that is being ended.
hub_subscriptions = Table(
    "hub_subscriptions",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("source", Text, nullable=False, index=True),
    # The source's address when the subscription was made; if it changes, the subscription ends.
    Column("address", Text, nullable=False),
    Column("hubs", Shaped(list), nullable=False),
    # The hub that is asked.
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    # The topic is at another host than the document that names it: it is checked before the hub is asked.
    Column("is_doubtful", Boolean, nullable=False),
    # The unguessable part of the callback's address; that address, "" until the hub was asked; and the key
    # of signatures.
    Column("token", Text, nullable=False, unique=True),
    Column("callback", Text, nullable=False),
    Column("hmac_key", Text, nullable=False),
    # See `HubState`.
    Column("state", Text, nullable=False),
    Column("changed", Instant, nullable=False),
    # When the hub was last asked for something that it has not verified since.
    Column("asked", Instant),
    # The end of the lease; None before the hub verified it.
    Column("expires", Instant),
    # When the next action is due; None: never.
    Column("due", Instant, index=True),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("pinged", Instant),
    Column("pings", Integer, nullable=False),
    # Pings without a valid signature.
    Column("forged", Integer, nullable=False),
    # The number of polls in a row that found articles without a ping.
    Column("missed", Integer, nullable=False),
    # When the source is to be polled for a ping, when it last was, and how many such polls found nothing.
    Column("poll_due", Instant, index=True),
    Column("polled_for", Instant),
    Column("vain", Integer, nullable=False),
    # Digests of the newest pings that were read, so that a repeated one is not read again.
    Column("seen", Shaped(list), nullable=False),
)

# Documents that hubs sent and that wait to be read.
hub_pings = Table(
    "hub_pings",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("subscription", Integer, nullable=False, index=True),
    Column("received", Instant, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
