"""The labelled pairs: how often the judge is right, and that a store finds what it would join."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from aggregator.rules.stories import article_keys, comparable, judge, keys
from tests.rules.stories import held_out
from tests.rules.stories.pairs import LABELLED, LANGUAGES, SECOND, Pair, pairs

FIRST_SET, SECOND_SET, THIRD_SET = pairs(LABELLED), pairs(SECOND), held_out.pairs()


def joined(pair: Pair) -> bool:
    """Whether a store would find the second article by a key of the first one, and join them."""
    first, second = comparable(pair.first), comparable(pair.second)
    return judge(first, second).joins and not set(keys(first)).isdisjoint(keys(second))


def test_there_are_enough_pairs_of_each_language_and_label() -> None:
    """At least 400, and no label so rare that its share says nothing."""
    counts = Counter((pair.name.partition("-")[0], pair.is_same) for pair in FIRST_SET)
    assert len(FIRST_SET) >= 400
    assert all(counts[language, is_same] >= 50 for language in LANGUAGES for is_same in (True, False))


@pytest.mark.parametrize("labelled", [FIRST_SET, SECOND_SET, THIRD_SET], ids=["first", "second", "third"])
def test_precision_and_recall_are_kept(labelled: list[Pair]) -> None:
    """Each set was written apart, with other texts; weights were fitted to the first two."""
    verdicts = [(joined(pair), pair) for pair in labelled]
    wrong = [pair.name for is_joined, pair in verdicts if is_joined and not pair.is_same]
    missed = [pair.name for is_joined, pair in verdicts if pair.is_same and not is_joined]
    right = sum(is_joined and pair.is_same for is_joined, pair in verdicts)
    assert right / (right + len(wrong)) >= 0.99, wrong
    assert right / (right + len(missed)) >= 0.90, missed


@pytest.mark.parametrize("pair", FIRST_SET[::7], ids=lambda pair: pair.name)
def test_the_order_of_two_articles_makes_no_difference(pair: Pair) -> None:
    """Which of them arrived first decides nothing."""
    first, second = comparable(pair.first), comparable(pair.second)
    assert judge(first, second) == judge(second, first)


def test_keys_depend_only_on_the_article() -> None:
    """So that the process that reads a document can make them."""
    for pair in FIRST_SET[::20]:
        later = comparable(pair.first, datetime(2030, 1, 1, tzinfo=UTC))
        assert article_keys(pair.first) == keys(later)
        assert len(keys(later)) == len(set(keys(later))) <= 27


def test_joined_articles_share_a_key() -> None:
    """Otherwise a store could not find them; texts with very little in common are excepted."""
    unfound = [
        pair.name
        for pair in FIRST_SET
        if judge(comparable(pair.first), comparable(pair.second)).joins and not joined(pair)
    ]
    assert len(unfound) <= 2, unfound
