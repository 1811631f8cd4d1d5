"""The tables of the store that are about hubs which report changes (WebSub); a part of `schema`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text

from aggregator.store.columns import Instant, Shaped

__all__ = ["hub_pings", "hub_subscriptions", "metadata"]

metadata = MetaData()
"""Of all tables of the store, those of `schema` too."""

# The hubs that report changes of sources (WebSub): one row a source that names a hub, and those being left.
hub_subscriptions = Table(
    "hub_subscriptions",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("source", Text, nullable=False, index=True),
    # The address that the config had when it was named: another one ends it.
    Column("address", Text, nullable=False),
    Column("hubs", Shaped(list), nullable=False),
    # The one of them that is asked.
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    # The topic is at another host than the document that names it: it is looked at before the hub is asked.
    Column("is_doubtful", Boolean, nullable=False),
    # What makes the callback's address, "" until the hub was asked, unguessable; and the key of signatures.
    Column("token", Text, nullable=False, unique=True),
    Column("callback", Text, nullable=False),
    Column("hmac_key", Text, nullable=False),
    # See `hub_subscriptions.State`.
    Column("state", Text, nullable=False),
    Column("changed", Instant, nullable=False),
    # When the hub was last asked for something that it has not verified since.
    Column("asked", Instant),
    # The end of the lease; None before the hub verified one.
    Column("expires", Instant),
    # When something is to be done next; None: never.
    Column("due", Instant, index=True),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("pinged", Instant),
    Column("pings", Integer, nullable=False),
    # Pings without the right signature.
    Column("forged", Integer, nullable=False),
    # Polls in a row that found articles which no ping had reported.
    Column("missed", Integer, nullable=False),
    # When its source is to be polled for a ping, when it was last, and how many such polls found nothing.
    Column("poll_due", Instant, index=True),
    Column("polled_for", Instant),
    Column("vain", Integer, nullable=False),
    # Digests of the newest pings that were read: a repeated one is not read again.
    Column("seen", Shaped(list), nullable=False),
)

# Documents that hubs sent and that are still to be read.
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
