"""A site folder to run commands in: a config, sources on a server, and the command line."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import click.testing

from aggregator.cli.main import main
from tests.support.launching import Launched


def feed(name: str, *numbers: int, body: str = "Text", guid: bool = True) -> bytes:
    """An RSS feed whose items are numbered; the higher the number the newer."""
    items = "".join(
        f"<item><title>{name} {n}</title><link>https://{name}.example/{n}</link>"
        + (f"<guid>https://{name}.example/{n}</guid>" if guid else "")
        + f"<pubDate>Mon, {1 + n % 28:02} Jan 2024 0{n % 10}:00:00 GMT</pubDate>"
        f"<description>&lt;p&gt;{body} {n}&lt;/p&gt;</description></item>"
        for n in numbers
    )
    return (
        f"<rss version='2.0'><channel><title>{name}</title><link>https://{name}.example/</link>"
        f"<description>About {name}</description>{items}</channel></rss>"
    ).encode()


def _toml(value: Any) -> str:
    """JSON's strings and numbers are TOML's too; its objects are written with `=`."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


class Site:
    """A folder with a config of its own; commands run against it in this process or in another."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self._settings = settings
        self.home = home
        self.file = home / "config" / "aggregator.toml"
        self.file.parent.mkdir(parents=True)
        self.output = home / "feeds"
        self.log = home / "log"
        self.configure()

    def configure(self, *sources: dict[str, Any], **settings: Any) -> None:
        """Writes the config; what it does not set is as it was set when the site was made."""
        settings = {**self._settings, **settings}
        # A second request to an address would wait for a second.
        fetch = {"allow": ["127.0.0.1"], "host_gap": "0s", **settings.pop("fetch", {})}
        site = settings.pop("site", {"title": "Planet", "url": "https://planet.example/feeds"})
        lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
        lines += ["[fetch]", *(f"{key} = {json.dumps(value)}" for key, value in fetch.items())]
        lines += ["[site]", *(f"{key} = {json.dumps(value)}" for key, value in site.items())]
        for source in sources:
            lines += ["[[sources]]", *(f"{key} = {_toml(value)}" for key, value in source.items())]
        self.file.write_text("\n".join(lines), encoding="utf-8")

    def copied(self, home: Path) -> Site:
        """The same in another folder; what its config names is inside it, or on a server."""
        made = Site(home, **self._settings)
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return made

    def run(self, command: str, *arguments: str) -> click.testing.Result:
        """Runs a command here, in this process; one of a group has its name behind the group's."""
        runner = click.testing.CliRunner()
        result = runner.invoke(main, [*command.split(), "--config", str(self.file), *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    def command(self, *arguments: str) -> list[str]:
        """A command line that runs in a process of its own."""
        return [sys.executable, "-m", "aggregator", *arguments, "--config", str(self.file)]

    def start(self, *arguments: str, **environment: str) -> Launched:
        """Starts a command in a process of its own, that can be killed; it says everything to `log`."""
        return Launched(*arguments, "--config", str(self.file), log=self.log, environment=environment)

    def files(self) -> dict[str, bytes]:
        """Every file under the output folder, by its path."""
        return {
            path.relative_to(self.output).as_posix(): path.read_bytes()
            for path in sorted(self.output.rglob("*"))
            if path.is_file()
        }

    def times(self) -> dict[str, int]:
        """When each output was last written."""
        return {str(p): p.stat().st_mtime_ns for p in sorted(self.output.rglob("*")) if p.is_file()}
