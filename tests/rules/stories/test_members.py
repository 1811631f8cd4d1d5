"""Which story a new article joins, and which member is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from aggregator.rules.stories import ComparableArticle, Lookalike, Member, in_order, join, shown

TIME = datetime(2026, 11, 24, 8, tzinfo=UTC)
TITLE = "Central bank of Norland lifts key rate again"


def lookalike(
    article: int, source: str, *others: str, title: str = TITLE, link: str | None = None
) -> Lookalike:
    """A candidate of a source, in a story that has members of others too."""
    return Lookalike(article, ComparableArticle(source, title, link, time=TIME), frozenset({source, *others}))


def test_an_article_joins_the_story_with_the_strongest_reason() -> None:
    """A link says more than a title, and among equals the earlier article's story is joined."""
    new = ComparableArticle("C", TITLE, "https://c.example/p/1", time=TIME)
    by_link = lookalike(9, "B", link="http://c.example/p/1/")
    assert (found := join(new, [lookalike(3, "A"), by_link])) is not None
    assert (found.article, found.why.code) == (9, "link")
    assert (found := join(new, [lookalike(5, "B"), lookalike(3, "A")])) is not None
    assert (found.article, found.why.code) == (3, "title")


def test_a_story_never_gets_a_second_article_of_one_source() -> None:
    """Not even by way of another source's article."""
    new = ComparableArticle("C", TITLE, time=TIME)
    assert join(new, [lookalike(1, "C"), lookalike(2, "A", "C")]) is None


def test_an_article_that_matches_nothing_has_a_story_of_its_own() -> None:
    """Sharing a key is not enough."""
    assert join(ComparableArticle("C", TITLE, time=TIME), [lookalike(1, "A", title="Weekly links")]) is None
    assert join(ComparableArticle("C", TITLE), []) is None


A = Member(1, "A", TIME)
B = Member(2, "B", TIME + timedelta(hours=1))
C = Member(3, "C", TIME + timedelta(hours=2))


def articles(members: tuple[Member, ...]) -> list[int]:
    """Their keys, in order, with places that say the same."""
    assert [member.place for member in members] == [*range(len(members))]
    return [member.article for member in members]


def test_the_source_with_the_higher_priority_is_shown_else_the_earliest() -> None:
    """In whatever order they come."""
    for order in permutations([A, B, C]):
        assert articles(in_order(order, {})) == [1, 2, 3]
        assert articles(in_order(order, {"C": 10, "B": 5})) == [3, 2, 1]
        assert articles(in_order(order, {"A": -1})) == [2, 3, 1]
        assert shown(order, {"B": 1}) == in_order(order, {"B": 1})[0]


def test_a_new_article_never_replaces_the_shown_one() -> None:
    """Though its source has the higher priority."""
    placed = in_order([A, B], {"C": 10})
    later = in_order([*placed, C], {"C": 10})
    assert articles(later) == [1, 2, 3]
    assert later[:2] == placed


def test_changed_priorities_and_withdrawals_reorder_a_story() -> None:
    """The config decides again, and who is left is placed by it."""
    placed = in_order([A, B, C], {})
    assert articles(in_order(placed, {"C": 10}, anew=True)) == [3, 1, 2]
    assert articles(in_order(placed[1:], {"C": 10}, anew=True)) == [3, 2]
    assert articles(in_order(in_order(placed, {"C": 10}, anew=True), {}, anew=True)) == [1, 2, 3]


def test_a_feed_shows_the_first_of_a_storys_articles_that_it_has() -> None:
    """And none if it has none of them."""
    placed = in_order([A, B, C], {})
    assert shown(placed, {}, among={2, 3}).article == 2
    with pytest.raises(ValueError, match="none of the story's members"):
        shown(placed, {}, among={7})
