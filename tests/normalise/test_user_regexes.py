"""Regexes that people write."""

from __future__ import annotations

import pytest

from aggregator.normalise.user_regexes import compiled


def test_a_regex_is_found_in_text_and_in_bytes() -> None:
    """Groups are as in `re`."""
    pattern = compiled("t(e+)a")
    for text in ("a cup of teea", b"a cup of teea"):
        assert pattern.search(text) is not None
    found = pattern.search("teea")
    assert found is not None
    assert (found.group(0), found.group(1), pattern.groups) == ("teea", "ee", 1)
    assert pattern.sub(lambda match: f"[{match.group(1)}]", "tea, teea") == "[e], [ee]"


@pytest.mark.parametrize(
    ("regex", "text", "is_found"),
    [("tea", "TEA", True), ("(?-i)tea", "TEA", False), ("é", "É", True), ("страна", "СТРАНА", True)],
)
def test_case_may_be_ignored(regex: str, text: str, is_found: bool) -> None:
    """The regex itself may ask for it again."""
    assert (compiled(regex, is_case_sensitive=False).search(text) is not None) is is_found


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("(a", r"is not valid for RE2: missing \)"),
        ("(?=a)", "is not valid for RE2"),
        (r"(a)\1", "is not valid for RE2"),
        ("(a{1000}){10}", "invalid repetition size"),
        ("\ud800", "lone surrogate"),
        (r"\pL{1,30}", "too large"),
        ("a" * 5_000, "too large"),
    ],
    ids=["open", "look-ahead", "reference", "repetition", "surrogate", "class", "long"],
)
def test_unsupported_and_too_large_regexes_are_refused(regex: str, message: str) -> None:
    """As a ValueError that says why, never as RE2's own."""
    with pytest.raises(ValueError, match=message):
        compiled(regex, max_program=2_000)


@pytest.mark.parametrize("regex", ["(a+)+$", "(a|aa)+$", "(.*a){20}b", "((a*)*)*b", "(x+x+)+y"])
def test_regexes_that_take_backtracking_engines_forever_end(regex: str) -> None:
    """A test that ends is the proof: a backtracking engine takes longer than the universe is old."""
    assert compiled(regex).search("a" * 100_000 + "!") is None
