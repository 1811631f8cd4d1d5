"""Commands of ours in processes of their own, without the half second that importing everything takes."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

# It has imported everything, and forks for each command: a process of its own that can be killed, stopped
# and waited for like any other. A daemon's tick is short, as tests wait for it again and again. One server
# forks the readers of all commands, which each would import the same for its own; it must not write where our
# answers stand, and is no child of the commands, which could not ask whether it runs.
_PROGRAM = """
import json, os, sys
from datetime import timedelta
from multiprocessing import forkserver
from aggregator import server
from aggregator.app import app, daemon
from aggregator.cli import fetch, publish, serving
from aggregator.cli.main import main
from aggregator.polling import full_text, poll
from aggregator.reading import workers

daemon.TICK = timedelta(seconds=0.2)
answers = os.dup(1)
os.dup2(2, 1)
forkserver.set_forkserver_preload(["tests.support.fork_server", "aggregator.reading.preload"])
forkserver.ensure_running()
os.dup2(answers, 1)
forkserver.ensure_running = forkserver._forkserver.ensure_running = lambda: None
for line in sys.stdin:
    order = json.loads(line)
    if "pid" in order:
        pid, status = os.waitpid(order["pid"], os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if pid else None
    elif (answer := os.fork()) == 0:
        for number, place in (0, os.devnull), (1, order["output"]), (2, order["log"]):
            os.dup2(os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        main(order["arguments"], prog_name="aggregator")
    print(json.dumps(answer), flush=True)
"""


class _Launcher:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **order: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@cache
def _launcher() -> _Launcher:
    made = _Launcher()
    atexit.register(made.close)
    return made


class Launched:
    """A command that runs, with the methods of `Popen` that tests need.

    It says everything to `log`; `output`: where what it prints goes instead. It runs in `folder`.
    """

    def __init__(
        self,
        *arguments: str,
        log: Path,
        output: Path | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._returncode: int | None = None
        log.touch()  # a test that waits for a line of it need not wait for the file
        places = {"log": str(log), "output": str(output or log), "folder": str(folder or Path.cwd())}
        self.pid: int = _launcher().ask(arguments=arguments, environment={**environment}, **places)

    def poll(self) -> int | None:
        """Its exit code, once it has ended; a signal's number is negative."""
        if self._returncode is None:
            self._returncode = _launcher().ask(pid=self.pid)
        return self._returncode

    def wait(self, seconds: float = 120) -> int:
        """Its exit code, when it has ended; the seconds bound a hang and nothing else."""
        end = time.monotonic() + seconds
        while (code := self.poll()) is None:
            assert time.monotonic() < end, "it does not end"
            time.sleep(0.01)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Tells it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once; `wait` for that."""
        self.send_signal(signal.SIGKILL)
