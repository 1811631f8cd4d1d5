"""The imports of commands: a command starts quickly if it imports only what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import click.testing
import pytest

import aggregator
from aggregator.app import first_poll
from aggregator.app.config_text import ConfigText
from aggregator.cli.main import COMMANDS, main
from aggregator.processes import Stopped
from aggregator.publishing import writing_processes
from aggregator.publishing.writing_processes import WritingProcesses
from aggregator.reading import early_import
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed

# It has imported the command line alone, and forks for each command a process that tells which packages are
# imported when the command has ended: what all of them import is imported once.
_PROGRAM = """
import json, os, sys
from aggregator.cli.main import main

def tell(place):
    names = {name.partition(".")[0] for name in sys.modules}
    parts = ("sqlalchemy.dialects.", "aggregator.store.", "importlib.metadata")
    names |= {name for name in sys.modules if name.startswith(parts)}
    with open(place, "w") as file:
        json.dump(sorted(names), file)

for line in sys.stdin:
    order = json.loads(line)
    if (child := os.fork()) == 0:
        os.chdir(order["folder"])
        for number, place in (0, os.devnull), (1, order["log"]), (2, order["log"]):
            os.dup2(os.open(place, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
        try:
            main(order["arguments"], prog_name="aggregator")
        finally:
            tell(order["report"])
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
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


class _Imports:
    """Tells which packages a command imports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, place: Path, *arguments: str) -> set[str]:
        """Those that are imported when this command has ended in this folder."""
        report, log = place / "imported.json", place / "printed"
        order = {"folder": str(place), "arguments": arguments, "report": str(report), "log": str(log)}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert int(self._process.stdout.readline()) == 0, log.read_text(encoding="utf-8")
        return set(json.loads(report.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def imported_by() -> Iterator[_Imports]:
    """One process that is asked by all tests."""
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield _Imports(process)


def _forget_settled(site: Site) -> None:
    """Lets the next run be a usual one (see `app.nothing_due`)."""
    (site.home / "var" / "aggregator.db.settled").unlink()


def test_help_imports_nothing_but_the_command_line(tmp_path: Path, imported_by: _Imports) -> None:
    """No library of ours but click, and no room but `cli`."""
    assert imported_by(tmp_path, "--help") & {*_HEAVY, *_KEEPS, "rich"} == set()


def test_a_process_that_ends_looks_through_nothing_that_it_imported() -> None:
    """What is frozen is skipped by the garbage collector, which runs several times as Python ends."""
    program = (
        "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > len(gc.get_objects())))"
    )
    command = [sys.executable, "-c", f"{program}; import aggregator.cli.main"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_imports_nothing_that_it_needs_to_run(
    command: str, tmp_path: Path, imported_by: _Imports
) -> None:
    """Each command imports other rooms when it runs."""
    assert imported_by(tmp_path, command, "--help") & {*_HEAVY, *_KEEPS, "rich"} == set()


def test_a_fetch_with_nothing_due_neither_fetches_nor_reads_nor_renders(
    site: Site, server: Server, imported_by: _Imports
) -> None:
    """Of remote sources, in any way that files are checked, pages and lists included."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    server.pages["/b"] = Answer(body=feed("milk", 3, 4))
    site.configure(
        {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]},
        {"name": "Milk", "url": f"{server.url}/b", "full_text": False},
    )
    site.run("fetch")
    _forget_settled(site)
    assert imported_by(site.home, "fetch") & _HEAVY == set()
    assert imported_by(site.home, "publish") & _HEAVY == set()


def test_a_settled_fetch_opens_no_store_and_reads_no_config(
    site: Site, server: Server, imported_by: _Imports
) -> None:
    """Nothing has changed since a run that left nothing to do."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
    for arguments in ((), ("-v",), ("--json",), ("Tea",)):
        imported = imported_by(site.home, "fetch", *arguments)
        assert imported & ({*_HEAVY, *_KEEPS} - {"msgspec"}) == set()  # the state of a source is a struct
        assert not any(name.startswith("aggregator.store") for name in imported)


def test_the_version_is_that_of_the_package() -> None:
    """It is written in one place."""
    assert aggregator.__version__ == version(aggregator.DISTRIBUTION)


def test_polls_of_unchanged_documents_read_no_config_and_look_at_no_package(
    site: Site, server: Server, imported_by: _Imports
) -> None:
    """They go by what the run before kept of it, which has neither pydantic nor SQLAlchemy."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2), headers={"ETag": '"1"'})
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
    server.pages["/a"] = Answer(304)
    imported = imported_by(site.home, "fetch", "--force")
    assert server.requests[-1].path == "/a"
    heavy = {"pydantic", "sqlalchemy", "lxml", "jinja2", "multiprocessing", "importlib.metadata"}
    assert imported & heavy == set()


def _other_bytes(tag: str) -> Callable[[Request], Answer]:
    """A feed with a tag, always of the same entries."""
    body = feed("tea", 1, 2).replace(b"About tea", tag.encode())
    return lambda request: Answer(body=body, headers={"ETag": f'"{tag}"'})


@pytest.mark.parametrize("is_mixed", [True, False])
def test_the_app_is_imported_for_news_unless_every_document_changed(
    site: Site, server: Server, imported_by: _Imports, is_mixed: bool
) -> None:
    """While the first one waits for a reader. Here none has news."""
    server.pages["/a"] = server.pages["/b"] = _other_bytes("before")
    site.configure(*({"name": name, "url": f"{server.url}/{name}"} for name in "ab"))
    site.run("fetch")
    server.pages["/a"] = _other_bytes("after")
    server.pages["/b"] = Answer(304) if is_mixed else _other_bytes("after")
    assert ("sqlalchemy" in imported_by(site.home, "fetch", "--force")) is is_mixed


def test_only_a_first_poll_expects_documents(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads them is imported on another core while this one starts; later polls may find nothing new."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    monkeypatch.chdir(site.home)
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr(early_import, "preload", lambda *modules: begun.append(modules))
    monkeypatch.setattr(early_import, "import_early", lambda: begun.append(("begins",)))
    for _ in range(2):
        ran = click.testing.CliRunner().invoke(main, ["fetch", "--force"])
        assert ran.exit_code == 0, ran.output
    assert begun == [("aggregator.reading.preload",), ("begins",)]


def test_the_first_poll_imports_what_its_config_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers of its kinds. With a hundred sources, several processes will write feeds."""
    preloaded: list[tuple[str, ...]] = []
    monkeypatch.setattr(early_import, "preload", lambda *modules: preloaded.append(modules))
    monkeypatch.setattr(early_import, "import_early", lambda: None)
    store = tmp_path / "a.db"
    store.touch()
    for count in (99, 100):
        config = "".join(f'[[sources]]\nname = "{n}"\n' for n in range(count)).encode()
        assert first_poll.prepare(config, tmp_path / "no.db") is (count == 100)
        assert not first_poll.prepare(config, store)
    config = b'[[sources]]\nkind = "articles"\n[[sources]]\nkind=\'page\'\n[[sources]]\nkind = "?"\n'
    first_poll.prepare(config, tmp_path / "no.db")
    first_poll.prepare(config, None)
    first_poll.prepare(config, store)
    first_poll.prepare(config, tmp_path / ("n" * 300))
    first_poll.prepare(ConfigText.read(tmp_path / "none.toml").body, tmp_path / "no.db")
    assert [modules[1:] for modules in preloaded] == [
        (),
        (),
        (
            "aggregator.adapters.articles",
            "aggregator.adapters.page.list_page",
            "aggregator.normalise.single_article",
        ),
    ]


def test_a_first_poll_of_many_sources_forks_the_processes_that_will_write(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, before the store is opened; they are stopped with the run, also if they had nothing to do."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    made: list[WritingProcesses] = []

    def forked_writers() -> WritingProcesses:
        assert not (site.home / "var" / "aggregator.db").exists()
        made.append(writing_processes.writing_processes(1))
        return made[-1]

    monkeypatch.setattr(writing_processes, "forked_writers", forked_writers)
    monkeypatch.setattr(first_poll, "_MANY", 1)
    monkeypatch.chdir(site.home)
    for _ in range(2):
        assert click.testing.CliRunner().invoke(main, ["fetch", "--force"]).exit_code == 0
    assert len(made) == 1
    with pytest.raises(Stopped):
        made[0].ask(None, None, ())  # type: ignore[arg-type]


def test_a_first_poll_in_several_processes_leaves_nothing_to_publish(site: Site, server: Server) -> None:
    """A hundred feeds, each with an archive: as many documents as are divided."""
    for n in range(100):
        server.pages[f"/{n}"] = Answer(body=feed(f"tea{n}", 1, 2, 3, 4))
    site.configure(
        *({"name": f"{n}", "url": f"{server.url}/{n}", "categories": [f"c{n}"]} for n in range(100)),
        entries_per_feed=2,
    )
    done = subprocess.run(site.command("fetch", "-q"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len([*site.output.glob("*/archive/*/atom.xml")]) >= 100
    before = site.files()
    assert site.run("publish", "--all").exit_code == 0
    assert site.files() == before


@pytest.mark.parametrize(
    "config",
    [
        "",
        "store = 1\n[site]",
        "store =\n[site]",
        'store = "postgresql://a/b"\n[site]',
        'store = "~nobody-at-all/a"\n[[sources]]',
    ],
)
def test_a_store_that_is_not_known_before_the_config_is_loaded_is_none(tmp_path: Path, config: str) -> None:
    """Loading the config reports what is wrong with it."""
    file = tmp_path / "aggregator.toml"
    assert ConfigText.read(file).store is None
    file.write_text(config)
    assert ConfigText.read(file).store is None


def test_pictures_that_are_copied_already_load_no_decoder(
    site: Site, server: Server, imported_by: _Imports
) -> None:
    """And nothing that fetches, where nothing is due."""
    server.pages["/a"] = Answer(body=feed("tea", 1, body=f"<img src='{server.url}/a.jpg'>"))
    for settings in ({}, {"publish.media": True}):
        site.configure({"name": "Tea", "url": f"{server.url}/a"}, **settings)
        site.run("fetch", "--force")
        assert imported_by(site.home, "fetch") & {*_HEAVY, "PIL"} == set()


def test_a_poll_that_finds_nothing_new_reads_nothing(
    site: Site, server: Server, imported_by: _Imports
) -> None:
    """No reader is imported, in this process or another, for what did not change."""

    def answered(request: Request) -> Answer:
        known = request.headers.get("If-None-Match") == '"1"'
        return Answer(304) if known else Answer(body=feed("tea", 1, 2), headers={"ETag": '"1"'})

    server.pages["/a"] = answered
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
    imported = imported_by(site.home, "fetch", "--force", "-q")
    unwanted = (
        _READS | _CHOOSES | _PUBLISHES | _SERVES | {"dateutil", "rich", "requests", "urllib3", "sqlalchemy"}
    )
    assert imported & unwanted == set()
    assert [request.path for request in server.requests] == ["/a", "/a"]


@pytest.mark.parametrize("command", ["sources", "status"])
def test_commands_that_list_sources_import_only_the_store(
    command: str, site: Site, server: Server, imported_by: _Imports
) -> None:
    """They show what is kept; parts of the store that only other commands use are not made."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a"})
    site.run("fetch")
    parts = {f"aggregator.store.{name}" for name in ("archives", "articles", "forgetting", "stories")}
    assert imported_by(site.home, command) & (_HEAVY | parts) == set()


def test_a_check_imports_neither_the_store_nor_what_publishes(site: Site, imported_by: _Imports) -> None:
    """It looks at the config, and at what is on this machine."""
    site.configure({"name": "Tea", "url": "https://tea.example/feed"})
    unwanted = {*_READS, *_PUBLISHES, *_SERVES, *_NOTIFIES, "sqlalchemy"} - {"charset_normalizer"}
    assert imported_by(site.home, "check") & unwanted == set()


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
