"""Frames: only known players stay, whatever way their addresses are written; judged by a real browser too."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from aggregator.normalise.embedded_players import further_players, place_of, player_address
from aggregator.normalise.html import sanitise
from tests.conftest import Answer, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PLAYERS = {
    "https://www.youtube.com/embed/x?a=1&b=2#t": "https://www.youtube.com/embed/x?a=1&b=2#t",
    "http://www.youtube.com/embed/x": "https://www.youtube.com/embed/x",
    "//player.vimeo.com/video/1": "https://player.vimeo.com/video/1",
    "HTTPS://WWW.YouTube.COM/embed/AbC": "https://www.youtube.com/embed/AbC",
    " https://www.youtube.com/embed/x\n": "https://www.youtube.com/embed/x",
    "https://www.you\ttube.com/em\nbed/x": "https://www.youtube.com/embed/x",
    "https:\\\\www.youtube.com\\embed\\x": "https://www.youtube.com/embed/x",
    "https:////www.youtube.com/embed/x": "https://www.youtube.com/embed/x",
    "https://www.youtube.com:443/embed/x": "https://www.youtube.com/embed/x",
    "http://www.youtube.com:80/embed/x": "https://www.youtube.com/embed/x",
    "https://archive.org/download/../embed/item": "https://archive.org/embed/item",
    "https://archive.org/embed/./item": "https://archive.org/embed/item",
    "https://archive.org/embed/a/%2e%2E/item": "https://archive.org/embed/item",
    "https://archive.org/embed/item/a%20b.mp3": "https://archive.org/embed/item/a%20b.mp3",
    "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1": (
        "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1"
    ),
    "https://player.bilibili.com/player.html?aid=1": "https://player.bilibili.com/player.html?aid=1",
}

OTHERS = (
    "https://archive.org/embed/../download/item/evil.html",
    "https://archive.org/embed/item/../../download/item/evil.html",
    "https://archive.org/embed/%2e%2e/download/item/evil.html",
    "https://archive.org/embed/%2E./download/item/evil.html",
    "https://archive.org/embed/.%2e/download/item/evil.html",
    "https://archive.org/embed/..\\download/item/evil.html",
    "https://archive.org/embed\\..\\download\\item\\evil.html",
    "https://archive.org/embed/.\t./download/item/evil.html",
    "https://archive.org/embed/.\n.\r/download/item/evil.html",
    "https://archive.org/embed/%252e%252e/download/item/evil.html",
    "https://archive.org/embed/%25252e%25252e/download/item/evil.html",
    "https://archive.org/embed/..%2fdownload/item/evil.html",
    "https://archive.org/embed/..%5cdownload/item/evil.html",
    "https://archive.org/embed%2f..%2fdownload/item/evil.html",
    "https://archive.org/embed/..;/download/item/evil.html",
    "https://archive.org/embed//../../download/item/evil.html",
    "https://archive.org/embed//evil.html",
    "https://archive.org/embed/../embed/../download/evil.html",
    "https://archive.org/./embed/../../download/evil.html",
    "https://archive.org/embed/%00/evil.html",
    "https://archive.org/embedded/x",
    "https://archive.org/EMBED/item",
    "https://archive.org/%65mbed/../download/x",
    "https://archive.org:8080/embed/item",
    "https://archive.org:80/embed/item",
    "https://archive.org:/embed/item",
    "https://archive.org./embed/item",
    "https://archive.org.evil.example/embed/item",
    "https://evil.example/archive.org/embed/item",
    "https://evil.example\\archive.org/embed/item",
    "https://archive.org\\@evil.example/embed/item",
    "https://archive.org@evil.example/embed/item",
    "https://evil.example@archive.org/embed/item",
    "https://user:secret@archive.org/embed/item",
    "https://archive.org%2eevil.example/embed/item",
    "https://%61rchive.org/embed/item",
    "https://ａrchive.org/embed/item",
    "https://archive。org/embed/item",
    "https://arch\u00adive.org/embed/item",
    "https://archive.org#@evil.example/embed/item",
    "https://archive.org?/embed/item",
    "https:archive.org/embed/item",
    "https:/archive.org/embed/item",
    "https//archive.org/embed/item",
    "ftp://archive.org/embed/item",
    "javascript://archive.org/embed/%0aalert(1)",
    "data:text/html,https://archive.org/embed/item",
    "blob:https://archive.org/embed/item",
    "view-source:https://archive.org/embed/item",
    "//archive.org/embed/../download/evil.html",
    "///archive.org/embed/../download/evil.html",
    "\\\\archive.org/embed/../download/evil.html",
    "../download/item/evil.html",
    "https://www.youtube.com/embedx",
    "https://www.youtube.com/redirect?q=https://evil.example/embed/",
    "https://bandcamp.com/EmbeddedPlayerX/evil",
    "https://open.spotify.com/embedevil",
    "https://player.bilibili.com/player.html/../evil",
    "https://geo.dailymotion.com/playerevil",
    "https://clips.twitch.tv/embed/../evil",
    "https://archive.org/embed/" + "a" * 5_000,
)


@pytest.mark.parametrize(("src", "address"), PLAYERS.items(), ids=[repr(src) for src in PLAYERS])
def test_a_player_stays_at_its_plain_address(src: str, address: str) -> None:
    """As a browser would write it."""
    frame = sanitise(f'<iframe src="{escape(src)}"></iframe>', "https://blog.example/")
    assert frame.startswith(f'<iframe src="{escape(address)}" sandbox=')
    assert sanitise(frame) == frame


@pytest.mark.parametrize("src", OTHERS, ids=[repr(src[:60]) for src in OTHERS])
@pytest.mark.parametrize("attribute", ["src", "data-src"])
def test_a_frame_that_only_resembles_a_player_is_removed(src: str, attribute: str) -> None:
    """Also where its page stands beside the players, and the address is a lazy one."""
    markup = f'<p>a<iframe {attribute}="{escape(src)}"></iframe>b</p>'
    found = sanitise(markup, "https://archive.org/embed/item")
    assert "<iframe" not in found
    assert re.sub(r"<a [^>]*>[^<]*</a>", "", found) == "<p>ab</p>"  # a link may stay in its place


def test_any_other_address_is_no_player() -> None:
    """The empty one, and what is no address."""
    assert [player_address(src) for src in ("", "https://", "https:///", "embed/x", "https://x")] == [
        None
    ] * 5


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A real browser."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def test_a_browser_loads_a_player_from_the_address_that_we_read(server: Server, chromium: Browser) -> None:
    """A browser reads a player's plain address as we do; of the others, no frame is left to load."""
    base = "https://blog.example/"
    written = [*PLAYERS, *OTHERS]
    clean = "".join(sanitise(f'<iframe src="{escape(src)}"></iframe>', base) for src in written)
    raw = "".join(f'<iframe src="{escape(src)}"></iframe>' for src in written)
    for path, body in (("/clean", clean), ("/raw", raw)):
        kind = {"Content-Type": "text/html; charset=utf-8"}
        server.pages[path] = Answer(200, kind, f"<!doctype html>{body}".encode())
    page = chromium.new_page()
    page.set_default_timeout(0)  # a busy machine may take minutes
    loaded: list[str] = []
    page.route(lambda url: not url.startswith(server.url), lambda route: _answer(loaded, route))
    page.goto(f"{server.url}/clean")
    assert page.evaluate("[...document.querySelectorAll('iframe')].map(frame => frame.src)") == [
        *PLAYERS.values()
    ]
    page.goto(f"{server.url}/raw")
    assert any(urlsplit(url).path.startswith("/download/") for url in loaded), "it would have been noticed"
    assert any(urlsplit(url).hostname == "evil.example" for url in loaded)


def _answer(loaded: list[str], route: object) -> None:
    loaded.append(route.request.url)  # type: ignore[attr-defined]
    route.fulfill(body="x")  # type: ignore[attr-defined]


TUBE = "https://tube.example/videos/embed/"
MAP = "https://maps.example:8443/frame.html"


@pytest.mark.parametrize(
    ("src", "right"),
    [
        (f"{TUBE}a-b?x=1", f"{TUBE}a-b?x=1"),
        ("//TUBE.example:443/videos/embed/a", f"{TUBE}a"),
        (f"{MAP}?at=1,2", f"{MAP}?at=1,2"),
        ("https://www.youtube.com/embed/x", "https://www.youtube.com/embed/x"),
        ("https://tube.example/videos/watch/a", None),
        (f"{TUBE}../watch/a", None),
        (f"{TUBE}..%2fwatch/a", None),
        ("https://tube.example.evil.example/videos/embed/a", None),
        ("https://me@tube.example/videos/embed/a", None),
        ("https://maps.example/frame.html", None),
        (f"{MAP}x", None),
    ],
)
def test_further_players_are_compared_as_the_known_ones_are(src: str, right: str | None) -> None:
    """Exact hosts, and paths as a browser resolves them; only where they are let in."""
    src = src if ":" in src[:8] else f"https:{src}"
    with further_players([TUBE, MAP]):
        assert player_address(src) == right
    assert player_address(f"{TUBE}a") is None


@pytest.mark.parametrize(
    "address",
    [
        *("http://tube.example/embed/", "tube.example/embed/", "https://tube.example", "https:///embed/"),
        *("https://me@tube.example/embed/", "https://tube.example/embed/?a", "https://tube.example/embed/#a"),
        *("https://tube.example/a/../embed/", "https://tube.example/%2e%2e/", "https://*.example/embed/"),
        *(
            "https://localhost/embed/",
            "https://tube.example//embed/",
            "https://[::1]/embed/",
            "",
            "https://[/",
        ),
    ],
)
def test_a_players_address_is_plain(address: str) -> None:
    """So that it means the same to everybody."""
    with pytest.raises(ValueError):  # noqa: PT011 - urlsplit's own too
        place_of(address)
