"""Labelled pairs of articles: near-copies and look-alikes, made from hand-written stories in four languages.

Each kind of pair has one label, given by hand: whether a reader would call the two one story. The stories
in `labelled/` were written for this and are written in English, German, Chinese and Japanese alike, so that
translations are among the pairs. Nothing here is random: the same files give the same pairs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.model.article import Article, Origin

LABELLED = Path(__file__).parent / "labelled"
SECOND = Path(__file__).parent / "second"
LANGUAGES = ("en", "de", "zh", "ja")
TIME = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

SITES = {
    "en": (
        ("Harbour Gazette", "harbourgazette"),
        ("The Daily Compass", "dailycompass"),
        ("Linkpile", "linkpile"),
    ),
    "de": (
        ("Hafenbote", "hafenbote"),
        ("Neue Kompasszeitung", "kompasszeitung"),
        ("Linkhaufen", "linkhaufen"),
    ),
    "zh": (("海港晚报", "haigang"), ("罗盘新闻网", "luopan"), ("链接堆", "lianjie")),
    "ja": (("港新報", "minato"), ("羅針盤ニュース", "rashinban"), ("リンク山", "rinku")),
}
SEPARATORS = {"en": " - ", "de": " | ", "zh": "_", "ja": "｜"}
DIGEST = {"en": "Morning briefing", "de": "Der Morgen im Überblick", "zh": "今日早报", "ja": "朝刊まとめ"}
COMMENTS = {
    "en": (
        "I have thought about this passage all day, and it reminds me of what my grandmother used to say "
        "about patience. Read it slowly. There is more between the lines than in them, I wonder what you see."
    ),
    "de": (
        "Über diese Stelle habe ich den ganzen Tag nachgedacht, sie erinnert mich an meine Großmutter und "
        "ihre Geduld. Langsam lesen. Zwischen den Zeilen steht mehr als in ihnen, wie seht ihr das?"
    ),
    "zh": (
        "这段话我想了一整天，它让我想起祖母常说的关于耐心的话。"
        "请慢慢读，字里行间比文字本身说得更多，不知道大家怎么看。"
    ),
    "ja": (
        "この一節のことを一日じゅう考えていた。祖母が忍耐についてよく言っていたことを思い出す。"
        "ゆっくり読んでほしい。行間には文字以上のものがある。"
    ),
}


@dataclass(frozen=True)
class Pair:
    """Two articles, and whether they tell the same story."""

    name: str
    kind: str
    is_same: bool
    first: Article
    second: Article


def html(*paragraphs: str) -> str:
    """Paragraphs as a body."""
    return "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)


def article(
    language: str, site: int, title: str, content: str, path: str, hours: float = 0, link: str | None = None
) -> Article:
    """An article of one of the sites of a language."""
    name, host = SITES[language][site]
    where = link or f"https://www.{host}.example/{path}"
    return Article(
        source=f"{name} {language}",
        id=f"{host}-{path}-{hours}",
        title=title,
        link=where,
        published=TIME + timedelta(hours=hours),
        content=content,
        origin=Origin(title=name, language=language),
    )


def edited(text: str, language: str) -> str:
    """A text after another desk has been at it: other quotes, a word fewer here and there."""
    text = text.translate(str.maketrans('"„“「」', "'»«『』"))
    if language in {"zh", "ja"}:
        pieces = re.split(r"(?<=[，、。])", text)
        return "".join(piece if n % 9 != 8 or len(piece) > 14 else "" for n, piece in enumerate(pieces))
    words = text.split()
    return " ".join(word for n, word in enumerate(words) if n % 23 != 17)


def teaser(text: str, language: str) -> str:
    """The beginning of a text, cut where a feed cuts it."""
    return text[:70] + "…" if language in {"zh", "ja"} else " ".join(text.split()[:38]) + " […]"


def load(folder: Path, language: str) -> dict[str, Any]:
    """Returns what was written in one language."""
    return tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))


def pairs(folder: Path = LABELLED) -> list[Pair]:
    """All pairs of a folder of stories, and those written one by one."""
    written = {language: load(folder, language) for language in LANGUAGES}
    found = [pair for language in LANGUAGES for pair in _of_language(language, written)]
    return [*found, *_by_hand(folder)]


def _of_language(language: str, written: Mapping[str, Mapping[str, Any]]) -> Iterator[Pair]:
    own = written[language]
    names = [name for name in own if name not in {"boilerplate", "series"}]
    for n, name in enumerate(names):
        following = names[(n + 1) % len(names)]
        other = LANGUAGES[(LANGUAGES.index(language) + 1 + n % 3) % len(LANGUAGES)]
        for kind, is_same, first, second in (
            *_same(language, name, own),
            *_different(language, name, own, following),
            *_translated(language, name, own, other, written[other]),
        ):
            yield Pair(f"{language}-{name}-{kind}", kind, is_same, first, second)
    for number, (kind, is_same, first, second) in enumerate(
        [*_items(language, own), *_series(language, own, names)]
    ):
        yield Pair(f"{language}-{number}-{kind}", kind, is_same, first, second)


Row = tuple[str, bool, Article, Article]


def _same(language: str, name: str, own: Mapping[str, Any]) -> Iterator[Row]:
    story, notes = own[name], own["boilerplate"]["texts"]
    titles, leads, body = story["titles"], story["leads"], story["body"]
    full = html(leads[0], *body)
    first = article(language, 0, titles[0], full, f"2026/{name}")
    host = SITES[language][0][1]

    def second(title: str, content: str, hours: float, link: str | None = None) -> Article:
        return article(language, 1, title, content, f"news/{name}-7", hours, link)

    tracked = f"http://{host}.example/2026/{name}/?utm_source=rss&utm_medium=feed#comments"
    yield "link-tracking", True, first, second(titles[1], html(teaser(leads[1], language)), 30, tracked)
    amp = f"https://m.{host}.example/2026/{name}/amp?fbclid=XyZ"
    yield "link-amp", True, first, second(titles[2], "", 0.2, amp)
    named = f"{titles[0]}{SEPARATORS[language]}{SITES[language][1][0]}"
    own_text = html(leads[0], body[0], body[1])
    yield (
        "title-named",
        True,
        article(language, 0, titles[0], own_text, f"2026/{name}"),
        second(named, html(leads[1], body[2], body[3]), 5),
    )
    yield "headline-edited", True, first, second(titles[1], full, 2)
    yield "agency-other-lead", True, first, second(titles[1], html(leads[1], *body, notes[0]), 3)
    cut = html(leads[1], *body[:3])
    yield "agency-cut", True, first, second(titles[2], cut, 8)
    with_notes = html(leads[0], *body[:2], notes[1])
    yield (
        "agency-short",
        True,
        article(language, 0, titles[0], with_notes, f"2026/{name}"),
        second(titles[1], html(leads[0], *body[:2], notes[0]), 1),
    )
    brief = article(language, 0, titles[0], html(leads[0], *body[:2]), f"2026/{name}")
    yield "agency-brief", True, brief, second(titles[1], html(leads[1], *body[:2]), 4)
    few = html(leads[0], body[0])
    yield "brief", True, article(language, 0, titles[0], few, f"2026/{name}"), second(titles[2], few, 4)
    other_words = html(*(edited(paragraph, language) for paragraph in (leads[0], *body)))
    yield "words-edited", True, first, second(titles[1], other_words, 12)
    yield "teaser", True, first, second(titles[1], html(teaser(leads[0], language)), 1)
    no_title = article(language, 1, "", full, f"notes/{name}", 1)
    yield "without-title", True, first, no_title


def _different(language: str, name: str, own: Mapping[str, Any], following: str) -> Iterator[Row]:
    story, notes = own[name], own["boilerplate"]["texts"]
    titles, leads, body = story["titles"], story["leads"], story["body"]
    full = html(leads[0], *body)
    first = article(language, 0, titles[0], full, f"2026/{name}")

    def second(title: str, content: str, hours: float = 2, path: str = "") -> Article:
        return article(language, 1, title, content, path or f"news/{name}-8", hours)

    later = story["follow_up"]
    yield "follow-up", False, first, second(later["title"], html(later["text"], body[0]), 7 * 24)
    yield (
        "one-source",
        False,
        first,
        article(language, 0, titles[1], html(leads[1], *body), f"2026/{name}-update", 1),
    )
    other = own[following]
    yield (
        "other-story",
        False,
        article(language, 0, titles[0], html(leads[0], notes[0], notes[1]), f"2026/{name}"),
        second(other["titles"][0], html(other["leads"][0], notes[0], notes[1])),
    )
    yield (
        "one-company",
        False,
        article(language, 0, f"Hellmer: {titles[0]}", html(leads[0], notes[1], notes[2]), f"2026/{name}"),
        second(f"Hellmer: {other['titles'][1]}", html(other["leads"][1], notes[1], notes[2])),
    )
    far = second(titles[0], html(later["text"], notes[1]), 90 * 24)
    yield "long-after", False, first, far
    digest = [own[each]["leads"][0] for each in own if each not in {"boilerplate", "series"}]
    brief = article(language, 0, titles[0], html(leads[0]), f"2026/{name}")
    yield "digest", False, brief, second(DIGEST[language], html(*digest), 1)
    quote = f"<p>{COMMENTS[language]}</p><blockquote><p>{body[1]}</p></blockquote>"
    yield "quotation", False, first, article(language, 2, COMMENTS[language][:20], quote, f"notes/{name}", 20)
    show = f"https://{SITES[language][0][1]}.example/podcast"
    yield (
        "page-of-many",
        False,
        article(language, 0, titles[0], html(leads[0]), "", 0, show),
        article(language, 1, other["titles"][0], html(other["leads"][0]), "", 3, show),
    )


def _translated(
    language: str, name: str, own: Mapping[str, Any], other: str, theirs: Mapping[str, Any]
) -> Iterator[Row]:
    story, translation = own[name], theirs[name]
    first = article(language, 0, story["titles"][0], html(story["leads"][0], *story["body"]), f"2026/{name}")
    body = html(translation["leads"][0], *translation["body"])
    yield "translation", False, first, article(other, 1, translation["titles"][0], body, f"news/{name}", 1)
    yield (
        "translation-same-title",
        False,
        first,
        article(other, 1, story["titles"][0], body, f"news/{name}", 1),
    )


def _items(language: str, own: Mapping[str, Any]) -> Iterator[Row]:
    items, notes = own["boilerplate"]["items"], own["boilerplate"]["texts"]
    for number, note in enumerate(notes):
        for n, (title, text) in enumerate(items):
            other_title, other_text = items[(n + 1 + number) % len(items)]
            yield (
                "boilerplate",
                False,
                article(language, 0, title, html(text, note), f"local/{n}"),
                article(language, 1, other_title, html(other_text, note), f"short/{n}", 1),
            )
    for n, (title, text) in enumerate(items):
        yield (
            "short-item",
            True,
            article(language, 0, title, html(text, notes[0]), f"local/{n}"),
            article(language, 1, title, html(text, notes[1]), f"short/{n}", 1),
        )


def _series(language: str, own: Mapping[str, Any], names: list[str]) -> Iterator[Row]:
    for n, (title, other_title) in enumerate(own["series"]["pairs"]):
        one, two = own[names[n % len(names)]], own[names[(n + 3) % len(names)]]
        yield (
            "formula",
            False,
            article(language, 0, title, html(one["leads"][1], one["body"][2]), f"log/{n}"),
            article(language, 1, other_title, html(two["leads"][1], two["body"][2]), f"post/{n}", 3),
        )
    for n, (title, text) in enumerate(own["series"]["templates"]):
        for k, (one_issue, two_issue) in enumerate((({"n": 11}, {"n": 12}), ({"n": 21}, {"n": 23}))):
            values = ({"a": 8, "b": 14, "c": 30}, {"a": 9 - k, "b": 21, "c": 45})
            yield (
                "template",
                False,
                article(
                    language,
                    0,
                    title.format(**one_issue, **values[0]),
                    html(text.format(**one_issue, **values[0])),
                    f"s/{n}{k}",
                ),
                article(
                    language,
                    1,
                    title.format(**two_issue, **values[1]),
                    html(text.format(**two_issue, **values[1])),
                    f"t/{n}{k}",
                    24,
                ),
            )
        same = {"n": 15, "a": 7, "b": 16, "c": 25}
        yield (
            "template-same",
            True,
            article(language, 0, title.format(**same), html(text.format(**same)), f"s/{n}"),
            article(language, 1, title.format(**same), html(text.format(**same)), f"t/{n}", 1),
        )


def _by_hand(folder: Path) -> Iterator[Pair]:
    """Pairs that were written one by one: `pairs.toml` in the folder, if there is one."""
    file = folder / "pairs.toml"
    if not file.exists():
        return
    for name, row in tomllib.loads(file.read_text(encoding="utf-8")).items():
        made = []
        for n, side in enumerate(("a", "b")):
            given = row[side]
            made.append(
                Article(
                    source=given.get("source", f"source {side}"),
                    id=given.get("id", f"{name}-{side}"),
                    title=given.get("title", ""),
                    link=given.get("link"),
                    published=TIME + timedelta(hours=given.get("hours", n)),
                    content=html(*given.get("text", [])),
                    origin=Origin(title=given.get("site", "")),
                )
            )
        yield Pair(f"hand-{name}", "by-hand", row["same"], made[0], made[1])
