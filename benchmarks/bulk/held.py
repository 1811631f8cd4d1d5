"""A store that holds many articles already: filled by SQL, as saving a million of them would take an hour."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

SOURCES = 200
_MINUTE = 60_000_000
_TEXT = f"<p>{'An article that the store has held for long. ' * 12}</p>"


def fill(store: Path, count: int) -> None:
    """Adds so many articles of the sources `held-0` to `held-199`, a minute apart, older than all that is there.

    The sources are known to the store, and one article is in it, of which these are made. Each has a revision,
    and stands in the feeds of its source; none is in an archive.
    """
    with closing(sqlite3.connect(store)) as database:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA synchronous = OFF")
        article = dict(database.execute("SELECT * FROM articles WHERE state = 'found' LIMIT 1").fetchone())
        revision = dict(
            database.execute("SELECT * FROM revisions WHERE pk = ?", (article["revision"],)).fetchone()
        )
        revision["data"] = json.dumps({**json.loads(revision["data"]), "content": _TEXT, "summary": ""})
        feeds = {row["name"]: row["pk"] for row in database.execute("SELECT pk, name FROM feeds")}
        of_source = {
            row["name"]: [feeds[name] for name in ("", *json.loads(row["categories"])) if name in feeds]
            for row in database.execute("SELECT name, categories FROM sources")
        }
        first, first_revision = (
            database.execute(f"SELECT max(pk) + 1 FROM {table}").fetchone()[0]
            for table in ("articles", "revisions")
        )
        oldest = database.execute("SELECT min(published) FROM articles").fetchone()[0]

        def articles() -> Iterator[dict[str, Any]]:
            for n in range(count):
                moment = oldest - (n + 1) * _MINUTE
                own = {"pk": first + n, "id": f"held:{n}", "uid": f"urn:held:{n}", "fingerprint": f"{n:032x}"}
                dates = {"published": moment, "updated": moment, "first_seen": moment}
                yield {
                    **article,
                    **own,
                    **dates,
                    "source": f"held-{n % SOURCES}",
                    "revision": first_revision + n,
                }

        def revisions() -> Iterator[dict[str, Any]]:
            for n in range(count):
                moment = oldest - (n + 1) * _MINUTE
                own = {"pk": first_revision + n, "article": first + n}
                yield {**revision, **own, "published": moment, "updated": moment}

        def placements() -> Iterator[tuple[int, int, int]]:
            for n in range(count):
                for feed in of_source[f"held-{n % SOURCES}"]:
                    yield feed, oldest - (n + 1) * _MINUTE, first + n

        with database:
            for table, row, rows in (("articles", article, articles()), ("revisions", revision, revisions())):
                database.executemany(
                    f"INSERT INTO {table} ({', '.join(row)}) VALUES (:{', :'.join(row)})", rows
                )
            database.executemany(
                "INSERT INTO placements (feed, published, article) VALUES (?, ?, ?)", placements()
            )
            database.execute(
                "UPDATE feeds SET total = (SELECT count(*) FROM placements WHERE placements.feed = feeds.pk)"
            )
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
