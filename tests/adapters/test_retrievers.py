"""Kinds that fetch in their own way: behind the guard, the deadline and the caps of every other."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aggregator import errors
from aggregator.adapters import kinds
from aggregator.adapters.kinds import Kind
from aggregator.config.load import Fetch, Source, load
from aggregator.fetch import Fetched, Fetcher, NotModified
from aggregator.model.entry import Feed
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, read_resource
from tests.adapters import gopher
from tests.conftest import NOW
from tests.support.wire import Wire, drips

LARGE = Resource(url="x", body=b"x" * 11)
MENU = b"0Tea\t/tea\tgopher.example\t70\r\n1More\t/more\tgopher.example\t70\r\niNot an item\t\t\t\r\n.\r\n"


def install(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: Kind) -> None:
    """Another package with one kind, found by its entry point."""
    module = ModuleType(f"stranger_{name}")
    module.KIND = kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    info = home / f"{module.__name__}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.__name__}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[aggregator.adapters]\n{name} = {module.__name__}:KIND\n")
    monkeypatch.syspath_prepend(str(home))
    kinds.forget()


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kind `gopher`."""
    install(tmp_path, monkeypatch, "gopher", gopher.KIND)
    yield
    kinds.forget()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket, bytes], object]], Wire]]:
    """Starts servers that misbehave as they are reported."""
    running: list[Wire] = []

    def start(manner: Callable[[socket.socket, bytes], object]) -> Wire:
        def serve(connection: socket.socket) -> bool:
            manner(connection, connection.recv(1 << 16))
            return True

        running.append(Wire(manner, before=serve))
        return running[-1]

    yield start
    for each in running:
        each.close()


def fetch(
    port: int, validators: Mapping[str, Any] | None = None, kind: str = "gopher", **settings: Any
) -> Fetched | NotModified:
    """Returns what is new at a gopher hole on loopback."""
    fetcher = Fetcher(Fetch.model_validate({"allow": ["127.0.0.1"], **settings}), "test")
    try:
        source = Source(name="Hole", kind=kind, url=f"gopher://127.0.0.1:{port}/1/menu")
        return fetcher.fetch(source, validators or {}, NOW)
    finally:
        fetcher.close()


def test_its_module_is_small() -> None:
    """A kind of one's own, fetching included, is one file of less than 60 lines."""
    assert len(Path(str(gopher.__file__)).read_text().splitlines()) < 60


def test_a_kind_with_its_own_scheme_is_fetched_and_read(serve: Any) -> None:
    """It is not read again while nothing changes."""
    server = serve(lambda connection, _: connection.sendall(MENU))
    fetched = fetch(server.port)
    assert isinstance(fetched, Fetched)
    reading = read_resource(fetched.resources[0], Context(kind="gopher", source="Hole"))
    assert [article.title for article in reading.document.articles] == ["Tea", "More"]
    assert isinstance(fetch(server.port, fetched.validators), NotModified)


def test_its_scheme_is_accepted_by_the_config(tmp_path: Path) -> None:
    """For its kind alone; one that no kind has is a mistake."""
    file = tmp_path / "aggregator.toml"
    file.write_text('[[sources]]\nname = "a"\nkind = "gopher"\nurl = "gopher://a.example/"\n')
    assert load(file).sources[0].url == "gopher://a.example/"
    file.write_text(
        '[[sources]]\nname = "a"\nurl = "gopher://a.example/"\n[[sources]]\nname = "b"\nurl = "finger://b"\n'
    )
    with pytest.raises(errors.ConfigError) as caught:
        load(file)
    assert "a source of kind 'feed' needs an address of http:, https:, file:" in caught.value.mistakes[0]
    assert any("write an address" in mistake for mistake in caught.value.mistakes)


def test_a_retriever_reaches_only_allowed_addresses(serve: Any) -> None:
    """The guard of every other fetch."""
    server = serve(lambda connection, _: connection.sendall(MENU))
    with pytest.raises(errors.BlockedAddress, match="loopback"):
        fetch(server.port, allow=[])
    assert server.connections == 0


def test_a_retriever_ends_at_the_deadline(serve: Any) -> None:
    """A server that never says anything, and one that drips."""

    for manner in (lambda connection, _: connection.recv(1), drips(b"0", b"x")):
        with pytest.raises(errors.TimedOut):
            fetch(serve(manner).port, deadline=timedelta(seconds=1))


def test_a_retriever_ends_at_the_size_limit(serve: Any) -> None:
    """By its own count, and by ours if it does not count."""
    with pytest.raises(errors.TooLarge, match="no end"):
        fetch(serve(lambda connection, _: connection.sendall(b"x" * 3000)).port, max_bytes=1000)


def test_dns_errors_and_closed_ports_are_errors_of_the_source() -> None:
    """In this package's own terms."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(errors.ConnectError):
        fetch(port)


@pytest.mark.parametrize(
    ("gives", "error", "message"),
    [
        (lambda: 1 / 0, errors.FetchError, "a mistake of kind 'wrong': ZeroDivisionError"),
        (lambda: None, errors.FetchError, "fetched a NoneType"),
        (lambda: {"y": 1}["x"], errors.FetchError, "KeyError"),
        (lambda: open("/no/such/file"), errors.FetchError, "such file"),  # noqa: PTH123, SIM115
        (
            lambda: Fetched(resources=(Resource(url="x", body=b"x" * 11),), validators={}),
            errors.TooLarge,
            "10",
        ),
    ],
    ids=["an exception", "nothing", "a missing key", "a system's error", "too much"],
)
def test_an_exception_in_a_retriever_fails_only_its_source(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gives: Callable[[], Any],
    error: type[errors.FetchError],
    message: str,
) -> None:
    """An exception of a third-party library does not end a run."""
    kind = Kind(read=lambda _, __: Feed(), schemes=("gopher",), retrieve=lambda *_: gives())
    install(tmp_path, monkeypatch, "wrong", kind)
    with pytest.raises(error, match=message):
        fetch(1, kind="wrong", max_bytes=10)
