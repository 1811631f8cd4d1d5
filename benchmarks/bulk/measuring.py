"""What a whole process costs, with all that it starts: time, processor time, memory, bytes written."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEADLINE_SECONDS = 600
_LOOK_SECONDS = 0.2
"""How often a tree of processes is looked at: twenty times a second took a tenth of two cores."""
_FIRST_LOOK_SECONDS = 0.05
_WAIT_SECONDS = 0.005
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command: seconds by the clock and of processors, peak memory (PSS) and bytes written, in MB.

    All of the whole tree of processes. Bytes written are those that went to storage.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    written_mb: float


class Failed(Exception):
    """A command did not do its work; the text says why."""


def run(command: list[str], folder: Path) -> Cost:
    """Runs a command in a folder. Raises Failed for an exit code other than 0, and after ten minutes.

    What other programs wrote before is on disk when it begins, so that writing it back is not counted here.
    Two accounts are kept, and the larger one is taken of each: what the kernel adds up of processes that were
    waited for, which has the short ones, and what is seen of each five times a second, which has the others.
    """
    cpu: dict[int, float] = {}
    written: dict[int, int] = {}
    peak = 0.0
    os.sync()
    with tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        next_look = begun + _FIRST_LOOK_SECONDS
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(_WAIT_SECONDS)
            if time.perf_counter() < next_look:
                continue
            next_look = time.perf_counter() + _LOOK_SECONDS
            total = 0.0
            for each in _tree(process.pid):
                try:
                    facts = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
                    cpu[each] = (int(facts[11]) + int(facts[12])) / _TICKS
                    written[each] = int(_value(f"/proc/{each}/io", "\nwrite_bytes:"))
                    total += int(_value(f"/proc/{each}/smaps_rollup", "\nPss:")) / 1024
                except (OSError, IndexError, ValueError):
                    continue
            peak = max(peak, total)
            if time.perf_counter() - begun > DEADLINE_SECONDS:
                process.kill()
                raise Failed(f"does not end within {DEADLINE_SECONDS} s")
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise Failed(f"exit code {process.returncode}: {errors.read()[-300:].decode(errors='replace')}")
    return Cost(
        seconds=seconds,
        cpu_seconds=max(sum(cpu.values()), used.ru_utime + used.ru_stime),
        peak_mb=max(peak, used.ru_maxrss / 1024 if not peak else 0.0),
        written_mb=max(sum(written.values()), used.ru_oublock * 512) / 1e6,
    )


def _value(file: str, name: str) -> str:
    return Path(file).read_text().partition(name)[2].split()[0]


def _tree(root: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for each in os.scandir("/proc"):
        if each.name.isdigit():
            try:
                parent = int(Path(each.path, "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(each.name))
    waiting = [root]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, [])
