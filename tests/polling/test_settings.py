"""A config that changed, end to end: what is asked at once, what waits, and how it is asked."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.config.load import Config
from aggregator.polling.settings import poll_settings
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed


def source(server: Server, **others: Any) -> dict[str, Any]:
    """A source with a long interval."""
    return {"name": "a", "url": server.url + "/a", "interval": "6h", **others}


def asked(site: Site, server: Server, **others: Any) -> list[str | None]:
    """Returns what is asked by a fetch under these settings: the If-None-Match of each request."""
    server.requests.clear()
    fetch = others.pop("fetch", {})
    site.configure(source(server, **others), fetch=fetch)
    site.run("fetch")
    return [request.headers.get("If-None-Match") for request in server.requests]


def login(request: Request) -> Answer:
    """A feed behind a login."""
    allowed = request.headers.get("Authorization") == "Bearer right"
    return Answer(200, {"ETag": '"1"'}, feed("a", 1)) if allowed else Answer(401)


def test_a_corrected_login_makes_the_source_due(site: Site, server: Server) -> None:
    """Once for each correction; what then works waits its time."""
    server.pages["/a"] = login
    assert asked(site, server) == [None]
    assert asked(site, server) == []
    assert asked(site, server, auth={"bearer": "wrong"}) == [None]
    assert asked(site, server, auth={"bearer": "wrong"}) == []
    assert asked(site, server, auth={"bearer": "right"}) == [None]
    assert asked(site, server, auth={"bearer": "right"}) == []
    assert asked(site, server, auth={"bearer": "right"}, user_agent="Tea/1") == []


@pytest.mark.parametrize(
    "change",
    [{"headers": {"X-Key": "1"}}, {"cookie": "a=b"}, {"user_agent": "x"}, {"fetch": {"timeout": "9s"}}],
)
def test_settings_that_may_fix_a_failure_make_a_source_due(
    site: Site, server: Server, change: dict[str, Any]
) -> None:
    """Settings of the source, and of [fetch]."""
    server.pages["/a"] = Answer(403)
    assert asked(site, server) == [None]
    assert asked(site, server, **change) == [None]
    assert asked(site, server, **change) == []


def test_allow_is_tried_at_once(site: Site, server: Server) -> None:
    """A first fetch that was refused delays no other source."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    assert asked(site, server, fetch={"allow": []}) == []
    assert asked(site, server) == [None]


@pytest.mark.parametrize("answer", [Answer(429), Answer(403, {"Retry-After": "7200"})], ids=["429", "403"])
def test_a_changed_setting_does_not_override_retry_after(site: Site, server: Server, answer: Answer) -> None:
    """429, and Retry-After on any status."""
    server.pages["/a"] = answer
    assert asked(site, server) == [None]
    assert asked(site, server, headers={"X-Key": "1"}) == []


def test_changed_options_fetch_without_validators(site: Site, server: Server) -> None:
    """A 304 would leave articles as the other options had them."""
    items = b'{"posts": [{"id": 1, "title": "One", "url": "https://a.example/1"}], "old": []}'
    server.pages["/a"] = lambda request: (
        Answer(304) if request.headers.get("If-None-Match") else Answer(200, {"ETag": '"1"'}, items)
    )
    assert asked(site, server, kind="json", options={"items": "old"}) == [None]
    assert asked(site, server, kind="json", options={"items": "old"}) == []
    assert asked(site, server, kind="json", options={"items": "posts"}) == [None]
    assert b"One" in (site.output / "all" / "rss.xml").read_bytes()
    assert asked(site, server, kind="json", options={"items": "posts"}) == []
    server.requests.clear()
    site.run("fetch", "--force")
    assert [request.headers.get("If-None-Match") for request in server.requests] == ['"1"']


def test_a_changed_interval_only_plans_the_next_poll_again(site: Site, server: Server) -> None:
    """It causes no request."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    assert asked(site, server) == [None]
    assert asked(site, server, interval="3h", adaptive=False) == []
    assert "in 3 h" in site.run("sources").stdout or "in 2 h" in site.run("sources").stdout


def test_a_source_that_waits_names_the_way_to_poll_it(site: Site, server: Server) -> None:
    """In the totals too."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    assert asked(site, server) == [None]
    message = site.run("fetch").stdout
    assert "1 not due yet" in message
    assert "--force" in message


def test_the_same_settings_have_the_same_digests_in_every_version() -> None:
    """Else an upgrade would read all sources again; durations count in seconds, and secrets as they are."""
    fetching = {
        "allow": ["127.0.0.1"],
        "proxy": "http://u:p@x.example:3",
        "rsshub": ["https://r.example", {"url": "https://q.example", "key": "k"}],
        "hosts": {"a.example": {"gap": "3s"}},
        "timeout": "5s",
    }
    plain = {"name": "a", "url": "https://a.example/x"}
    own = {"auth": {"user": "u", "password": "p"}, "headers": {"X-A": "b"}, "cookie": "c=d"}
    other = {"name": "b", "url": "https://me:pw@a.example/x", "timezone": "Europe/Berlin", **own}
    config = Config.model_validate({"fetch": fetching, "sources": [plain, other]})
    first, second = (poll_settings(source, source.address, config) for source in config.sources)
    assert (first.asked, first.at, first.host) == ("3979f215", "85987828", "a.example")
    assert (second.asked, second.at, second.read) == ("bad17b3f", "85987828", "d383f1ed")
