"""The words that queries compare."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rules.query.words import BREAK, FTS5_TOKENIZER, FoldedText, folded, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café CAFÉ cafe\u0301", ["cafe", "cafe", "cafe"]),
        ("大数据中心", ["大", "数", "据", "中", "心"]),
        ("お茶", ["お", "茶"]),
        ("ﾃﾞｰﾀ データ でーた", ["で", "ー", "た"] * 3),
        ("か\u3099", ["が"]),
        ("かが", ["か", "が"]),
        ("ＡＢＣ１２３", ["abc123"]),
        ("Łódź Ørsted Straße Þór Œuvre", ["lodz", "orsted", "strasse", "thor", "oeuvre"]),
        ("İstanbul ΣΊΣΥΦΟΣ", ["istanbul", "σισυφοσ"]),
        ("мой ёлка", ["мой", "елка"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("שָׁלוֹם السَّلَامُ", ["שלום", "السلام"]),
        ("서울에서", ["서", "울", "에", "서"]),
        ("서울".encode().decode(), ["서", "울"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("C++ (C#) f#, c++20 a+b ++ #tag", ["c++", "c#", "f#", "c", "20", "a", "b", "tag"]),
        ("node.js don't l’avion a_b", ["node", "js", "don", "t", "l", "avion", "a", "b"]),
        ("Tea™ x² ½ ﬁne", ["tea", "x2", "1", "⁄", "2", "fine"]),
        ("🎉party👩\u200d💻 50€", ["🎉", "party", "👩", "💻", "50", "€"]),
        ("٣٤ ३", ["34", "3"]),
        ("soft\u00adhyphen می\u200cخواهم", ["softhyphen", "میخواهم"]),
        ("\x1f\x00 \u2028…", []),
        ("a\ud800b", ["a", "b"]),
    ],
)
def test_a_text_is_folded_and_split(text: str, words: list[str]) -> None:
    """Whatever the script, the composition and the width."""
    assert split(text) == words


def test_decomposed_hangul_is_the_same_word() -> None:
    """As file names of macOS have it."""
    assert split("\u1109\u1165\u110b\u116e\u11af") == ["서", "울"]


@given(st.text())
def test_words_split_again_are_the_same(text: str) -> None:
    """So that an index may be given what is split already."""
    words = split(text)
    assert split(" ".join(words)) == words
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_a_long_text_is_folded_as_a_short_one(text: str) -> None:
    """Many kinds of characters are folded in another way than few."""
    many = "".join(map(chr, range(0x400, 0x450)))
    assert split(f"{text} {many}")[: len(split(text))] == split(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_sqlite_splits_as_we_do(text: str) -> None:
    """With the tokenizer that is named here."""
    words = FoldedText([text])
    with closing(sqlite3.connect(":memory:")) as connection, connection:
        connection.execute(f'CREATE VIRTUAL TABLE found USING fts5(text, tokenize="{FTS5_TOKENIZER}")')
        connection.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(found, 'row')")
        connection.execute("INSERT INTO found VALUES (?)", (words.joined,))
        terms = {term for (term,) in connection.execute("SELECT term FROM vocabulary")}
    connection.close()
    assert terms == words.each


def test_phrases_do_not_match_across_two_values() -> None:
    """Two authors are not one."""
    words = FoldedText(["Jane Doe", "", "John Roe"])
    assert words.joined == f" jane doe {BREAK} john roe "
    assert words.has(["jane", "doe"])
    assert not words.has(["doe", "john"])
    assert not words.has([BREAK])
