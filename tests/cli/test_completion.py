"""Completion in a shell: commands, options and the names of sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from aggregator.cli.main import COMMANDS, main
from tests.support.site import Site

ROOT = Path(__file__).parents[2]


def completed(*words: str) -> list[str]:
    """The completions of the last of these words."""
    shell = ShellComplete(main, {}, "aggregator", "_AGGREGATOR_COMPLETE")
    return [item.value for item in shell.get_completions([*words[:-1]], words[-1])]


def test_commands_and_options_are_completed() -> None:
    """Each with its line of help."""
    assert completed("") == [*COMMANDS]
    assert completed("re") == ["rebuild", "remove", "rename", "restore"]
    assert {"--force", "--json"} <= {*completed("fetch", "--")}
    shell = ShellComplete(main, {}, "aggregator", "_AGGREGATOR_COMPLETE")
    assert all(item.help for item in shell.get_completions([], ""))


def test_names_of_sources_are_completed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the config that is named, or of the usual one; without one, or with a broken one, there are none."""
    names = ("Planet Debian", "planet", "Other")
    site.configure(*({"name": name, "url": "https://a.example/"} for name in names))
    config = ("--config", str(site.file))
    for command in ("fetch", "sources", "remove", "rename", "enable", "disable", "move"):
        assert completed(command, *config, "pl") == ["Planet Debian", "planet"], command
    monkeypatch.chdir(site.home)
    assert completed("fetch", "O") == ["Other"]
    site.file.write_text("= x")
    assert completed("fetch", "O") == []
    monkeypatch.chdir(ROOT.parent)
    assert completed("fetch", "O") == []


def test_names_of_sources_in_the_store_are_completed(site: Site) -> None:
    """Beside those of the config; what is no text has none."""
    site.configure({"name": "Planet", "url": "https://a.example/"})
    (site.home / "list.txt").write_text("https://plant.example/")
    assert site.run("import", str(site.home / "list.txt"), "--store").exit_code == 0
    for beginning, found in (("pl", ["Planet", "plant.example"]), ("plan%", []), ("pl\udcff", [])):
        assert completed("fetch", "--config", str(site.file), beginning) == found


def test_names_that_cannot_be_printed_are_not_completed(site: Site) -> None:
    """A line of a completion is a name; a shell shows it as it is."""
    names = ("plain", "pl\nain", "pl\x1b[2Jain", "pl\u202eain", "pläin")
    site.configure(*({"name": name, "url": "https://a.example/"} for name in names))
    assert completed("fetch", "--config", str(site.file), "pl") == ["plain", "pläin"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_lines_work(shell: str) -> None:
    """Each shell's line is in the documentation, and gives a script that this shell reads."""
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    (variable,) = re.findall(rf"(_AGGREGATOR_COMPLETE={shell}_source) aggregator", text)
    name, _, value = variable.partition("=")
    done = subprocess.run(
        [sys.executable, "-c", "from aggregator.cli.main import main; main(prog_name='aggregator')"],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    if shell == "bash" and "version is not supported" in done.stderr:
        pytest.skip("this bash is older than 4.4")
    assert "_AGGREGATOR_COMPLETE" in done.stdout, done.stderr
    if (found := shutil.which(shell)) is None:
        pytest.skip(f"no {shell} here: its script was made, but not read")
    read = subprocess.run([found, "-n"], input=done.stdout, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
