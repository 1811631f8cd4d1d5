"""The site's own pages: all categories, all sources, and the stylesheet."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from selectolax.lexbor import LexborHTMLParser

from aggregator.normalise.folder_names import folder_name
from aggregator.schedule.health import STATES
from aggregator.writers import SITE_WRITERS, SiteWriter
from aggregator.writers.channel import Overview
from aggregator.writers.html.content_security_policy import FORM_POLICY, POLICY, policy_of
from aggregator.writers.html.site_pages import ReadScript, StartPage, StatusPage, Stylesheet
from aggregator.writers.page_look import PageLook
from tests.conformance.html import check_html
from tests.support.channels import item_of
from tests.support.examples import examples
from tests.support.overviews import OVERVIEWS, SEEN, followed_of, overview_of, section_of
from tests.writers.html.test_feed_page import one, values, words

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
each_page = pytest.mark.parametrize(
    "writer", [StartPage(), StatusPage()], ids=lambda writer: writer.file_name
)


def start(*sections: Any, **changes: Any) -> LexborHTMLParser:
    return _parsed(StartPage(), overview_of(*sections, **changes))


def status(*followed: Any, **changes: Any) -> LexborHTMLParser:
    return _parsed(StatusPage(), overview_of(followed=followed, **changes))


def _parsed(writer: SiteWriter, overview: Overview) -> LexborHTMLParser:
    body = writer.render(overview)
    assert check_html(body) == []
    return LexborHTMLParser(body.decode())


@each_page
@settings(max_examples=examples(25), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(overview=OVERVIEWS)
def test_any_site_is_html_that_shows_no_login(writer: SiteWriter, overview: Overview) -> None:
    """No element, attribute or address of the input appears."""
    body = writer.render(overview)
    assert check_html(body) == []
    assert b"me:secret" not in body
    assert writer.render(overview) == body


def test_documents_of_the_site_never_clash_with_category_folders() -> None:
    """No category's folder can be called as one of them."""
    names = [writer.file_name for writer in SITE_WRITERS["html"]]
    assert names == [
        "index.html",
        "status.html",
        "style.css",
        "members.html",
        "calendar.html",
        "assets/read.js",
    ]
    assert all(folder_name(writer.file_name) != writer.file_name for writer in SITE_WRITERS["html"])


def test_the_start_page_shows_each_category_with_count_feeds_and_newest() -> None:
    """All of them first, as the newest of all."""
    tree = start(
        section_of(None, total=5_000), section_of("茶"), section_of("Q&A", newest=(item_of(), item_of()))
    )
    assert words(one(tree, "header > .facts")).startswith(
        "5,000 articles in 2 categories · updated 2 January"
    )
    assert values(tree, "h2 a, h3 a") == [
        *("all/index.html", "%E8%8C%B6/index.html", "Q%26A/index.html"),
    ]
    assert [words(node) for node in tree.css("h3")] == ["茶 1,234", "Q&A 1,234"]
    assert [len(card.css(".newest li")) for card in tree.css(".cards article")] == [1, 2]
    assert values(tree, ".cards .feeds a")[:3] == [
        *("%E8%8C%B6/rss.xml", "%E8%8C%B6/atom.xml", "%E8%8C%B6/feed.json"),
    ]
    assert values(tree, "link[rel=alternate]") == ["all/rss.xml", "all/atom.xml", "all/feed.json"]
    assert tree.css(".index") == []


def test_many_categories_have_an_index() -> None:
    """A page with a hundred cards would be too long."""
    tree = start(*(section_of(f"C{number}") for number in range(100)))
    assert len(tree.css(".index a")) == len(tree.css(".cards article")) == 100


def test_a_category_without_a_page_is_named_and_not_linked() -> None:
    """Each category has formats of its own."""
    tree = start(section_of("Tea", files=("atom.xml",)))
    assert tree.css("h3 a") == []
    assert values(tree, ".feeds a")[-1:] == ["Tea/atom.xml"]


def test_the_start_page_links_the_lists_that_are_written() -> None:
    """And nothing that is not there."""
    assert values(start(), "header .feeds a") == ["status.html", "feeds.opml", "sources.opml"]
    assert values(start(files=("index.html", "feeds.opml")), "header .feeds a") == ["feeds.opml"]
    assert start(files=("index.html",)).css("header nav") == []


def test_with_a_public_address_the_start_page_links_folders() -> None:
    """As the categories' pages call themselves."""
    tree = start(section_of("Tea"), link="https://feeds.example/")
    assert values(tree, "h3 a") == ["Tea/"]
    assert values(tree, "link[rel=canonical]") == ["https://feeds.example/"]


def test_a_category_has_the_name_that_the_config_gives_it() -> None:
    """Its folder stays."""
    tree = start(section_of("Tea", name="Green tea"), *(section_of(f"C{n}") for n in range(12)))
    assert "Green tea 1,234" in {words(node) for node in tree.css("h3")}
    assert "Green tea 1,234" in {words(node) for node in tree.css(".index li")}
    assert "Tea/index.html" in values(tree, "h3 a")


def test_the_pages_of_an_empty_site_say_that_it_is_empty() -> None:
    """Before the first poll."""
    assert "nothing here yet" in words(one(start(), "main"))
    assert "No source is followed yet" in words(one(status(seen=None), "main"))


def test_the_status_page_lists_sources_by_state_with_counts() -> None:
    """What calls for somebody comes first; each count leads to its sources."""
    tree = status(*(followed_of(f"S {state}", state) for state in STATES), followed_of("Two"))
    assert [words(node) for node in tree.css(".states a")] == [
        *("1 broken", "1 failing", "1 gone", "1 waiting", "1 silent", "1 new", "2 healthy"),
    ]
    assert len(tree.css("section > .facts")) == len(STATES)
    assert all(words(node) for node in tree.css("section > .facts"))
    assert values(tree, ".states a") == [f"#{node.attributes['id']}" for node in tree.css("h2")]
    assert [words(node) for node in tree.css("h3")][-2:] == ["S healthy", "Two"]


def test_a_source_has_its_health() -> None:
    """Last success, rhythm with its chart, articles, next poll and why."""
    due = {"next_poll_at": SEEN + timedelta(hours=1), "reason": "publication rate"}
    tree = status(followed_of(health=due))
    assert [words(node) for node in tree.css("dd")] == [
        "22 November 2026, 08:40 UTC",
        "3 a week 3 entries in a week in a week",
        "12 its feed",
        "22 November 2026, 10:40 UTC: it is polled according to how often it publishes",
    ]
    for reason, said in (("gone", "never: its server says"), ("new", "now: it was never"), ("x", "now")):
        tree = status(followed_of(health={"reason": reason}))
        assert words(tree.css("dd")[-1]).startswith(said)
    assert words(one(tree, "svg title")) == "3 entries in a week"
    assert values(tree, "h3 a, dd a") == ["https://tea.example/", "https://tea.example/feed"]
    assert tree.css(".problem") == []


def test_a_failing_source_is_shown_with_its_problem_and_advice() -> None:
    """The problem and the advice are sentences."""
    health = {"error": "the server answers 503", "advice": "wait", "failures": 5, "succeeded": None}
    tree = status(followed_of(state="failing", health=health))
    assert words(one(tree, ".problem")) == "the server answers 503 (5 times in a row). Advice: wait"
    assert words(tree.css("dd")[0]) == "never"


def test_a_move_is_reported() -> None:
    """Until the config has the new address."""
    tree = status(followed_of(health={"moved_to": "https://me:secret@new.example/feed"}))
    assert values(tree, ".problem a") == ["https://new.example/feed"]


@pytest.mark.parametrize("secret", ["me:secret", "me:se@cret", "secret", "me:s:e!c$ret"])
def test_logins_in_addresses_are_not_shown(secret: str) -> None:
    """A status page is public."""
    url = f"https://{secret}@tea.example/feed@1?a@b"
    health = {"error": f"cannot reach {url}, nor {url}", "advice": f"look at {url}", "moved_to": url}
    page = (
        StatusPage()
        .render(overview_of(followed=(followed_of(url, health=health, url=url, link=url),)))
        .decode()
    )
    assert "cret" not in page
    assert page.count("//tea.example/feed@1?a@b") == 8


def test_local_folders_are_shown_without_an_address() -> None:
    """Folders of this machine are not shown."""
    tree = status(
        followed_of(url=None, link=None, health={"address": "/home/me/posts", "moved_to": "/home/you"})
    )
    assert tree.css("main a") == []
    assert "/home" not in words(one(tree, "body"))


def test_the_stylesheet_asks_for_nothing_and_stays_small() -> None:
    """No import, no address, no font; light, dark, phone and print."""
    sheet = Stylesheet().render(overview_of()).decode()
    assert len(sheet) < 9_000
    assert not re.search(r"@import|url\(|@font-face|expression|//", sheet)
    assert all(word in sheet for word in ("prefers-color-scheme: dark", "@media print", ":focus-visible"))
    assert sheet.count("{") == sheet.count("}")


def test_the_policy_allows_only_our_style_and_pictures() -> None:
    """Whatever slipped through everything else could still not run."""
    allowed = dict(part.split(" ", 1) for part in POLICY.split("; "))
    assert allowed == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' https: http: data:",
        "media-src": "https:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_policy_allows_a_script_of_the_site_where_one_is_wanted() -> None:
    """And none besides; the script itself is small and sends nothing."""
    assert policy_of(has_search=False, has_script=False, plays_http=False) == POLICY
    assert (
        policy_of(has_search=True, has_script=True, plays_http=False) == f"{FORM_POLICY}; script-src 'self'"
    )
    plain = policy_of(has_search=False, has_script=False, plays_http=True)
    assert plain == POLICY.replace("media-src https:", "media-src https: http:") != POLICY
    script = ReadScript().render(overview_of()).decode()
    assert len(script) < 3_000
    assert not re.search(r"fetch|XMLHttp|sendBeacon|WebSocket|cookie|innerHTML|import|eval|//[a-z]", script)
    assert [ReadScript().is_wanted(PageLook(hide_read=wanted)) for wanted in (False, True)] == [False, True]
