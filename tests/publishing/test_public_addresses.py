"""The published addresses of sources: no key, no login, no private instance."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

import aggregator
from aggregator.config.load import Auth, Config, Source
from aggregator.model.article import Origin
from aggregator.model.struct import replace
from aggregator.publishing.public_addresses import PublicAddresses
from tests.conftest import Answer, Request, Server
from tests.support.planet import NEWS, Planet, article
from tests.support.site import Site, feed

KEY = "s3cret-key"


def naming(body: bytes, address: str) -> bytes:
    """A feed that names this as its own address."""
    own = f"<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='self' href='{address}'/>"
    return body.replace(b"<item>", own.encode().replace(b"&", b"&amp;") + b"<item>", 1)


def written(site: Site) -> dict[str, str]:
    """Everything that strangers may read, by its path."""
    posts = {f"posts/{p.name}": p.read_bytes() for p in (site.home / "posts").rglob("*.*")}
    return {
        path: body.decode()
        for path, body in {**site.files(), **posts}.items()
        if path[-3:] not in (".gz", ".br")
    }


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, where nobody listens: who connects is refused at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_no_output_contains_a_secret(site: Site, server: Server, closed_port: int) -> None:
    """Feeds that repeat the request, redirects, APIs, lists, failures: in every format."""
    base = server.url

    def as_asked(request: Request) -> Answer:
        return Answer(200, body=naming(feed("asked", 1, 2, 3), f"{base}{request.path}"))

    server.pages |= {
        f"/plain?key={KEY}": Answer(200, body=feed("plain", 1, 2, 3)),
        f"/asked?key={KEY}": as_asked,
        f"/asked/?feed=rss2&key={KEY}": as_asked,
        f"/api?api_key={KEY}": Answer(
            200, body=json.dumps([{"title": "A", "url": "https://api.example/1"}]).encode()
        ),
        "/moved": Answer(302, {"Location": f"/signed?sig={KEY}"}),
        f"/signed?sig={KEY}": Answer(200, body=feed("signed", 1, 2, 3)),
        f"/loop?key={KEY}": Answer(302, {"Location": f"/loop?key={KEY}"}),
        "/nowhere": Answer(302, {"Location": f"ftp://me:{KEY}@files.example/?key={KEY}"}),
        "/list": Answer(
            200,
            body=f"<opml version='2.0'><head/><body><outline type='rss' xmlUrl='{base}/listed?key={KEY}'/>"
            f"<outline type='rss' xmlUrl='{base}/listed2?key={KEY}'/></body></opml>".encode(),
        ),
        f"/listed?key={KEY}": as_asked,
        "/members": Answer(200, body=feed("members", 1, 2, 3)),
    }
    host = base.removeprefix("http://")
    sources: list[dict[str, Any]] = [
        {"name": "plain", "url": f"{base}/plain?key={KEY}"},
        {"name": "asked", "url": f"{base}/asked?key={KEY}"},
        {"name": "wordpress", "url": f"{base}/asked/?feed=rss2&key={KEY}"},
        {
            "name": "api",
            "kind": "json",
            "url": f"{base}/api?api_key={KEY}",
            "options": {"title": "title", "link": "url"},
        },
        {"name": "moved", "url": f"{base}/moved"},
        {"name": "loop", "url": f"{base}/loop?key={KEY}"},
        {"name": "nowhere", "url": f"{base}/nowhere"},
        {"name": "members", "url": f"http://me:{KEY}@{host}/members"},
        {"name": "list", "kind": "opml", "url": f"{base}/list"},
        {"name": "program", "kind": "exec", "options": {"command": ["sh", "-c", f"echo {KEY} >&2; exit 1"]}},
        {"name": "mailbox", "kind": "mail", "url": f"imap://127.0.0.1:{closed_port}/{KEY}"},
    ]
    site.configure(
        *({**source, "categories": ["Tea"]} for source in sources),
        entries_per_feed=2,
        publish={
            "formats": ["rss", "atom", "json", "html", "opml"],
            "posts": {"folder": "posts", "generator": "hugo"},
        },
        fetch={"commands": True, "host_gap": "0s"},
    )
    site.run("fetch")
    site.run("fetch", "--force")
    outputs = written(site)
    assert {path: body for path, body in outputs.items() if KEY in body} == {}
    assert any("archive/" in path for path in outputs)
    assert any(path.startswith("posts/") for path in outputs)
    # What holds no key is named as before.
    assert f"{base}/members" not in outputs["sources.opml"]
    assert f":{KEY}@" not in site.run("sources", "--json").output + site.run("sources").output
    assert KEY in site.run("export").output


@pytest.mark.parametrize("kind_of_route", ["rss", "atom"])
def test_a_private_instance_is_named_nowhere(site: Site, server: Server, kind_of_route: str) -> None:
    """Neither its key, nor its address, which RSSHub prints into its feeds; and no store has the key."""
    asked: list[str] = []
    atom = (
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><id>{0}</id><updated>2024-01-01T00:00:00Z</updated>"
        "<link rel='self' href='{0}'/><link href='https://tea.example/'/><entry><id>https://tea.example/1</id>"
        "<title>One</title><updated>2024-01-01T00:00:00Z</updated><link href='https://tea.example/1'/></entry></feed>"
    )

    def answer(request: Request) -> Answer:
        asked.append(request.path)
        address = f"{server.url}{request.path}".replace("&", "&amp;")
        if kind_of_route == "atom":
            return Answer(200, body=atom.format(address).encode())
        return Answer(200, body=naming(feed("tea", 1), f"{server.url}{request.path}"))

    code = f"code={md5(f'/cls/depth{KEY}'.encode(), usedforsecurity=False).hexdigest()}"
    server.pages[f"/cls/depth?{code}"] = answer
    site.configure(
        {"name": "Route", "kind": "rsshub", "url": "rsshub://cls/depth", "categories": ["Tea"]},
        fetch={"host_gap": "0s"},
        publish={"formats": ["rss", "atom", "json", "html", "opml"]},
    )
    config = site.file.read_text()
    table = f'rsshub = [{{ url = "{server.url}/", key = "{KEY}" }}]'
    site.file.write_text(config.replace("[fetch]", f"[fetch]\n{table}"))
    assert "1 new" in site.run("fetch").output
    assert asked == [f"/cls/depth?{code}"]
    for path, body in written(site).items():
        assert KEY not in body, path
        assert code not in body, path
        assert server.url not in body, path
        assert "127.0.0.1" not in body, path
    store = b"".join(p.read_bytes() for p in (site.home / "var").glob("*"))
    assert KEY.encode() not in store
    assert code.encode() not in store


ASKED = "https://x.example/feed?key=" + KEY
ATOM = (
    "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{0}'><title>t</title><id>{0}</id>"
    "<updated>2024-01-01T00:00:00Z</updated><link href=''/>"
    "<entry xml:base='{0}'><title>a</title><id>urn:1</id>"
    "<updated>2024-01-01T00:00:00Z</updated><link href='#one'/>"
    "<content type='html' xml:base='{0}'>&lt;a href='#n'>x&lt;/a></content></entry></feed>"
)
RSS = (
    "<rss version='2.0'><channel><title>t</title><link>{0}</link><item><title>a</title><link>#one</link>"
    "<description>&lt;a href='#n'>x&lt;/a> &lt;a href=''>y&lt;/a></description></item></channel></rss>"
)
JSON = (
    '{{"version":"https://jsonfeed.org/version/1.1","title":"t","feed_url":"{0}","home_page_url":"{0}",'
    '"items":[{{"id":"1","url":"#x","content_html":"<a href=\'#n\'>x</a>"}}]}}'
)


@pytest.mark.parametrize(
    "document", [ATOM, RSS, JSON, RSS.removesuffix("</rss>")], ids=["atom", "rss", "json", "broken"]
)
def test_references_inherit_no_key_from_our_request(document: str) -> None:
    """A part of a document that has no address of its own would be at the address that was asked."""
    found = aggregator.read(document.format(ASKED).encode(), url=ASKED)
    assert len(found.articles) == 1
    assert KEY not in repr(found.articles)


SELF = "https://news.example/feed"


@pytest.mark.parametrize(
    ("origin", "self_link"),
    [
        (Origin(title="N", self_link=SELF), SELF),
        (Origin(title="N", self_link=f"{SELF}?format=rss", names_itself=True), f"{SELF}?format=rss"),
        (Origin(title="N", self_link=f"{SELF}?format=rss"), None),
        (Origin(title="N", self_link=f"{SELF}?key={KEY}", names_itself=True), None),
        (Origin(title="N", self_link=f"https://me:{KEY}@news.example/feed", names_itself=True), None),
        (Origin(title="N", self_link=f"{SELF}/{KEY}"), None),
        (Origin(title="N", self_link=f"{SELF}?p=pass-word", names_itself=True), None),
        (Origin(title="N", self_link=f"{SELF}?moved=moved-key", names_itself=True), None),
    ],
)
def test_the_rules_for_addresses_apply_to_stored_articles_too(
    tmp_path: Path, origin: Origin, self_link: str | None
) -> None:
    """Also in full archives: they are written again when the rules change."""
    source = NEWS.model_copy(
        update={
            "url": f"{SELF}?key={KEY}",
            "auth": Auth.model_validate({"user": "me", "password": "pass-word"}),
        }
    )
    planet = Planet(tmp_path, sources=(source,), entries_per_feed=1)
    planet.store.sources.move("news", "https://elsewhere.example/feed?x=moved-key")
    planet.add(*(article(n, origin=origin) for n in range(1, 4)))
    planet.publish()
    outputs = planet.files()
    for path, body in outputs.items():
        assert KEY.encode() not in body, path
    for name in ("World/rss.xml", "World/atom.xml", "World/archive/1/atom.xml"):
        assert ((self_link or "news.example/feed").encode() in outputs[name]) == (self_link is not None), name


def test_a_change_of_the_rules_writes_everything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full archives included; an unchanged one nothing."""
    planet = Planet(tmp_path, entries_per_feed=1)
    planet.add(*(article(n) for n in range(1, 4)))
    planet.publish()
    before = planet.files()
    assert b"news.example/feed" in before["World/archive/1/atom.xml"]
    assert planet.publish().written == ()
    planet.configure(sources=(NEWS.model_copy(update={"private": True}),))
    planet.publish()
    after = planet.files()
    assert before.keys() == after.keys()
    assert [path for path, body in after.items() if b"news.example/feed" in body] == []


@pytest.mark.parametrize(
    ("changes", "moved_to", "shown"),
    [
        ({}, None, SELF),
        ({}, "https://new.example/feed", "https://new.example/feed"),
        ({}, "https://new.example/feed?key=x", None),
        ({"url": f"{SELF}?key=x"}, None, None),
        ({"url": f"{SELF}#x"}, None, None),
        ({"url": "https://me:pw@news.example/feed"}, None, None),
        ({"url": "file:///home/me/feed.xml"}, None, None),
        ({"cookie": "a=b"}, None, None),
        ({"headers": {"X-Key": "b"}}, None, None),
        ({"private": True}, None, None),
        ({"kind": "json"}, None, None),
        ({"kind": "page"}, None, None),
        ({"kind": "sitemap"}, None, None),
        ({"kind": "rsshub", "url": "rsshub://a/b"}, None, None),
        ({"kind": "mail", "url": "imaps://imap.example/INBOX"}, None, None),
        ({"kind": "exec", "url": None}, None, None),
    ],
)
def test_a_source_is_published_with_its_public_address(
    changes: dict[str, object], moved_to: str | None, shown: str | None
) -> None:
    """What stands in sources.opml and on the status page."""
    source = Source.model_validate({"name": "news", "url": SELF, **changes})
    config = Config(sources=(source,))
    assert PublicAddresses(config, {}).address(source, moved_to) == shown


def test_an_article_of_a_source_that_is_gone_names_no_address() -> None:
    """It may have been private; its id and its site stay."""
    config = Config()
    made = article(1, origin=Origin(id="urn:x", title="N", link="https://news.example/", self_link=SELF))
    assert PublicAddresses(config, {}).shown(made) == replace(
        made, origin=replace(made.origin, self_link=None)
    )
