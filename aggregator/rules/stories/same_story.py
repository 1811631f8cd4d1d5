"""Decides whether two articles are about the same story, and gives the reason.

A wrong pair hides an article from readers, a missed one shows a story twice: where it is unclear, the
articles stay apart. What each rule is for and what it misses is in docs/stories.md; the numbers here were
found with the labelled pairs of tests/rules/stories, and are held by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import log

from aggregator.rules.stories.comparable_article import ComparableArticle
from aggregator.rules.stories.link_keys import fragment, is_specific
from aggregator.rules.stories.text_overlap import Overlap, overlap
from aggregator.rules.stories.titles import differ_in_amounts, differ_in_series, have_one_frame, is_named
from aggregator.rules.story_windows import TEXT_WINDOW, TITLE_WINDOW

__all__ = ["Why", "judge", "same_story"]

_JOINING = {
    "link": "both lead to the same page",
    "id": "both have the same permanent id",
    "title": "the same title at about the same time",
    "text": "nearly the same text ({score:.0%})",
}
_REFUSING = {
    "one-source": "both are of one source, which keeps its own stories apart",
    "series": "the titles name different pieces of a series",
    "page-of-many": "the page they lead to is that of many articles",
    "short-title": "the titles are the same, but say too little",
    "title-window": "the titles are the same, but more than 3 days lie between them",
    "text-window": "the texts are nearly the same, but more than 30 days lie between them",
    "language": "the titles are the same, but the languages differ",
    "little-text": "they share little text ({score:.0%})",
    "boilerplate": "they share text, but it is not what they are about ({score:.0%})",
    "subject": "they share text, but each is about something that the other one does not name",
    "numbers": "they share text, but not its numbers",
    "nothing": "they share neither link nor title nor text",
}


@dataclass(frozen=True, slots=True)
class Why:
    """The reason why two articles are, or are not, the same story; `str` explains it in one sentence.

    `code`: what decided, one of a fixed set. `score`: how much of their texts they share, 0 to 1; 1.0 where
    texts did not decide.
    """

    code: str
    score: float = 1.0

    @property
    def joins(self) -> bool:
        """Whether they are the same story."""
        return self.code in _JOINING

    def __str__(self) -> str:
        return (_JOINING | _REFUSING)[self.code].format(score=self.score)


def same_story(a: ComparableArticle, b: ComparableArticle) -> Why | None:
    """The reason why two articles are the same story; None when they are not. `judge` says why not."""
    why = judge(a, b)
    return why if why.joins else None


def judge(a: ComparableArticle, b: ComparableArticle) -> Why:
    """The reason why two articles are, or are not, the same story; their order makes no difference."""
    if a.source == b.source:
        return Why("one-source")
    pair = _Pair(a, b)
    if why := _by_page(pair):
        return why
    by_title = _by_title(pair)
    if by_title and by_title.joins:
        return by_title
    by_text = _by_text(pair)
    return by_text if by_text.joins or by_title is None else by_title


class _Pair:
    """Two articles, and values that several rules need, each computed at most once."""

    def __init__(self, a: ComparableArticle, b: ComparableArticle) -> None:
        self.a, self.b = a, b
        self.first, self.second = a.heading.units, b.heading.units

    @cached_property
    def shared(self) -> Overlap | None:
        """The overlap of their texts."""
        return overlap(self.a.body, self.b.body)

    @cached_property
    def likeness(self) -> float:
        """The share of one title's words that the other has too; 0.0 if a title has no meaning."""
        fewer = min(len(self.first), len(self.second))
        return len(self.first & self.second) / fewer if fewer else 0.0

    def are_apart(self, window: timedelta) -> bool:
        """Whether they are more than `window` apart; False if a time is unknown."""
        a, b = self.a.time, self.b.time
        return a is not None and b is not None and abs(a - b) > window


def _by_page(pair: _Pair) -> Why | None:
    """The decision by links and ids; None when they differ."""
    a, b = pair.a, pair.b
    same = {a.page, a.permanent_id} & {b.page, b.permanent_id} - {""}
    if not same:
        return None
    if differ_in_series(a.heading, b.heading):
        return Why("series")
    has_same_id = a.permanent_id in same and b.permanent_id in same
    if pair.likeness >= 0.5 or _mostly_shared(pair.shared):
        return Why("id" if has_same_id else "link")
    is_own = any(map(is_specific, same)) and fragment(a.link or "") == fragment(b.link or "")
    if (is_own or has_same_id) and (pair.likeness > 0 or not _are_strangers(pair)):
        return Why("id" if has_same_id else "link")
    return Why("page-of-many")


def _mostly_shared(shared: Overlap | None) -> bool:
    return shared is not None and max(shared.first, shared.second) >= 0.5


def _are_strangers(pair: _Pair) -> bool:
    """Whether two articles with one address are about different things, judged by their texts."""
    a, b = pair.a, pair.b
    if len(a.body) < 12 or len(b.body) < 12 or a.language != b.language:
        return False
    if not (pair.first and pair.second):
        return False
    return not (pair.first & b.body.units or pair.second & a.body.units)


def _by_title(pair: _Pair) -> Why | None:
    """The decision by equal titles; None when the titles differ."""
    a, b = pair.a, pair.b
    if not _has_one_title(a, b):
        return None
    if a.language and b.language and a.language != b.language:
        return Why("language")
    if pair.are_apart(TITLE_WINDOW):
        return Why("title-window")
    words = min(a.heading.words, b.heading.words)
    if words >= 4:
        return Why("title")
    is_one = (words >= 2 and _shares_title(pair)) or _is_one_text(pair)
    return Why("title" if is_one else "short-title")


def _has_one_title(a: ComparableArticle, b: ComparableArticle) -> bool:
    """Whether two titles are equal except for the name of one of the sources."""
    names = (*a.names, *b.names)
    others = dict(zip(b.heading.keys, b.heading.segments, strict=True))
    return any(
        all(not segment or is_named(segment, names) for segment in (own, others[form]))
        for form, own in zip(a.heading.keys, a.heading.segments, strict=True)
        if form in others
    )


def _shares_title(pair: _Pair) -> bool:
    """Whether two texts share about a sentence with the words of their common title."""
    shared = pair.shared
    if shared is None or shared.words < 10 or shared.address > 0.05:
        return False
    return not pair.first.isdisjoint(shared.units)


def _is_one_text(pair: _Pair) -> bool:
    """Whether one of two texts with one title begins the other: a teaser, a cut text, a note below.

    Items of a series (weather, road works) have the same text around a part that differs.
    """
    shared = pair.shared
    if shared is None or shared.words < 18 or not shared.at_start or shared.numbers < 0.97:
        return False
    if max(shared.first, shared.second) < 0.9 or shared.address > 0.05:
        return False
    is_first = shared.first >= shared.second
    rest, other = (shared.first_rest, pair.b) if is_first else (shared.second_rest, pair.a)
    return rest <= other.body.units


def _by_text(pair: _Pair) -> Why:
    """The decision by the words that two texts share."""
    shared, a, b = pair.shared, pair.a.heading, pair.b.heading
    if shared is None or shared.words < 6:
        return Why("nothing", 0.0)
    low = min(shared.first, shared.second)
    if not (_is_enough(shared) or _is_one_item(pair, shared)):
        return Why("little-text", low)
    if differ_in_series(a, b):
        return Why("series", low)
    if shared.numbers < 0.5 and low < 0.97:
        return Why("numbers", low)
    if differ_in_amounts(a, b) and (shared.words < 60 or shared.numbers < 0.6):
        return Why("series", low)
    if _differ_in_subject(pair):
        return Why("subject", low)
    if not _is_about_them(pair, shared, low):
        return Why("boilerplate", low)
    return Why("text-window" if pair.are_apart(TEXT_WINDOW) else "text", low)


def _is_enough(shared: Overlap) -> bool:
    """Whether two texts share enough: nearly all, most (another lead), or the start (a teaser)."""
    low, high = sorted((shared.first, shared.second))
    if low >= 0.85:
        return shared.words >= 10
    if low >= 0.5 and high >= 0.6:
        return shared.words >= 30
    if low >= 0.3 and high >= 0.8:
        return shared.words >= 40
    return high >= 0.9 and shared.at_start and shared.words >= 18


def _is_one_item(pair: _Pair, shared: Overlap) -> bool:
    """Whether two short items with similar titles are one story, each with additions of its publisher."""
    if shared.words < 18 or max(shared.first, shared.second) < 0.75 or pair.likeness < 0.3:
        return False
    return min(_share(pair.first, shared.units), _share(pair.second, shared.units)) >= 0.3


def _differ_in_subject(pair: _Pair) -> bool:
    """Whether the titles are equal except for a word that the other text does not have (two towns)."""
    a, b = pair.a.body.units, pair.b.body.units
    first, second = pair.first - pair.second, pair.second - pair.first
    return have_one_frame(pair.a.heading, pair.b.heading) and bool(first & a - b) and bool(second & b - a)


def _is_about_them(pair: _Pair, shared: Overlap, low: float) -> bool:
    """Whether the shared text is the subject, and not boilerplate.

    A press release names no source for what it says, and needs more evidence.
    """
    if low >= 0.5:
        is_reported = shared.reports or low >= 0.97
        return _evidence(pair, shared, low) > (0 if is_reported else 1.75) or _is_report(pair, shared, low)
    a, b = pair.first, pair.second
    least, most = sorted((_share(a - b, pair.b.body.units), _share(b - a, pair.a.body.units)))
    inside = max(_share(a, shared.units), _share(b, shared.units))
    return inside >= 0.2 and (pair.likeness >= 0.5 or least > 0 or (pair.likeness > 0 and most >= 0.3))


def _is_report(pair: _Pair, shared: Overlap, low: float) -> bool:
    """Whether most of two longer texts is one report, with each publisher's own lead and headline.

    Boilerplate speaks of its publisher or to readers, names no source of what it says, and has nothing of the
    titles but a company's name.
    """
    if shared.words < 80 or low < 0.65 or shared.address > 0.002 or not shared.reports:
        return False
    both = min(len(pair.first & shared.units), len(pair.second & shared.units))
    return both >= 1 or shared.common_numbers >= 3


def _evidence(pair: _Pair, shared: Overlap, low: float) -> float:
    """The evidence for one story in two texts that share at least half, below 0 for different stories.

    Two leads and two headlines about one event name the same people, places and things; two short items
    under one boilerplate do not. So what only one of them says is looked for in the other one: a name that
    both titles have counts little, as all that one company publishes has its name. The weights are those of
    a logistic regression over 3,106 pairs of the labelled stories, put together in ways that
    tests/rules/stories only samples.
    """
    a, b = pair.first, pair.second
    common = a & b
    own_a, own_b = (a | shared.first_rest) - common, (b | shared.second_rest) - common
    found = [
        _share(own, body.units | title)
        for own, body, title in ((own_a, pair.b.body, b), (own_b, pair.a.body, a))
        if own
    ] or [1.0]
    return (
        14 * min(sum(found) / len(found), 0.5)
        + 12.3 * min(max(found), 0.6)
        + 1.75 * min(len(common), 4)
        + 2.25 * log(shared.words)
        - 5.2 * low
        - 62 * min(shared.address, 0.1)
        - 0.55 * log(1 + len(own_a) + len(own_b))
        - 8.4
    )


def _share(units: frozenset[str], of: frozenset[str]) -> float:
    return len(units & of) / len(units) if units else 0.0
