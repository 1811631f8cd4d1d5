"""`kill -9` at random moments: no article or validator is lost, and no source is polled twice.

AGGREGATOR_KILLS=20 kills more often, AGGREGATOR_SEED=7 at other moments; `pytest -s` tells what it saw.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import closing

from tests.app.test_daemon import running, until
from tests.conftest import Answer, Behaviour, Request, Server
from tests.support.site import Site, feed

KILLS = int(os.environ.get("AGGREGATOR_KILLS", "5"))
SEED = int(os.environ.get("AGGREGATOR_SEED", "1"))
SOURCES, ITEMS = 40 + 12 * KILLS, 3


def saved(site: Site) -> set[str]:
    """The sources whose first poll is in the store."""
    store = site.home / "var" / "aggregator.db"
    if not store.exists():
        return set()
    with closing(sqlite3.connect(store)) as direct:
        if not direct.execute("select 1 from sqlite_master where name = 'sources'").fetchone():
            return set()
        return {name for (name,) in direct.execute("select name from sources where polled is not null")}


def served(name: str) -> Behaviour:
    """A feed with an ETag of its own, by a server that takes a moment."""

    def page(request: Request) -> Answer:
        time.sleep(0.01)
        headers = {"ETag": f'"{name}"', "Connection": "close"}
        known = request.headers.get("If-None-Match") == headers["ETag"]
        return Answer(304, headers) if known else Answer(200, headers, feed(name, *range(ITEMS)))

    return page


def test_a_daemon_killed_at_random_moments_loses_nothing_and_repeats_no_poll(
    site: Site, server: Server
) -> None:
    """All are due at once; a saved source is not polled again, the others are polled once more."""
    dice = random.Random(SEED)
    names = [f"s{n:03}" for n in range(SOURCES)]
    server.pages |= {f"/{name}": served(name) for name in names}
    places = ({"name": name, "url": f"{server.url}/{name}", "categories": ["X"]} for name in names)
    site.configure(*places, fetch={"workers": 4}, entries_per_feed=SOURCES * ITEMS)
    unsaved: list[int] = []
    for _ in range(KILLS):
        before, begun = saved(site), len(server.requests)
        with running(site) as process:
            # Some are killed while they start, most while they poll, save and publish.
            wanted = begun + dice.choice((0, *range(1, 20)))
            end = time.monotonic() + (dice.random() if wanted == begun else 120)
            while time.monotonic() < end and len(server.requests) < wanted:
                time.sleep(0.002)
            time.sleep(dice.random() * 0.1)
            process.kill()
            assert process.wait() == -signal.SIGKILL
        asked = {request.path[1:] for request in server.requests[begun:]}
        assert asked & before == set()
        unsaved.append(len(asked - saved(site)))
    before, begun = saved(site), len(server.requests)
    with running(site) as process:
        until(lambda: len(saved(site)) == SOURCES)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert {request.path[1:] for request in server.requests[begun:]} & before == set()
    assert len(server.requests) <= SOURCES + sum(unsaved)
    print(f"{KILLS} kills, {SOURCES} sources, {len(server.requests)} requests, in flight: {unsaved}")  # noqa: T201

    begun = len(server.requests)
    site.run("fetch", "--force")
    conditional = {request.path[1:]: request.headers["If-None-Match"] for request in server.requests[begun:]}
    assert conditional == {name: f'"{name}"' for name in names}
    assert site.files()["X/atom.xml"].count(b"<entry>") == SOURCES * ITEMS
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct:
        assert direct.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert direct.execute("select count(*) from articles").fetchone() == (SOURCES * ITEMS,)
