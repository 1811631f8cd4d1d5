"""No input of any command gives a traceback: each ends with a documented exit code and a sentence."""

from __future__ import annotations

import itertools
from pathlib import Path

import click
import click.testing
import pytest

from aggregator.cli.main import COMMANDS, main
from tests.support.site import Site

ODD = (
    *("", " ", "\udcff", "--", "-", "x" * 5_000, "..", "/", "/dev/null", "/dev/full", "/proc/self/mem"),
    *(
        "http://",
        "http://[",
        "http://[::1",
        "https://x:99999/",
        "file:",
        "file:///",
        "file:///nowhere",
        "rsshub:",
    ),
    *(
        "https://a b/",
        "imap://",
        "javascript:alert(1)",
        "data:,x",
        "http://127.0.0.1:1/",
        "[red]",
        "{}",
        "%00",
    ),
    *("https://xn--/", "https://%/", "//x", "\n", "é" * 300, "file://x/y", "rsshub://x/y", "gopher://x"),
)
OPTIONS = {
    "preview": (
        ("--kind", ""),
        ("--kind", "nothing"),
        ("-o", ""),
        ("-o", "=1"),
        ("-o", "a=b"),
        ("--kind", "exec"),
    ),
    "add": (("--yes",), ("--name", ""), ("-c", ""), ("--json",)),
    "import": (("--category", ""),),
}
BLOCKING = {"run", "serve", "worker"}


def run(*arguments: str) -> click.testing.Result:
    """Runs a command; whatever it raises, beside its exit, fails the test."""
    result = click.testing.CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exc_info)
    assert result.exit_code in (0, 1, 2), arguments
    assert "Traceback" not in result.output
    assert result.exit_code == 0 or result.stderr.strip() or result.stdout.strip(), arguments
    return result


def commands() -> list[str]:
    """The commands that end by themselves."""
    return sorted(COMMANDS.keys() - BLOCKING)


@pytest.fixture
def small(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with one folder, in the current directory; nothing beyond this machine is asked."""
    (site.home / "notes").mkdir()
    site.configure(
        {"name": "a", "kind": "articles", "path": "notes"}, fetch={"timeout": "1s", "deadline": "2s"}
    )
    monkeypatch.chdir(site.home)
    return site


@pytest.mark.parametrize("command", commands())
def test_odd_arguments(small: Site, command: str) -> None:
    """Empty, too long, not Unicode, no address, a device."""
    for odd in ODD:
        if odd == "-" and command == "import":
            continue
        run(command, "--", odd) if command == "init" else run(command, "--config", str(small.file), "--", odd)


@pytest.mark.parametrize(("command", "options"), [(c, o) for c, many in OPTIONS.items() for o in many])
def test_odd_options(small: Site, command: str, options: tuple[str, ...]) -> None:
    """Empty values, kinds and options that do not exist."""
    for odd in ("notes", "nowhere", "http://127.0.0.1:1/"):
        run(command, "--config", str(small.file), *options, "--", odd)


@pytest.mark.parametrize("command", [c for c in commands() if c != "init"])
def test_odd_configs(small: Site, command: str) -> None:
    """No file, a folder, a device, no TOML, a deep one, a huge number, and nothing at all."""
    folder = small.home / "other"
    folder.mkdir()
    contents = ("x", "[", "a" * 100_000, "a = " + "[" * 5_000, f"interval = {'9' * 5_000}", "\0", "")
    files = [folder, Path("/dev/null"), folder / "none.toml", folder / "x\udcff", Path("x" * 5_000)]
    for number, text in enumerate(contents):
        (folder / f"{number}.toml").write_text(text)
        files.append(folder / f"{number}.toml")
    needs = {"add": ["nowhere"], "import": ["nowhere"], "preview": ["notes"], "versions": ["x"]}
    for file in files:
        run(command, "--config", str(file), *needs.get(command, []))


@pytest.mark.parametrize("command", sorted(BLOCKING))
def test_odd_addresses_to_serve_at(small: Site, command: str) -> None:
    """They are refused before anything begins."""
    option = "--serve" if command == "run" else "--listen"
    for odd in ("", "x", "x:y", ":99999", "127.0.0.1", "[::1", "é:80", "a b:1", "\udcff:1", ":-1"):
        assert run(command, "--config", str(small.file), option, odd).exit_code == 2


def test_unknown_options_and_commands() -> None:
    """Of every command, and of none."""
    for command, option in itertools.product((*COMMANDS, "nothing"), ("--nothing", "-Z", "--config")):
        assert run(command, option).exit_code == 2
