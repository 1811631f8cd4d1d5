"""Cross-site scripting: hostile markup in every place of a source, and nothing of it in any output.

The outputs are judged twice: by parsing them as a reader does, and by showing them in a real browser.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import feedparser
import pytest
from lxml import etree

from tests.conftest import Answer, Server
from tests.normalise.test_html_xss import CASES, remains
from tests.support.site import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LEGAL = [(name, "".join(c for c in markup if c >= " " or c in "\t\n")) for name, markup in CASES]
HOSTILE_URLS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    'https://evil.example/"onmouseover=alert(1)',
    "file:///etc/passwd",
)


def hostile_rss() -> bytes:
    """Each case in a title, a description, a body, an author, a category, and in elements passed on."""
    items = []
    for number, (name, markup) in enumerate(LEGAL):
        text = escape(markup, quote=False)
        url = quoteattr(HOSTILE_URLS[number % len(HOSTILE_URLS)])
        items.append(
            f"<item><guid isPermaLink='false'>{name}</guid><title>{name} {text}</title>"
            f"<link>{escape(HOSTILE_URLS[number % len(HOSTILE_URLS)])}</link>"
            f"<pubDate>Mon, 01 Jan 2024 00:{number // 60:02}:{number % 60:02} GMT</pubDate>"
            f"<description>{text}</description><content:encoded>{text}</content:encoded>"
            f"<dc:creator>Eve {text}</dc:creator><category>{text}</category>"
            f"<comments>javascript:alert(1)</comments>"
            f"<enclosure url={url} type={quoteattr(markup)} length={quoteattr(markup)}/>"
            f"<media:thumbnail url={url}/><media:content url={url} type='image/png'/>"
            f"<itunes:image href={url}/><itunes:summary>{text}</itunes:summary>"
            f"<podcast:person href={url} role={quoteattr(markup)}>{text}</podcast:person>"
            f"<podcast:transcript url={url} type='text/html'/>"
            f"<source url={url}>{text}</source></item>"
        )
    return (
        "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/' "
        "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:media='http://search.yahoo.com/mrss/' "
        "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' "
        "xmlns:podcast='https://podcastindex.org/namespace/1.0'><channel><title>&lt;script&gt;alert(1)"
        "&lt;/script&gt;Feed</title><link>javascript:alert(1)</link><description>x</description>"
        + "".join(items)
        + "</channel></rss>"
    ).encode("utf-8", "replace")


def hostile_atom() -> bytes:
    """The same as Atom, where titles say that they are HTML, or that they are text."""
    entries = []
    for number, (name, markup) in enumerate(LEGAL):
        text = escape(markup, quote=False)
        url = quoteattr(HOSTILE_URLS[number % len(HOSTILE_URLS)])
        entries.append(
            f"<entry><id>urn:x:{name}</id>"
            f"<title type='{'html' if number % 2 else 'text'}'>{name} {text}</title>"
            f"<updated>2024-01-02T00:{number // 60:02}:{number % 60:02}Z</updated><link href={url}/>"
            f"<link rel='enclosure' href={url} type={quoteattr(markup)}/>"
            f"<author><name>{text}</name><uri>javascript:alert(1)</uri></author>"
            f"<category term={quoteattr(markup)} label={quoteattr(markup)}/>"
            f"<summary type='html'>{text}</summary><content type='html'>{text}</content></entry>"
        )
    return (
        "<feed xmlns='http://www.w3.org/2005/Atom'><id>urn:x</id><title>Feed</title>"
        "<updated>2024-01-01T00:00:00Z</updated>" + "".join(entries) + "</feed>"
    ).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Both feeds, and an article file for each case, fetched and published."""
    home = Site(tmp_path_factory.mktemp("xss"))
    (home.home / "rss.xml").write_bytes(hostile_rss())
    (home.home / "atom.xml").write_bytes(hostile_atom())
    posts = home.home / "posts"
    posts.mkdir()
    for name, markup in LEGAL:
        title = json.dumps(f"{name} {markup}".encode("utf-8", "replace").decode())
        (posts / f"{name}.md").write_text(
            f"---\ntitle: {title}\nlink: https://blog.example/{name}\n"
            f"headimg: 'javascript:alert(1)'\ndate: 2024-01-03\n---\n\n{markup}\n",
            encoding="utf-8",
            errors="replace",
        )
    home.configure(
        {"name": "rss", "url": (home.home / "rss.xml").as_uri(), "categories": ["R"]},
        {"name": "atom", "url": (home.home / "atom.xml").as_uri(), "categories": ["A"]},
        {"name": "posts", "kind": "articles", "path": str(posts), "categories": ["P"]},
        entries_per_feed=2000,
    )
    result = home.run("fetch")
    assert result.exit_code == 0, result.stdout
    return home


def feeds(site: Site) -> list[tuple[str, bytes]]:
    """Every feed, with the name of its file."""
    return [(name, body) for name, body in site.files().items() if name.endswith(("rss.xml", "atom.xml"))]


def entries(site: Site) -> list[tuple[str, Any]]:
    """Every entry of every output, with the name of its file, as a reader has it before sanitising."""
    found = []
    for name, body in feeds(site):
        parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
        assert not parsed.bozo, name
        found += [(name, entry) for entry in parsed.entries]
    return found


def shown(name: str, entry: Any) -> list[str]:
    """Returns what a reader puts into its page as HTML: bodies everywhere; in RSS the short texts too."""
    markup = [entry.get("summary", ""), *(c.value for c in entry.get("content", []))]
    if name.endswith("rss.xml"):
        markup += [entry.title, entry.get("author", ""), *(t.term for t in entry.get("tags", []))]
        markup += [entry.get("source", {}).get("title", "")]
    return markup


def test_there_are_enough_cases() -> None:
    """At least 150, in every place."""
    assert len(CASES) >= 150


def test_no_output_contains_active_content(site: Site) -> None:
    """Parsed as a browser would, no text has a script, handler, foreign frame or unsafe address."""
    found = entries(site)
    assert len(found) >= 2 * 3 * len(CASES)
    bad = [
        (name, entry.id, text, acting)
        for name, entry in found
        for text in shown(name, entry)
        if (acting := remains(text.replace('id="', "")))
    ]
    assert not bad, "\n".join(map(str, bad))


def test_no_json_feed_contains_active_content(site: Site) -> None:
    """The one member that is HTML, judged alike."""
    bodies = [body for name, body in site.files().items() if name.endswith("feed.json")]
    found = [item for body in bodies for item in json.loads(body)["items"]]
    assert len(found) >= 2 * 3 * len(CASES)
    bad = [(i["id"], acting) for i in found if (acting := remains(i["content_html"].replace('id="', "")))]
    assert not bad, "\n".join(map(str, bad))


def test_no_output_contains_active_addresses(site: Site) -> None:
    """Links, enclosures, images, comments: http and its like only."""
    bad = [
        (name, value)
        for name, body in feeds(site)
        for value in values(body)
        if value.lower().strip().startswith(("javascript:", "data:", "vbscript:", "file:"))
    ]
    assert not bad, "\n".join(map(str, bad))


def values(body: bytes) -> list[str]:
    """Every attribute value and every text that stands alone in an element, or in a member of JSON."""
    if body.startswith(b"{"):
        found: list[str] = []
        json.loads(body, object_hook=lambda o: found.extend(v for v in o.values() if isinstance(v, str)))
        return found
    if not body.startswith(b"<?xml"):
        return []
    root = etree.fromstring(body)
    attributes = [str(value) for node in root.iter() for value in node.attrib.values()]
    return attributes + [node.text or "" for node in root.iter() if isinstance(node.tag, str)]


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_real_browser_runs_nothing_and_asks_for_nothing(site: Site, server: Server, tmp_path: Path) -> None:
    """Everything put into a page as a careless reader would: no dialog, no call, no request off the page."""
    texts = sorted({text for name, entry in entries(site) for text in shown(name, entry)})
    canary = f"<img src='{server.url}/canary' onerror='fired(1)'>"
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><meta charset=utf-8><title>calm</title><script>\n"
        "window.calls = []; const fired = x => calls.push(x);\n"
        "for (const f of ['alert', 'confirm', 'prompt', 'open', 'eval']) window[f] = () => fired(f);\n"
        f"const texts = {_as_script(texts)};\n"
        "addEventListener('load', () => { for (const text of texts) {\n"
        "  const div = document.createElement('div'); document.body.append(div); div.innerHTML = text; }\n"
        "  const types = ['click', 'mouseover', 'focus', 'toggle', 'error', 'load', 'animationend'];\n"
        "  for (const e of document.querySelectorAll('body *')) for (const t of types)\n"
        "    if (!(e.tagName == 'A' && t == 'click')) e.dispatchEvent(new Event(t));\n"
        "  setTimeout(() => { document.title = JSON.stringify(calls); }, 300); });\n"
        "</script><body>"
    )
    server.pages["/page"] = Answer(200, {"Content-Type": "text/html"}, page.read_bytes())
    calm = browse(f"{server.url}/page", tmp_path / "calm")
    assert "<title>[]</title>" in calm
    assert {request.path for request in server.requests} <= {"/page", "/favicon.ico"}

    # The same page with one hostile text proves that the browser would have noticed.
    acting = page.read_text().replace("const texts = [", f"const texts = [{json.dumps(canary)},", 1)
    server.pages["/page"] = Answer(200, {"Content-Type": "text/html"}, acting.encode())
    assert "<title>[1" in browse(f"{server.url}/page", tmp_path / "acting")
    assert "/canary" in {request.path for request in server.requests}


def _as_script(texts: list[str]) -> str:
    return json.dumps(texts).replace("<", "\\u003c")


def browse(url: str, profile: Path) -> str:
    """The document as it stands after its scripts have run; only loopback can be reached."""
    assert CHROMIUM is not None
    return subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=5000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    ).stdout
