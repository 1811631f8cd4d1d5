"""`aggregator add` and `aggregator init`, over a real server."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path
from typing import Any

import click.testing
import pytest

from aggregator.cli import add as cli_add
from aggregator.cli.main import main
from aggregator.config import load as config
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed

HTML = {"Content-Type": "text/html; charset=utf-8"}
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Tea at noon</title>
<id>urn:x:tea</id><updated>2026-05-01T00:00:00Z</updated>
<entry><id>urn:x:1</id><title>One</title><link href="https://tea.example/1"/>
<updated>2026-05-01T00:00:00Z</updated>
<content type="html">&lt;p&gt;All of it&lt;/p&gt;</content></entry></feed>"""


def page(*parts: str) -> Answer:
    """A web page."""
    return Answer(200, HTML, f"<!doctype html><html><head>{''.join(parts)}</head><p>text</p></html>".encode())


def link(href: str, title: str = "", type_: str = "application/rss+xml") -> str:
    """A link of a page's head."""
    return f'<link rel="alternate" type="{type_}" title="{title}" href="{href}">'


def added(site: Site) -> dict[str, Any]:
    """The last source of the config, as it is written there."""
    found: dict[str, Any] = tomllib.loads(site.file.read_text())["sources"][-1]
    return found


def paths(server: Server) -> list[str]:
    """Returns what the server was asked for, in order."""
    return [request.path for request in server.requests]


def test_a_feed_is_added_by_its_own_address(site: Site, server: Server) -> None:
    """Named by its title, in the categories that were asked for; one request is enough."""
    server.pages["/tea.xml"] = Answer(200, {}, ATOM)
    result = site.run("add", f"{server.url}/tea.xml", "--yes", "-c", "Tea", "-c", "Noon")
    assert result.exit_code == 0, result.output
    assert added(site) == {
        "name": "Tea at noon",
        "url": f"{server.url}/tea.xml",
        "categories": ["Tea", "Noon"],
    }
    assert "added 'Tea at noon' to" in result.stdout
    assert paths(server) == ["/tea.xml"]


def test_the_rest_of_the_config_stays_byte_for_byte(site: Site, server: Server) -> None:
    """Comments, odd spaces and line ends included: the new file begins with the old bytes."""
    before = b"# mine\r\n[fetch]\r\nallow   =  ['127.0.0.1'] # here\r\n\r\n[[sources]]\r\n"
    before += b"name='A'\r\nurl='https://a.example/'\r\n"
    site.file.write_bytes(before)
    server.pages["/tea.xml"] = Answer(200, {}, ATOM)
    assert site.run("add", f"{server.url}/tea.xml", "--yes").exit_code == 0
    after = site.file.read_bytes()
    assert after.startswith(before)
    rest = after[len(before) :].decode().replace("\r\n", "\n").strip()
    assert rest == f'[[sources]]\nname = "Tea at noon"\nurl = "{server.url}/tea.xml"'
    assert site.run("check").exit_code == 0


def test_the_feed_of_articles_is_preferred_to_the_feed_of_comments(site: Site, server: Server) -> None:
    """Comments stand first on the page, and are not taken; what is added can be fetched."""
    server.pages["/"] = page(link("/comments/feed", "Comments"), link("/feed", "Blog"))
    server.pages["/comments/feed"] = Answer(200, {}, feed("comments", 1, 2))
    server.pages["/feed"] = Answer(200, {}, feed("blog", 1, 2))
    assert site.run("add", f"{server.url}/", "--yes").exit_code == 0
    assert added(site)["url"] == f"{server.url}/feed"
    assert site.run("fetch", "blog").exit_code == 0


def test_without_a_terminal_the_list_is_printed_and_nothing_added(site: Site, server: Server) -> None:
    """What each holds, the best first, and what to do; the exit code says that nothing was done."""
    server.pages["/"] = page(link("/rss", "Tea RSS"), link("/gone", "Old"), link("/tea", "Tea"))
    server.pages["/rss"] = Answer(200, {}, feed("other", 1, 2, 3))
    server.pages["/tea"] = Answer(200, {}, ATOM)
    before = site.file.read_bytes()
    result = site.run("add", f"{server.url}/")
    assert result.exit_code == 1
    assert site.file.read_bytes() == before
    reported = result.stdout.splitlines()
    assert reported[0].strip() == "1  Tea at noon"
    assert reported[1].strip() == f"{server.url}/tea"
    assert reported[2].strip() == "Atom: 1 entry, the newest 2026-05-01 00:00, full text, en"
    assert "RSS: 3 entries, the newest 2024-01-04 03:00, summaries" in result.stdout
    assert "add the first with --yes" in result.stderr
    assert "/gone: there is nothing at this address (404)" in result.stderr


def test_on_a_terminal_one_is_asked_for(site: Site, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two, by its number."""
    monkeypatch.setattr(cli_add, "is_terminal", lambda: True)
    server.pages["/"] = page(link("/a", "A"), link("/b", "B"))
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    server.pages["/b"] = Answer(200, {}, feed("b", 2))
    runner = click.testing.CliRunner()
    result = runner.invoke(main, ["add", f"{server.url}/", "--config", str(site.file)], input="7\n2\n")
    assert result.exit_code == 0, result.output
    assert "Which one?" in result.output
    assert added(site)["url"] == f"{server.url}/b"


def test_a_feed_that_is_followed_already_is_reported(site: Site, server: Server) -> None:
    """Its own address without a request, a page that links to it after reading it; exit code 0."""
    server.pages["/"] = page(link("/tea", "Tea"))
    server.pages["/tea"] = Answer(200, {}, ATOM)
    site.configure({"name": "Mine", "url": f"{server.url}/tea"})
    before = site.file.read_bytes()
    result = site.run("add", f"{server.url}/tea/")
    assert (result.exit_code, paths(server)) == (0, [])
    assert "followed already, as 'Mine'" in result.stdout
    result = site.run("add", f"{server.url}/", "--yes")
    assert result.exit_code == 0
    assert "followed already, as 'Mine'" in result.stdout
    assert site.file.read_bytes() == before


def test_names_are_unique(site: Site, server: Server) -> None:
    """A title that another source has is numbered; a name that was asked for must be free."""
    server.pages["/tea"] = Answer(200, {}, ATOM)
    site.configure({"name": "Tea at noon", "url": "https://tea.example/"})
    result = site.run("add", f"{server.url}/tea", "--yes", "--name", "Tea at noon")
    assert result.exit_code == 2
    assert "choose another --name" in result.stderr
    assert site.run("add", f"{server.url}/tea", "--yes").exit_code == 0
    assert added(site)["name"] == "Tea at noon (2)"


def test_json_is_for_scripts(site: Site, server: Server) -> None:
    """What was found, with facts; what was added with --yes; never a question."""
    server.pages["/"] = page(link("/tea", "Tea"))
    server.pages["/tea"] = Answer(200, {}, ATOM)
    result = site.run("add", f"{server.url}/", "--json")
    reported = json.loads(result.stdout)
    assert (result.exit_code, reported["added"]) == (1, None)
    assert reported["found"] == [
        {
            "url": f"{server.url}/tea",
            "title": "Tea at noon",
            "kind": "feed",
            "options": {},
            "format": "Atom",
            "found_by": "link",
            "entries": 1,
            "newest": "2026-05-01T00:00:00Z",
            "holds": "full text",
            "language": "en",
            "comments": False,
        }
    ]
    result = site.run("add", f"{server.url}/", "--json", "--yes", "--name", "T")
    assert json.loads(result.stdout)["added"] == {"name": "T", "url": f"{server.url}/tea"}
    result = site.run("add", f"{server.url}/tea", "--json")
    assert (result.exit_code, json.loads(result.stdout)["followed_as"]) == (0, "T")


def test_common_paths_are_tried_when_a_page_links_no_feed(site: Site, server: Server) -> None:
    """Where they often lie, up to the first; a page that answers everything is no feed."""
    server.pages["/"] = page()
    server.pages["/feed"] = page()
    server.pages["/feed.xml"] = Answer(200, {}, feed("blog", 1, 2))
    assert site.run("add", f"{server.url}/", "--yes").exit_code == 0
    assert added(site)["url"] == f"{server.url}/feed.xml"
    assert paths(server) == ["/", "/feed", "/rss.xml", "/feed.xml"]


def test_no_more_paths_are_tried_after_a_429(site: Site, server: Server) -> None:
    """After 429 no further address is guessed at."""
    server.pages["/"] = page()
    server.pages["/feed"] = Answer(429)
    result = site.run("add", f"{server.url}/", "--yes")
    assert result.exit_code == 1
    assert "(429)" in result.stderr
    assert paths(server)[:2] == ["/", "/feed"]
    assert "/rss.xml" not in paths(server)


def cards(count: int, *, dated: bool) -> Answer:
    """A page that lists entries and links to no feed."""
    items = "".join(
        f'<article class="card"><h2><a href="/2026/story-{n}.html">A story of number {n}</a></h2>'
        + (f'<time datetime="2026-05-{n:02}">May {n}</time>' if dated else "")
        + f"<p>What it tells is told here at some length, for the {n}th time.</p></article>"
        for n in range(1, count + 1)
    )
    return Answer(200, HTML, f"<html><title>Stories</title><main>{items}</main></html>".encode())


def test_a_page_without_a_feed_is_followed_itself(site: Site, server: Server) -> None:
    """By selectors that are proposed from its structure, and kept in the config; it can be fetched."""
    server.pages["/news/"] = cards(8, dated=True)
    result = site.run("add", f"{server.url}/news/", "--yes", "--name", "Stories")
    assert result.exit_code == 0, result.output
    source = added(site)
    assert (source["kind"], source["url"]) == ("page", f"{server.url}/news/")
    assert "article" in source["options"]["item"]
    assert {"title", "link", "date"} <= source["options"].keys()
    result = site.run("fetch", "Stories")
    assert "8 new" in result.stdout


def test_a_saved_page_is_a_page_too(site: Site, server: Server) -> None:
    """From a file: what it links to elsewhere is asked for, nothing is looked for beside it."""
    saved = site.home / "saved.html"
    saved.write_bytes(page(link(f"{server.url}/tea", "Tea"), link("/etc/passwd")).body)
    server.pages["/tea"] = Answer(200, {}, ATOM)
    assert site.run("add", saved.as_uri(), "--yes").exit_code == 0
    assert added(site)["url"] == f"{server.url}/tea"
    saved.write_bytes(page().body)
    assert site.run("add", saved.as_uri(), "--yes").exit_code == 1


def test_a_known_site_that_refuses_its_page_is_still_known(site: Site, server: Server) -> None:
    """Its feeds are asked for by their own addresses; a proxy stands in for the whole web here."""
    site.configure(fetch={"allow": ["github.com"], "proxy": server.url, "host_gap": "0s"})
    server.pages["http://github.com/o/r"] = Answer(403)
    result = site.run("add", "http://github.com/o/r", "--yes")
    assert result.exit_code == 1
    assert "http://github.com/o/r: it refuses us (403)" in result.stderr
    assert "https://github.com/o/r/releases.atom:" in result.stderr


def test_a_sitemap_that_robots_txt_names_is_offered(site: Site, server: Server) -> None:
    """After the page with dates, before one of bare links."""
    urls = "".join(f"<url><loc>{server.url}/2026/story-{n}.html</loc></url>" for n in range(4))
    server.pages["/robots.txt"] = Answer(200, {}, b"Sitemap: /map.xml\n")
    server.pages["/map.xml"] = Answer(
        200, {}, f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()
    )
    server.pages["/"] = cards(5, dated=True)
    found = json.loads(site.run("add", f"{server.url}/", "--json").stdout)["found"]
    assert [each["kind"] for each in found] == ["page", "sitemap"]
    server.pages["/"] = cards(5, dated=False)
    assert site.run("add", f"{server.url}/", "--yes").exit_code == 0
    assert (added(site)["kind"], added(site)["url"]) == ("sitemap", f"{server.url}/map.xml")


def test_a_page_without_anything_to_follow_is_reported(site: Site, server: Server) -> None:
    """A page without feed, list or sitemap: what to do, and exit code 1."""
    server.pages["/"] = page()
    before = site.file.read_bytes()
    result = site.run("add", f"{server.url}/", "--yes")
    assert result.exit_code == 1
    assert "nothing to follow was found" in result.stderr
    assert site.file.read_bytes() == before
    assert len(server.requests) <= 11


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        (Answer(404), "there is nothing at this address (404)"),
        (Answer(200, {}, b""), "the document is empty"),
        (Answer(200, {}, b"%PDF-1.7 ..."), "a PDF document"),
        (Answer(200, {}, b"just some words"), "neither a feed nor XML"),
        (Answer(200, {}, b'{"error": "no such page"}'), "not a JSON Feed"),
        (Answer(200, HTML, b"<html>" + b"x" * 2_000_000), "exceeds"),
        (Answer(302, {"Location": "http://10.1.2.3/"}), "private"),
        (Answer(302, {"Location": "http://169.254.169.254/latest"}), "link-local"),
    ],
    ids=[
        "missing",
        "empty",
        "pdf",
        "text",
        "json",
        "huge",
        "redirect-to-private",
        "redirect-to-metadata",
    ],
)
def test_unreadable_addresses_are_reported(site: Site, server: Server, answer: Answer, reported: str) -> None:
    """Exit code 1, and nothing is written."""
    site.configure(fetch={"max_bytes": 1_000_000})
    before = site.file.read_bytes()
    server.pages["/"] = answer
    result = site.run("add", f"{server.url}/", "--yes")
    assert result.exit_code == 1
    assert reported in result.stderr
    assert site.file.read_bytes() == before


@pytest.mark.parametrize("typed", ["http://127.0.0.1:1/", "mailto:me@example.org", "http://[broken/", ""])
def test_unreachable_and_invalid_addresses_are_reported(site: Site, typed: str) -> None:
    """No server answers there, or it is no address."""
    result = site.run("add", typed, "--yes")
    assert result.exit_code == 1
    assert "error:" in result.stderr


def test_links_of_a_hostile_page_are_not_followed(site: Site, server: Server) -> None:
    """Other schemes, private addresses, and more links than anybody asks for."""
    server.pages["/"] = page(
        link("javascript:alert(1)"),
        link("file:///etc/passwd"),
        link("http://10.1.2.3/feed"),
    )
    result = site.run("add", f"{server.url}/", "--yes")
    assert result.exit_code == 1
    assert "10.1.2.3 is private" in result.stderr
    server.pages["/"] = page(*(link(f"/{n}.xml") for n in range(100)))
    assert site.run("add", f"{server.url}/", "--yes").exit_code == 1
    asked = [path for path in paths(server) if path.removesuffix(".xml").strip("/").isdigit()]
    assert 0 < len(asked) <= 8


def test_a_hostile_title_breaks_neither_config_nor_terminal(site: Site, server: Server) -> None:
    """Quotes and control characters neither break the config nor reach the terminal."""
    title = "A \"b\" ''' \\ [[sources]] &#x1b;[31m #"
    server.pages["/tea"] = Answer(200, {}, ATOM.replace(b"Tea at noon", title.encode()))
    result = site.run("add", f"{server.url}/tea", "--yes")
    assert "\x1b" not in result.output
    assert config.load(site.file).sources[-1].name.startswith("A \"b\" ''' \\ [[sources]]")


def test_the_new_address_of_a_permanent_redirect_is_written(site: Site, server: Server) -> None:
    """The address that is written is where it has moved."""

    def moved(request: Request) -> Answer:
        return Answer(301, {"Location": "/new.xml"})

    server.pages["/old.xml"] = moved
    server.pages["/new.xml"] = Answer(200, {}, ATOM)
    site.run("add", f"{server.url}/old.xml", "--yes")
    assert added(site)["url"] == f"{server.url}/new.xml"


def test_add_warns_if_polls_would_be_refused(site: Site, server: Server) -> None:
    """A host that is typed is allowed for this command; the config does not allow it yet."""
    site.configure(fetch={"allow": [], "host_gap": "0s"})
    server.pages["/tea"] = Answer(200, {}, ATOM)
    result = site.run("add", f"{server.url}/tea", "--yes")
    assert result.exit_code == 0
    assert "polls of it will be refused: 127.0.0.1 is loopback" in result.stderr
    assert "fetch.allow" in result.stderr


def test_a_wrong_category_changes_nothing(site: Site, server: Server) -> None:
    """What would not load is not written."""
    server.pages["/tea"] = Answer(200, {}, ATOM)
    before = site.file.read_bytes()
    result = site.run("add", f"{server.url}/tea", "--yes", "-c", "")
    assert result.exit_code == 2
    assert "categories" in result.stderr
    assert site.file.read_bytes() == before


def test_without_a_config_add_names_the_command_init(tmp_path: Path) -> None:
    """`aggregator init` makes one."""
    runner = click.testing.CliRunner()
    result = runner.invoke(main, ["add", "example.org", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 2
    assert "aggregator init" in result.stderr


def test_init_makes_a_site_that_works(tmp_path: Path) -> None:
    """It passes `check`, its first article is published, and a second time nothing is touched."""
    runner = click.testing.CliRunner()
    home = tmp_path / "new" / "planet"
    result = runner.invoke(main, ["init", str(home)])
    assert result.exit_code == 0, result.output
    assert "aggregator add https://" in result.stdout
    at = ["--config", str(home / "config" / "aggregator.toml")]
    assert runner.invoke(main, ["check", *at]).exit_code == 0
    assert "1 new" in runner.invoke(main, ["fetch", *at]).stdout
    assert (home / "feeds" / "Notes" / "atom.xml").exists()
    (home / "config" / "aggregator.toml").write_text("mine")
    result = runner.invoke(main, ["init", str(home)])
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert (home / "config" / "aggregator.toml").read_text() == "mine"


def test_a_source_of_a_given_kind_is_added_as_it_is(site: Site, server: Server) -> None:
    """With its options, once they have found something; nothing else of the site is looked for."""
    body = b"<html><title>News</title><link rel=alternate type=application/rss+xml href=/feed>"
    body += b"<article><h2><a href=/1>One</a></h2></article><article><h2><a href=/2>Two</a></h2></article>"
    server.pages["/list"] = Answer(headers={"Content-Type": "text/html"}, body=body)
    result = site.run("add", f"{server.url}/list", "--kind", "page", "-o", "item=article", "-c", "World")
    assert result.exit_code == 0, result.output
    assert "2 entries" in result.output
    source = config.load(site.file).sources[0]
    assert (source.kind, source.url, source.categories) == ("page", f"{server.url}/list", ("World",))
    assert dict(source.options) == {"item": "article", "title": "h2", "link": "a"}
    assert [request.path for request in server.requests if request.path != "/robots.txt"] == ["/list"]
    again = site.run("add", f"{server.url}/list", "--kind", "page", "-o", "item=article")
    assert (again.exit_code, "followed already" in again.output) == (2, True)


def test_a_kind_or_option_that_does_not_exist_is_refused(site: Site, server: Server) -> None:
    """And a document that cannot be read; nothing is added."""
    server.pages["/list"] = Answer(headers={"Content-Type": "text/html"}, body=b"<p>x</p>")
    before = site.file.read_bytes()
    for extra in (["--kind", "nonsense"], ["--kind", "page", "-o", "nonsense=1"], ["--kind", "sitemap"]):
        result = site.run("add", f"{server.url}/list", *extra)
        assert result.exit_code in (1, 2), result.output
        assert "Traceback" not in result.output
    assert site.file.read_bytes() == before


def kinds(result: click.testing.Result) -> list[tuple[str, str]]:
    """Returns what was found, as kinds and paths."""
    found = json.loads(result.stdout)["found"]
    return [(each["kind"], each["url"].rpartition("/")[2]) for each in found]


API = b"""{"meta": {"page": 1}, "data": {"posts": [
{"uuid": "a", "headline": "One", "permalink": "https://tea.example/1", "published_at": "2026-01-02"},
{"uuid": "b", "headline": "Two", "permalink": "https://tea.example/2", "published_at": "2026-01-03"}]}}"""
SITEMAP = b"""<?xml version="1.0"?><!-- <rss> made by a plugin -->
<?xml-stylesheet type="text/xsl" href="main-sitemap.xsl"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://tea.example/green-tea</loc><lastmod>2026-01-02</lastmod></url></urlset>"""
OPML = b"""<?xml version="1.0"?><opml version="2.0"><head><title>Friends</title></head><body>
<outline text="Ann" type="rss" xmlUrl="https://ann.example/feed"/></body></opml>"""
H_FEED = b"""<!doctype html><title>Notes</title><main class="h-feed"><h1 class="p-name">My notes</h1>
<article class="h-entry"><a class="u-url" href="/1"><span class="p-name">One</span></a>
<time class="dt-published" datetime="2026-01-02">2 January</time></article></main>
<p>There is an <a href="/feed.xml">RSS</a> too, of another thing</p>"""


@pytest.mark.parametrize(
    ("body", "kind", "options"),
    [
        (
            API,
            "json",
            {
                "items": "data.posts",
                "id": "uuid",
                "link": "permalink",
                "title": "headline",
                "date": "published_at",
            },
        ),
        (b'[{"id": 1, "title": "One", "url": "/1"}]', "json", {"items": "@", "id": "id", "link": "url"}),
        (SITEMAP, "sitemap", {}),
        (gzip.compress(SITEMAP), "sitemap", {}),
        (b"https://tea.example/1\nhttps://tea.example/2\n", "sitemap", {}),
        (OPML, "opml", {}),
        (H_FEED, "microformats", {}),
    ],
    ids=["api", "list", "sitemap", "sitemap.gz", "sitemap.txt", "opml", "h-feed"],
)
def test_other_kinds_of_documents_are_offered_as_such(
    site: Site, server: Server, body: bytes, kind: str, options: dict[str, str]
) -> None:
    """With the options that its reader proposes; no other document of the site is asked for, or taken."""
    server.pages["/"] = page(link("/feed.xml", "Blog"))
    server.pages["/it"] = Answer(200, {}, body)
    server.pages["/feed.xml"] = server.pages["/feed"] = Answer(200, {}, ATOM)
    site.configure()
    shown = site.run("preview", f"{server.url}/it", "--json")
    assert json.loads(shown.stdout)["kind"] == kind
    found = site.run("add", f"{server.url}/it", "--json")
    assert kinds(found) == [(kind, "it")]
    assert site.run("add", f"{server.url}/it", "--yes", "-c", "Tea").exit_code == 0
    source = added(site)
    assert (source["kind"], source["url"], source["categories"]) == (kind, f"{server.url}/it", ["Tea"])
    assert options.items() <= source.get("options", {}).items()
    assert set(paths(server)) == {"/it"}
    assert site.run("check").exit_code == 0
    assert site.run("fetch", "--force").exit_code == 0


def test_an_h_feed_with_a_feed_of_its_own_offers_both(site: Site, server: Server) -> None:
    """What the page's head names is better than what its markup says."""
    body = b'<link rel="alternate" type="application/atom+xml" href="/atom">' + H_FEED
    server.pages["/it"] = Answer(200, HTML, body)
    server.pages["/atom"] = server.pages["/feed.xml"] = Answer(200, {}, ATOM)
    found = site.run("add", f"{server.url}/it", "--json")
    assert kinds(found) == [("feed", "atom"), ("microformats", "it")]


def test_a_sitemap_or_an_api_that_cannot_be_read_is_no_reason_to_look_elsewhere(
    site: Site, server: Server
) -> None:
    """The error says what is wrong with it."""
    server.pages["/feed"] = Answer(200, {}, ATOM)
    for body in (b"<urlset/>", b'{"posts": []}', b"<opml><body>"):
        server.pages["/it"] = Answer(200, {}, body)
        assert kinds_or_none(site.run("add", f"{server.url}/it", "--json")) in ([], ["opml"], ["sitemap"])
    assert set(paths(server)) == {"/it"}


def kinds_or_none(result: click.testing.Result) -> list[str]:
    """The kinds of what was found, none after an error."""
    return [kind for kind, _ in kinds(result)] if result.stdout.strip() else []


def test_folders_are_offered_as_articles_or_as_mail(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is in them; a file by its content."""
    for name in ("cur", "new", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    message = b"From: Ann <ann@tea.example>\nSubject: Tea\nMessage-ID: <1@tea.example>\n\nHot.\n"
    (tmp_path / "mail" / "new" / "1").write_bytes(message)
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "one.md").write_text("---\ntitle: One\ndate: 2026-01-02\n---\nText\n")
    (tmp_path / "friends.opml").write_bytes(OPML)
    monkeypatch.chdir(tmp_path)
    for typed, kind in (("mail", "mail"), (f"{tmp_path}/posts", "articles"), ("./posts/one.md", "articles")):
        assert json.loads(site.run("preview", typed, "--json").stdout)["kind"] == kind
        result = site.run("add", typed, "--yes")
        assert result.exit_code == 0, result.output
        assert (added(site)["kind"], added(site)["path"]) == (kind, str((tmp_path / typed).absolute()))
    assert site.run("add", "friends.opml", "--yes").exit_code == 0
    assert added(site) == {"name": "Friends", "kind": "opml", "url": (tmp_path / "friends.opml").as_uri()}
    again = site.run("add", "mail", "--yes")
    assert (again.exit_code, "followed already" in again.output) == (2, True)
    assert site.run("add", "posts").exit_code == 1  # there was no terminal to ask on


def test_options_decide_the_kind(site: Site, server: Server) -> None:
    """Options of a page do not fit a feed, nor other kinds for pages."""
    server.pages["/it"] = Answer(200, HTML, b"<ul><li><a href=/1>One</a><li><a href=/2>Two</a></ul>")
    shown = json.loads(site.run("preview", f"{server.url}/it", "--json", "-o", "item=li").stdout)
    assert (shown["kind"], len(shown["articles"])) == ("page", 2)
    wrong = site.run("preview", f"{server.url}/it", "-o", "colour=red")
    assert (wrong.exit_code, "colour" in wrong.output) == (2, True)
