"""One poll of one source, from anywhere with a config and a store."""

from __future__ import annotations

from datetime import timedelta

from aggregator.config import load as config
from aggregator.errors import HttpStatus
from aggregator.polling.one_source import opened, poll
from aggregator.store import Store
from tests.conftest import NOW, Answer, Server
from tests.support.site import Site, feed


def configure(site: Site, server: Server) -> None:
    """Two sources, each of a server's feed."""
    server.pages |= {f"/{name}": Answer(200, {"ETag": '"1"'}, feed(name, 1, 2)) for name in ("tea", "cake")}
    sources = ({"name": name, "url": f"{server.url}/{name}"} for name in ("tea", "cake"))
    site.configure(*sources, fetch={"host_gap": "0s"})


def test_one_source_is_polled_and_saved(site: Site, server: Server) -> None:
    """With its validators and its next poll; the other is not asked."""
    configure(site, server)
    loaded = config.load(site.file)
    with opened(loaded) as services:
        services.store.sources.adopt(loaded.sources, NOW)
        polled = poll(loaded.sources[0], services, NOW)
        assert (polled.saved.new, polled.error) == (2, None)
        server.pages["/tea"] = Answer(304)
        later = poll(loaded.sources[0], services, NOW + timedelta(hours=2))
    assert (later.was_read, later.saved.new) == (False, 0)
    assert [request.path for request in server.requests] == ["/tea", "/tea"]
    assert server.requests[1].headers["If-None-Match"] == '"1"'
    store = Store(loaded.store)
    assert store.sources.due(NOW + timedelta(hours=2), 9) == ("cake",)
    store.close()


def test_the_failure_of_one_poll_is_saved(site: Site, server: Server) -> None:
    """With its error and the next poll."""
    configure(site, server)
    server.pages["/tea"] = Answer(404)
    loaded = config.load(site.file)
    with opened(loaded) as services:
        services.store.sources.adopt(loaded.sources, NOW)
        polled = poll(loaded.sources[0], services, NOW)
        assert isinstance(polled.error, HttpStatus)
        (_, tea) = services.store.sources.health()
        assert tea.error is not None
