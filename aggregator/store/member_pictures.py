"""Records of copied pictures of members: their addresses, and the copy of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from aggregator.store.database import Database, remember
from aggregator.store.media import FACES, WantedFile, copies_at, wanted_faces
from aggregator.store.schema import media, settings

__all__ = ["MemberPictureRecords"]


class MemberPictureRecords:
    """The part of the store that keeps records of members' pictures; each method is one transaction.

    No article shows them, so a setting lists which are wanted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, faces: Mapping[str, str], now: datetime) -> None:
        """Stores the addresses that are wanted from now on, each with the name of its source."""
        if not faces and not self._database.setting(FACES):
            return
        with self._database.transaction() as connection:
            known = copies_at(connection, faces)
            new = sorted(faces.keys() - known.keys())
            if new:
                rows = [{"address": each, "is_recording": False, "attempts": 0, "due": now} for each in new]
                connection.execute(media.insert(), rows)
            said = {each: [source, known.get(each)] for each, source in sorted(faces.items())}
            before = connection.scalar(sa.select(settings.c.value).where(settings.c.name == FACES))
            text = json.dumps(said) if said else ""
            if text != (before or ""):
                remember(connection, FACES, text)

    def due(self, now: datetime) -> tuple[WantedFile, ...]:
        """Returns the pictures to fetch now."""
        with self._database.snapshot() as connection:
            wanted = wanted_faces(connection)
            query = sa.select(media.c.address, media.c.attempts).where(media.c.due <= now)
            found = connection.execute(query.where(media.c.address.in_(wanted)).order_by(media.c.address))
            return tuple(
                WantedFile(address=row.address, source=wanted[row.address][0], attempts=row.attempts)
                for row in found
            )

    def copies(self) -> dict[str, str]:
        """Returns the paths of copies below the output folder, by address; "" for a tracking pixel."""
        with self._database.snapshot() as connection:
            return {
                address: path for address, (_, path) in wanted_faces(connection).items() if path is not None
            }
