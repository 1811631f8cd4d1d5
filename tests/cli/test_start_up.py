"""What a command imports: a start is short where nothing is imported that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from aggregator.cli.main import COMMANDS, main
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed

# A process of its own reports which packages are imported when the command has ended.
_PROGRAM = """
import json, sys
from aggregator.cli.main import main
try:
    main(sys.argv[2:], prog_name="aggregator")
finally:
    names = {name.partition(".")[0] for name in sys.modules}
    names |= {name for name in sys.modules if name.startswith(("sqlalchemy.dialects.", "aggregator.store."))}
    open(sys.argv[1], "w").write(json.dumps(sorted(names)))
"""
_READS = {"feedparser", "frontmatter", "jmespath", "lxml", "markdown_it", "mf2py"}
_READS |= {"bs4", "charset_normalizer", "nh3", "selectolax", "yaml"}
_CHOOSES = {"luqum", "re2", "rensa", "datasketch"}
_FETCHES = {"certifi", "dateutil", "publicsuffixlist", "requests", "urllib3"}
_PUBLISHES = {"feedgen", "jinja2"}
_SERVES = {"apscheduler", "prometheus_client", "tomlkit", "uvicorn", "uvloop"}
_NOTIFIES = {"apprise", "smtplib"}
_KEEPS = {"msgspec", "pydantic", "sqlalchemy"}
_OF_POSTGRESQL = {"alembic", "psycopg", "sqlalchemy.dialects.postgresql", "aggregator.store.postgresql"}
_HEAVY = _OF_POSTGRESQL | _READS | _CHOOSES | _FETCHES | _PUBLISHES | _SERVES | _NOTIFIES


def _imported(place: Path, *arguments: str) -> set[str]:
    report = place / "imported.json"
    command = [sys.executable, "-c", _PROGRAM, str(report), *arguments]
    ran = subprocess.run(command, cwd=place, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(report.read_text(encoding="utf-8")))


def _forget_settled(site: Site) -> None:
    """Lets the next run be a usual one (see `app.settled`)."""
    (site.home / "var" / "aggregator.db.settled").unlink()


def test_help_imports_nothing_but_the_command_line(tmp_path: Path) -> None:
    """No library of ours but click, and no room but `cli`."""
    assert _imported(tmp_path, "--help") & {*_HEAVY, *_KEEPS, "rich"} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_imports_nothing_that_it_needs_to_run(command: str, tmp_path: Path) -> None:
    """Each command imports other rooms when it runs."""
    assert _imported(tmp_path, command, "--help") & {*_HEAVY, *_KEEPS, "rich"} == set()


def test_a_fetch_with_nothing_due_neither_fetches_nor_reads_nor_renders(site: Site, server: Server) -> None:
    """Of remote sources, in any way that files are checked, pages and lists included."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    server.pages["/b"] = Answer(body=feed("milk", 3, 4))
    site.configure(
        {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]},
        {"name": "Milk", "url": f"{server.url}/b", "full_text": False},
    )
    site.run("fetch")
    _forget_settled(site)
    assert _imported(site.home, "fetch") & _HEAVY == set()
    assert _imported(site.home, "publish") & _HEAVY == set()


def test_a_settled_fetch_opens_no_store_and_reads_no_config(site: Site, server: Server) -> None:
    """Nothing has changed since a run that left nothing to do."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
    for arguments in ((), ("-v",), ("--json",), ("Tea",)):
        imported = _imported(site.home, "fetch", *arguments)
        assert imported & {*_HEAVY, *_KEEPS} == set()
        assert not any(name.startswith("aggregator.store") for name in imported)


def test_pictures_that_are_copied_already_load_no_decoder(site: Site, server: Server) -> None:
    """And nothing that fetches, where nothing is due."""
    server.pages["/a"] = Answer(body=feed("tea", 1, body=f"<img src='{server.url}/a.jpg'>"))
    for settings in ({}, {"publish.media": True}):
        site.configure({"name": "Tea", "url": f"{server.url}/a"}, **settings)
        site.run("fetch", "--force")
        assert _imported(site.home, "fetch") & {*_HEAVY, "PIL"} == set()


def test_a_poll_that_finds_nothing_new_reads_nothing(site: Site, server: Server) -> None:
    """No reader is imported, in this process or another, for what did not change."""

    def answered(request: Request) -> Answer:
        known = request.headers.get("If-None-Match") == '"1"'
        return Answer(304) if known else Answer(body=feed("tea", 1, 2), headers={"ETag": '"1"'})

    server.pages["/a"] = answered
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
    imported = _imported(site.home, "fetch", "--force")
    assert "requests" in imported
    unwanted = _READS | _CHOOSES | _PUBLISHES | _SERVES | {"dateutil"}
    assert imported & unwanted <= {"charset_normalizer"}, "which requests imports itself"
    assert [request.path for request in server.requests] == ["/a", "/a"]


@pytest.mark.parametrize("command", ["sources", "status"])
def test_commands_that_list_sources_import_the_store_alone(command: str, site: Site, server: Server) -> None:
    """They show what is kept."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a"})
    site.run("fetch")
    assert _imported(site.home, command) & _HEAVY == set()


def test_a_check_imports_neither_the_store_nor_what_publishes(site: Site) -> None:
    """It looks at the config, and at what is on this machine."""
    site.configure({"name": "Tea", "url": "https://tea.example/feed"})
    unwanted = {*_READS, *_PUBLISHES, *_SERVES, *_NOTIFIES, "sqlalchemy"} - {"charset_normalizer"}
    assert _imported(site.home, "check") & unwanted == set()


def test_every_command_is_in_the_table_with_the_first_words_of_its_help() -> None:
    """The table repeats what each module says, so that it can be shown without importing it."""
    group, context = main, click.Context(main)
    assert isinstance(group, click.Group)
    assert group.list_commands(context) == sorted(COMMANDS)
    for name, (_, line) in COMMANDS.items():
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").split()[0] == line.split()[0]
        assert len(line) <= 68, "it would take two lines of a terminal"
        assert line.endswith(".")
    assert group.get_command(context, "nonsense") is None
