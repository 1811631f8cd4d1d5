"""The tutorial, command for command, as a newcomer would type it; the site that it follows is on loopback."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest

from aggregator.cli.main import main
from tests.app.test_daemon import until
from tests.conftest import Answer, Server
from tests.support.launching import Launched
from tests.support.serving import ask
from tests.test_deploy import free_port

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
SITE = "https://planet.debian.org"
# The suite itself runs from such an environment; it needs no network.
INSTALLATION = ["python3 -m venv ~/aggregator", ". ~/aggregator/bin/activate", "pip install ."]
FEED = b"""\
<feed xmlns="http://www.w3.org/2005/Atom"><title>Planet Debian</title><id>tag:planet.example,2024:all</id>
<link href="https://planet.debian.org/"/><updated>2024-05-01T00:00:00Z</updated>
<entry><title>Green tea</title><id>tag:planet.example,2024:1</id><link href="https://tea.example/green"/>
<updated>2024-05-01T00:00:00Z</updated><summary>Leaves</summary></entry>
<entry><title>Sponsored: coffee</title><id>tag:planet.example,2024:2</id>
<link href="https://coffee.example/sponsored"/><updated>2024-04-01T00:00:00Z</updated><summary>Beans</summary></entry>
</feed>"""
HOME = b"""<!doctype html><title>Planet Debian</title>
<link rel="alternate" type="application/atom+xml" title="Planet Debian" href="/atom.xml">
<h1>Planet Debian</h1>"""


def sections() -> Iterator[tuple[str, list[tuple[str, str]], list[str]]]:
    """Each part of the page: its heading, its blocks with their languages, addresses that it says to open."""
    for part in PAGE.read_text(encoding="utf-8").split("\n## "):
        blocks = re.findall(r"^```(\w+)\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
        yield part.split("\n")[0], blocks, re.findall(r"<http://127\.0\.0\.1:8000(/[^>]*)>", part)


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, with the lines that stand below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *printed = part.splitlines()
        yield command, printed


class Newcomer:
    """Somebody who does what the page says."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.server = server
        self.monkeypatch = monkeypatch
        self.log = log
        self.port = free_port()
        self.started: list[Launched] = []

    def does(self, language: str, block: str) -> None:
        """Adds to the config what is to be added, and types what is to be typed."""
        if language == "toml":
            with Path("config/aggregator.toml").open("a", encoding="utf-8") as config:
                config.write(f"\n{block}")
            return
        for command, printed in commands(block):
            if command not in INSTALLATION:
                self.types(command, printed)

    def types(self, command: str, printed: list[str]) -> None:
        """One command: it succeeds, and prints what the page says."""
        program, *arguments = shlex.split(command.replace(SITE, self.server.url))
        if program == "cd":
            self.monkeypatch.chdir(arguments[0])
            return
        assert program == "aggregator"
        if arguments[0] in ("run", "serve"):
            self.starts(arguments)
            return
        result = click.testing.CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, (command, result.output)
        output = "\n".join(map(str.rstrip, result.output.replace(self.server.url, SITE).splitlines()))
        expected = "\n".join(re.escape(line).replace("…", "(?s:.*)") for line in printed)
        # Older releases of rich leave an empty line where a progress bar was.
        assert re.match(expected, output.lstrip("\n")), (command, output)
        if arguments[0] == "init":  # what is on loopback is refused otherwise
            config = Path("planet/config/aggregator.toml")
            config.write_text(
                re.sub("(?m)^# (allow =).*", r'\1 ["127.0.0.1"]', config.read_text("utf-8")), "utf-8"
            )

    def starts(self, arguments: list[str]) -> None:
        """A command that goes on until it is stopped."""
        here = f"127.0.0.1:{self.port}"
        arguments = [each.replace("127.0.0.1:8000", here) for each in arguments]
        arguments += ["--listen", here] if arguments[0] == "serve" else []
        config = Path("config/aggregator.toml").absolute()
        self.started.append(Launched(*arguments, "--config", str(config), log=self.log))

    def opens(self, path: str) -> None:
        """An address, in a browser or a feed reader."""
        until(lambda: self._answers(path))

    def _answers(self, path: str) -> bool:
        try:
            return ask(self.port, path).status == 200
        except OSError:
            return False

    def stops(self) -> None:
        """Ctrl-C."""
        while self.started:
            running = self.started.pop()
            running.send_signal(signal.SIGINT)
            assert running.wait() == 0, self.log.read_text()


def test_every_command_of_the_tutorial_does_what_it_says(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an empty folder to a backup that was brought back."""
    server.pages["/"] = Answer(headers={"Content-Type": "text/html; charset=utf-8"}, body=HOME)
    server.pages["/atom.xml"] = Answer(headers={"Content-Type": "application/atom+xml"}, body=FEED)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    newcomer = Newcomer(server, monkeypatch, tmp_path / "log")
    done = []
    try:
        for heading, blocks, addresses in sections():
            for language, block in blocks:
                newcomer.does(language, block)
                done += [command for command, _ in commands(block)]
            for address in addresses:
                newcomer.opens(address)
            newcomer.stops()
            assert heading
    finally:
        for running in newcomer.started:
            running.kill()
    assert done[:3] == INSTALLATION
    assert {command.split()[1] for command in done[3:]} >= {
        "init",
        "add",
        "fetch",
        "rules",
        "serve",
        "run",
        "backup",
    }
