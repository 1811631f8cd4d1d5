"""Titles: which are the same, what they speak of, and which piece of a series they name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rules.stories.titles import differ_in_amounts, differ_in_series, fold, is_named, title


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Storm hits the coast", "STORM HITS THE COAST!"),
        ("Storm hits the coast", "Breaking: Storm hits the coast"),
        ("Storm hits the coast", "UPDATE 1-Storm hits the coast"),
        ("Storm hits the coast", "Storm hits the coast [Update]"),
        ("“Storm” hits the coast", '"Storm" hits the coast'),
        ("Café öffnet früh", "Cafe offnet fruh"),
        ("Straße gesperrt", "STRASSE GESPERRT"),
        ("数据中心投入使用", "【快讯】数据中心投入使用"),
        ("ﾃﾞｰﾀｾﾝﾀｰが稼働", "データセンターが稼働"),
        ("Ｒｕｓｔ 入門", "Rust入門"),
    ],
)
def test_equal_titles_have_one_key(one: str, other: str) -> None:
    """Whatever their case, width, accents, punctuation and marks."""
    assert title(one).keys[0] == title(other).keys[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Release 1.2", "Release 12"),
        ("はか", "ばか"),
        ("Storm hits the coast", "Storm hits the coasts"),
        ("数据中心", "數據中心"),
    ],
)
def test_other_titles_have_other_keys(one: str, other: str) -> None:
    """A dot in a number, a voiced sound, a letter, the other script of Chinese."""
    assert title(one).keys[0] != title(other).keys[0]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Storm hits the coast - The Beacon", ("Beacon",)),
        ("Storm hits the coast | Beacon Online", ("The Beacon",)),
        ("Beacon: Storm hits the coast", ("Beacon", "beacon.example")),
        ("Storm hits the coast (beacon.example)", ("beacon.example",)),
        ("Storm hits the coast – BEACON", ("Beacon – World news",)),
    ],
)
def test_the_source_s_own_name_is_left_out(text: str, names: tuple[str, ...]) -> None:
    """At either end, in part, with a word more."""
    assert title(text, names).keys == (fold("Storm hits the coast"),)


def test_a_segment_that_may_be_a_name_gives_a_second_key() -> None:
    """Whose name it is can be reported only beside another article."""
    found = title("Storm hits the coast - The Beacon")
    assert found.keys == (fold("Storm hits the coast - The Beacon"), fold("Storm hits the coast"))
    assert found.segments == ("", "The Beacon")
    assert is_named("The Beacon", ("beacon.example", "Beacon Daily"))
    assert not is_named("Live", ("Beacon Daily",))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Weekly links", 0, 0),
        ("Release 1.2", 0, 0),
        ("Episode 12", 0, 0),
        ("What I read this week", 0, 0),
        ("Die Links der Woche", 0, 0),
        ("Das Wetter am Montag", 0, 0),
        ("每周链接", 0, 0),
        ("今週のリンク集", 0, 0),
        ("第12回", 0, 0),
        ("Hello world!", 0, 0),
        ("Letters to the editor", 0, 3),
        ("Ask HN: Who is hiring? (November 2026)", 0, 3),
        ("Merry Christmas to all our readers", 0, 3),
        ("Die besten Bücher des Jahres", 0, 3),
        ("关于系统维护的公告", 0, 3),
        ("あけましておめでとうございます", 0, 3),
        ("定例会議の議事録", 0, 3),
        ("Storm hits the coast of Norland", 4, 4),
        ("Central bank of Norland lifts key rate to 4.25 percent", 6, 8),
        ("省长托兰因港口合同丑闻宣布辞职", 5, 7),
        ("トランド知事が港湾契約をめぐり辞任を表明", 5, 7),
    ],
)
def test_only_significant_words_are_counted(text: str, least: float, most: float) -> None:
    """Formulas, numbers, dates and function words say nothing."""
    assert least <= title(text).words <= most


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Release 1.2", "Release 1.3"),
        ("Anvil v2.0 released", "Anvil v2.1 released"),
        ("Episode 12: Bees", "Episode 13: Bees"),
        ("Bookshelf #12", "Bookshelf #13"),
        ("Weekly links 2026-11-02", "Weekly links 2026-11-09"),
        ("A history of light, part one", "A history of light, part two"),
        ("A history of light, Part II", "A history of light, Part III"),
        ("Teil 2: Das Licht", "Teil 3: Das Licht"),
        ("Horoskop für Montag", "Horoskop für Dienstag"),
        ("Wetter am 3. Januar", "Wetter am 3. Februar"),
        ("第三回 灯台の話", "第四回 灯台の話"),
        ("灯塔简史（上）", "灯塔简史（下）"),
        ("11月3日天气", "11月4日天气"),
        ("月曜日の天気", "火曜日の天気"),
        ("Haushalt 2026 beschlossen", "Haushalt 2027 beschlossen"),
        ("Quiz (1/3)", "Quiz (2/3)"),
    ],
)
def test_pieces_of_a_series_differ(one: str, other: str) -> None:
    """By version, number, date, weekday, month or part, in every language."""
    assert differ_in_series(title(one), title(other))
    assert not differ_in_series(title(one), title(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12 dead in Kolm crash", "15 dead in Kolm crash"),
        ("Anvil released", "Anvil 2.1 released"),
        ("Haushalt 2026 beschlossen", "Rat beschließt den Haushalt"),
        ("Rates rise to 4.5 percent", "Rates rise to 4.25 percent"),
        ("第三回 灯台の話", "第3回 灯台の話"),
        ("Part two: light", "Part 2: light"),
        ("Am Montag wird gestreikt", "Streik am Montag"),
    ],
)
def test_amounts_and_other_words_for_a_number_are_no_series(one: str, other: str) -> None:
    """How many is news, not another piece."""
    assert not differ_in_series(title(one), title(other))


def test_amounts_differ() -> None:
    """Whatever separates thousands, and in words."""
    assert differ_in_amounts(title("12 dead in Kolm crash"), title("15 dead in Kolm crash"))
    assert not differ_in_amounts(title("1,200 flee Kolm"), title("1.200 flee Kolm"))
    assert not differ_in_amounts(title("Twelve dead in Kolm crash"), title("12 dead in Kolm crash"))


@given(st.text(max_size=80), st.lists(st.text(max_size=10), max_size=3))
def test_any_titles_can_be_compared(text: str, names: list[str]) -> None:
    """Strangers' titles; a title never differs from itself."""
    found = title(text, tuple(names))
    assert not differ_in_series(found, found)
    assert len(found.keys) == len(found.segments) <= 3
