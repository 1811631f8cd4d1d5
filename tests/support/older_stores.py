"""Stores as earlier versions of the schema had made them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

# What each version brought, undone: by the version that is left.
_UNDONE = {
    5: tuple(
        f"alter table {table} drop column reader_version" for table in ("sources", "articles", "tombstones")
    ),
    4: ("alter table categories drop column total", "alter table categories drop column listed"),
    3: ("alter table sources add column failures integer not null default 0",),
    2: (
        "drop table archives",
        "drop index memberships_unfiled",
        "alter table memberships drop column archived",
    ),
    1: (
        "drop table tombstones",
        "drop index articles_newest",
        "alter table sources drop column moved_to",
        "pragma auto_vacuum = none",
        "vacuum",
    ),
}


def take_back(file: Path, version: int) -> None:
    """Makes a closed store one of this version."""
    with sqlite3.connect(file, isolation_level=None) as direct:
        for undone in range(max(_UNDONE), version - 1, -1):
            for statement in _UNDONE[undone]:
                direct.execute(statement)
        direct.execute("update settings set value = ? where name = 'schema'", (str(version),))
