"""The benchmark of whole processes: it runs, goes on where it was, and reports what it measured alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = "obvious script"


def bench(results: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it in a process of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "bulk"), "--results", str(results), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def run(peer: str, phase: str, seconds: float, *, held: int = 0, number: int = 1) -> dict[str, Any]:
    """One run as it is kept."""
    where = {"feeds": 200, "held": held, "phase": phase, "peer": peer, "round": number}
    return {**where, "seconds": seconds, "cpu_seconds": 1.5, "peak_mb": 100.4, "written_mb": 20.0}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Where results are kept."""
    return tmp_path / "bulk.json"


def test_measured_results_are_kept_and_not_measured_again(results: Path) -> None:
    """Each run at once; a run goes on with what is missing."""
    phases = ["first", "unchanged", "changed", "dated", "bodies", "publish"]
    before = [{**run(SCRIPT, phase, 1.0), "feeds": 3} for phase in phases]
    results.write_text(json.dumps({"machine": _machine(), "failed": {}, "runs": before}))
    more = bench(results, "--feeds", "3", "--held", "--peers", SCRIPT, "--rounds", "2")
    assert more.returncode == 0, more.stderr
    assert "round 1" not in more.stderr
    kept = json.loads(results.read_text())["runs"]
    assert kept[:6] == before
    assert [(each["phase"], each["round"]) for each in kept[6:]] == [(phase, 2) for phase in phases]
    assert all(x["seconds"] > 0 and x["cpu_seconds"] > 0 and x["peak_mb"] > 0 for x in kept[6:])


def test_medians_ratios_and_what_was_left_out_are_reported(results: Path) -> None:
    """To the fastest program that is not ours; of stores, to the empty one."""
    runs = [run("aggregator", "first", seconds, number=n) for n, seconds in enumerate((9.0, 2.0, 3.0), 1)]
    runs += [run("sfeed", "first", 4.0), run(SCRIPT, "first", 8.0)]
    runs += [run("aggregator, without archives", "unchanged", 2.0)]
    runs += [run("aggregator, without archives", "unchanged", 2.2, held=100_000)]
    assert "nothing was measured" in bench(results, "--report").stderr
    kept = {"machine": _machine(), "date": "2026-01-02", "failed": {"reader": "not installed"}, "runs": runs}
    results.write_text(json.dumps(kept))
    message = bench(results, "--report")
    assert message.returncode == 0, message.stderr
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in message.stdout.splitlines()
        if "|" in line
    ]
    found = {(row[1], row[2], row[3]): row for row in rows[2:]}
    assert found["0", "first poll", "aggregator"][4:6] == ["3.00", "0.75"]
    assert found["0", "first poll", "sfeed"][4:] == ["4.00", "1.00", "1.5", "100", "20", "1,250"]
    assert found["0", "first poll", SCRIPT][5] == "2.00"
    assert found["100,000", "all unchanged", "aggregator, without archives"][5] == "1.10"
    assert "- reader was left out: not installed" in message.stdout
    assert "2026-01-02" in message.stdout
    chart = ElementTree.fromstring(results.with_suffix(".svg").read_text())
    texts = ["".join(each.itertext()) for each in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert "sfeed" in texts
    assert "3.00 s" in texts


def test_reports_have_marks_around_the_measured_text() -> None:
    """Between marks, so that what is around it stays."""
    for name in ("README.md", "docs/benchmarks.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("<!-- measured by make bench -->") == 1
        assert text.count("<!-- end of what make bench wrote -->") == 1


def test_results_of_another_machine_are_not_mixed(results: Path) -> None:
    """Seconds of two machines are no comparison."""
    results.write_text(json.dumps({"machine": "another", "runs": [], "failed": {}}))
    refused = bench(results, "--report")
    assert refused.returncode == 1
    assert "move it away" in refused.stderr


def _machine() -> str:
    program = "import runpy, sys; sys.argv = ['bulk']; sys.path.insert(0, 'benchmarks/bulk'); "
    program += "print(runpy.run_path('benchmarks/bulk/__main__.py')['_machine']())"
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
