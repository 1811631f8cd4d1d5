"""The pages in a real browser: light and dark, on a phone and on paper, by keyboard, and under attack."""

from __future__ import annotations

import base64
import gzip
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.schedule.health import STATES
from aggregator.writers import SITE_WRITERS, WRITERS
from aggregator.writers.channel import Chain, Item
from aggregator.writers.html.content_security_policy import POLICY, policy_of
from aggregator.writers.html.feed_page import Html
from aggregator.writers.page_look import USUAL_LOOK, PageLook
from tests.conftest import Answer, Server
from tests.normalise.test_html_xss import CASES
from tests.support.channels import PUBLISHED, article_with, channel_of, item_of
from tests.support.overviews import FILES, followed_of, overview_of, section_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

LOOKS = {"light": 1100, "dark": 1100, "phone": 390}
PAGES = (
    *("index.html", "status.html", "Tea/index.html", "Tea/archive/1/index.html", "Empty/index.html"),
    *("all/index.html", "articles/1.html", "members.html"),
)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
each_page = pytest.mark.parametrize("path", PAGES)


def item(title: str, language: str, summary: str, source: str = "The leaf", **changes: Any) -> Item:
    """An article in a language; it has a picture."""
    article = Article(
        source="leaf",
        id=f"https://tea.example/{title[:9]}",
        title=title,
        link="https://tea.example/1",
        authors=("Ann", "李明"),
        headimg="https://pictures.example/1.png",
        summary=f"<p>{summary}</p>",
        origin=Origin(title=source, link="https://tea.example/", language=language),
    )
    return item_of(
        article_with(**{name: getattr(article, name) for name in article.__struct_fields__} | changes)
    )


ITEMS = (
    item("Why the second pot is the better one", "en", "Leaves open slowly; <b>patience</b> pays. " * 9),
    item("茶与时间：为什么第二泡往往比第一泡更好喝", "zh-CN", "水温与时间决定味道。" * 12, "一片叶子"),
    item("お茶の時間と静けさについて", "ja", "二煎目のほうがおいしい理由を考える。" * 6),
    item("لماذا يكون الإبريق الثاني أفضل من الأول", "ar", "الأوراق تتفتح ببطء، والصبر مفيد. " * 6, "ورقة"),
    item("מדוע הקנקן השני טוב יותר", "he", "העלים נפתחים לאט. " * 6),
    item("Donaudampfschifffahrtsgesellschaft" * 9, "de", "https://tea.example/" + "a" * 300, "Lang" * 40),
    item("", "en", "", link=None, headimg=None, authors=()),
)


DAYS = tuple(
    replace(each, published=PUBLISHED - timedelta(days=n // 2), page="articles/1.html" if not n else "")
    for n, each in enumerate(ITEMS)
)


def site(look: PageLook = USUAL_LOOK) -> dict[str, bytes]:
    """A whole site by path, as it is published without a public address."""
    own: dict[str, Any] = {"look": look, "language": look.language or "en"}
    overview = overview_of(
        section_of(None, newest=ITEMS),
        *(section_of(name, newest=ITEMS[:3]) for name in ("Tea", "茶", "شاي", "Empty", "W" * 90)),
        *(section_of(f"Category {number}", newest=ITEMS[:1]) for number in range(12)),
        followed=tuple(
            followed_of(
                f"{state} {name}",
                state,
                health={"error": f"{name} answers 503", "advice": "wait", "failures": 3}
                if state == "failing"
                else {},
                published=tuple(PUBLISHED - timedelta(days=days * 9) for days in range(16)),
            )
            for state in STATES
            for name in ("Tea", "一片叶子", "مدونة", "Lang" * 40)
        ),
        **own,
    )
    away = {"link": "", "self_links": {}, "files": FILES, "total": 7, **own}
    category = channel_of(*ITEMS, **away, chain=Chain(older="archive/1/"))
    archive = channel_of(
        *ITEMS[:2], **away, root="../../../", chain=Chain(number=1, is_full=True, current="../../")
    )
    return {
        **{
            writer.file_name: writer.render(overview)
            for writer in SITE_WRITERS["html"]
            if writer.file_name != "assets/read.js" or look.hide_read
        },
        "Tea/index.html": WRITERS["html"].render(category),
        "Tea/archive/1/index.html": WRITERS["html"].render(archive),
        "Empty/index.html": WRITERS["html"].render(channel_of(**away)),
        "all/index.html": WRITERS["html"].render(channel_of(*DAYS, **{**away, "category": None})),
        "articles/1.html": Html().render_article(DAYS[0], site="Tea", root="../", version="1", look=look),
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture
def served(server: Server) -> Server:
    """The site on loopback, under the policy as a header too."""
    for path, body in site().items():
        kind = "text/css" if path.endswith(".css") else "text/html; charset=utf-8"
        server.pages[f"/{path}"] = Answer(200, {**HEADERS, "Content-Type": kind}, body)
    return server


class Visit:
    """A page in a window of its own, with all that it says and asks for; pictures come from nowhere."""

    def __init__(self, browser: Browser, **settings: Any) -> None:
        self.context = browser.new_context(**settings)
        self.context.set_default_timeout(120_000)
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda r: self.asked.append((r.resource_type, r.url, r.headers)))
        picture = {"body": PIXEL, "content_type": "image/png"}
        self.context.route(re.compile("^https:"), lambda route: route.fulfill(**picture))

    def _dismiss(self, dialog: Dialog) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def begin(self) -> Visit:
        """As new: nothing open, said or asked for, and the looks as at first."""
        self.page.goto("about:blank")
        self.page.set_viewport_size({"width": 1280, "height": 720})
        self.page.emulate_media(color_scheme="light", media="screen")
        self.said.clear()
        self.asked.clear()
        return self


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Visit]:
    """One window for most tests: a new one costs more than what is looked at in it."""
    with Visit(browser) as opened:
        yield opened


@pytest.fixture
def visit(window: Visit) -> Visit:
    """The window, as new."""
    return window.begin()


@each_page
def test_axe_finds_no_violation(visit: Visit, served: Server, path: str) -> None:
    """Landmarks, headings, names, contrast: what a machine can judge of accessibility, in every look."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    visit.page.goto(f"{served.url}/{path}")
    for look, width in LOOKS.items():
        visit.page.set_viewport_size({"width": width, "height": 900})
        visit.page.emulate_media(color_scheme="dark" if look == "dark" else "light")
        results = axe.run(visit.page)
        assert results.violations_count == 0, f"{look}: {results.generate_report()}"


def test_the_browser_test_would_notice_unsanitised_bodies(visit: Visit, server: Server) -> None:
    """A page that does what ours must not is noticed by the same means."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    picture, script = b"<img src=https://pictures.example/1.png>", b"<script>1</script>"
    body = b"<!doctype html><title>x</title><p style='color:#eee'>pale</p>" + picture + script
    server.pages["/"] = Answer(200, {**HEADERS, "Content-Type": "text/html"}, body)
    visit.page.goto(server.url)
    violations = {violation["id"] for violation in axe.run(visit.page).response["violations"]}
    assert {"html-has-lang", "image-alt"} <= violations
    assert sum("Content Security Policy" in said for said in visit.said) == 2
    assert "image" in {kind for kind, url, _ in visit.asked if not url.startswith(server.url)}


@each_page
def test_pages_obey_their_policy_and_load_only_pictures_from_elsewhere(
    visit: Visit, served: Server, path: str
) -> None:
    """The policy is obeyed: no message, no script, and no picture's host learns who reads."""
    visit.page.goto(f"{served.url}/{path}")
    visit.page.mouse.wheel(0, 20_000)
    visit.page.wait_for_load_state("networkidle")
    assert visit.said == []
    elsewhere = [asked for asked in visit.asked if not asked[1].startswith((served.url, "data:"))]
    assert {kind for kind, _, _ in elsewhere} <= {"image"}
    assert not any("referer" in headers for _, _, headers in elsewhere)
    assert bool(elsewhere) == path.startswith(("Tea", "all"))
    styled = visit.page.evaluate("getComputedStyle(document.querySelector('.skip')).position")
    assert styled == "absolute"


@each_page
def test_no_page_scrolls_sideways(visit: Visit, served: Server, path: str) -> None:
    """Whatever the titles are; 320 pixels are 1280 at four times the size (WCAG 1.4.10)."""
    visit.page.goto(f"{served.url}/{path}")
    for width in (320, 390, 768, 1600):
        visit.page.set_viewport_size({"width": width, "height": 800})
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_mode_is_dark_and_print_is_white(browser: Browser, served: Server) -> None:
    """As the reader's system says; in print without what only a screen can do."""
    with Visit(browser, color_scheme="dark") as visit:
        visit.page.goto(f"{served.url}/Tea/index.html")
        assert brightness(visit.page) < 64
        visit.page.emulate_media(media="print")
        assert brightness(visit.page) > 250
        assert not visit.page.locator("nav").first.is_visible()
        assert visit.page.locator("article h2").first.is_visible()
    with Visit(browser) as visit:
        visit.page.goto(f"{served.url}/Tea/index.html")
        assert brightness(visit.page) > 240


@each_page
def test_paper_has_no_links_to_other_pages_of_the_site(browser: Browser, served: Server, path: str) -> None:
    """Nor anything else that only a screen can do."""
    with Visit(browser) as visit:
        visit.page.goto(f"{served.url}/{path}")
        visit.page.emulate_media(media="print")
        shown = visit.page.locator("nav, button, input, audio, video").filter(visible=True)
        assert shown.all_text_contents() == []


def brightness(page: Page) -> float:
    """The mean of the background's red, green and blue."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    return (red + green + blue) / 3


def test_the_keyboard_reaches_everything_visibly(visit: Visit, served: Server) -> None:
    """The skip link comes first, shows itself, and leads past the header."""
    page = visit.page
    page.goto(f"{served.url}/Tea/index.html")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.text_content() == "Skip to the entries"
    box = skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == "Why the second pot is the better one"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_each_entry_reads_in_its_own_direction(visit: Visit, served: Server) -> None:
    """Arabic and Hebrew from the right, the page itself and its times from the left."""
    visit.page.goto(f"{served.url}/Tea/index.html")
    direction = "nodes => nodes.map(node => getComputedStyle(node).direction)"
    found = visit.page.eval_on_selector_all("article", direction)
    assert found == ["ltr", "ltr", "ltr", "rtl", "rtl", "ltr", "ltr"]
    assert {*visit.page.eval_on_selector_all("body, time", direction)} == {"ltr"}


def test_pictures_that_come_late_or_never_move_nothing(browser: Browser, served: Server) -> None:
    """Their place is kept."""
    where = "[...document.querySelectorAll('h2')].map(node => node.getBoundingClientRect().y)"
    seen = []
    for answer in ("fulfill", "abort"):
        with Visit(browser) as visit:
            pictures = re.compile("^https:")
            visit.context.unroute(pictures)
            picture = {"body": PIXEL, "content_type": "image/png"} if answer == "fulfill" else {}
            visit.context.route(pictures, lambda route: getattr(route, answer)(**picture))  # noqa: B023
            visit.page.goto(f"{served.url}/Tea/index.html")
            visit.page.wait_for_load_state("networkidle")
            seen.append(visit.page.evaluate(where))
    assert seen[0] == seen[1]


def test_the_site_works_from_a_folder(visit: Visit, tmp_path: Path) -> None:
    """Without a server: style, and every way from page to page."""
    for path, body in site().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    page = visit.page
    page.goto((tmp_path / "index.html").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).position") == "absolute"
    page.click("h3 a >> text=Tea")
    page.click("text=Older entries")
    assert page.url == (tmp_path / "Tea" / "archive" / "1" / "index.html").as_uri()
    page.click("text=Newest entries")
    page.click("text=All categories")
    page.click("text=The health of our sources")
    page.click("header nav a >> nth=0")
    assert page.url == (tmp_path / "index.html").as_uri()
    assert visit.said == []


def test_hostile_text_does_nothing(visit: Visit, server: Server) -> None:
    """Markup in every place of an article is shown, and nothing of it acts or is asked for."""
    items = tuple(
        item_of(
            article_with(
                title=markup,
                authors=(markup,),
                summary=markup,
                link=f"javascript:alert('{name}')",
                headimg=f"https://pictures.example/{markup}",
                origin=Origin(title=markup, link=f"data:text/html,{markup}", language=markup),
            ),
            f"tag:tea.example,2026:{name}",
        )
        for name, markup in CASES
    )
    page = WRITERS["html"].render(channel_of(*items, title=CASES[0][1], description=CASES[1][1], files=FILES))
    overview = overview_of(
        section_of(CASES[0][1], newest=items, folder="x"),
        followed=tuple(
            followed_of(markup, health={"error": markup, "rhythm": markup}) for _, markup in CASES
        ),
    )
    documents = {"/x/": page, **{f"/{w.file_name}": w.render(overview) for w in SITE_WRITERS["html"]}}
    for path, body in documents.items():
        kind = "text/css" if path.endswith(".css") else "text/html; charset=utf-8"
        # Without the header: the page's own policy must do.
        server.pages[path] = Answer(200, {"Content-Type": kind}, body)
    for path in ("/x/", "/index.html", "/status.html"):
        visit.page.goto(server.url + path)
        visit.page.eval_on_selector_all(
            "body *",
            "nodes => nodes.forEach(node => ['mouseover', 'focus', 'toggle', 'error', 'load'].forEach("
            "kind => node.dispatchEvent(new Event(kind))))",
        )
        visit.page.wait_for_load_state("networkidle")
    assert visit.said == []
    assert {url for kind, url, _ in visit.asked if kind != "image"} == {
        *(server.url + path for path in ("/x/", "/index.html", "/status.html", "/style.css")),
    }


def put(server: Server, look: PageLook) -> None:
    """The site in another look on loopback, under its policy as a header."""
    policy = policy_of(has_search=False, has_script=look.hide_read, plays_http=look.plays_http)
    for path, body in site(look).items():
        kind = {"css": "text/css", "js": "text/javascript"}.get(
            path.rpartition(".")[2], "text/html; charset=utf-8"
        )
        headers = {**HEADERS, "Content-Security-Policy": policy, "Content-Type": kind}
        server.pages[f"/{path}"] = Answer(200, headers, body)


@pytest.mark.parametrize("language", ["de", "zh-CN", "ar"])
def test_other_languages_are_as_accessible(visit: Visit, server: Server, language: str) -> None:
    """Also from the right, with other colours, dark on a phone; and no page scrolls sideways."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    light, dark = (("link", "#00507a"),), (("link", "#7fc4ee"),)
    put(server, PageLook(language=language, timezone="Asia/Tokyo", colours=light, dark_colours=dark))
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.emulate_media(color_scheme="dark")
    for path in PAGES:
        visit.page.goto(f"{server.url}/{path}")
        results = axe.run(visit.page)
        assert results.violations_count == 0, f"{path}: {results.generate_report()}"
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390, path
        direction = visit.page.evaluate("getComputedStyle(document.body).direction")
        assert direction == ("rtl" if language == "ar" else "ltr")
    assert visit.said == []


def test_read_articles_can_be_hidden_by_the_browser_alone(browser: Browser, server: Server) -> None:
    """By mouse and by keyboard, over pages; nothing is requested that was not requested without it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    put(server, PageLook(hide_read=True, mark="x"))
    with Visit(browser) as visit:
        page = visit.page
        visit.context.route("https://tea.example/**", lambda route: route.fulfill(body="x"))
        page.add_init_script(
            "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach("
            "each => window.moved += each.value)).observe({type: 'layout-shift', buffered: true})"
        )
        page.goto(f"{server.url}/all/index.html")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.moved") == 0
        entries, button = page.locator("article"), page.locator("button.hide")
        assert (entries.count(), button.text_content()) == (7, "Hide what I have read")
        met: list[str] = []
        while not met or met[-1] != "BUTTON hide":
            page.keyboard.press("Tab")
            met.append(
                page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.className")
            )
        assert met.count("BUTTON hide") == 1
        assert len(met) > page.locator("main a").count()  # each link in an entry comes before it
        page.click("text=Why the second pot")
        page.go_back()
        assert page.locator("article.read").count() == 1
        assert page.locator("article:visible").count() == 7
        button.focus()
        page.keyboard.press("Enter")
        assert button.text_content() == "Show what I have read"
        assert page.locator("article:visible").count() == 6
        page.goto(f"{server.url}/all/index.html")
        assert page.locator("article:visible").count() == 6
        assert axe.run(page).violations_count == 0
        page.click("button.hide")
        assert page.locator("article:visible").count() == 7
        assert page.evaluate("document.cookie") == ""
        assert visit.said == []
        kinds = {kind for kind, url, _ in visit.asked if not url.startswith((server.url, "data:"))}
        assert kinds <= {"image", "document"}
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{server.url}/all/index.html")
        assert visit.page.locator("article:visible").count() == 7
        assert visit.page.locator("button").count() == 0


def test_a_site_at_an_http_address_plays_a_file_at_one(browser: Browser, server: Server) -> None:
    """Once its button is pressed; on other sites there is no player, and the policy forbids it."""
    address = f"{server.url}/tea.mp3"
    files = (Enclosure(url=address, type="audio/mpeg"),)
    body = WRITERS["html"].render
    for plays in (True, False):
        look = PageLook(plays_http=plays, mark="x")
        put(server, look)
        away = {"link": "", "self_links": {}, "files": FILES, "look": look}
        page_of = channel_of(item_of(article_with(enclosures=files, headimg=None)), **away)
        found = body(page_of).decode()
        if not plays:
            assert "<audio" not in found
            player = f'<audio controls src="{address}"></audio><div class="media">'
            found = found.replace('<div class="media">', player)
        kind = {"Content-Type": "text/html; charset=utf-8"}
        server.pages["/Tea/index.html"] = Answer(headers=kind, body=found.encode())
        with Visit(browser) as visit:
            visit.page.goto(f"{server.url}/Tea/index.html")
            visit.page.wait_for_load_state("networkidle")
            assert address not in {url for _, url, _ in visit.asked}
            visit.page.evaluate("document.querySelector('audio').play().catch(() => {})")
            visit.page.wait_for_load_state("networkidle")
            assert (address in {url for _, url, _ in visit.asked}) == plays
            assert any("media-src" in said for said in visit.said) != plays


@pytest.mark.parametrize("look", [USUAL_LOOK, PageLook(hide_read=True, mark="x")], ids=["usual", "script"])
def test_the_markup_before_a_pages_content_is_small(look: PageLook) -> None:
    """14 KB are the first packets of a connection: page, style and script without entries, compressed."""
    files = site(look)
    parts = [files[name] for name in ("Empty/index.html", "style.css", "assets/read.js") if name in files]
    assert sum(len(gzip.compress(part)) for part in parts) < 14 * 1024
    assert len(gzip.compress(files["style.css"])) < 4_000
