"""Compares titles: what they share, and whether they differ in a number, a date or a part of a series.

A title is compared without the source's own name ("Storm hits coast - Example News"), without marks such as
"Breaking:", and without case, accents and punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import category, normalize

from aggregator.rules.stories.ignored_words import COUNTERS, DENSE_FORMULAS, FORMULAS
from aggregator.rules.stories.numbers import Marks, conflict, marks
from aggregator.rules.stories.text_overlap import DENSE, FUNCTION, units

__all__ = [
    "Title",
    "differ_in_amounts",
    "differ_in_series",
    "fold",
    "have_one_frame",
    "is_named",
    "title",
    "title_keys",
]

_LONGEST = 400
_SEPARATOR = re.compile(
    r"\s+[-–—|·•:»«/]+\s+|\s*[|｜‖_]\s*|\s*::\s*|\s*——?\s*|:\s+|："
    r"|\s*[(（\[【「]([^()（）\[\]【】「」]{1,40})[)）\]】」]\s*$"
    r"|^\s*[\[【(（]([^()（）\[\]【】]{1,40})[\]】)）]\s*"
)
_SEPARATES = frozenset("-–—|·•:»«/｜‖_：(（[【「)）]】」")
"""Every match of `_SEPARATOR` contains one of these."""
_CLOSING = frozenset(")]）】")
_FLAG = re.compile(
    r"^\W*(?:(?:update|updated|upd)(?:\s*[0-9]{1,2})?\s*[-–—:|]|breaking(?: news)?\s*[-–—:|!]"
    r"|just in\s*[-–—:|]"
    r"|(?:exclusive|exklusiv)\s*[-–—:|]|eilmeldung\s*[-–—:|]?|eil\s*[-–—:|+]+|(?:watch|video)\s*[:|]"
    r"|(?:速报|速報|快讯|快訊|突发|突發|独家|獨家)\s*[】\]｜|:：!！丨]|(?:最新|更新)\s*[】\]｜|:：!！丨]"
    r"|[\[(【](?:速报|速報|快讯|快訊|独家|update|video|updated)[\])】])\W*",
    re.IGNORECASE,
)
_END_FLAG = re.compile(
    r"\s*[\[(（【](?:updated?|upd\.?|video|mit video|photos?|更新|视频|動画|写真)[\])）】]\s*$", re.IGNORECASE
)
_TOKEN = re.compile(rf"[0-9]+(?:[.,:/-][0-9]+)*|[{DENSE}]|[^\W\d_{DENSE}]+")
_NO_LETTER = re.compile(r"(?<![0-9])[^\w]+|[^\w.]+|\.(?![0-9])|_")
_DENSE = re.compile(f"[{DENSE}]")
_LITTLE = re.compile("[〇零一二三四五六七八九十百\u3041-\u309f]")
"""Numerals, and hiragana, which in titles of news are mostly grammar."""
_ARTICLES = frozenset({"the", "der", "die", "das"})


@dataclass(frozen=True)
class Title:
    """One analysed title.

    - `keys`: folded forms, the whole first, then those without a segment that may be a name of a source.
    - `segments`: that segment for each of them, "" for the whole title.
    - `tokens`: its words, or single characters. `units`: what it speaks of. `frame`: its words that are
      no numbers. `marks`: its numbers.
    - `words`: how many words of it are neither function words, formulas ("Weekly links"), numbers nor
      dates; five characters of a dense script count as two.
    """

    keys: tuple[str, ...]
    segments: tuple[str, ...]
    tokens: tuple[str, ...]
    units: frozenset[str]
    frame: frozenset[str]
    marks: Marks
    words: float


@lru_cache(maxsize=2_048)
def title(text: str, names: tuple[str, ...] = ()) -> Title:
    """Analyses a title; `names`: the names of its own source, which are left out."""
    text, found = _forms(text, names)
    folded = normalize("NFKC", text).casefold()
    tokens = _TOKEN.findall(folded)
    numbers, frame = marks(folded, tokens)
    content = [t for t in tokens if t in frame and len(t) > 1 and t not in FUNCTION and t not in FORMULAS]
    dense = "".join(t for t in tokens if len(t) == 1 and _DENSE.match(t))
    pieces = DENSE_FORMULAS.split(dense)
    letters = sum(len(_LITTLE.sub("", COUNTERS.sub("", piece))) for piece in pieces)
    return Title(
        keys=tuple(found),
        segments=tuple(found.values()),
        tokens=tuple(tokens),
        units=units(content).union(*map(units, pieces))
        - units([w for name in names for w in sorted(_words(name))]),
        frame=frame,
        marks=numbers,
        words=len(content) + letters / 2.5,
    )


def title_keys(text: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Only the `keys` of a title, which a store needs."""
    return tuple(_forms(text, names)[1])


def _forms(text: str, names: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The title without its source's name and marks, and its folded forms -> the segment that each lacks."""
    text = text[:_LONGEST]
    bare = _FLAG.sub("", text)
    if bare.rstrip()[-1:] in _CLOSING:
        bare = _END_FLAG.sub("", bare)
    text = bare.strip() or text.strip()
    splits = _splits(text)
    own = next((rest for rest, segment in splits if is_named(segment, names)), None)
    if own is not None:
        text, splits = own, []
    found: dict[str, str] = {}
    for rest, segment in [(text, ""), *splits]:
        form = fold(rest)
        # A short rest does not identify an article: "Apple" of "Apple: iPhone 18".
        if form and form not in found and len(form) > 2 * len(fold(segment)) - 8:
            found[form] = segment
    return text, found


@lru_cache(maxsize=1_024)
def fold(text: str) -> str:
    """Only letters and digits, without case, width and accents; a dot between digits stays."""
    text = text.lower() if text.isascii() else _without_accents(normalize("NFKC", text).casefold())
    return _NO_LETTER.sub("", text)


def _without_accents(text: str) -> str:
    """Removes accents only from Latin letters: in kana, a mark makes another sound."""
    kept: list[str] = []
    for character in normalize("NFD", text):
        if category(character) == "Mn" and kept and kept[-1] < "\u0250":
            continue
        kept.append(character)
    return normalize("NFC", "".join(kept))


def is_named(segment: str, names: Collection[str]) -> bool:
    """Whether a segment of a title is one of these names, a part of one, or one with a word or two more."""
    folded = fold(segment)
    words = _words(segment)
    return bool(folded) and any(_is_name(folded, words, name) for name in names)


def _is_name(folded: str, words: frozenset[str], name: str) -> bool:
    own, others = fold(name), _words(name)
    if folded == own or (len(folded) > 3 and own.startswith(folded)):
        return True
    if len(own) > 3 and folded.startswith(own):
        return True
    return bool(words and others) and (words <= others or (others <= words and len(words) <= len(others) + 2))


@lru_cache(maxsize=1_024)
def _words(text: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(normalize("NFKC", text).casefold())) - _ARTICLES


def _splits(text: str) -> list[tuple[str, str]]:
    """A title without its last or its first segment, if short: (the rest, the segment)."""
    if _SEPARATES.isdisjoint(text):
        return []
    places = [*_SEPARATOR.finditer(text)]
    if not places:
        return []
    first, last = places[0], places[-1]
    tail = last[1] or text[last.end() :]
    head = first[2] or text[: first.start()]
    found = [(text[: last.start()].strip(), tail), (text[first.end() :].strip(), head)]
    return [
        (rest, segment)
        for rest, segment in found
        if rest and segment and len(segment) <= 40 and len(segment.split()) <= 5
    ]


def have_one_frame(a: Title, b: Title) -> bool:
    """Whether two titles begin and end equally, and differ in less than half of their words between."""
    shorter, longer = sorted((a.tokens, b.tokens), key=len)
    start = next((n for n, (x, y) in enumerate(zip(shorter, longer, strict=False)) if x != y), len(shorter))
    rest = range(1, len(shorter) - start + 1)
    end = next((n - 1 for n in rest if shorter[-n] != longer[-n]), len(shorter) - start)
    return 2 * (start + end) >= len(longer) > 0


def differ_in_series(a: Title, b: Title) -> bool:
    """Whether two titles name different parts of a series: other versions or dates with similar words."""
    return _are_alike(a.frame, b.frame) and conflict(a.marks.series, b.marks.series)


def differ_in_amounts(a: Title, b: Title) -> bool:
    """Whether two titles have other numbers in the same words."""
    return _are_alike(a.frame, b.frame) and conflict(a.marks.all, b.marks.all)


def _are_alike(a: Collection[str], b: Collection[str]) -> bool:
    first, second = set(a) - FUNCTION, set(b) - FUNCTION
    return not (first and second) or 2 * len(first & second) >= min(len(first), len(second))
