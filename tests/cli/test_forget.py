"""`aggregator forget`: nothing of an article can be read afterwards, and it does not come back."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed

LINK = "https://a.example/3"
FORMATS = ["rss", "atom", "json", "html"]


def serve(server: Server, *numbers: int, word: str = "Takedown", **changed: str) -> None:
    """A feed in which the third item, and it alone, has a word."""
    body = feed("a", *numbers).replace(b"<title>a 3</title>", f"<title>{word} 3</title>".encode())
    body = body.replace(b"Text 3&lt;", f"All of {word}s&lt;".encode())
    for old, new in changed.items():
        body = body.replace({"link": LINK, "guid": f"<guid>{LINK}</guid>"}[old].encode(), new.encode())
    server.pages["/a"] = Answer(200, {}, body)


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site with archives, pages, compressed files and posts, one article of which was edited."""
    site.configure(
        {"name": "a", "url": f"{server.url}/a", "categories": ["News"]},
        **{"entries_per_feed": 3, "publish.formats": FORMATS, "publish.compress": ["gzip"]},
        **{"publish.archives": FORMATS},
        **{"publish.posts.folder": "posts", "publish.posts.generator": "hugo"},
    )
    serve(server, *range(1, 12), word="Takedown before")
    site.run("fetch")
    serve(server, *range(1, 12))
    site.run("fetch", "--force")
    return site


def holding(site: Site, word: str) -> list[str]:
    """The files that hold a word, in their bytes, names, or in what they are when they are unpacked."""
    found = []
    for path in sorted(site.home.rglob("*")):
        if path.is_file():
            name = path.relative_to(site.home).as_posix()
            body = path.read_bytes()
            body = gzip.decompress(body) if name.endswith(".gz") else body
            if word.encode() in (name.encode() + body).lower():
                found.append(name)
    return found


def test_a_forgotten_article_is_nowhere_in_files_or_store(planet: Site) -> None:
    """In no feed, archive, page, compressed file or post, and not in the unused parts of the store's file."""
    before = holding(planet, "takedown")
    for part in (".db", "rss.xml", "atom.xml", "feed.json", "index.html", ".gz", "/archive/", "posts/"):
        assert any(part in name for name in before), part
    others = holding(planet, "text 4")
    copy = planet.home / "var" / "aggregator.db.schema6"
    copy.touch()
    result = planet.run("forget", LINK)
    assert result.exit_code == 0, result.output
    assert "aggregator.db.schema6, kept by an upgrade" in result.stderr
    assert f"{LINK} (a): forgotten" in result.stdout
    assert holding(planet, "takedown") == []
    assert {name for name in others if not name.endswith("-wal")} <= {*holding(planet, "text 4")}
    assert planet.run("publish").exit_code == 0
    assert holding(planet, "takedown") == []
    assert "no article with the link" in planet.run("versions", LINK).stderr


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"link": LINK.replace("https", "http")},
        {"guid": ""},
        {"guid": "<guid>tag:a.example,2026:3</guid>"},
    ],
    ids=["as it was", "another spelling", "no guid", "another guid"],
)
def test_a_forgotten_article_does_not_come_back(
    planet: Site, server: Server, changed: dict[str, str]
) -> None:
    """Neither edited nor under other ids by which a stored article would be recognised."""
    planet.run("forget", LINK)
    serve(server, *range(1, 13), **changed)
    assert "1 new" in planet.run("fetch", "--refetch").stdout
    serve(server, *range(1, 13), word="Takedown again", **changed)
    assert "0 new" in planet.run("fetch", "--refetch").stdout
    assert holding(planet, "takedown") == []


def test_forget_undo_lets_the_source_bring_the_article_again(planet: Site, server: Server) -> None:
    """Under its outward id; what was erased stays erased until then, and its earlier versions for good."""
    planet.run("forget", LINK)
    assert planet.run("forget", LINK, "--undo").exit_code == 0
    assert holding(planet, "takedown") == []
    serve(server, *range(1, 12))
    assert "1 new" in planet.run("fetch", "--force").stdout
    (article,) = json.loads(planet.run("versions", LINK, "--json").stdout)["articles"]
    assert (article["id"], article["earlier"]) == (LINK, [])
    assert any("archive" in name or "posts" in name for name in holding(planet, "takedown"))
    assert planet.run("forget", LINK, "--undo").exit_code == 1


def test_several_articles_of_one_link_need_all(site: Site, server: Server) -> None:
    """They are listed; one may be named by its id."""
    body = feed("a", 1, 2).replace(b"<link>https://a.example/2</link>", b"<link>https://a.example/1</link>")
    server.pages["/a"] = Answer(200, {}, body)
    site.configure({"name": "a", "url": f"{server.url}/a"})
    site.run("fetch")
    result = site.run("forget", "https://a.example/1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "2 articles have it" in result.stderr
    assert "a 2" in result.stderr
    refused = json.loads(site.run("forget", "https://a.example/1", "--json").stdout)
    assert [len(refused[key]) for key in ("forgotten", "matches")] == [0, 2]
    done = json.loads(site.run("forget", "https://a.example/2", "--json").stdout)
    assert done["forgotten"] == [
        {"id": "https://a.example/2", "source": "a", "source_id": "https://a.example/2"}
    ]
    assert done["published"]["errors"] == []
    assert site.run("forget", "https://a.example/1", "--all").exit_code == 0
    assert json.loads(site.files()["all/feed.json"])["items"] == []


def test_a_former_link_names_it_too(site: Site, server: Server) -> None:
    """That of an earlier version; what has no such link is not forgotten."""
    site.configure({"name": "a", "url": f"{server.url}/a"})
    for link in (b"old", b"new"):
        body = feed("a", 1, 2).replace(
            b"<link>https://a.example/1<", b"<link>https://a.example/" + link + b"<"
        )
        server.pages["/a"] = Answer(200, {}, body)
        site.run("fetch", "--force")
    assert site.run("forget", "https://a.example/other").exit_code == 1
    assert site.run("forget", "https://a.example/old", "--undo").exit_code == 1
    assert site.run("forget", "https://a.example/old").exit_code == 0
    (left,) = json.loads(site.files()["all/feed.json"])["items"]
    assert left["id"] == "https://a.example/2"


def test_a_forgotten_article_is_still_known_by_its_links(site: Site, server: Server) -> None:
    """Where its id is no link, and another of the source has the same; nothing in the store is its link."""
    body = feed("a", 1, 2, 3)
    for n in b"12":
        guid = b"<guid>https://a.example/%c</guid>" % n
        body = body.replace(guid, b"<guid isPermaLink='false'>number %c</guid>" % n)
    link = "https://a.example/2"
    body = body.replace(b"<link>https://a.example/1</link>", b"<link>https://a.example/2</link>")
    server.pages["/a"] = Answer(200, {}, body)
    site.configure({"name": "a", "url": f"{server.url}/a"})
    site.run("fetch")
    assert json.loads(site.run("forget", "--list", "--json").stdout) == {"articles": []}
    assert site.run("forget", link, "--all").stdout.count(": forgotten") == 2
    assert holding(site, link) == []
    listed = site.run("forget", "--list").stdout.splitlines()
    assert len(listed) == 2
    assert site.run("why", link).stdout.count("forgotten: its content was erased on demand") == 2
    again = site.run("forget", link, "--all")
    assert (again.exit_code, again.stdout.count("it was forgotten before")) == (0, 2)
    assert site.run("forget", link, "--undo", "--all").stdout.count("may add it again") == 2
    assert site.run("forget", "--list").stdout == ""
    assert "2 new" in site.run("fetch", "--force").stdout
    assert "forget --list names all" in site.run("forget", link, "--undo").stderr


def test_a_new_article_at_a_forgotten_articles_link_can_be_forgotten(site: Site, server: Server) -> None:
    """The forgotten one is not asked about again."""
    link = "https://a.example/1"
    site.configure({"name": "a", "url": f"{server.url}/a"})
    body = feed("a", 1, 2)
    server.pages["/a"] = Answer(200, {}, body.replace(f"<guid>{link}<".encode(), b"<guid>one<"))
    site.run("fetch")
    site.run("forget", link)
    another = feed("a", 2, 3).replace(b"https://a.example/3<", b"https://a.example/1<")
    server.pages["/a"] = Answer(200, {}, another.replace(f"<guid>{link}<".encode(), b"<guid>three<"))
    assert "1 new" in site.run("fetch", "--force").stdout
    assert json.loads(site.run("forget", link, "--json").stdout)["forgotten"][0]["source_id"] == "three"


@pytest.mark.parametrize("arguments", [(), ("--list", LINK), ("--list", "--undo"), ("--list", "--all")])
def test_forget_needs_exactly_one_article_or_all(planet: Site, arguments: tuple[str, ...]) -> None:
    """Anything else is a mistake, and nothing is forgotten; the store is not suspected."""
    result = planet.run("forget", *arguments)
    assert result.exit_code == 2
    assert "unexpectedly" not in result.stderr
    assert planet.run("forget", "--list").stdout == ""
