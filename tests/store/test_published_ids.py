"""The ids that new articles leave with."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site

UUID = "5f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


@pytest.mark.parametrize(
    ("guid", "stays"),
    [
        (f"urn:uuid:{UUID}", True),
        (f"URN:UUID:{UUID.upper()}", True),
        ("urn:uuid:1234", False),
        (f"urn:uuid:{UUID}-2", False),
        (f"urn:uuid:{{{UUID}}}", False),
        (f"urn:uuid:{UUID.replace('-', '')}", False),
        ("urn:isbn:9780141036144", True),
        ("tag:tea.example,2026:1", True),
        ("tag:ann@tea.example,2026-01-02:/1#x", True),
        ("tag:tea.example", False),
        ("tag:tea.example,:1", False),
        ("http://[2001:db8::1]:8080/a", True),
        ("http://[x", False),
        ("https://tea.example]/a", False),
        ("https://tea.example/?of[]=1", True),
        ("just text", False),
    ],
)
def test_an_id_that_is_a_valid_uri_is_published_verbatim(
    site: Site, server: Server, guid: str, stays: bool
) -> None:
    """Any other is replaced by one of ours."""
    item = f"<item><title>One</title><guid isPermaLink='false'>{guid}</guid></item>"
    head = "<title>Tea</title><link>https://tea.example/</link>"
    body = f"<rss version='2.0'><channel>{head}{item}</channel></rss>"
    server.pages["/a"] = Answer(200, {}, body.encode())
    site.configure({"name": "a", "url": server.url + "/a"})
    site.run("fetch")
    found = re.findall(r"<guid[^>]*>([^<]*)</guid>", (site.output / "all" / "rss.xml").read_text())
    assert (found == [guid]) is stays
    assert stays or re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", found[0])
