"""Routes of RSSHub: one instance after the other, the healthy one first."""

from __future__ import annotations

from tests.conftest import Answer, Server
from tests.support.site import Site, feed


def configure(site: Site, *instances: str) -> None:
    """A site that follows one route, through these instances."""
    source = {"name": "Route", "kind": "rsshub", "url": "rsshub://cls/depth/1000"}
    site.configure(source, fetch={"rsshub": [*instances], "host_gap": "0s"})


def test_instances_are_asked_in_turn_and_the_healthy_one_is_remembered(site: Site, server: Server) -> None:
    """The first is broken; the next poll does not ask it again, and is conditional."""
    server.pages["/one/cls/depth/1000"] = Answer(503)
    server.pages["/two/cls/depth/1000"] = lambda request: (
        Answer(304) if "If-None-Match" in request.headers else Answer(200, {"ETag": '"1"'}, feed("tea", 1))
    )
    configure(site, f"{server.url}/one/", f"{server.url}/two")
    assert "1 new" in site.run("fetch").output
    assert [r.path for r in server.requests] == ["/one/cls/depth/1000", "/two/cls/depth/1000"]
    site.run("fetch", "--force")
    assert server.requests[2].path == "/two/cls/depth/1000"
    assert server.requests[2].headers["If-None-Match"] == '"1"'


def test_when_the_remembered_instance_fails_the_others_are_asked(site: Site, server: Server) -> None:
    """With no validators: they are another server's."""
    server.pages["/one/cls/depth/1000"] = Answer(200, {"ETag": '"1"'}, feed("tea", 1))
    server.pages["/two/cls/depth/1000"] = Answer(200, {"ETag": '"2"'}, feed("tea", 1, 2))
    configure(site, f"{server.url}/one", f"{server.url}/two")
    site.run("fetch")
    server.pages["/one/cls/depth/1000"] = Answer(404)
    assert "1 new" in site.run("fetch", "--force").output
    assert "If-None-Match" not in server.requests[-1].headers


def test_when_all_fail_each_is_reported(site: Site, server: Server) -> None:
    """With its address and its reason."""
    configure(site, f"{server.url}/one", f"{server.url}/two")
    output = site.run("fetch").output.replace("\n", "")
    assert "none of 2 instances gave it" in output
    assert "/two/cls/depth/1000: there is nothing at this address (404)" in output


def test_without_instances_the_failure_says_what_to_set(site: Site) -> None:
    """They are the user's choice; we ship none."""
    configure(site)
    assert "name some in fetch.rsshub" in site.run("fetch").output.replace("\n", "")


def test_a_kind_may_have_its_own_address_scheme(site: Site) -> None:
    """A feed has none of RSSHub's."""
    site.configure(
        {"name": "A", "url": "rsshub://a"}, {"name": "B", "kind": "rsshub", "url": "https://b.example/"}
    )
    output = site.run("check").output.replace("\n", "")
    assert "a source of kind 'feed' needs an address of http:, https:, file:" in output
    assert "a source of kind 'rsshub' needs an address of rsshub:" in output
