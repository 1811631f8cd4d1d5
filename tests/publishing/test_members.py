"""The page of members, and the feed and the page of each source."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.writers.html.members_page import MembersPage
from aggregator.writers.page_look import PageLook
from tests.conformance.html import check_html
from tests.conftest import Answer, Server
from tests.support.overviews import followed_of, overview_of
from tests.support.site import Site, feed

LOOK = PageLook(members=True, mark="members")


def members(*followed: Any, **changes: Any) -> list[LexborNode]:
    body = MembersPage().render(overview_of(followed=followed, look=LOOK, **changes))
    assert check_html(body) == []
    return LexborHTMLParser(body.decode()).css(".members li")


def page(site: Site, name: str) -> LexborHTMLParser:
    body = (site.output / name).read_bytes()
    assert check_html(body) == []
    return LexborHTMLParser(body.decode())


def words(node: LexborNode | None) -> str:
    return " ".join(node.text(deep=True).split()) if node else ""


def configure(site: Site, server: Server, **pages: Any) -> None:
    """Two sources, one of them named as a category is."""
    for name in ("tea", "milk"):
        picture = f"<image><url>{server.url}/{name}.png</url></image>".encode()
        body = feed(name, *range(1, 4)).replace(b"<item>", picture + b"<item>", 1)
        server.pages[f"/{name}"] = Answer(body=body)
    site.configure(
        {"name": "Tea", "url": f"{server.url}/tea", "categories": ["Drinks"]},
        {
            "name": "Drinks",
            "url": f"{server.url}/milk",
            "categories": ["Drinks"],
            "image": "https://a.example/m.png",
        },
        publish={"pages": pages},
        entries_per_feed=2,
    )


def test_members_are_listed_by_name_with_what_there_is_of_each() -> None:
    """A face, or its first letter; its site, its feed and its page; no login of any address."""
    found = members(
        followed_of("tea", face="https://me:secret@tea.example/face.png", page="source-tea"),
        followed_of("Ärger", url=None, link=None),
        followed_of("『茶』", face="ftp://tea.example/x.png", link="javascript:alert(1)"),
        followed_of("<b>Bold"),
    )
    assert [words(node.css_first("h2")) for node in found] == ["<b>Bold", "tea", "Ärger", "『茶』"]
    tea = found[1]
    image = tea.css_first("img")
    assert image is not None
    assert image.attributes["src"] == "https://tea.example/face.png"
    assert [a.attributes["href"] for a in tea.css("a")] == [
        "https://tea.example/",
        "source-tea/index.html",
        "https://tea.example/feed",
    ]
    assert [words(node.css_first(".face")) for node in found] == ["B", "", "Ä", "茶"]
    assert found[2].css("a") == []
    assert [a.attributes["href"] for a in found[3].css("a")] == ["https://tea.example/feed"]


def test_there_is_no_such_page_unless_it_is_wanted(site: Site, server: Server) -> None:
    """Turned off again, the page and every trace of it go."""
    configure(site, server)
    site.run("fetch")
    before = {path: path.read_bytes() for path in site.output.rglob("*.html")}
    assert not (site.output / "members.html").exists()
    configure(site, server, members=True)
    assert site.run("publish").exit_code == 0
    shown = page(site, "members.html")
    faces = [image.attributes["src"] for image in shown.css(".members img")]
    assert faces == ["https://a.example/m.png", f"{server.url}/tea.png"]
    assert [words(node) for node in shown.css(".members .facts")] == ["3 articles its feed"] * 2
    links = [a.attributes["href"] for a in page(site, "index.html").css("header nav a")]
    assert links[0] == "members.html"
    configure(site, server)
    site.run("publish")
    assert {path: path.read_bytes() for path in site.output.rglob("*.html")} == before


def test_a_picture_may_be_a_local_file(site: Site, server: Server) -> None:
    """It is published under a name of its content, which follows it, and goes with the page."""
    face = site.home / "faces" / "kim.png"
    face.parent.mkdir()
    face.write_bytes(b"\x89PNG\r\n one")
    server.pages["/tea"] = Answer(body=feed("tea", 1))

    def published(*, members: bool = True) -> tuple[list[str], dict[str, bytes]]:
        source = {"name": "tea", "url": f"{server.url}/tea", "image": "faces/kim.png"}
        site.configure(source, publish={"pages": {"members": members}})
        assert site.run("check").exit_code == 0
        site.run("fetch")
        assert site.run("publish").exit_code == 0
        shown = page(site, "members.html") if members else LexborHTMLParser("")
        assets = {name: body for name, body in site.files().items() if name.startswith("assets/")}
        return [str(image.attributes["src"]) for image in shown.css(".members img")], assets

    shown, assets = published()
    assert assets == {shown[0]: face.read_bytes()}
    face.write_bytes(b"\x89PNG\r\n another")
    again, assets = published()
    assert again != shown
    assert assets == {again[0]: face.read_bytes()}
    face.write_bytes(b"<html>")
    assert "source 'tea': image: " in site.run("check").output
    failed = site.run("publish")
    assert failed.exit_code == 1
    assert "is not a picture of the type that its name says" in failed.output
    face.write_bytes(b"\x89PNG\r\n one")
    assert published(members=False) == ([], {})


@pytest.mark.parametrize("image", ["faces/kim.gif", "ftp://a.example/kim.png", "//a.example/kim", 3])
def test_a_local_picture_that_is_not_one_is_a_mistake(site: Site, server: Server, image: object) -> None:
    """With what to write."""
    site.configure({"name": "tea", "url": f"{server.url}/tea", "image": image})
    found = site.run("check")
    assert found.exit_code == 2
    assert "the path of a picture whose name ends in .png, .jpg, .svg, .webp" in found.output


def test_each_source_has_a_feed_and_a_page_when_that_is_wanted(site: Site, server: Server) -> None:
    """In folders that no category has; what is stored already is in them; turned off, the files go."""
    configure(site, server)
    site.run("fetch")
    before = {path: path.read_bytes() for path in site.output.rglob("*") if path.is_file()}
    configure(site, server, members=True, sources=True)
    assert site.run("publish").exit_code == 0
    assert {path.name for path in site.output.iterdir() if path.is_dir()} == {
        *("all", "Drinks", "source-Tea", "source-Drinks"),
    }
    rss = etree.parse(site.output / "source-Drinks" / "rss.xml")
    assert rss.findtext(".//channel/title") == "Drinks — Planet"
    assert [item.text for item in rss.iterfind(".//item/title")] == ["milk 3", "milk 2"]
    assert json.loads((site.output / "source-Drinks" / "feed.json").read_bytes())["feed_url"].endswith(
        "/feeds/source-Drinks/feed.json"
    )
    own = page(site, "source-Tea/index.html")
    assert [words(node) for node in own.css("article h2")] == ["tea 3", "tea 2"]
    assert (site.output / "source-Tea" / "archive" / "1" / "index.html").is_file()
    pages = [a.attributes["href"] for a in page(site, "members.html").css(".members .facts a")]
    assert pages[::2] == ["source-Drinks/", "source-Tea/"]
    assert not any("source-" in str(a.attributes["href"]) for a in page(site, "index.html").css("a"))
    assert b"source-" not in (site.output / "feeds.opml").read_bytes()
    assert "nothing new to write" in site.run("publish").output or site.run("publish").exit_code == 0
    configure(site, server)
    assert site.run("publish").exit_code == 0
    assert {path: path.read_bytes() for path in site.output.rglob("*") if path.is_file()} == before


def test_new_articles_come_into_the_feed_of_their_source(site: Site, server: Server) -> None:
    """And a renamed source keeps its folder and its ids."""
    configure(site, server, sources=True)
    site.run("fetch")
    before = (site.output / "source-Tea" / "atom.xml").read_bytes()
    server.pages["/tea"] = Answer(body=feed("tea", *range(1, 6)))
    site.run("fetch", "--force")
    atom = (site.output / "source-Tea" / "atom.xml").read_bytes()
    assert b"tea 5" in atom
    feed_id = etree.fromstring(before).findtext("{*}id")
    assert etree.fromstring(atom).findtext("{*}id") == feed_id
    assert b"tea 5" not in (site.output / "source-Drinks" / "atom.xml").read_bytes()
    assert site.run("rename", "Tea", "Green tea").exit_code == 0
    assert site.run("publish").exit_code == 0
    renamed = etree.fromstring((site.output / "source-Tea" / "atom.xml").read_bytes())
    assert (renamed.findtext("{*}id"), renamed.findtext("{*}title")) == (feed_id, "Green tea — Planet")
    assert not (site.output / "source-Green-tea").exists()


@pytest.mark.parametrize("action", ["drop", {"remove-from": "Drinks"}])
def test_rules_take_articles_out_of_the_feed_of_their_source(site: Site, server: Server, action: Any) -> None:
    """What is dropped; what leaves a category stays."""
    configure(site, server, sources=True)
    text = site.file.read_text()
    rule = f'[[rules]]\nname = "r"\nwhen = "title:3"\nthen = {json.dumps(action).replace(":", "=")}\n'
    site.file.write_text(f"{text}\n{rule}")
    site.run("fetch")
    assert (b"tea 3" in (site.output / "source-Tea" / "atom.xml").read_bytes()) == (action != "drop")
    assert b"tea 3" not in (site.output / "Drinks" / "atom.xml").read_bytes()


def test_a_category_may_have_the_name_of_such_a_folder(site: Site, server: Server) -> None:
    """The one that comes second has another folder, as with all names; both keep theirs."""
    server.pages["/tea"] = Answer(body=feed("tea", 1))
    source = {"name": "Tea", "url": f"{server.url}/tea", "categories": ["source-Tea"]}
    site.configure(source, publish={"pages": {"sources": True}})
    site.run("fetch")
    folders = sorted(path.name for path in site.output.iterdir() if path.is_dir())
    assert [folder[:10] for folder in folders] == ["all", "source-Tea", "source-Tea"]
    titles = {
        (site.output / folder / "index.html").read_text().partition("<h1")[2][:40] for folder in folders
    }
    assert len(titles) == 3
