"""Processes that do tasks: none outlives who asked. What else they promise is in test_workers."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aggregator.model.wire import Format
from aggregator.processes import Lost, Processes, Stopped, child, one_process

PARENT = """
import sys
from aggregator.model.wire import Format
from aggregator.processes import Processes, one_process
from tests.processes.test_pool import sleep, spin
if __name__ == "__main__":
    one_process.GRACE_SECONDS = -28.0  # the process's own clock, long before this one's
    with Processes({"sleep": sleep, "spin": spin}[sys.argv[1]], Format(object), 1) as pool:
        if sys.argv[3:]:
            pool.fork()
        pool.ask(30.0 if sys.argv[1] == "spin" and sys.platform != "linux" else None, sys.argv[2])
"""


def sleep(message: str) -> None:
    """Tells its process, and does nothing for ten minutes."""
    tell(message)
    time.sleep(600)


def spin(message: str) -> None:
    """Tells its process, and stays in one call of C code for longer than anybody will wait."""
    tell(message)
    re.match(r"(a+)+$", "a" * 64 + "b")


def tell(place: str) -> None:
    """Makes a file that is locked for as long as this process lives."""
    aside = Path(place + ".part")
    fcntl.flock(os.open(aside, os.O_CREAT | os.O_WRONLY), fcntl.LOCK_EX)
    aside.rename(place)


def number() -> int:
    """This process's."""
    return os.getpid()


def swell(size: int) -> bytearray:
    """Takes so many bytes."""
    return bytearray(size)


def double_answer(value: int) -> int:
    """Sends something behind its answer to 1."""
    if value == 1:
        send = child.HEADER.pack

        class Twice:
            size = child.HEADER.size
            unpack = child.HEADER.unpack

            def pack(self, *values: int) -> bytes:
                return send(*values[:2], 0)

        child.HEADER = Twice()  # type: ignore[assignment]
    return value


@pytest.mark.parametrize("task", [("sleep",), ("spin",), ("spin", "forked")])
def test_worker_processes_end_with_a_killed_parent(tmp_path: Path, task: tuple[str, ...]) -> None:
    """Waiting ones, and one inside C code: where the system does not end it, a timer does."""
    message, program = tmp_path / "message", tmp_path / "parent.py"
    program.write_text(PARENT, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, program, task[0], message, *task[1:]],
        env={**os.environ, "PYTHONPATH": root},
        stderr=subprocess.DEVNULL,
    )
    while not message.exists():
        assert parent.poll() is None
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    with message.open() as file:
        for _ in range(6_000):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.01)
    pytest.fail("the process went on")


def test_the_time_of_one_task_is_not_that_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits for a task is not ended by the clock of the one before."""
    monkeypatch.setattr(one_process, "GRACE_SECONDS", -60.0)
    with Processes[[], int](number, Format(int), 1) as pool:
        first = pool.ask(61)
        time.sleep(1.1)
        assert pool.ask(None) == first


def test_a_task_that_is_ended_by_its_process_took_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock is the first for a task of more than 50 s, as the parent waits a tenth longer."""
    monkeypatch.setattr(one_process, "GRACE_SECONDS", 0.02)
    with (
        Processes[[str, bytes], bytes](either, Format(bytes), 1) as pool,
        pytest.raises(Lost, match=r"took longer than 0\.5 s"),
    ):
        pool.ask(0.5, "hangs", b"")


def test_the_late_answer_of_a_slow_process_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says once it is ready is no answer, and the answer to one task is none to the next."""
    with Processes[[int], str](str, Format(str), 1) as pool:
        monkeypatch.setattr(one_process, "START_SECONDS", 0)
        with pytest.raises(Lost, match="waited longer than 0 s"):
            pool.ask(60, 1)
        monkeypatch.setattr(one_process, "START_SECONDS", 60)
        assert [pool.ask(60, n) for n in (2, 3)] == ["2", "3"]


def test_a_task_that_uses_too_much_memory_reports_it() -> None:
    """In words that end the sentence."""
    with (
        Processes[[int], bytes](swell, Format(bytes), 1, memory_bytes=512 * 1024**2) as pool,
        pytest.raises(Lost, match="too much memory"),
    ):
        pool.ask(60, 2**32)


@pytest.mark.parametrize("size", [0, 1, child.FIRST_BYTES - 20, child.FIRST_BYTES, 1_000_000])
def test_answers_of_any_size_arrive_completely(size: int) -> None:
    """Sent in one piece with its header, or in several."""
    with Processes[[int], bytes](swell, Format(bytes), 1) as pool:
        assert [len(pool.ask(60, size)) for _ in range(2)] == [size, size]


def test_a_process_that_sends_extra_bytes_is_replaced() -> None:
    """A process that sends more than it was asked for is replaced."""
    with Processes[[int], int](double_answer, Format(int), 1) as pool:
        with pytest.raises(Lost, match="more than an answer"):
            pool.ask(60, 1)
        assert pool.ask(60, 2) == 2


PROGRAM = """
print("begun")
import sys
import __main__
before = {**vars(__main__)}
from aggregator.model.wire import Format
from aggregator.processes import Processes
from tests.processes.test_pool import number
with Processes(number, Format(int), 1) as pool:
    assert pool.ask(60)
for name in ("__file__", "__spec__"):
    assert vars(__main__).get(name, "none") == before.get(name, "none"), name
"""
OWN = """
from aggregator.reading.document import Context, Reading
from aggregator.reading.workers import Workers
from aggregator.model.resource import Resource
from aggregator.model.article import Document
def read(resource, context):
    return Reading(document=Document(title=resource.url))
if __name__ == "__main__":
    with Workers(1, read=read) as workers:
        print(workers.read(Resource(url="begun", body=b""), Context()).document.title)
"""


@pytest.mark.parametrize("how", ["a file", "a text"])
def test_the_main_module_is_not_imported_again_in_a_process(tmp_path: Path, how: str) -> None:
    """The program needs no `if __name__` guard, and each process starts sooner."""
    assert told_by(tmp_path, PROGRAM, how) == "begun"


def test_functions_of_the_main_module_are_found(tmp_path: Path) -> None:
    """A function of its own, even when it comes with the tasks."""
    assert told_by(tmp_path, OWN, "a file") == "begun"


FORKED = """
import errno, os, signal, sys, threading, time
from aggregator.model.wire import Format
from aggregator.processes import Processes
how, parents = sys.argv[1], []
def refuse():
    raise OSError(errno.EAGAIN, "too many processes")

if how == "refused":
    os.fork = refuse
if how == "threads":
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
for _ in range(20 if how == "interrupted" else 1):
    with Processes(os.getppid, Format(int), 2) as pool:
        pool.fork()
        forked = [each._process.pid for each in pool._processes if each._process]
        for pid in forked:
            if how == "killed":
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            if how == "interrupted":
                os.kill(pid, signal.SIGINT)
        parents.append(pool.ask(60))
    for pid in forked:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        print("goes on")
print({each == os.getpid() for each in parents})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked from this one")
@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("used", "{True}"),
        ("interrupted", "{True}"),
        ("threads", "{False}"),
        ("killed", "{False}"),
        ("refused", "{False}"),
    ],
)
def test_forked_processes_are_used_unless_there_are_threads_or_they_ended(how: str, expected: str) -> None:
    """Each says which process it was forked from. ^C does nothing to them, and none outlives the pool."""
    command = [sys.executable, "-W", "error", "-c", FORKED, how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, expected, "")


def told_by(folder: Path, program: str, how: str) -> str:
    """Returns what a program says."""
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, file] if how == "a file" else [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def at(moment: float) -> float:
    """When this task was begun, by the clock that all processes share; ends at `moment`."""
    begun = time.monotonic()
    time.sleep(max(moment - begun, 0))
    return begun


def test_a_process_begins_the_next_task_before_its_answer_is_taken() -> None:
    """The thread that asked takes half a second for an answer; meanwhile the process does the other task."""
    taken: list[float] = []

    def take(begun: float, _: float) -> float:
        time.sleep(0.5)
        taken.append(time.monotonic())
        return begun

    with (
        Processes[[float], float](at, Format(float), 1, take=take) as pool,
        ThreadPoolExecutor(2) as threads,
    ):
        begins = time.monotonic() + 1
        begun = [each.result() for each in [threads.submit(pool.ask, 60, begins) for _ in range(2)]]
    assert max(begun) < min(taken)


def either(kind: str, value: bytes) -> bytes:
    """What a task may do to its process: `value` comes back in all cases but those that end it."""
    if kind == "hangs":
        time.sleep(600)
    if kind == "swells":
        raise MemoryError
    if kind == "crashes":
        os.kill(os.getpid(), signal.SIGKILL)
    return b"wrong" if kind == "lies" else value


def believed(answer: bytes, kind: str, value: bytes) -> bytes:
    """Refuses what is no answer to the task."""
    if answer != value:
        raise ValueError("not mine")
    return answer


@pytest.mark.parametrize("processes", [1, 2])
def test_tasks_of_many_threads_are_concerned_by_no_other(processes: int) -> None:
    """Tasks that hang, use up memory, crash and lie lose their process, and with it what was sent ahead."""
    dice = random.Random(processes)
    kinds = ["answers"] * 120 + ["hangs"] * 4 + ["swells", "crashes", "lies"] * 8
    dice.shuffle(kinds)
    # Larger than a socket has room for, in both directions: neither side may wait for the other.
    values = [dice.randbytes(dice.choice((0, 10, 1_000, 100_000, 1_000_000))) for _ in kinds]
    reasons = {"longer than": "hangs", "not mine": "lies", "or crashed": "crashes", "memory": "swells"}

    def ended(kind: str, value: bytes) -> str:
        try:
            assert pool.ask(1.5 if kind == "hangs" else 60, kind, value) == value
        except Lost as lost:
            return next(kind for text, kind in reasons.items() if text in str(lost))
        return "answers"

    with (
        Processes[[str, bytes], bytes](
            either, Format(bytes), processes, take=believed, tasks_each=30
        ) as pool,
        ThreadPoolExecutor(8) as threads,
    ):
        found = [*threads.map(ended, kinds, values)]
    assert found == kinds


def test_threads_that_wait_are_told_when_the_pool_is_closed() -> None:
    """The one that is served, the one whose task was sent ahead, and the one that waits for its turn."""
    with ThreadPoolExecutor(4) as threads:
        with Processes[[str, bytes], bytes](either, Format(bytes), 1) as pool:
            assert pool.ask(60, "answers", b"begun") == b"begun"
            asking = [threads.submit(pool.ask, 60, "hangs", b"") for _ in range(4)]
            time.sleep(0.3)
        for each in asking:
            with pytest.raises(Stopped):
                each.result()
        with pytest.raises(Stopped):
            pool.ask(60, "answers", b"")


@pytest.mark.parametrize("waits", [0.1, 0.9])
def test_a_thread_that_is_interrupted_while_it_waits_disturbs_no_other(waits: float) -> None:
    """Before its task is sent ahead, or after: the process, and the tasks of others, go on."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with (
            Processes[[float], float](at, Format(float), 1) as pool,
            ThreadPoolExecutor(4) as threads,
        ):
            begins = time.monotonic() + 1.5
            for n in range(4):
                others = [threads.submit(pool.ask, 60, begins + n + each / 4) for each in range(2)]
                time.sleep(0.05)
                signal.setitimer(signal.ITIMER_REAL, waits)
                with pytest.raises(KeyboardInterrupt):
                    pool.ask(60, begins + n + 600)
                assert all(each.result() for each in others)
            assert pool.ask(60, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_ctrl_c_does_not_end_the_process_that_imports_early(tmp_path: Path) -> None:
    """A terminal sends it to all processes. The others are forked from it afterwards, and it says nothing."""
    begun = tmp_path / "begun"
    (tmp_path / "slow.py").write_text(f"import time\nopen({str(begun)!r}, 'w').close()\ntime.sleep(1)\n")
    code = (
        "import os, signal, time\n"
        "from multiprocessing import forkserver\n"
        "from pathlib import Path\n"
        "from aggregator.model.wire import Format\n"
        "from aggregator.processes import Processes, import_early, preload\n"
        "preload('slow')\n"
        "import_early()\n"
        "server = forkserver._forkserver._forkserver_pid\n"
        "for _ in range(6000):\n"
        f"    if Path({str(begun)!r}).exists():\n"
        "        break\n"
        "    time.sleep(0.01)\n"
        "os.kill(server, signal.SIGINT)\n"
        "with Processes(os.getppid, Format(int), 1) as pool:\n"
        "    print(pool.ask(None) == server)\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nset()\n", "")


def test_a_pool_survives_an_interrupt_at_any_moment() -> None:
    """^C comes when a function of Python begins or one of C has ended; the process is used or replaced."""
    with Processes[[int], bytes](swell, Format(bytes), 1) as pool, ThreadPoolExecutor(1) as threads:
        for moment in itertools.count(1):
            assert len(threads.submit(pool.ask, 60, 2).result(timeout=60)) == 2
            left = itertools.count(moment, -1)

            def interrupt(_frame: object, event: str, _of: object, left: Iterator[int] = left) -> None:
                if event in ("call", "c_return") and next(left) == 1:
                    raise KeyboardInterrupt

            sys.setprofile(interrupt)
            try:
                pool.ask(60, 3)
            except KeyboardInterrupt:
                continue
            finally:
                sys.setprofile(None)
            break
    assert moment > 30
