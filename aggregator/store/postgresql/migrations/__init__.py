"""Brings a store in PostgreSQL up to date, through Alembic, in the one transaction that it is given.

Killed meanwhile, the server takes everything back. Each version of the schema is a file in `versions`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aggregator.errors import StoreError
from aggregator.store.postgresql.tables import tables
from aggregator.store.schema import VERSION, settings

__all__ = ["migrate"]


def migrate(connection: sa.Connection) -> None:
    """Makes the tables of this version, or of those that are there. Raises StoreError without Alembic."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it would log its own plug-ins
    try:
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory
    except ImportError as error:
        raise StoreError(
            "a store in PostgreSQL needs alembic to be made: pip install 'aggregator-republisher[postgres]'"
        ) from error
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)

    def to_newest(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(config, script, fn=to_newest) as environment:
        environment.configure(
            connection=connection, target_metadata=tables(), transaction_per_migration=False
        )
        environment.run_migrations()
    is_version = settings.c.name == "schema"
    connection.execute(settings.delete().where(is_version))
    connection.execute(settings.insert().values(name="schema", value=str(VERSION)))
