"""Hubs and the daemon: subscribed, verified, pinged and left over real HTTP, both ways."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.app.test_daemon import log_of, running, source, until
from tests.conftest import Answer, Server
from tests.support.feed_with_hub import with_links
from tests.support.site import Site, feed
from tests.support.strict_hub import StrictHub


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def websub_of(site: Site) -> dict[str, object]:
    """Returns what `sources --json` says of the hub of the only source."""
    (found,) = json.loads(site.run("sources", "--json").output)["sources"]
    return dict(found["websub"] or {})


class Tasks:
    """Runs the tasks of Flask-WebSub's hub one after another in a thread, in place of Celery."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def task(self, function: Any = None, *, bind: bool = False, **_: object) -> Any:
        """A task whose `delay` returns at once."""
        if function is None:
            return lambda given: self.task(given, bind=bind)
        bound = (SimpleNamespace(request=SimpleNamespace(retries=0)),) if bind else ()
        return SimpleNamespace(delay=lambda *given: self._pool.submit(function, *bound, *given))


@contextmanager
def another_projects_hub(home: Path) -> Iterator[tuple[str, Any]]:
    """A hub of Flask-WebSub at its address, and what sends a topic's content to its subscribers."""
    hubs = pytest.importorskip("flask_websub.hub", reason="Flask-WebSub is not installed (the extra `test`)")
    flask = pytest.importorskip("flask", reason="Flask is not installed (the extra `test`)")
    werkzeug = pytest.importorskip("werkzeug.serving", reason="Flask is not installed (the extra `test`)")
    hub = hubs.Hub(hubs.SQLite3HubStorage(str(home / "hub.sqlite3")), Tasks())
    app = flask.Flask("hub")
    app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
    http = werkzeug.make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/hub", hub
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def test_the_hub_of_another_project_reports(site: Site, server: Server, tmp_path: Path) -> None:
    """Flask-WebSub: found by Link headers, verified, and a document with its strongest signature."""
    with another_projects_hub(tmp_path) as (address, hub):
        port, topic = free_port(), f"{server.url}/b"
        link = f'<{address}>; rel="hub", <{topic}>; rel="self"'
        links = {"Link": link, "Content-Type": "application/rss+xml"}
        server.pages["/b"] = Answer(200, links, feed("b", 1))
        serve = {"url": f"http://127.0.0.1:{port}"}
        site.configure(source(server, "b"), serve=serve)
        with running(site, "--serve", f"127.0.0.1:{port}") as process:
            until(lambda: site.output.exists() and "active" in site.run("status").output)
            # The hub stores the subscription after we have answered its verification.
            until(lambda: len(list(hub.storage.get_callbacks(topic))) == 1)
            server.pages["/b"] = Answer(200, links, feed("b", 1, 2))
            hub.send_change_notification.delay(topic).result()
            feeds = site.output / "X" / "rss.xml"
            until(lambda: b"b.example/2<" in feeds.read_bytes())
            assert websub_of(site)["forged"] == 0
            assert [request.headers["User-Agent"].split("/")[0] for request in server.requests].count(
                "Aggregator"
            ) == 1, "we polled once; the hub asked for the content"
            site.configure(source(server, "b", websub=False), serve=serve)
            until(lambda: not list(hub.storage.get_callbacks(topic)))
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
    assert "Traceback" not in log_of(site)


def test_another_process_may_answer_hubs(site: Site, server: Server) -> None:
    """`serve` beside `run`: what it is sent waits in the store until the one that polls reads it."""
    hub, port, topic = StrictHub(server, verifies_at_once=True), free_port(), f"{server.url}/a"
    server.pages["/a"] = Answer(200, {}, with_links(feed("a", 1), hub.url, topic))
    site.configure(source(server, "a"), serve={"url": f"http://127.0.0.1:{port}"})
    assert site.run("fetch").exit_code == 0
    serving = site.start("serve", "--listen", f"127.0.0.1:{port}")
    try:
        until(lambda: "serving" in log_of(site))
        with running(site) as process:
            until(lambda: hub.active)
            hub.distribute(topic, with_links(feed("a", 1, 2), hub.url, topic))
            feeds = site.output / "X" / "rss.xml"
            until(lambda: b"a.example/2<" in feeds.read_bytes())
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
        (answer,) = hub.distribute(topic, with_links(feed("a", 3), hub.url, topic))
        assert answer.status == 202
        assert site.run("fetch").exit_code == 0
        assert b"a.example/3<" in feeds.read_bytes(), "a single run reads what waits"
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait() == 0


def test_articles_from_a_hub_are_published(site: Site, server: Server) -> None:
    """Fat, thin, forged; then the source is disabled while the daemon runs."""
    hub, port, topic = StrictHub(server), free_port(), f"{server.url}/a"

    def document(*numbers: int) -> bytes:
        return with_links(feed("a", *numbers), hub.url, topic)

    def has(number: int) -> bool:
        return f"a.example/{number}<".encode() in (site.output / "X" / "rss.xml").read_bytes()

    server.pages["/a"] = Answer(200, {}, document(1))
    serve = {"url": f"http://127.0.0.1:{port}/planet"}
    site.configure(source(server, "a"), serve=serve)
    with running(site, "--serve", f"127.0.0.1:{port}") as process:
        until(lambda: hub.asked)
        (verified,) = hub.verify()
        assert (verified.status, verified.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert [each.topic for each in hub.active.values()] == [topic]
        until(lambda: (site.output / "X" / "rss.xml").exists())
        assert websub_of(site)["state"] == "active"
        assert "websub    1 active" in site.run("status").output
        (answer,) = hub.distribute(topic, document(1, 2))
        assert answer.status == 202
        until(lambda: has(2))
        assert [request.path for request in server.requests].count("/a") == 1, "nobody polled"
        (answer,) = hub.distribute(topic, document(1, 3), X_Hub_Signature="sha256=" + "0" * 64)
        assert answer.status == 202
        server.pages["/a"] = Answer(200, {}, document(1, 2, 4))
        hub.distribute(topic, b"")
        until(lambda: has(4))
        assert not has(3)
        until(lambda: websub_of(site)["forged"] == 1)
        assert "more with a wrong signature" in site.run("sources", "--long").output
        site.configure(source(server, "a", enabled=False), serve=serve)
        until(lambda: hub.asked)
        hub.verify()
        assert hub.active == {}
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert hub.mistakes == []
    assert "Traceback" not in log_of(site)
