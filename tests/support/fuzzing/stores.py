"""Stores of every schema, damaged: opened, brought up to date and published, or refused with a message."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import click.testing

from aggregator.cli.main import main
from tests.support.fuzzing import documents
from tests.support.fuzzing.cases import Case, Wrong, loopback_alone, mutated
from tests.support.older_stores import take_back

CONFIG = """store = "var/store.db"
output = "feeds"
entries_per_feed = 2
[[sources]]
name = "A"
url = "file:feed.xml"
categories = ["Tea"]
[[sources]]
name = "B"
kind = "articles"
path = "notes"
"""
COMMANDS = (
    ("publish", "--all"), ("publish",), ("status",), ("sources", "--json"), ("versions", "https://tea.example/2"), ("export",),
)  # fmt: skip
VALUES = (
    None, "", "x", -1, 0, 2**62, 1e300, b"", b"\xff", b"\x00", "[]", "{}", "null", "[1, 2", '{"a": 1}', "2026-13-45", "\ud7ff",
    "9" * 30, b"x\x9c\x03\x00\x00\x00\x00\x01", "99999-01-01 00:00:00.000000", "-0001-01-01 00:00:00.000000",
)  # fmt: skip


@contextmanager
def opening(folder: Path) -> Iterator[Case]:
    """Damages a copy of a store, of this version or an earlier one, and runs commands on it."""
    site = folder / "site"
    (site / "config").mkdir(parents=True)
    (site / "notes").mkdir()
    (site / "config" / "aggregator.toml").write_text(CONFIG)
    (site / "feed.xml").write_bytes(documents.RSS)
    (site / "notes" / "a.md").write_bytes(documents.HEXO)
    before = Path.cwd()
    os.chdir(site)
    runner = click.testing.CliRunner()
    first = runner.invoke(main, ["fetch"])
    assert first.exit_code == 0, first.output
    (site / "feed.xml").write_bytes(documents.RSS.replace(b"Second", b"Edited").replace(b"Long", b"Longer"))
    assert runner.invoke(main, ["fetch", "--force"]).exit_code == 0
    copies = [_whole(site / "var" / "store.db")]
    for version in (6, 5, 4, 3, 2, 1):
        older = folder / f"{version}.db"
        older.write_bytes(copies[0])
        take_back(older, version)
        copies.append(_whole(older))

    def case(chance: Random) -> str:
        shutil.rmtree(site / "var")
        (site / "var").mkdir()
        file = site / "var" / "store.db"
        file.write_bytes(chance.choice(copies))
        (_damage_bytes if chance.random() < 0.4 else _damage_rows)(chance, file)
        arguments = chance.choice(COMMANDS)
        result = runner.invoke(main, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise Wrong(f"{arguments!r}: {result.exception!r}") from result.exception
        if result.exit_code not in (0, 1, 2) or "Traceback" in result.output:
            raise Wrong(f"{arguments!r}: exit {result.exit_code}: {result.output[-500:]}")
        return f"exit {result.exit_code}"

    with loopback_alone():
        try:
            yield case
        finally:
            os.chdir(before)


def _whole(file: Path) -> bytes:
    with closing(sqlite3.connect(file)) as direct:
        direct.execute("pragma wal_checkpoint(truncate)")
    return file.read_bytes()


def _damage_bytes(chance: Random, file: Path) -> None:
    body = bytearray(file.read_bytes())
    kind = chance.randrange(5)
    if kind == 0:
        del body[chance.randrange(len(body)) :]
    elif kind == 1:
        at = chance.randrange(len(body))
        body[at : at + 4096] = bytes(len(body[at : at + 4096]))
    elif kind == 2:
        body[: chance.choice((16, 100, 4096))] = mutated(chance, [bytes(body[:100])])[:100]
    else:
        for _ in range(chance.choice((1, 10, 300))):
            body[chance.randrange(len(body))] = chance.randrange(256)
    file.write_bytes(body)


def _damage_rows(chance: Random, file: Path) -> None:
    with closing(sqlite3.connect(file)) as direct, direct:
        direct.execute("pragma foreign_keys = off")
        tables = [name for (name,) in direct.execute("select name from sqlite_master where type = 'table'")]
        for _ in range(chance.choice((1, 1, 2, 5))):
            table = chance.choice(tables)
            columns = [row[1] for row in direct.execute(f"pragma table_info({table})")]
            try:
                if not columns or chance.random() < 0.1:
                    what = chance.choice(("drop table {}", "delete from {}", "alter table {} rename to lost"))
                    direct.execute(what.format(table))
                    continue
                column = chance.choice(columns)
                old = direct.execute(f"select {column} from {table} limit 1").fetchone()
                value = chance.choice(VALUES)
                if old and isinstance(old[0], str | bytes) and chance.random() < 0.5:
                    text = old[0].encode() if isinstance(old[0], str) else old[0]
                    made = mutated(chance, [text])
                    value = made if isinstance(old[0], bytes) else made.decode("utf-8", "replace")
                direct.execute(
                    f"update {table} set {column} = ? where rowid % 2 = ?", (value, chance.randrange(2))
                )
            except sqlite3.Error:
                continue
