"""`serve` and `run --serve` as processes: started, asked and stopped."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.test_daemon import log_of, running, source, until
from tests.conftest import Answer, Server
from tests.support.launching import Launched
from tests.support.serving import ask
from tests.support.site import Site, feed


@contextmanager
def served(site: Site, *arguments: str) -> Iterator[int]:
    """`aggregator serve` in a process of its own; gives its port, and stops it in order."""
    site.log.unlink(missing_ok=True)
    process = site.start("serve", "--listen", "127.0.0.1:0", *arguments)
    try:
        yield port_of(site, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()


def port_of(site: Site, process: Launched) -> int:
    """Where it says that it serves."""
    until(lambda: process.poll() is not None or re.search(r"serving .*http://", log_of(site)))
    found = re.findall(r"http://127\.0\.0\.1:(\d+)/", log_of(site))
    assert found, log_of(site)
    return int(found[-1])


def test_serve_answers_until_it_is_stopped(site: Site, server: Server) -> None:
    """What was published, without polling anybody."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(source(server, "a"))
    assert site.run("fetch").exit_code == 0
    with served(site) as port:
        reply = ask(port, "/feeds/X/atom.xml")
        assert reply.body == (site.output / "X" / "atom.xml").read_bytes()
        assert ask(port, "/readyz").status == 200
        metrics = ask(port, "/metrics").body.decode()
        assert 'aggregator_sources{state="healthy"} 1.0' in metrics
        assert "aggregator_articles 1.0" in metrics
        assert "aggregator_polls_total" not in metrics
    assert len(server.requests) == 1


def test_the_access_log_is_off_unless_it_is_asked_for(site: Site) -> None:
    """One line a request, as JSON where logs are."""
    with served(site) as port:
        assert ask(port, "/nothing").status == 404
    assert "/nothing" not in log_of(site)
    with site.file.open("a", encoding="utf-8") as file:
        file.write("\n[serve]\naccess_log = true\n")
    with served(site, "--json-logs") as port:
        assert ask(port, "/nothing%0a").status == 404
    facts = json.loads(next(line for line in log_of(site).splitlines() if "/nothing" in line))
    assert (facts["path"], facts["status"], facts["client"]) == ("/nothing%0a", 404, "127.0.0.1")


def test_the_daemon_serves_too(site: Site, server: Server) -> None:
    """Ready when the first feed is there; its polls are counted; it stops in order."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(500)}
    site.configure(source(server, "a"), source(server, "b"))
    with running(site, "--serve", "127.0.0.1:0") as process:
        port = port_of(site, process)
        until(lambda: b'aggregator_polls_total{outcome="http"} 1.0' in ask(port, "/metrics").body)
        until(lambda: b"aggregator_last_publication_timestamp_seconds " in ask(port, "/metrics").body)
        until(lambda: b"a 1" in ask(port, "/feeds/X/atom.xml").body)
        assert ask(port, "/readyz").status == 200
        metrics = ask(port, "/metrics").body.decode()
        assert 'aggregator_polls_total{outcome="read"} 1.0' in metrics
        assert re.search(r"aggregator_last_publication_timestamp_seconds \d+", metrics)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert "serving at http://127.0.0.1:" in log_of(site)
    assert "stopped" in log_of(site)


@pytest.mark.parametrize("address", ["8000", "localhost", "127.0.0.1:99999", "a b:1", ":"])
def test_an_invalid_listen_address_is_a_mistake(site: Site, address: str) -> None:
    """On the command line and in the config."""
    result = site.run("serve", "--listen", address)
    assert result.exit_code == 2
    assert "write host and port" in result.stderr
    with site.file.open("a", encoding="utf-8") as file:
        file.write(f'\n[serve]\nlisten = "{address}"\n')
    assert "serve.listen: write host and port" in site.run("serve").stderr


def test_a_port_in_use_ends_it(site: Site, server: Server) -> None:
    """With 1, and the reason; the daemon does not begin to poll."""
    address = server.url.removeprefix("http://")
    for command in (("serve", "--listen"), ("run", "--serve")):
        result = site.run(*command, address)
        assert result.exit_code == 1
        assert f"{address} cannot be listened on" in result.stderr


def test_our_own_fetcher_gets_a_304_from_our_server(site: Site, server: Server, tmp_path: Path) -> None:
    """Our own fetcher polls what we serve: 304 the second time."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(source(server, "a"))
    site.run("fetch")
    reader = Site(tmp_path / "reader")
    with served(site) as port:
        reader.configure({"name": "we", "url": f"http://127.0.0.1:{port}/X/", "categories": ["Y"]})
        first = json.loads(reader.run("fetch", "--json").stdout)["sources"][0]
        second = json.loads(reader.run("fetch", "--json", "--force").stdout)["sources"][0]
    assert (first["new"], first["ok"]) == (1, True)
    assert (second["read"], second["ok"]) == (False, True)
