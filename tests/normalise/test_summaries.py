"""Summaries: the beginning of a body, as wide in every script."""

from __future__ import annotations

from unicodedata import category, east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.summaries import _WIDE, _fitting, _without_written_markup, summarise
from aggregator.normalise.text import without_markup


def test_a_short_body_is_its_own_summary() -> None:
    """Nothing is cut, so nothing says so; text is escaped."""
    assert summarise("<p>a &lt; b</p><p>c</p>") == "a &lt; b c"


def test_a_summary_ends_after_a_sentence_when_one_ends_near() -> None:
    """Better a whole sentence than a few more words."""
    assert (
        summarise("<p>" + "One two three four five. " * 5, 60)
        == "One two three four five. One two three four five. …"
    )


def test_otherwise_a_summary_ends_after_a_word() -> None:
    """Words stay whole."""
    assert summarise("<p>" + "word " * 50, 22) == "word word word word…"


def test_full_width_characters_count_as_two() -> None:
    """A summary is as wide in Chinese as in English."""
    summary = summarise("<p>" + "字" * 100, 20)
    assert summary == "字" * 10 + "…"


def test_markup_before_the_text_does_not_empty_the_summary() -> None:
    """Long attributes are not text."""
    assert summarise(f'<p><img src="https://a.example/{"x" * 1_500}"></p><p>text</p>') == "text"


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("aé文b文", 1, 1),
        ("aé文b文", 3, 2),
        ("aé文b文", 4, 3),
        ("aé文b文", 99, 5),
        ("文" * 50, 21, 10),
        ("é" * 50, 21, 21),
    ],
    ids=["one", "no half", "exactly", "all", "wide", "narrow"],
)
def test_full_width_characters_take_two_columns(text: str, columns: int, expected: int) -> None:
    """A summary in Chinese is as wide as one in English, and a character is never halved."""
    assert _fitting(text, columns) == expected


def test_every_character_of_two_columns_is_among_those_that_may_be() -> None:
    """Else a summary would be too wide: the widths of all others are not looked at."""
    narrow = (c for c in map(chr, range(0x231A)) if not _WIDE.match(c) and category(c) != "Cn")
    assert [c for c in narrow if east_asian_width(c) in "WF"] == []


_PIECES = (
    "a| |<b>|</b>|<p>|</p>|<p title='b'>|<br>|<a-b>|<annotation-xml>|<h2>|</math>|<math>|<svg >|<IMG alt=x>"
    '|<img alt="x">'
    "|<|>|-->|]]>|<!--|<x>|&lt;|&amp;lt;|<p/>|<em/ >|\n"
)


@given(st.lists(st.sampled_from(_PIECES.split("|"))))
def test_markup_that_was_written_is_removed_as_any_other(pieces: list[str]) -> None:
    """The quick way is the slow way."""
    assert _without_written_markup("".join(pieces)) == without_markup("".join(pieces))
