"""Hostile inputs by the hundred thousand: nothing but our own errors, nothing over its deadline, no crash.

    python benchmarks/fuzz.py --cases 200000 --minutes 60          every target
    python benchmarks/fuzz.py feed mail --cases 200000 --seed 2    these alone
    python benchmarks/fuzz.py feed --only 4711                     one case again, its traceback shown

Targets are the kinds of sources, `commands`, `stores` and `server` (tests/support/fuzzing). Each runs in a process
of its own, `--processes` at once; a case that hangs or crashes ends its process, is named, and the next one goes
on behind it. The same seed makes the same cases.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from random import Random
from threading import Semaphore

sys.path.insert(0, str(Path(__file__).parents[1]))

CPU_SECONDS = 20  # of a case; the machine may be busy with other things
DEADLINE_SECONDS = 600
MEMORY_BYTES = 4 * 1024**3
CASES_PER_PROCESS = 10_000
_CASE = struct.Struct("q")


def child(target: str, first: int, end: int, seed: int, until: float, place: int) -> None:
    """Tries cases; one line of JSON on standard output for each failure, and one for the whole.

    `place`: the descriptor of the file that has the number of the case.
    """
    from tests.support.computed_once import empty_stores_are_made_once, statements_are_compiled_once
    from tests.support.fuzzing import TARGETS

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    faulthandler.register(signal.SIGPROF, chain=True)  # says where it was, and ends the process
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    outcomes: Counter[str] = Counter()
    number, watched = first, 0.0
    with (
        statements_are_compiled_once(),
        empty_stores_are_made_once(),
        tempfile.TemporaryDirectory() as folder,
        TARGETS[target](Path(folder)) as case,
    ):
        for number in range(first, end):
            if (moment := time.time()) > until:
                number -= 1
                break
            os.pwrite(place, _CASE.pack(number), 0)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            if moment - watched > 1:  # it starts a thread: for each case that took longer than the case
                faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
                watched = moment
            try:
                outcomes[case(Random(f"{target} {seed} {number}"))] += 1
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                outcomes["wrong"] += 1
                where = traceback.extract_tb((error.__cause__ or error).__traceback__)[-1]
                line = f"{Path(where.filename).name}:{where.lineno}"
                message = f"{type(error).__name__}: {error}"[:600]
                print(json.dumps({"case": number, "place": line, "message": message}), file=out, flush=True)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"done": number + 1, "outcomes": outcomes}), file=out, flush=True)


def run(
    target: str, cases: int, seed: int, until: float, turns: Semaphore
) -> tuple[str, int, Counter[str], list[dict[str, object]]]:
    """All cases of a target, in one process after the other."""
    done, outcomes, failures = 0, Counter[str](), []
    while done < cases and time.time() < until:
        end = min(done + CASES_PER_PROCESS, cases)
        finished = False
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as place:
            place.write(_CASE.pack(done - 1))
            place.flush()
            facts = (target, done, end, seed, until, place.fileno())
            command = [sys.executable, __file__, "--child", *map(str, facts)]
            with (
                turns,
                subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    pass_fds=(place.fileno(),),
                ) as process,
            ):
                for line in process.stdout or ():
                    message = json.loads(line)
                    if "case" in message:
                        failures.append(message)
                        print(f"{target} {message}", file=sys.stderr, flush=True)
                    else:
                        finished, at = True, message["done"] - 1
                        outcomes.update(message["outcomes"])
            if not finished:
                (at,) = _CASE.unpack(os.pread(place.fileno(), _CASE.size, 0))
                errors.seek(0)
                last = errors.read()[-3000:].decode("utf-8", "replace")
                failures.append({"case": at, "place": f"exit {process.returncode}", "message": last})
                outcomes["hung or crashed"] += 1
                print(f"{target} {failures[-1]}", file=sys.stderr, flush=True)
                if at < done:  # it did not even begin
                    break
        done = at + 1
    return target, done, outcomes, failures


def main() -> int:
    """Runs the cases and prints what came of them."""
    from tests.support.fuzzing import TARGETS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--cases", type=int, default=10_000, help="of each target")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="for all of it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", type=int, help="the number of one case")
    options = parser.parse_args()
    targets = options.targets or list(TARGETS)
    if unknown := set(targets) - TARGETS.keys():
        parser.error(f"no target is named {', '.join(unknown)}")
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder, TARGETS[targets[0]](Path(folder)) as case:
            print(case(Random(f"{targets[0]} {options.seed} {options.only}")))
        return 0
    # Targets take turns, so that a run that is ended by the clock has tried all of them.
    until = time.time() + options.minutes * 60
    wrong = 0
    turns = Semaphore(options.processes)
    with ThreadPoolExecutor(len(targets)) as threads:
        runs = [threads.submit(run, target, options.cases, options.seed, until, turns) for target in targets]
        for finished in as_completed(runs):
            target, done, outcomes, failures = finished.result()
            wrong += len(failures)
            places = Counter(str(failure["place"]) for failure in failures)
            print(
                f"{target}: {done:,} cases, {len(failures)} wrong; {dict(outcomes)} {dict(places)}",
                flush=True,
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        first, end, seed, until, place = sys.argv[3:]
        child(sys.argv[2], int(first), int(end), int(seed), float(until), int(place))
    else:
        sys.exit(main())
