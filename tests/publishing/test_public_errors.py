"""The pages that strangers read say nothing that a server, a document or a path of this machine said."""

from __future__ import annotations

import re

import pytest

from aggregator.errors import NotAFeed, ReadError, SourceError
from aggregator.publishing.public_errors import public_advice, public_error
from tests.conftest import Answer, Server
from tests.support.site import Site

SAID = "S3CRET-7f3a"
DOCUMENTS = {
    "plain text": (200, "text/plain", f"{SAID} is the password of this printer"),
    "a settings file": (200, "text/plain", f"[database]\npassword = {SAID}"),
    "a key": (200, "application/octet-stream", f"-----BEGIN {SAID} PRIVATE KEY-----"),
    "a page": (200, "text/html", f"<html><head><title>{SAID}</title></head><body>{SAID}</body></html>"),
    "a page with feeds": (
        200,
        "text/html",
        f'<link rel="alternate" type="application/rss+xml" href="/{SAID}.xml">',
    ),
    "another root": (200, "text/xml", f"<{SAID}><a/></{SAID}>"),
    "a root with attributes": (200, "text/xml", f'<config password="{SAID}"/>'),
    "an object": (200, "application/json", f'{{"password": "{SAID}"}}'),
    "a list": (200, "application/json", f'["{SAID}"]'),
    "broken JSON": (200, "application/json", f'{{"{SAID}": '),
    "an unknown encoding": (
        200,
        f"text/xml; charset={SAID}",
        f"<?xml version='1.0' encoding='{SAID}'?><x>{SAID}</x>",
    ),
    "an error page": (404, "text/html", f"<h1>{SAID}</h1>"),
    "a fault": (500, "text/plain", f"Traceback: {SAID}"),
    "a login": (401, "text/plain", SAID),
    "nothing": (200, "text/plain", ""),
    "front matter": (200, "text/markdown", f"---\ntitle: {SAID}\n---\n{SAID}"),
    "binary": (200, "application/octet-stream", f"\x01\x02{SAID}"),
    "a PDF": (200, "application/pdf", f"%PDF-1.7 {SAID}"),
    "OPML": (200, "text/xml", f"<opml><body><outline text='{SAID}'/></body></opml>"),
}


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site that follows each document as a feed, and folders and files that are none."""
    sources: list[dict[str, object]] = []
    for number, (status, kind, body) in enumerate(DOCUMENTS.values()):
        path = f"/{number}.xml"
        server.pages[path] = Answer(status, {"Content-Type": kind}, body.encode())
        sources.append({"name": f"s{number}", "url": server.url + path})
    server.pages["/moved.xml"] = Answer(302, {"Location": f"http://127.0.0.1:9/{SAID}?token={SAID}"})
    sources.append({"name": "moved", "url": server.url + "/moved.xml"})
    (site.home / f"{SAID}.xml").write_text(f"{SAID} of a file")
    sources.append({"name": "file", "url": f"file:{SAID}.xml"})
    sources.append({"name": "missing", "url": f"file:{SAID}/none.xml"})
    sources.append({"name": "folder", "kind": "articles", "path": f"{SAID}-notes"})
    site.configure(*sources, **{"publish.formats": ["rss", "html", "opml"]})
    return site


def test_public_errors_contain_no_fetched_text(planet: Site) -> None:
    """Each source fails, and is reported with a sentence of ours; the owner reads more."""
    planet.run("fetch")
    page = planet.files()["status.html"].decode()
    assert page.count('class="problem"') >= len(DOCUMENTS)
    public = {name: body for name, body in planet.files().items() if SAID.lower().encode() in body.lower()}
    assert public == {}
    assert str(planet.home) not in page
    assert "127.0.0.1:9" not in page
    assert "the server answered 404" in page
    assert SAID in planet.run("sources", "--json").output


@pytest.mark.parametrize(
    ("error", "public"),
    [
        (f"neither a feed nor XML; it begins with '{SAID}'", "its last poll failed"),
        (f"a web page, not a feed; {SAID}", "its answer is not a feed"),
        (f"there is nothing at this address (404) {SAID}", "the server answered 404"),
        ("the server answered 418", "the server answered 418"),
        (f"/home/{SAID}/notes: it cannot be read", "its last poll failed"),
        ("", "its last poll failed"),
    ],
)
def test_an_error_is_one_of_our_sentences(error: str, public: str) -> None:
    """Whatever it says besides."""
    assert public_error(error, None) == public
    assert public_error(None, None) is None


def test_every_standing_advice_is_known_or_left_out() -> None:
    """What is made for one error may name an address; a class's own names nothing."""
    kinds: list[type[SourceError]] = [SourceError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert public_advice(kind.advice) in (kind.advice, None)
        sentence = public_error("x", kind.advice)
        assert sentence
        assert re.fullmatch(r"[a-zA-Z' .]+", sentence)
    assert public_advice(f"use one of the feeds it links to: https://x.example/{SAID}") is None
    assert NotAFeed in kinds
    assert ReadError in kinds
