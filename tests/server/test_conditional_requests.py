"""Conditions and ranges, case by case."""

from __future__ import annotations

import pytest

from aggregator.server.conditional_requests import UNSATISFIABLE, http_date, is_unchanged, part

ETAG = '"abc"'
MODIFIED = 1_780_315_200
THEN = http_date(MODIFIED)


@pytest.mark.parametrize(
    ("none_match", "since", "is_it"),
    [
        (None, None, False),
        ('"abc"', None, True),
        ('W/"abc"', None, True),
        ('"x", "abc"', None, True),
        ('"x","y" , W/"abc"', None, True),
        ('"a,b", "abc"', None, True),
        ("*", None, True),
        ('"x"', None, False),
        ("abc", None, False),
        ("", None, False),
        (None, THEN, True),
        (None, http_date(MODIFIED + 1), True),
        (None, http_date(MODIFIED - 1), False),
        (None, "Monday, 01-Jun-26 12:00:00 GMT", True),
        (None, "yesterday", False),
        (None, "x" * 10_000, False),
        ('"x"', THEN, False),
        ('"abc"', http_date(MODIFIED - 1), True),
    ],
)
def test_conditions_of_requests_are_evaluated(none_match: str | None, since: str | None, is_it: bool) -> None:
    """RFC 9110 §13.1.2, §13.1.3: weak comparison, and If-None-Match before If-Modified-Since."""
    assert is_unchanged(none_match, since, ETAG, MODIFIED) is is_it


@pytest.mark.parametrize(
    ("asked", "if_range", "found"),
    [
        ("bytes=0-3", None, (0, 3)),
        ("bytes=4-", None, (4, 9)),
        ("bytes=-3", None, (7, 9)),
        ("bytes=-30", None, (0, 9)),
        ("bytes=5-99", None, (5, 9)),
        ("BYTES=0-0", None, (0, 0)),
        ("bytes=10-", None, UNSATISFIABLE),
        ("bytes=-0", None, UNSATISFIABLE),
        ("bytes=5-3", None, None),
        ("bytes=0-1,4-5", None, None),
        ("bytes=-", None, None),
        ("lines=0-1", None, None),
        ("bytes=0-" + "9" * 200, None, None),
        ("bytes=0-3", '"abc"', (0, 3)),
        ("bytes=0-3", 'W/"abc"', None),
        ("bytes=0-3", '"x"', None),
        ("bytes=0-3", THEN, (0, 3)),
        ("bytes=0-3", http_date(MODIFIED + 1), None),
    ],
)
def test_a_single_range(asked: str, if_range: str | None, found: tuple[int, int] | None) -> None:
    """RFC 9110 §14; what is not understood, or is of another version, is answered by the whole."""
    assert part(asked, if_range, ETAG, MODIFIED, 10) == found


def test_every_range_of_an_empty_file_is_unsatisfiable() -> None:
    """Every range lies beyond its end."""
    assert part("bytes=0-", None, ETAG, MODIFIED, 0) == UNSATISFIABLE
    assert part("bytes=-1", None, ETAG, MODIFIED, 0) == UNSATISFIABLE
