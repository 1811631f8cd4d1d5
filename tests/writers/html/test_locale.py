"""The words, dates and numbers of pages: alike in every language that has them."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from aggregator.errors import QueryError
from aggregator.model.article import Enclosure
from aggregator.schedule.health import STATES, rhythm_of
from aggregator.schedule.state import Reason
from aggregator.writers import SITE_WRITERS
from aggregator.writers.channel import Chain, Month
from aggregator.writers.html.feed_page import Html
from aggregator.writers.html.locale import LANGUAGES, direction_of, locale_of
from aggregator.writers.html.search_page import (
    _MISTAKES,
    AWAY,
    BUSY,
    MISSING,
    SLOW,
    SearchResults,
    problem_of,
    results_page,
)
from aggregator.writers.page_look import PageLook
from tests.conformance.html import check_html
from tests.support.channels import article_with, channel_of, item_of
from tests.support.overviews import FILES, SEEN, followed_of, overview_of, section_of

FOLDER = Path(__file__).parents[3] / "aggregator" / "writers" / "html"
MOMENT = datetime(2026, 11, 22, 23, 40, tzinfo=UTC)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def words(language: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / "words" / f"{language}.toml").read_text(encoding="utf-8"))


def placeholders(text: str | list[str]) -> set[str]:
    texts = [text] if isinstance(text, str) else text
    return {name for each in texts for name in re.findall(r"\{(\w+)\}", each)}


def test_each_language_is_a_file() -> None:
    """And each file is a language."""
    assert {file.stem for file in (FOLDER / "words").iterdir()} == set(LANGUAGES)


@each_language
def test_each_language_has_all_texts_of_the_first(language: str) -> None:
    """The same keys, the same values filled in, as many forms as its plural has; nothing is left empty."""
    first, own = words(LANGUAGES[0]), words(language)
    for text in own["texts"].values():
        for each in [text] if isinstance(text, str) else text:
            assert not set("{}") & set(re.sub(r"\{\w+\}", "", each)), "only names are filled in"
    assert own["texts"].keys() == first["texts"].keys()
    assert own["language"].keys() - {"tag"} == first["language"].keys()
    assert (len(own["language"]["months"]), len(own["language"]["weekdays"])) == (12, 7)
    forms = {locale_of(language, "UTC")._words.plural(n) for n in range(200)}
    for key, text in own["texts"].items():
        assert isinstance(text, list) == isinstance(first["texts"][key], list), key
        assert all(text if isinstance(text, list) else [text]), key
        assert placeholders(text) - {"number"} == placeholders(first["texts"][key]) - {"number"}, key
        assert not isinstance(text, list) or len(text) == max(forms) + 1, key
    for name, text in own["language"]["formats"].items():
        assert placeholders(text) == placeholders(first["language"]["formats"][name]), name


def test_every_text_of_a_language_is_used() -> None:
    """A key that no page has is work for translators that nobody reads."""
    sources = "".join(
        file.read_text(encoding="utf-8") for file in [*FOLDER.glob("*.py"), *(FOLDER / "pages").iterdir()]
    )
    built = ("state_", "heading_", "about_", "span_", "rhythm_", "poll_")
    unused = [key for key in words("en")["texts"] if f'"{key}"' not in sources and not key.startswith(built)]
    assert unused == []


@each_language
def test_dates_and_numbers_are_those_of_unicode(language: str) -> None:
    """CLDR is asked, as Babel has it; where ours differ on purpose, it is said here."""
    babel = pytest.importorskip("babel", reason="Babel is not installed")
    dates = pytest.importorskip("babel.dates", reason="Babel is not installed")
    numbers = pytest.importorskip("babel.numbers", reason="Babel is not installed")
    locale, theirs = locale_of(language, "UTC"), babel.Locale.parse("en_GB" if language == "en" else language)
    for month in range(1, 13):
        moment = datetime(2026, month, 2 * month, 12, tzinfo=UTC)
        # With a comma, as it stands alone.
        full = dates.format_date(moment, "full", locale=theirs)
        assert locale.day(moment).replace(",", "") == full.replace(",", "")
        names = (theirs.months["format"][width][month] for width in ("wide", "abbreviated"))
        assert locale.month_name(month) in names
    for number in (0, 999, 1_000, 1_234_567):
        assert locale.number(number) == numbers.format_decimal(number, locale=theirs)
    plural = theirs.plural_form
    kinds = list(dict.fromkeys(plural(n) for n in (1, 2, 0, 5, 11, 21, 22, 101)))
    assert [locale._words.plural(n) for n in range(300)] == [kinds.index(plural(n)) for n in range(300)], (
        kinds
    )


@pytest.mark.parametrize(
    ("language", "zone", "told"),
    [
        ("en", "UTC", "22 November 2026, 23:40 UTC"),
        ("de-AT", "Europe/Vienna", "23. November 2026, 00:40 UTC+1"),
        ("fr", "America/St_Johns", "22 novembre 2026, 20:10 UTC−3:30"),
        ("zh-CN", "Asia/Shanghai", "2026年11月23日 07:40 UTC+8"),
        ("ja", "Asia/Tokyo", "2026年11月23日 08:40 UTC+9"),
        ("ar", "Asia/Kathmandu", "23 November 2026, 05:25 UTC+5:45"),
        (None, "Europe/London", "22 November 2026, 23:40 UTC"),
        ("no tag!", "UTC", "22 November 2026, 23:40 UTC"),
    ],
)
def test_moments_are_in_the_language_and_the_zone(language: str | None, zone: str, told: str) -> None:
    """An offset says which zone, in every language; abbreviations mean several."""
    assert locale_of(language, zone).moment(MOMENT) == told


def test_summer_time_is_that_of_the_moment() -> None:
    """And the first and the last day that a calendar has do no harm."""
    berlin = locale_of("de", "Europe/Berlin")
    assert berlin.moment(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "1. Juli 2026, 14:00 UTC+2"
    assert berlin.date(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == (2026, 7, 2)
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert locale_of(None, "Asia/Tokyo").moment(moment)
        assert locale_of(None, "America/New_York").moment(moment)


@pytest.mark.parametrize(
    ("tag", "words_in", "direction"),
    [
        ("en-GB", "en-GB", "ltr"),
        ("de", "de", "ltr"),
        ("zh", "zh-Hans", "ltr"),
        ("zh-TW", "zh-Hans", "ltr"),
        ("pt-BR", "en", "ltr"),
        ("ar", "en", "rtl"),
        ("he-IL", "en", "rtl"),
        ("az-Arab", "en", "rtl"),
        ("ar-Latn", "en", "ltr"),
        ("DE", "DE", "ltr"),
    ],
)
def test_a_language_without_words_has_english_ones(tag: str, words_in: str, direction: str) -> None:
    """The page says which language its words are; its direction is that of the site's language."""
    locale = locale_of(tag, "UTC")
    assert (locale.tag, locale.direction, direction_of(tag)) == (words_in, direction, direction)


def test_plurals_and_sizes() -> None:
    """French has one form for none and one, Chinese one for all."""
    said = [
        str(locale_of(language, "UTC").say("articles", n)) for language in ("en", "fr") for n in (0, 1, 2)
    ]
    assert said == ["0 articles", "1 article", "2 articles", "0 article", "1 article", "2 articles"]
    assert locale_of("zh", "UTC").say("articles", 1_234) == "1,234 篇文章"
    assert locale_of("de", "UTC").say("articles", 1_234) == "1.234 Artikel"
    assert locale_of("de", "UTC").size(1_234_567_890) == "1.234,6 MB"
    assert locale_of("en", "UTC").size(999) == "1 KB"
    assert locale_of("en", "UTC").duration(timedelta(seconds=61)) == "1 min 1 s"


def test_values_in_texts_are_escaped() -> None:
    """Names of strangers are among it."""
    assert locale_of("en", "UTC").say("read_original", name="<b>&") == "Read it at &lt;b&gt;&amp;"


def test_every_state_reason_and_rhythm_has_words() -> None:
    """Their keys are made of what the schedule says."""
    texts = words("en")["texts"]
    wanted = {f"poll_{reason.name.lower()}" for reason in Reason} | {f"state_{state}" for state in STATES}
    gaps = (None, *(timedelta(days=1) / n for n in (5, 0.5, 0.1, 0.01)))
    wanted |= {f"rhythm_{rhythm_of(gap)[0]}" for gap in gaps}
    assert len(wanted) == len(Reason) + len(STATES) + len(gaps)
    assert wanted <= texts.keys()
    assert {key for key in texts if key.startswith("rhythm_")} <= wanted


def whole_site(language: str) -> dict[str, bytes]:
    """Every page that there is, each in all its states, by a name."""
    look = PageLook(
        language=language, timezone="UTC", mark=language, members=True, calendar=True, hide_read=True
    )
    own: dict[str, Any] = {"language": language, "look": look, "search": "search"}
    sources = [
        followed_of(state, state, health={"error": "x", "failures": 2, "moved_to": "https://new.example/"})
        for state in STATES
    ]
    sources += [followed_of(reason, health={"reason": reason.value}) for reason in Reason]
    for days in (0.01, 2, 6, 29, 80):  # often and seldom
        published = tuple(SEEN - n * timedelta(days=days) for n in range(3))
        sources.append(followed_of(f"{days}", published=published, page="x", health={"next_poll_at": SEEN}))
    month = Month(start=MOMENT, count=2, folder="all/", day="2026-11-22")
    overview = overview_of(
        section_of(None),
        *(section_of(f"Tea {n}") for n in range(15)),
        followed=tuple(sources),
        further=3,
        months=(month,),
        **own,
    )
    empty = overview_of(**own)
    found = {
        f"{writer.file_name} {n}": writer.render(each)
        for writer in SITE_WRITERS["html"]
        if writer.file_name.endswith(".html")
        for n, each in enumerate((overview, empty))
    }
    listed = {**own, "files": FILES}
    middle = Chain(number=3, is_full=True, current="../../", newer="../4/", older="../2/")
    file = Enclosure(url="https://tea.example/1.mp3", type="audio/mpeg")
    items = (item_of(), item_of(article_with(title="", enclosures=(file,))))
    page = Html().render
    found["category"] = page(channel_of(*items, **{**listed, "search": "../search"}))
    found["all"] = page(channel_of(*items, category=None, **listed))
    found["archive"] = page(channel_of(*items, root="../../../", chain=middle, **listed))
    found["nothing"] = page(channel_of(**listed))
    found["article"] = Html().render_article(items[1], site="Tea", root="../", version="1", look=look)
    problems: list[QueryError | str] = [
        *(QueryError("x", "y", place, about) for about in ("", *_MISTAKES) for place in (None, 3)),
        *(AWAY, BUSY, MISSING, SLOW),
    ]
    searched: dict[str, Any] = {"title": "Tea", "query": "x", "language": language, "look": look}
    for n, problem in enumerate(problems):
        why = problem_of(problem, language, ("title", "text"))
        found[f"search {n}"] = results_page(SearchResults(problem=why, **searched))
    feeds = (("search?q=x&format=rss", "RSS", "application/rss+xml"),)
    found["found"] = results_page(SearchResults(items=items, is_complete=False, feeds=feeds, **searched))
    found["none"] = results_page(SearchResults(**searched))
    return found


@each_language
def test_whole_pages_are_in_the_language(language: str) -> None:
    """None of the English words is left on any page, but what is marked as English."""
    english, own = words("en")["texts"], words(language)["texts"]
    for name, page in whole_site(language).items():
        # The script hides what was read; the rest is an article's.
        allowed = ("no language", "policy: ", "<script>", "<script ", "<b>", "<pre>")
        assert [v for v in check_html(page) if not v.startswith(allowed)] == [], name
        tree = LexborHTMLParser(page.decode())
        html = tree.css_first("html")
        assert html is not None
        assert html.attributes["lang"] == locale_of(language, "UTC").tag
        if language == "en":
            continue
        for node in tree.css("[lang=en], .teaser, .text, h2 a, h3 a, bdi, title, style"):
            node.decompose()
        texts = tree.body.text(separator="\n").splitlines() if tree.body else []
        texts += [text for node in tree.css("[aria-label]") if (text := node.attributes["aria-label"])]
        texts += [text for node in tree.css("script") for text in node.attributes.values() if text]
        lines = {" ".join(text.split()).strip(" ·") for text in texts}
        shown = " ".join(lines)
        for key, text in english.items():
            for form, said in zip(forms(text), forms(own[key]) * 2, strict=False):
                part = max(re.split(r"\{\w+\}", form), key=len).strip()
                if form == said or part in said:
                    continue
                assert part not in lines, (name, key)
                assert len(part) < 12 or part not in shown, (name, key)


def forms(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text
