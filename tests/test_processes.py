"""Processes that do tasks: none outlives who asked. What else they promise is in test_workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator import processes
from aggregator.processes import Lost, Processes
from tests.test_workers import process_lives

PARENT = """
import sys
from aggregator import processes
from tests.test_processes import sleep, spin
if __name__ == "__main__":
    processes._GRACE_SECONDS = 0.5
    with processes.Processes({"sleep": sleep, "spin": spin}[sys.argv[1]], 1) as pool:
        pool.ask(1.0 if sys.argv[1] == "spin" else None, sys.argv[2])
"""


def sleep(told: str) -> None:
    """Tells its process, and does nothing for ten minutes."""
    tell(told)
    time.sleep(600)


def spin(told: str) -> None:
    """Tells its process, and stays in one call of C code for longer than anybody will wait."""
    tell(told)
    re.match(r"(a+)+$", "a" * 64 + "b")


def tell(place: str) -> None:
    """Writes this process's number; the file is there whole or not at all."""
    aside = Path(place + ".part")
    aside.write_text(str(os.getpid()), encoding="utf-8")
    aside.rename(place)


def number() -> int:
    """This process's."""
    return os.getpid()


def swell(size: int) -> bytearray:
    """Takes so many bytes."""
    return bytearray(size)


@pytest.mark.parametrize("task", ["sleep", "spin"])
def test_nobody_outlives_a_killed_parent(tmp_path: Path, task: str) -> None:
    """Neither who waits nor who is in C code: that one ends by the clock, since no thread of it can run."""
    told, program = tmp_path / "told", tmp_path / "parent.py"
    program.write_text(PARENT, encoding="utf-8")
    root = str(Path(__file__).parents[1])
    parent = subprocess.Popen(
        [sys.executable, program, task, told],
        env={**os.environ, "PYTHONPATH": root},
        stderr=subprocess.DEVNULL,
    )
    while not told.exists():
        assert parent.poll() is None
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    child = int(told.read_text(encoding="utf-8"))
    for _ in range(6_000):
        if not process_lives(child):
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the process went on")


def test_the_time_of_one_task_is_not_that_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits for a task is not ended by the clock of the one before."""
    monkeypatch.setattr(processes, "_GRACE_SECONDS", -0.5)
    with Processes(number, 1) as pool:
        first = pool.ask(0.8)
        time.sleep(0.6)
        assert pool.ask(None) == first


def test_a_task_that_swells_says_so() -> None:
    """As the end of a sentence."""
    with (
        Processes(swell, 1, memory_bytes=512 * 1024**2) as pool,
        pytest.raises(Lost, match="too much memory"),
    ):
        pool.ask(60, 2**32)


def test_what_runs_as_main_is_imported_once(tmp_path: Path) -> None:
    """By whoever started it: a program of one's own needs no guard, and each process starts sooner."""
    program = tmp_path / "program.py"
    program.write_text(
        "print('begun')\n"
        "from aggregator.processes import Processes\n"
        "from tests.test_processes import number\n"
        "with Processes(number, 1) as pool:\n"
        "    assert pool.ask(60)\n"
        "import __main__\n"
        "print(__main__.__file__ == __file__)\n",
        encoding="utf-8",
    )
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["begun", "True"]
