"""When a stream is treated as a terminal, and the progress bar that is then shown."""

from __future__ import annotations

import io
import sys

import pytest
from rich.progress import Progress

from aggregator.cli import terminal
from aggregator.cli.terminal import Terminal, progress_bar


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_tty", [True, False])
@pytest.mark.parametrize("variable", ["", "FORCE_COLOR=1", "TTY_COMPATIBLE=1", "TTY_COMPATIBLE=0"])
def test_a_stream_is_a_terminal_when_rich_says_so(
    monkeypatch: pytest.MonkeyPatch, is_tty: bool, variable: str
) -> None:
    """Rich, of which some versions know fewer variables, is not imported to find that a file is none."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(*variable.split("="))
    monkeypatch.setattr(sys, "stderr", _Tty() if is_tty else io.StringIO())
    asked = Terminal(stderr=True)
    assert asked.is_terminal is asked.console.is_terminal
    if not variable.startswith("TTY"):
        assert asked.is_terminal is (is_tty or bool(variable))


def test_no_stream_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without standard error, as a service may run."""
    monkeypatch.setattr(sys, "stderr", None)
    assert not Terminal(stderr=True).is_terminal


@pytest.mark.parametrize("is_tty", [True, False])
def test_a_progress_bar_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, is_tty: bool) -> None:
    """A hidden one has the methods that commands call."""
    monkeypatch.setattr(sys, "stderr", _Tty() if is_tty else io.StringIO())
    monkeypatch.setattr(terminal, "ERR", Terminal(stderr=True))
    with progress_bar(as_json=False) as bar:
        assert isinstance(bar, Progress) is is_tty
        task = bar.add_task("Polling", total=2, visible=True)
        bar.advance(task)
        bar.update(task, completed=2, description="Polled")
        bar.console.print("a line")
    with progress_bar(as_json=True) as bar:
        assert not isinstance(bar, Progress)
