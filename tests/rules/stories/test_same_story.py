"""Each reason to join two articles, and each reason not to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.article import Article, Origin
from aggregator.rules.stories import (
    ComparableArticle,
    Why,
    comparable,
    judge,
    keys,
    same_story,
)
from aggregator.rules.stories.same_story import _JOINING, _REFUSING
from aggregator.rules.story_windows import TEXT_WINDOW, TITLE_WINDOW
from tests.rules.stories.pairs import LABELLED, SECOND, pairs

TIME = datetime(2026, 11, 24, 8, tzinfo=UTC)
TITLE = "Central bank of Norland lifts key rate again"
TEXT = (
    "Governor Ingvar Solheim said that the council of the central bank had decided by five votes to two. "
    "Inflation stood at 5.1 percent in October, more than twice the target of Norland, and wages were still "
    "rising faster than the key rate, he told a news conference in the capital."
)


def by(source: str, title: str = TITLE, html: str = "", after: timedelta = timedelta(0)) -> ComparableArticle:
    """An article of a source."""
    return ComparableArticle(source, title, html=html, time=TIME + after)


def test_articles_of_one_source_are_never_one_story() -> None:
    """Even copies: it will have its reasons."""
    assert judge(by("A", html=TEXT), by("A", html=TEXT)) == Why("one-source")


def test_equal_titles_join_within_their_window() -> None:
    """Three days, and unknown times are no reason against it."""
    assert judge(by("A"), by("B", after=TITLE_WINDOW)) == Why("title")
    assert judge(by("A"), by("B", after=TITLE_WINDOW + timedelta(seconds=1))) == Why("title-window")
    assert judge(ComparableArticle("A", TITLE), by("B")) == Why("title")


def test_articles_with_weak_titles_join_if_one_text_begins_the_other() -> None:
    """A teaser, one that is cut, one with a note below; not within a frame that many items share."""
    title, start = "At last", TEXT.partition(" Inflation")[0]
    note = "Read more in our Saturday edition, or subscribe to the newsletter. All rights reserved."
    for other in (start, TEXT[: len(start) + 30], f"<p>{TEXT}</p><p>{note}</p>"):
        assert judge(by("A", title, TEXT), by("B", title, other)) == Why("title")
        assert judge(by("A", title, other), by("B", title, TEXT)) == Why("title")
    late = by("B", title, start, TITLE_WINDOW + timedelta(hours=1))
    assert judge(by("A", title, TEXT), late) == Why("title-window")
    assert judge(by("A", title, TEXT), by("B", title, "The shop is open again.")) == Why("short-title")


@pytest.mark.parametrize(
    ("one", "two"), [("Mill Lane", "Dean Street"), ("Mill Lane", "the whole of Skerry"), ("Hallow", "Skerry")]
)
def test_items_of_one_frame_and_title_stay_apart(one: str, two: str) -> None:
    """Each names what it is about inside what all of them say."""
    frame = (
        "The county informs residents about works on the water mains, which take place on weekdays from "
        "eight in the morning until four in the afternoon. This week the works are in {}. Please keep a "
        "supply of drinking water, and run the taps for some minutes before use once the works have ended."
    )
    first, second = (by(name, "Works", frame.format(place)) for name, place in (("A", one), ("B", two)))
    assert not judge(first, second).joins


def test_near_equal_texts_join_within_their_window() -> None:
    """Thirty days, with other titles."""
    other = "Norland: Solheim raises the key rate"
    assert judge(by("A", html=TEXT), by("B", other, TEXT)).code == "text"
    late = by("B", other, TEXT, TEXT_WINDOW + timedelta(hours=1))
    assert judge(by("A", html=TEXT), late).code == "text-window"


def test_every_explanation_is_a_sentence_with_its_score() -> None:
    """For `why` and for lists of stories."""
    assert str(Why("text", 0.934)) == "nearly the same text (93%)"
    for code in (*_JOINING, *_REFUSING):
        assert str(Why(code, 0.5))
        assert Why(code).joins is (code in _JOINING)


def test_every_reason_decides_a_labelled_pair() -> None:
    """No rule is there for nothing."""
    found = {
        judge(comparable(p.first), comparable(p.second)).code for p in (*pairs(LABELLED), *pairs(SECOND))
    }
    assert found >= {*_JOINING, *_REFUSING} - {"text-window"}


def test_same_story_returns_a_reason_only_for_one_story() -> None:
    """None for no."""
    assert same_story(by("A"), by("B")) == Why("title")
    assert same_story(by("A"), by("B", "Release 1.2")) is None


def test_an_article_is_converted_for_comparison() -> None:
    """The longer of content and summary; the names of its source; when it was published, else first seen."""
    article = Article(
        source="Beacon feed",
        id="tag:beacon.example,2026:1",
        title="Storm - The Beacon",
        link="https://www.beacon.example/1?utm_source=rss",
        summary="<p>short</p>",
        content=f"<p>{TEXT}</p>",
        origin=Origin(title="The Beacon"),
    )
    found = comparable(article, TIME, "Beacon of the North")
    assert found.names == ("Beacon feed", "The Beacon", "Beacon of the North", "beacon.example", "beacon")
    assert (found.time, found.page, found.permanent_id) == (TIME, "beacon.example/1", article.id)
    assert found.html == article.content
    assert found.heading.keys == ("storm",)


def test_an_article_has_a_few_keys() -> None:
    """Its link, its id, its title, its text; none of what it does not have."""
    assert keys(ComparableArticle("A")) == ()
    assert len(keys(ComparableArticle("A", "Storm"))) == 1
    full = ComparableArticle(
        "A", "Storm", "https://a.example/1", "tag:a.example,2026:1", " ".join(map(str, range(900)))
    )
    assert 20 <= len(keys(full)) <= 27
    assert all(-(2**63) <= key < 2**63 for key in keys(full))


@pytest.mark.parametrize(
    "text",
    ["<" * 300_000, "<p>" * 100_000, "<blockquote>" * 50_000, "a " * 100_000, "数" * 100_000, "1 " * 100_000],
)
def test_hostile_texts_end(text: str) -> None:
    """Whatever is in them, the beginning is compared."""
    assert judge(by("A", html=text), by("B", html=text)).code


ANY = st.text(alphabet=st.characters(), max_size=120)


@given(ANY, ANY, ANY, ANY)
def test_any_two_articles_are_judged_alike_in_either_order(
    title: str, other: str, body: str, path: str
) -> None:
    """Strangers' texts never raise; an article and its copy elsewhere have all keys in common."""
    a = ComparableArticle("A", title, f"https://a.example/{path}", path, body)
    b = ComparableArticle("B", other, f"https://b.example/{path}", other, body)
    assert judge(a, b) == judge(b, a)
    assert keys(a) == keys(ComparableArticle("C", title, a.link, path, body))


COMPANY = (
    "Hellmer Werke is a maker of pumps, valves and fittings for water works and breweries. Founded in "
    "1911 in a boatyard in Orrin, the family company has 3,400 employees in 12 countries and had a "
    "turnover of 840 million last year. Its products stand in every second lighthouse between Skerry "
    "Point and Hallow Bay, in the tunnels under the old town, and on three research ships. The board is "
    "led by Moira Tennant. The company belongs to a foundation, which spends a tenth of the profit on "
    "schools, orchards and the town library, and keeps a museum of pumps beside the harbour, which is "
    "open from May to October."
)


@pytest.mark.parametrize(
    ("titles", "leads"),
    [
        (
            ("Hellmer Werke names new head of sales", "Hellmer Werke opens pump works in Norway"),
            (
                "Greta Lindqvist becomes head of sales in March, after eleven years in the Orrin plant.",
                "A works for large pumps has been opened near Bergen, where 140 people find a job.",
            ),
        ),
        (
            ("Hellmer recalls a valve", "Museum of pumps shows paintings"),
            (
                "Valves of type K 40 may leak and are exchanged free of charge.",
                "Forty paintings of the harbour hang among the boilers until summer.",
            ),
        ),
    ],
)
def test_press_releases_do_not_join_reports(titles: tuple[str, str], leads: tuple[str, str]) -> None:
    """However long, without a word to readers, and with names that are in both titles."""
    one, two = (
        by(f"source {n}", title, f"<p>{lead}</p><p>{COMPANY}</p>")
        for n, (title, lead) in enumerate(zip(titles, leads, strict=True))
    )
    assert not judge(one, two).joins
