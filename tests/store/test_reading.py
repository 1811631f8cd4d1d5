"""A store is read by every user who may read its file: on a read-only disk, as another user, after a kill."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.store import Store
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

OTHER = 65534


def as_another_user(folder: Path, read: Callable[[], str]) -> str:
    """Returns the result of `read` in a process that may read the folder and not write to it."""
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and path.name.startswith(("test_", "pytest-", "popen-")):
            path.chmod(0o711)
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            if os.geteuid() == 0:
                os.setegid(OTHER)
                os.seteuid(OTHER)
            os.write(writing, read().encode())
        finally:
            os._exit(0)
    os.close(writing)
    text = os.read(reading, 1_000).decode()
    os.close(reading)
    os.waitpid(child, 0)
    folder.chmod(0o755)
    return text


def made(folder: Path, how: str) -> tuple[Path, Store]:
    """A store that was closed, is open, or whose process was killed; hold it to keep it open."""
    path = folder / "store.db"
    store = Store(path)
    store.database.remember("a", "1")
    if how == "closed":
        store.close()
    elif how == "an empty journal":
        store.close()
        Path(f"{path}-wal").touch()
    elif how.startswith("killed"):
        store.database.remember("a", "2")
        kept = {file.name: file.read_bytes() for file in folder.iterdir()}
        store.close()
        for name, body in kept.items():
            if not (how == "killed, without index" and name.endswith("-shm")):
                (folder / name).write_bytes(body)
    return path, store


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("closed", "1"),
        ("open", "1"),
        ("an empty journal", "1"),
        ("killed", "2"),
        ("killed, without index", "2"),
    ],
)
def test_a_store_is_read_without_writing(tmp_path: Path, how: str, value: str) -> None:
    """Whatever is beside the file; nothing of it changes, and nothing is left behind."""
    folder = tmp_path / "var"
    folder.mkdir()
    path, store_in_use = made(folder, how)
    before = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
    aside = {*Path("/tmp").glob("aggregator-*")}

    def read() -> str:
        store = Store(path, reads_only=True)
        try:
            return str(store.database.setting("a"))
        finally:
            store.close()

    assert as_another_user(folder, read) == value
    after = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
    assert after == before
    assert {*Path("/tmp").glob("aggregator-*")} <= aside
    store_in_use.close()


COMMANDS = (
    ["status"],
    ["sources"],
    ["sources", "--json"],
    ["export"],
    ["versions", "https://a.example/1"],
)
EACH = """
import json, os, sys
from aggregator.cli.main import main
for arguments in json.loads(sys.argv[1]):
    print(f"--- {arguments[0]}", flush=True)
    if (child := os.fork()) == 0:
        main([*arguments, "--config", sys.argv[2]])
    assert os.waitpid(child, 0)[1] == 0, arguments
"""


def test_commands_that_show_work_on_a_read_only_disk(site: Site, server: Server) -> None:
    """Config, store and output are on it."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount anything")
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure({"name": "a", "url": server.url + "/a"})
    site.run("fetch")
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(site.home), sys.executable, "-c", EACH]
    arguments = [json.dumps(COMMANDS), str(site.file)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    printed = re.split("^--- .*\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(printed) == len(COMMANDS)
    assert all(printed)
