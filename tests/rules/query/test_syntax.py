"""Queries that cannot be read: each mistake has its place and what would be right."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import AggregatorError, QueryError
from aggregator.model.article import Article
from aggregator.rules.query import ArticleFacts, Query, parse
from aggregator.rules.query.index_conditions import admits
from tests.support.examples import examples

_FRAGMENTS = (
    'a tea pot" " ( ) [ ] { } / \\ : * ? + - ! && || ^ ~ AND OR NOT TO title: text: tag: has:image '
    "age:<7d age:> published:[2026 words:>3 host:a.b language:en now-7d 数 é c++ (?-i) \\pL {1,9} "
    "2026-01-01 ] ^4 ~2 *:*"
)
FRAGMENTS = [*_FRAGMENTS.split(" "), " ", " AND ", " OR ", " NOT ", " TO "]


@pytest.mark.parametrize(
    ("query", "position", "reason"),
    [
        ("", 1, r"the query is empty; `\*` matches every article"),
        ("  ", 3, "the query is empty"),
        ("tilte:tea", 1, "no field is named 'tilte'; did you mean title:"),
        ("tea AND a:b", 9, "no field is named 'a'; the fields are title:, author:"),
        ("Re: tea", 1, r"write Re\\: or put it in quotes"),
        ("tea AND", 5, "AND needs something on its right"),
        ("tea &&", 5, "&& needs something on its right"),
        ("(tea OR) pot", 6, "OR needs something on its right"),
        ("NOT", 1, "NOT needs something on its right"),
        ("AND tea", 1, "AND needs something on its left"),
        ("tea OR OR pot", 8, "OR needs something on its left"),
        ("|| tea", 1, "something on its left"),
        ("(tea", 1, r"never closed: a \) is missing"),
        ("tea)", 4, "closes nothing"),
        ("()", 1, "group is empty"),
        ("title:", 1, "title: needs a value"),
        ("(title:)", 2, "title: needs a value"),
        ('"tea', 1, 'never closed: a " is missing'),
        ('""', 1, "no letter, digit or sign"),
        ("!!", 2, "! needs a word directly after it"),
        ("&", 1, "no letter, digit or sign"),
        ("- tea", 1, "- needs a word directly after it"),
        ("tea -", 5, "- needs a word directly after it"),
        ("/tea", 1, "never closed: a / is missing"),
        ("//", 1, "regex is empty"),
        ("/home/user", 7, "a regex ends here"),
        ("/(tea/", 1, r"not valid for RE2: missing \)"),
        (r"/(t)\1/", 1, "not valid for RE2"),
        ("/(?=tea)/", 1, "not valid for RE2"),
        ("title:/[/", 7, "not valid for RE2"),
        ("tea~", 4, "~ .* is not supported"),
        ("tea~0.8", 4, "is not supported"),
        ('"tea pot"~10', 10, "words near each other"),
        ("tea^", 4, r"\^ needs a number"),
        ("[tea", 1, r"\[FROM TO UNTIL\]"),
        ("published:[2026 TO", 11, r"\[FROM TO UNTIL\]"),
        ("published:[2026 TO ]", 20, "a value is missing here"),
        ("published:[2026 TO 2027", 11, r"never closed: a \] or \} is missing"),
        ("published:[2027 TO 2026]", 11, "holds no moment"),
        ("published:2026-13", 11, "is not a date in the calendar"),
        ("published:2026-02-30", 11, "is not a date in the calendar"),
        ("published:yesterday", 11, "is not a date; write 2026"),
        ("published:/2026/", 11, "write published:2026-01-31"),
        ("published:*", 11, "write published:2026-01-31"),
        ("updated:now-7x", 9, "is not a date"),
        ("age:7d", 5, "age:<7d"),
        ("age:<7", 5, "a number and s, m, h, d or w"),
        ("age:<999999999w", 5, "more than 36,500 days"),
        ("age:[7d TO 1d]", 5, "holds no age"),
        ("words:many", 7, "not a number of words"),
        ("words:[5 TO 1]", 7, "holds no number"),
        ("words:>-1", 7, "not a number of words"),
        ("has:pictures", 5, "has: takes one of enclosure, image, date"),
        ("has:im*", 5, "has: takes one of"),
        ("title:[a TO b]", 7, "title: holds text; only published"),
        (">5", 1, "no field is named; only published"),
        ('host:"/"', 6, "is not a host"),
        ("host:https://example.org", 6, "is not a host"),
        ("host:example.org/news", 6, "is not a host"),
        ("host:example.org:8080", 6, "is not a host"),
        ("title:-tea", 7, "write -title: in place of title:-"),
        ("title:+tea", 7, r"write \+title:"),
        ("title: !tea", 8, "write !title:"),
        ("title:NOT tea", 7, "title: needs a value, and this is an operator"),
        ("(title:OR)", 8, "this is an operator"),
        ("tea]", 4, r"\] means nothing here"),
        ("tea\\", 4, r"a \\ needs a character after it"),
    ],
)
def test_a_mistake_has_its_place_and_what_would_be_right(query: str, position: int, reason: str) -> None:
    """Counted in characters, from 1."""
    with pytest.raises(QueryError, match=reason) as caught:
        parse(query)
    assert caught.value.position == position
    assert caught.value.query == query
    assert isinstance(caught.value, AggregatorError)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("x" * 1_000_000, "a query of 1,000,000 characters, more than 10,000"),
        ("(" * 10_000, "groups in more than 50 groups"),
        ("(" * 5_000 + ")" * 5_000, "groups in more than 50 groups"),
        ("(" * 51 + "tea" + ")" * 51, "groups in more than 50 groups"),
        ("title:(" * 1_000, "groups in more than 50 groups"),
        ("NOT " * 2_000 + "tea", "more than 50 signs"),
        ("-" * 9_000 + "tea", "more than 50 signs"),
        ("a " * 5_000, "more than 1,000 terms"),
        ("a OR " * 1_999 + "a", "more than 1,000 terms"),
        ("/a/ " * 51, "more than 50 regexes"),
        (f"/{'a' * 1_001}/", "more than 1,000 characters"),
        (r"/\pL{1,100}/", "pattern too large"),
        (r"/\pL{1,30}/", "too large"),
        ("/(a{1000}){1000}/", "invalid repetition size"),
        ("a*" * 3_000, "more than 50 wildcards"),
    ],
    ids=lambda value: value[:20],
)
def test_queries_too_large_or_too_deep_are_refused(query: str, reason: str) -> None:
    """Before it costs anything; the message does not repeat it."""
    with pytest.raises(QueryError, match=reason) as caught:
        parse(query)
    assert len(str(caught.value)) < 2_000


def read(text: str) -> Query | QueryError:
    """The query, or the mistake in it."""
    try:
        return parse(text)
    except QueryError as error:
        return error


@given(st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3))).map("".join))
@settings(max_examples=examples(300))
def test_any_text_is_a_query_or_a_mistake(text: str) -> None:
    """Nothing else is raised, and what was read can be asked."""
    query = read(text)
    if isinstance(query, QueryError):
        assert query.reason
        assert query.position is None or 1 <= query.position <= len(text) + 1
        return
    now = datetime(2026, 6, 1, tzinfo=UTC)
    facts = ArticleFacts(Article(id="1", title="a tea pot", content="b", published=now))
    assert query.matches(facts, now) in (True, False)
    assert not query.matches(facts, now) or admits(query.narrowing(now), facts)
    assert query.relevance(facts) >= 0


def test_the_deepest_and_longest_that_is_allowed_is_read() -> None:
    """Within Python's usual limit of recursion."""
    assert parse("(" * 50 + "tea" + ")" * 50).text
    assert parse(" OR ".join(f"t{n}" for n in range(900))).text


def test_a_query_can_go_to_another_process() -> None:
    """It is read there again."""
    query = parse("title:tea AND age:<7d")
    assert pickle.loads(pickle.dumps(query)) == query
    assert query != parse("title:tea")
