"""Hubs and the daemon: subscribed, verified, pinged and left over real HTTP, both ways."""

from __future__ import annotations

import json
import signal
import socket

from tests.app.test_daemon import log_of, running, source, until
from tests.conftest import Answer, Server
from tests.support.followed import with_links
from tests.support.site import Site, feed
from tests.support.strict_hub import StrictHub


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def websub_of(site: Site) -> dict[str, object]:
    """What `sources --json` says of the hub of the only source."""
    (found,) = json.loads(site.run("sources", "--json").output)["sources"]
    return dict(found["websub"] or {})


def test_a_hub_reports_and_the_feed_has_it(site: Site, server: Server) -> None:
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
