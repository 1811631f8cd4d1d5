"""The first schema that a store in PostgreSQL had, made of the tables themselves."""

from __future__ import annotations

from alembic import op

from aggregator.store.postgresql.tables import tables

revision = "schema_7"
down_revision = None


def upgrade() -> None:
    """Makes every table where there is none."""
    tables().create_all(op.get_bind())
