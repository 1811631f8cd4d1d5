"""Searches on the pages, over real connections and a real store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from aggregator.config.load import load
from aggregator.errors import TookTooLong
from aggregator.publishing.visitor_search import MAX_RESULTS, PublicSearch
from aggregator.rules.query import Query
from aggregator.server import visitor_search
from aggregator.server.visitor_search import AT_ONCE
from aggregator.store import Store
from tests.conformance.html import check_html
from tests.conftest import Answer, Server
from tests.support.serving import NOW, Reply, ask
from tests.support.site import Site, feed

SERVE = {"search": True}
TWO = '"black & tea" +milk'


def source(server: Server, name: str, *categories: str) -> dict[str, Any]:
    """A source of the test's server."""
    return {"name": name, "url": f"{server.url}/{name}", "categories": list(categories)}


def rss(*items: tuple[str, str]) -> bytes:
    """A feed of titles and texts, the first the oldest."""
    made = "".join(
        f"<item><title>{title}</title><guid>urn:{title}</guid><link>https://a.example/{n}</link>"
        f"<pubDate>Mon, {1 + n:02} Jan 2024 00:00:00 GMT</pubDate><description>{text}</description></item>"
        for n, (title, text) in enumerate(items)
    )
    return f"<rss version='2.0'><channel><title>A</title>{made}</channel></rss>".encode()


TEXTS = (("Green tea", "leaves and water"), ("Black tea", "secret milk"), ("Trains", "late"), ("茶道", "水"))


@contextmanager
def served(site: Site) -> Iterator[int]:
    """The config's site, served; gives its port."""
    from aggregator.server import Server as OurServer

    running = OurServer(load(site.file), "127.0.0.1:0", lambda: NOW)
    running.start()
    try:
        yield int(running.url.rstrip("/").rpartition(":")[2])
    finally:
        running.stop()


def search(port: int, query: str, **others: str) -> Reply:
    """A search for this."""
    return ask(port, f"/search?{urlencode({'q': query, **others})}")


def titles(port: int, query: str) -> list[str]:
    """Returns what a search finds, by its JSON Feed."""
    reply = search(port, query, format="json")
    assert reply.status == 200, reply.body
    return [item["title"] for item in json.loads(reply.body)["items"]]


def shown(reply: Reply) -> LexborHTMLParser:
    """A page as a browser has it."""
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert check_html(reply.body) == []
    return LexborHTMLParser(reply.body.decode())


def said(page: LexborHTMLParser) -> str:
    """Returns what the main part of a page says."""
    found = page.css_first("main")
    assert found is not None
    return found.text()


def value(page: LexborHTMLParser, selector: str, name: str) -> str:
    """An attribute of the first such element."""
    found = page.css_first(selector)
    assert found is not None, selector
    return found.attributes[name] or ""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same for tests that only search."""
    site = Site(tmp_path_factory.mktemp("site"))
    (site.home / "a.xml").write_bytes(rss(*TEXTS))
    site.configure({"name": "a", "url": "file:a.xml", "categories": ["Drinks"]}, serve=SERVE)
    assert site.run("fetch").exit_code == 0
    return site


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """Four articles, published."""
    server.pages["/a"] = Answer(200, {}, rss(*TEXTS))
    site.configure(source(server, "a", "Drinks"), serve=SERVE)
    assert site.run("fetch").exit_code == 0
    return site


def test_a_search_finds_what_is_published_newest_first(published: Site) -> None:
    """By the language of rules, also in scripts without spaces."""
    with served(published) as port:
        assert titles(port, "tea") == ["Black tea", "Green tea"]
        assert titles(port, "TEA -milk") == ["Green tea"]
        assert titles(port, "category:drinks title:/tr.ins/") == ["Trains"]
        assert titles(port, "茶") == ["茶道"]
        assert titles(port, "coffee") == []
        page = shown(search(port, "tea"))
        assert [node.text() for node in page.css("article h2")] == ["Black tea", "Green tea"]
        assert value(page, "input", "value") == "tea"
        assert value(page, "form", "action") == "search"


@pytest.mark.parametrize(
    ("name", "kind", "version"),
    [
        ("rss", "application/rss+xml", "rss20"),
        ("atom", "application/atom+xml", "atom10"),
        ("json", "application/feed+json", ""),
    ],
)
def test_results_are_feeds_too(published: Site, name: str, kind: str, version: str) -> None:
    """With addresses that lead to themselves, an id of their own, and validators."""
    with served(published) as port:
        reply = search(port, TWO, format=name)
        assert reply.headers["content-type"] == f"{kind}; charset=utf-8"
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["cache-control"].startswith("public, max-age=")
        own = f"https://planet.example/feeds/search?q=%22black+%26+tea%22+%2Bmilk&format={name}"
        if name == "json":
            read = json.loads(reply.body)
            assert read["feed_url"] == own
            assert read["title"] == f"{TWO} — Planet"
        else:
            parsed = feedparser.parse(reply.body)
            assert (parsed.bozo, parsed.version) == (False, version)
            assert own in [link.href for link in parsed.feed.links if link.rel == "self"]
            assert [entry.title for entry in parsed.entries] == ["Black tea"]
        again = ask(
            port,
            f"/search?q={quote(TWO)}&format={name}",
            If_None_Match=reply.headers["etag"],
        )
        assert (again.status, again.body) == (304, b"")
        assert ask(port, f"/search?q=tea&format={name}", Accept_Encoding="gzip").status == 200
        assert search(port, "x", format=name).status == 200, "of nothing too"


def test_the_search_page_links_to_feeds_of_its_results(published: Site) -> None:
    """Relative, so that a proxy may put the site anywhere."""
    with served(published) as port:
        hrefs = [a.attributes["href"] for a in shown(search(port, "tea OR 茶")).css(".feeds a")]
        assert hrefs == [f"search?q=tea+OR+%E8%8C%B6&format={name}" for name in ("rss", "atom", "json")]
        assert all(ask(port, f"/{href}").status == 200 for href in hrefs)
        assert ask(port, f"/feeds/{hrefs[0]}").status == 200, "with the path of the public address too"


def test_text_that_rules_removed_is_not_found(site: Site, server: Server) -> None:
    """Neither by what was there before, nor by leaving it out; what rules put there is found."""
    server.pages["/a"] = Answer(200, {}, rss(*TEXTS))
    rules = [
        {"name": "no trains", "when": "title:trains", "then": "drop"},
        {
            "name": "milder",
            "when": "title:black",
            "then": {
                "rewrite": {
                    "title": {"pattern": "Black", "with": "Dark"},
                    "remove": ["p"],
                }
            },
        },
    ]
    server.pages["/a"] = Answer(
        200, {}, rss(*TEXTS).replace(b"secret milk", b"&lt;p&gt;secret&lt;/p&gt; milk")
    )
    site.configure(source(server, "a", "Drinks"), serve=SERVE, rules=rules)
    assert site.run("fetch").exit_code == 0
    with served(site) as port:
        assert titles(port, "trains") == []
        assert titles(port, "secret") == []
        assert titles(port, "black OR secret") == []
        assert titles(port, "tea -secret") == ["Dark tea", "Green tea"]
        assert titles(port, "dark milk") == ["Dark tea"]
    site.configure(source(server, "a", "Drinks"), serve=SERVE)
    assert site.run("publish").exit_code == 0
    with served(site) as port:
        assert titles(port, "trains OR dark OR secret") == ["Trains", "Black tea"]


def test_only_published_articles_are_found_by_visitors(planet: Site, server: Server) -> None:
    """Though all of it is in the store."""
    found = planet.run("forget", "urn:Black tea")
    assert found.exit_code == 0, found.output
    with served(planet) as port:
        assert titles(port, "tea") == ["Green tea"]
    hidden: dict[str, Any] = {"Drinks": {"formats": []}}
    rules = [{"name": "quiet", "when": "title:trains", "then": {"remove-from": ["all"]}}]
    planet.configure(source(server, "a", "Drinks"), serve=SERVE, rules=rules, publish={"categories": hidden})
    assert planet.run("publish").exit_code == 0
    with served(planet) as port:
        assert titles(port, "tea OR trains") == ["Green tea"]


def test_a_source_that_is_no_longer_followed_is_not_found(planet: Site, server: Server) -> None:
    """It left the feeds."""
    server.pages["/b"] = Answer(200, {}, feed("b", 1))
    planet.configure(source(server, "b"), serve=SERVE)
    assert planet.run("fetch").exit_code == 0
    with served(planet) as port:
        assert titles(port, "tea") == []
        assert titles(port, "b") == ["b 1"]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("tea AND", "needs something on its right"),
        ("colour:red", "no field is named"),
        ("/a.*b/", "A regular expression needs a field"),
        ("text:/secret/", "A regular expression needs a field"),
        ("tea (content:/x/ OR title:x)", "A regular expression needs a field"),
        ("title:/(/", "missing )"),
        ("a " * 300, "500 characters are the most"),
        ("(" * 60 + "a" + ")" * 60, "more than 50 groups"),
    ],
)
def test_an_invalid_search_is_explained(published: Site, query: str, why: str) -> None:
    """On the page as on a feed; nothing is looked for."""
    with served(published) as port:
        reply = search(port, query)
        assert reply.status == 400
        assert why in said(shown(reply))
        assert "no-store" in reply.headers["cache-control"]
        plain = search(port, query, format="atom")
        assert (plain.status, plain.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert why in plain.body.decode()


def test_a_query_is_escaped_on_the_page_and_in_feeds(published: Site) -> None:
    """In no place of the page, nor of a feed."""
    query = '"<script>alert(1)</script> \'><b>&amp;]]>\u202e"'
    with served(published) as port:
        for text in (query, f"{query}(", f"title:{query}", f"{query} AND"):
            page = shown(search(port, text))
            assert page.css("script, b") == []
            assert "\u202e" not in search(port, text).body.decode()
        for name in ("rss", "atom"):
            reply = search(port, query, format=name)
            assert b"<script" not in reply.body
            parsed = feedparser.parse(reply.body)
            assert (parsed.bozo, parsed.feed.title.count("alert(1)")) == (False, 1)


def test_policies_allow_a_form_where_there_is_one(planet: Site, server: Server) -> None:
    """On served pages only with the setting; on archives never, as they do not change."""
    with served(planet) as port:
        for path in ("/", "/Drinks/", "/search"):
            reply = ask(port, path)
            assert "form-action 'self'" in reply.headers["content-security-policy"]
            page = shown(reply)
            assert "form-action 'self'" in value(page, "meta[http-equiv]", "content")
            action = value(page, "form", "action")
            assert action == ("../search" if path == "/Drinks/" else "search")
        assert b".search" in ask(port, "/style.css").body
        assert "form-action 'none'" in ask(port, "/nothing").headers["content-security-policy"]
    planet.configure(source(server, "a", "Drinks"))
    assert planet.run("publish").exit_code == 0
    with served(planet) as port:
        for path in ("/", "/Drinks/"):
            reply = ask(port, path)
            assert "form-action 'none'" in reply.headers["content-security-policy"]
            assert shown(reply).css("form") == []
        assert b".search" not in ask(port, "/style.css").body
        assert ask(port, "/search?q=tea").status == 404


def test_a_category_named_search_keeps_its_folder(planet: Site, server: Server) -> None:
    """Only the address without a slash is the search."""
    planet.configure(source(server, "a", "search"), serve=SERVE)
    assert planet.run("publish").exit_code == 0
    with served(planet) as port:
        assert ask(port, "/search/atom.xml").status == 200
        assert [n.text() for n in shown(ask(port, "/search")).css("h1")] == ["Search"]


def test_feeds_of_results_can_be_turned_off(planet: Site, server: Server) -> None:
    """The page stays."""
    planet.configure(source(server, "a", "Drinks"), serve={**SERVE, "search_feeds": False})
    with served(planet) as port:
        assert search(port, "tea", format="atom").status == 404
        page = shown(search(port, "tea"))
        assert len(page.css("article")) == 2
        assert page.css(".feeds a, link[rel=alternate]") == []


def test_the_number_of_shown_results_is_limited(site: Site, server: Server) -> None:
    """The page says that there are more."""
    server.pages["/a"] = Answer(200, {}, rss(*((f"tea {n}", "x") for n in range(MAX_RESULTS + 1))))
    site.configure(source(server, "a"), serve=SERVE)
    assert site.run("fetch").exit_code == 0
    with served(site) as port:
        page = shown(search(port, "tea"))
        assert len(page.css("article")) == MAX_RESULTS
        assert "these are the newest 50" in said(page)
        assert "newest" not in said(shown(search(port, "tea -title:3")))


def test_two_searches_run_at_once_and_others_get_503(
    published: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are served meanwhile."""
    begun, goes_on = threading.Semaphore(0), threading.Event()
    find = PublicSearch.find

    def slow(self: PublicSearch, query: Query, now: datetime, is_over: Any) -> Any:
        begun.release()
        assert goes_on.wait(60)
        return find(self, query, now, is_over)

    monkeypatch.setattr(PublicSearch, "find", slow)
    replies: list[Reply] = []
    with served(published) as port:
        threads = [
            threading.Thread(target=lambda q=q: replies.append(search(port, q))) for q in ("tea", "green")
        ]
        for thread in threads:
            thread.start()
        assert all(begun.acquire(timeout=60) for _ in range(AT_ONCE))
        reply = search(port, "black")
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        assert "Others are searching" in said(shown(reply))
        assert search(port, "black", format="rss").status == 503
        assert ask(port, "/Drinks/atom.xml").status == 200
        goes_on.set()
        for thread in threads:
            thread.join()
        assert [reply.status for reply in replies] == [200, 200]
        assert search(port, "black").status == 200


def test_a_search_that_takes_too_long_is_ended(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the articles that it looks at; the same again is refused without looking."""
    monkeypatch.setattr(visitor_search, "MAX_SECONDS", -1.0)
    with served(published) as port:
        reply = search(port, "tea")
        assert reply.status == 503
        assert int(reply.headers["retry-after"]) > 0
        assert "took too long" in said(shown(reply))
        monkeypatch.setattr(visitor_search, "MAX_SECONDS", 60.0)
        assert search(port, "tea").status == 503
        assert search(port, "tea ").status == 503
        assert search(port, "green").status == 200


def test_the_store_itself_ends_what_takes_too_long(published: Site) -> None:
    """SQLite is interrupted within a statement, and the connection can be used afterwards."""
    store = Store(load(published.file).store, reads_only=True)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    looks = []

    def is_over() -> bool:
        looks.append(1)
        return len(looks) > 3

    with pytest.raises(TookTooLong), store.database.bounded(is_over) as connection:
        connection.exec_driver_sql(endless).all()
    assert store.database.setting("schema") == "7"
    store.close()


def test_results_are_kept_for_a_while(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that many make costs one; within bounds."""
    made = []
    find = PublicSearch.find

    def counted(self: PublicSearch, query: Query, now: datetime, is_over: Any) -> Any:
        made.append(query.text)
        return find(self, query, now, is_over)

    monkeypatch.setattr(PublicSearch, "find", counted)
    with served(published) as port:
        for _ in range(3):
            assert search(port, "tea").status == 200
            assert search(port, " tea ").status == 200
        assert made == ["tea"]
        monkeypatch.setattr(visitor_search, "MAX_KEPT_BYTES", 1)
        assert search(port, "green").status == search(port, "tea").status == 200
        assert made == ["tea", "green", "tea"]


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "?",
        "?q=",
        "?q=%20",
        "?x=1",
        "?q=%ff%fe",
        "?q=%00",
        "?" + "&".join(["a=1"] * 50),
        "?q=" + "a" * 9000,
    ],
)
def test_odd_addresses_are_answered(published: Site, query_string: str) -> None:
    """With the form, or why not."""
    with served(published) as port:
        reply = ask(port, f"/search{query_string}")
        assert reply.status in (200, 400)
        assert len(shown(reply).css("form")) == 1


def test_a_store_that_cannot_be_read_is_reported_without_its_place(
    planet: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """503 for strangers; the path is in the log alone, and once."""
    store = load(planet.file).store
    assert isinstance(store, Path)
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()
    with served(planet) as port:
        for query in ("tea", "green"):
            reply = search(port, query)
            assert reply.status == 503
            assert store.name not in reply.body.decode()
    assert len([r for r in caplog.records if "there is no store" in r.getMessage()]) == 1


def test_head_and_other_methods(published: Site) -> None:
    """As for files."""
    with served(published) as port:
        reply = ask(port, "/search?q=tea", "HEAD")
        assert (reply.status, reply.body) == (200, b"")
        assert ask(port, "/search?q=tea", "POST").status == 405
