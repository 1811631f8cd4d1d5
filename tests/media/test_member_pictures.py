"""Pictures of members with copies: encoded again whatever they were, and removed when the page is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from aggregator.app.app import App
from aggregator.config.load import load
from tests.conftest import Answer, Server
from tests.support.pictures import opened, photo, written
from tests.support.site import Site, feed

HIDDEN = b"<script>alert(1)</script>"


class _Members:
    """A site with two members: one whose feed names a picture, one with a local file."""

    def __init__(self, site: Site, server: Server) -> None:
        self.site, self.server = site, server
        self.local = site.home / "kim.png"
        self.local.write_bytes(written(photo(seed=2), "PNG") + HIDDEN)
        picture = f"<image><url>{server.url}/tea.png</url></image>".encode()
        server.pages["/tea"] = Answer(body=feed("tea", 1, 2).replace(b"<item>", picture + b"<item>", 1))
        server.pages["/milk"] = Answer(body=feed("milk", 1))
        server.pages["/tea.png"] = Answer(body=written(photo(), "PNG") + HIDDEN)

    def fetch(self, tea: dict[str, Any] | None = None, **publish: Any) -> None:
        self.site.configure(
            {"name": "tea", "url": f"{self.server.url}/tea", "categories": ["Drinks"], **(tea or {})},
            {"name": "milk", "url": f"{self.server.url}/milk", "image": "kim.png"},
            fetch={"host_gap": "0s"},
            publish=publish or {"media": True, "pages": {"members": True}},
        )
        assert self.site.run("check").exit_code == 0
        assert self.site.run("fetch", "--force").exit_code == 0

    def faces(self) -> list[str | None]:
        page = LexborHTMLParser((self.site.output / "members.html").read_text(encoding="utf-8"))
        return [image.attributes["src"] for image in page.css(".members img")]

    def files(self) -> set[str]:
        return {name for name in self.site.files() if name.startswith(("media/", "assets/"))}


@pytest.fixture
def members(site: Site, server: Server) -> _Members:
    """Both members."""
    return _Members(site, server)


def test_pictures_of_members_are_copied_and_shown_from_here(members: _Members) -> None:
    """The local one too: no byte that is no pixel is published; each is fetched once."""
    members.fetch()
    milk, tea = members.faces()
    assert {milk, tea} == members.files()
    for face in (milk, tea):
        body = (members.site.output / str(face)).read_bytes()
        assert str(face).startswith("media/")
        assert HIDDEN not in body
        assert opened(body).size == (120, 80)
    before = members.site.times()
    members.fetch()
    assert members.site.times() == before
    assert sum(request.path == "/tea.png" for request in members.server.requests) == 1


def test_a_local_picture_that_changed_is_copied_again(members: _Members) -> None:
    """The page shows the new one after one run."""
    members.fetch()
    before = members.faces()
    members.local.write_bytes(written(photo(seed=3), "PNG"))
    members.fetch()
    after = members.faces()
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert {*after} <= members.files()


def test_copies_of_member_pictures_are_removed_with_the_page_or_setting(members: _Members) -> None:
    """Without copies a local picture is published as it is, and the other one has its own address."""
    members.fetch()
    members.fetch(pages={"members": True})
    milk, tea = members.faces()
    assert tea == f"{members.server.url}/tea.png"
    assert members.files() == {str(milk)}
    assert (members.site.output / str(milk)).read_bytes() == members.local.read_bytes()
    members.fetch(media=True)
    assert members.files() == set()


def test_upkeep_keeps_the_faces_that_are_shown(members: _Members) -> None:
    """No article shows them."""
    members.fetch()
    faces = members.faces()
    members.site.run("publish", "--all")
    later = datetime.now(UTC) + timedelta(days=60)
    with App(load(members.site.file), later) as app:
        app.tidy_media(later, at_once=True)
    assert members.files() == {*faces}


@pytest.mark.parametrize("tea", [{"media": False}, {"image": "https://tea.invalid/face.png"}])
def test_a_member_picture_without_a_copy_keeps_its_address(members: _Members, tea: dict[str, Any]) -> None:
    """Its source excludes it, or it cannot be fetched."""
    members.fetch(tea)
    milk, face = members.faces()
    assert face == tea.get("image", f"{members.server.url}/tea.png")
    assert members.files() == {str(milk)}


def test_a_drawing_with_scripts_is_not_encoded(members: _Members) -> None:
    """A local SVG is published as it is, as a logo is; one of a feed keeps its address."""
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    (members.site.home / "kim.svg").write_bytes(drawing)
    members.server.pages["/tea.png"] = Answer(body=drawing)
    members.fetch({"image": "kim.svg"})
    _, face = members.faces()
    assert str(face).startswith("assets/face-")
    assert (members.site.output / str(face)).read_bytes() == drawing
