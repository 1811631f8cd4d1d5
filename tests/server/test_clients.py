"""Real feed readers subscribe to what we serve: newsboat, sfeed and `reader`."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.test_daemon import log_of, source, until
from tests.conftest import Answer, Server
from tests.server.test_serve import served
from tests.support.site import Site, feed

HERE = "http://127.0.0.1"
Shown = list[tuple[str, str]]
"""Id and title of every entry that a client has."""


class Client(ABC):
    """A reader with a folder of its own, subscribed to one feed."""

    needs: tuple[str, ...]
    unconditional_polls = 1

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        home.mkdir(parents=True)
        self.subscribe()

    @abstractmethod
    def subscribe(self) -> None:
        """Once."""

    @abstractmethod
    def poll(self) -> Shown:
        """Asks for news, and says what it has now."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Ends it."""

    def run(self, *command: str) -> str:
        """A command with this folder as its home."""
        done = subprocess.run(
            command,
            env={**os.environ, "HOME": str(self.home), "XDG_CONFIG_HOME": "", "PYTHONWARNINGS": "ignore"},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Newsboat(Client):
    """https://newsboat.org/: keeps items by guid in SQLite."""

    needs = ("newsboat",)
    # 2.21 keeps validators only of a feed that its cache has already: those of its second poll.
    unconditional_polls = 2

    def subscribe(self) -> None:
        (self.home / "urls").write_text(self.url + "\n")
        (self.home / "config").write_text("")

    def poll(self) -> Shown:
        self.run("newsboat", "-u", "urls", "-c", "cache.db", "-C", "config", "-x", "reload")
        with closing(sqlite3.connect(self.home / "cache.db")) as cache, cache:
            found = cache.execute("SELECT guid, title FROM rss_item ORDER BY pubDate").fetchall()
        cache.close()
        return [(guid, title) for guid, title in found]


class Sfeed(Client):
    """https://codemadness.org/sfeed.html: lines in a file; curl keeps the ETag."""

    needs = ("sfeed_update", "curl")

    def subscribe(self) -> None:
        (self.home / "sfeedrc").write_text(
            f'sfeedpath="{self.home}/feeds"\n'
            "fetch() {\n"
            '\tcurl -f -s -m 15 --etag-save "$3.new" --etag-compare "$3.etag" "$2"\n'
            '\t[ -s "$3.new" ] && mv "$3.new" "$3.etag"\n'
            "\treturn 0\n"
            "}\n"
            # As ever, but an entry that changed takes the place of its former self.
            "merge() {\n"
            '\tsort -t \'\t\' -u -k6,6 "$3" "$2" 2>/dev/null\n'
            "}\n"
            f'feeds() {{\n\tfeed "we" "{self.url}"\n}}\n'
        )
        (self.home / "feeds").mkdir()
        (self.home / "feeds" / "we.etag").touch()

    def poll(self) -> Shown:
        self.run("sfeed_update", "sfeedrc")
        lines = (self.home / "feeds" / "we").read_text().splitlines()
        rows = [line.split("\t") for line in lines]
        return [(row[5], row[1]) for row in sorted(rows, key=lambda row: int(row[0]))]


class Reader(Client):
    """https://reader.readthedocs.io/: a library, in a process of its own that is asked to poll by a line."""

    needs = ()
    script = """
import json, sys, reader
for line in sys.stdin:
    with reader.make_reader("reader.db") as r:
        r.add_feed(sys.argv[1], exist_ok=True)
        r.update_feeds(scheduled=False)  # else it waits for our max-age to pass
        entries = sorted(r.get_entries(), key=lambda e: e.published)
        print(json.dumps([[e.id, e.title] for e in entries]), flush=True)
"""

    def subscribe(self) -> None:
        if importlib.util.find_spec("reader") is None:
            pytest.skip("reader is not installed (pip install reader)")
        command = [sys.executable, "-W", "ignore", "-c", self.script, self.url]
        self.process = subprocess.Popen(
            command, cwd=self.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def poll(self) -> Shown:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("poll\n")
        self.process.stdin.flush()
        return [(id_, title) for id_, title in json.loads(self.process.stdout.readline())]

    def close(self) -> None:
        self.process.communicate()


def items(*numbers: int) -> Shown:
    """Returns what a client has of the source's entries."""
    return [(f"https://a.example/{n}", f"a {n}") for n in numbers]


@pytest.mark.parametrize("form", ["rss.xml", "atom.xml"])
@pytest.mark.parametrize("kind", [Newsboat, Sfeed, Reader])
def test_a_feed_reader_subscribes_to_our_feeds(
    site: Site, server: Server, kind: type[Client], form: str
) -> None:
    """Entries come once; nothing new is a 304; an edit is an edit; what was pruned does not come back."""
    for command in kind.needs:
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed (apt-get install {kind.__name__.lower()})")

    def publish(body: bytes, retention: str, entries: int = 2) -> None:
        server.pages["/a"] = Answer(200, {}, body)
        site.configure(source(server, "a"), entries_per_feed=entries)
        with site.file.open("a", encoding="utf-8") as file:
            file.write(f"\n[serve]\naccess_log = true\n[retention]\n{retention}\n")
        site.run("fetch", "--refetch")

    publish(feed("a", 1, 2), "")
    with served(site) as port, closing(kind(site.home / "client", f"{HERE}:{port}/X/{form}")) as client:
        for _ in range(kind.unconditional_polls + 1):
            assert client.poll() == items(1, 2)

        def answers() -> list[str]:
            return [line.split()[-1] for line in log_of(site).splitlines() if f"GET /X/{form}" in line]

        # A line is written when the answer has been.
        until(lambda: len(answers()) > kind.unconditional_polls)
        assert answers() == [*["200"] * kind.unconditional_polls, "304"]

        publish(feed("a", 1, 2).replace(b"a 2</title>", b"a two</title>"), "")
        assert client.poll() == [*items(1), ("https://a.example/2", "a two")]

        publish(feed("a", 1, 2, 3, 4), "max_articles = 2")
        had = client.poll()
        assert [id_ for id_, _ in had] == [f"https://a.example/{n}" for n in (1, 2, 3, 4)]

        # The source lists them still, and our feed would have room for them.
        publish(feed("a", 1, 2, 3, 4), "max_articles = 3", entries=50)
        assert client.poll() == had
        with closing(kind(site.home / "newcomer", client.url)) as newcomer:
            assert newcomer.poll() == items(3, 4)
