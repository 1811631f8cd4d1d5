"""Texts: the keys that near-copies share, and what they share word by word."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rules.stories.text_overlap import Body, keys_of, language, overlap, plain, text_keys

LETTERS = str.maketrans("0123456789", "abcdefghij")
WORDS = [f"word{n * 7919 % 1000}".translate(LETTERS) for n in range(400)]
LONG = " ".join(WORDS)
DENSE = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(600))


def shared_keys(one: str, other: str) -> int:
    """How many keys two texts have in common."""
    return len(set(text_keys(one)) & set(text_keys(other)))


def test_near_copies_share_keys_and_other_texts_none() -> None:
    """Edited, cut in front or behind, or a part of the other."""
    edited = " ".join(word for n, word in enumerate(WORDS) if n % 25)
    assert shared_keys(LONG, edited) >= 8
    assert shared_keys(LONG, " ".join(WORDS[60:])) >= 8
    assert shared_keys(LONG, " ".join(WORDS[:200])) >= 4
    assert shared_keys(LONG, " ".join(WORDS[:40])) >= 1
    assert shared_keys(LONG, " ".join(reversed(WORDS))) == 0


def test_near_copies_without_spaces_share_keys() -> None:
    """Runs of characters instead of words."""
    assert shared_keys(DENSE, DENSE[80:]) >= 8
    assert shared_keys(DENSE, DENSE[:90]) >= 1
    assert shared_keys(DENSE, "，".join(DENSE[n : n + 9] for n in range(0, 600, 9))) >= 16
    assert shared_keys(DENSE, DENSE[::-1]) == 0


def test_punctuation_and_quotes_make_no_other_keys() -> None:
    """Each desk has its own."""
    one = plain("<p>“We will stay,” she said — and they stayed, all of them, until the very end of it.</p>")
    other = plain('"We will stay", she said - and they stayed; all of them; until the very end of it!')
    assert text_keys(one)
    assert text_keys(one) == text_keys(other)


def test_short_texts_have_no_keys() -> None:
    """A few words may be anybody's."""
    assert text_keys("a few words that anybody may have written today") == ()
    assert text_keys("今日は天気がよい。") == ()
    assert text_keys("") == ()


def test_there_are_few_keys_whatever_the_length() -> None:
    """A store keeps them with each article."""
    assert all(len(text_keys(text)) <= 22 for text in (LONG, LONG * 100, DENSE, DENSE * 50, "a " * 5_000))


def test_keys_are_the_same_in_every_process_and_version() -> None:
    """Stored ones would find nothing otherwise."""
    assert keys_of("title", [b"storm", b"storm"]) == (3254994885954115925,)
    script = f"from aggregator.rules.stories.text_overlap import text_keys;print(sorted(text_keys({LONG!r})))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(sorted(text_keys(LONG)))


def test_the_overlap_of_two_texts_is_measured() -> None:
    """The share of each, how many words, and whether the longer one begins with it."""
    whole, part = Body(" ".join(WORDS[:100])), Body(" ".join(WORDS[:25]))
    found = overlap(whole, part)
    assert found is not None
    assert (found.first, found.second, found.words, found.at_start) == (0.25, 1.0, 25, True)
    behind = overlap(whole, Body(" ".join(WORDS[60:90])))
    assert behind is not None
    assert not behind.at_start


def test_texts_of_other_scripts_and_empty_ones_share_nothing() -> None:
    """So a translation is never the same text."""
    assert overlap(Body(LONG), Body(DENSE)) is None
    assert overlap(Body(LONG), Body("")) is None


@pytest.mark.parametrize(
    "call",
    [
        "Subscribe to our newsletter.",
        "Abonnieren Sie unseren Newsletter!",
        "欢迎订阅我们的电子报。",
        "メルマガに登録してください。",
        "The post Storm appeared first on Beacon.",
    ],
)
def test_calls_to_readers_are_left_out(call: str) -> None:
    """In each language, wherever they stand."""
    assert Body(f"<p>The mill burnt down. {call}</p><p>{call}</p>").tokens == ["the", "mill", "burnt", "down"]


def test_quotations_are_left_out_of_what_somebody_wrote() -> None:
    """Who quotes a story comments on it."""
    own = "I disagree with every word of this, and here is why it matters to me and to you."
    assert "quoted" not in Body(f"<p>{own}</p><blockquote><p>{'quoted words ' * 12}</p></blockquote>").tokens
    assert "quoted" in Body("<p>See</p><blockquote><p>quoted words</p></blockquote>").tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The mill by the river burnt down and nobody knows why it was not insured at all.", "en"),
        ("Die Mühle am Fluss ist abgebrannt und niemand weiß, warum sie nicht versichert war.", "de"),
        (
            "Le moulin de la rivière est détruit et personne ne sait pourquoi il n'est pas dans la liste.",
            "fr",
        ),
        ("河边的磨坊被烧毁，没有人知道为什么没有保险。", "zh"),
        ("川辺の水車小屋が焼け落ち、なぜ保険がなかったのかだれも知らない。", "ja"),
        ("Mill. River. Fire.", ""),
    ],
)
def test_the_language_is_found_where_it_is_clear(text: str, expected: str) -> None:
    """By script, or by function words."""
    assert language(text) == expected


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_can_be_compared(one: str, other: str) -> None:
    """Strangers' texts: shares are shares, and a text shares all of itself."""
    found = overlap(Body(one), Body(other))
    assert found is None or (0 <= found.first <= 1 and 0 <= found.second <= 1)
    assert len(text_keys(one)) <= 22
