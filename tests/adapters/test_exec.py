"""Kind `exec`: what a command prints, within bounds, and never unasked."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters.exec import run
from aggregator.errors import FetchError, TimedOut, TooLarge
from tests.app.test_daemon import until
from tests.support.site import Site, feed


def printed(code: str, *, seconds: float = 120, max_bytes: int = 1_000_000) -> bytes:
    """Returns what a Python program prints."""
    command = [sys.executable, "-c", code]
    fetched = run(command, url="exec:x", deadline=timedelta(seconds=seconds), max_bytes=max_bytes)
    return fetched.resources[0].body


def test_the_output_is_the_document() -> None:
    """Byte for byte, however much there is on both streams."""
    code = "import sys; sys.stderr.write('x' * 300_000); sys.stdout.buffer.write(bytes(range(256)) * 2_000)"
    assert printed(code) == bytes(range(256)) * 2_000


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("import sys; print('<rss>'); sys.exit('no\\nsuch file')", FetchError, "ended with 1: such file"),
        ("import os; os.abort()", FetchError, "ended with -6"),
        ("print('x' * 2_000_000)", TooLarge, "more than 1000000 bytes"),
    ],
    ids=["a failure", "a crash", "too much"],
)
def test_the_output_of_a_failed_command_is_ignored(code: str, error: type[FetchError], message: str) -> None:
    """What it printed may be half."""
    with pytest.raises(error, match=message):
        printed(code)


def test_a_missing_command_is_reported() -> None:
    """With its name."""
    with pytest.raises(FetchError, match="no-such-program cannot be run"):
        run(["no-such-program"], url="exec:x", deadline=timedelta(seconds=5), max_bytes=9)


@pytest.mark.parametrize(
    "code",
    ["import time; time.sleep(600)", "import os, time; os.close(1); os.close(2); time.sleep(600)"],
    ids=["silent", "closed"],
)
def test_a_command_that_hangs_is_killed_at_its_deadline(code: str) -> None:
    """So is one that closed its streams."""
    with pytest.raises(TimedOut, match="ran for too long"):
        printed(code, seconds=0.5)


def test_child_processes_of_the_command_are_killed_too(tmp_path: Path) -> None:
    """Nothing is left behind to write later."""
    mark = tmp_path / "mark"
    os.mkfifo(mark)
    reading = os.open(mark, os.O_RDONLY | os.O_NONBLOCK)
    child = f"import time; mark = open({str(mark)!r}, 'wb', 0); mark.write(b'x'); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}], stdout=1); print(1)"
    with pytest.raises(TimedOut):
        printed(code, seconds=1)

    def is_left() -> bool:
        try:
            return os.read(reading, 9) == b""  # the end: nobody holds the other side any more
        except BlockingIOError:
            return False

    until(is_left)
    os.close(reading)


def test_a_source_runs_its_command_when_the_config_allows_it(site: Site) -> None:
    """Here it prints a feed; a list of strings, no shell."""
    (site.home / "feed.xml").write_bytes(feed("tea", 1, 2))
    code = f"import sys; sys.stdout.write(open({str(site.home / 'feed.xml')!r}).read())"
    source = {"name": "Mine", "kind": "exec", "options": {"command": [sys.executable, "-c", code]}}
    site.configure(source)
    output = site.run("fetch").output.replace("\n", "")
    assert "set fetch.commands = true" in output
    site.configure(source, fetch={"commands": True})
    assert "2 new" in site.run("fetch", "--force").output
    assert "2 unchanged" in site.run("fetch", "--force").output or site.run("status").exit_code == 0


def test_the_output_may_be_of_another_kind(site: Site) -> None:
    """Its options are checked with the config."""
    code = 'print(\'{"list": [{"t": "Tea"}]}\')'
    options: dict[str, Any] = {"command": [sys.executable, "-c", code], "kind": "json"}
    source = {"name": "Mine", "kind": "exec"}
    options["options"] = {"items": "list", "title": "t"}
    site.configure({**source, "options": options}, fetch={"commands": True})
    assert "1 new" in site.run("fetch").output
    site.configure({**source, "options": {**options, "options": {"itms": "list"}}})
    assert "options.itms" in site.run("check").output
    site.configure({**source, "options": {**options, "kind": "exec"}})
    assert "cannot print a source of kind 'exec'" in site.run("check").output.replace("\n", "")
