"""Text -> the words that queries compare: one folding and one splitting for articles, queries and indexes.

A full-text index that is given `FoldedText.joined` and splits it at spaces alone has exactly these words. For
SQLite's FTS5 that is `FTS5_TOKENIZER`.

- Folded: case, accents, width (full-width Latin, half-width kana), katakana to hiragana, ligatures, digits of
  every script. Vowel signs of Indic scripts and voiced marks of kana stay: they make other words.
- A character of a script without spaces (Chinese, Japanese, Thai …), and a Hangul syllable, is a word of its
  own, as in Lucene's standard analyser for Chinese: `数据` is two words side by side. So is an emoji.
- `C++`, `C#` and `F#` are words; every other mark only separates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from unicodedata import category, decimal, is_normalized, normalize

__all__ = ["BREAK", "FTS5_TOKENIZER", "FoldedText", "folded", "split", "stands_alone"]

FTS5_TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* N* M* S* Co' tokenchars '#+'"
"""The `tokenize` option for FTS5, so that it splits `FoldedText.joined` as we do."""

BREAK = "\x1f"
"""Separates values of one field in `FoldedText.joined`, so that no phrase crosses it. It is not indexed."""

# Letters that Unicode treats as separate letters, not as letters with an accent.
_LETTERS = {
    "æ": "ae", "ð": "d", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "þ": "th", "ŧ": "t",
    "ς": "σ",
}  # fmt: skip
# Marks that are removed: accents, points of Hebrew, vowels of Arabic, variation selectors.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    "\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]"
)
_UNSEEN = frozenset("\u00ad\u034f\u0640\u200c\u200d\u200e\u200f\u2060\ufeff")
"""Invisible characters inside words: soft hyphens, joiners, tatweel, direction marks."""
_KATAKANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_ALONE = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19FF), (0x1A20, 0x1AAF),
    (0x3005, 0x3007), (0x3021, 0x3035), (0x3038, 0x303C), (0x3040, 0x318F), (0x31A0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xA9E0, 0xA9FF), (0xAA60, 0xAADF), (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF), (0x1B000, 0x1B16F), (0x20000, 0x3FFFD),
)  # fmt: skip
_COMPOSED_BY_WIDTH = re.compile("[\uff9e-\uffdc]")
"""Half-width kana marks, and jamo, which combine with the character before."""
_ASCII = frozenset(map(chr, range(128)))
_FEW = 24
_PLAIN = "".join(c.lower() if c.isalnum() or c in "+#" else " " for c in map(chr, range(128)))
_MARKS = re.compile('[\x00-\x1f!"$-*,-/:-@\\[-`{-\x7f]+')
_PLUS_OR_HASH = re.compile(r"(?<!\S)(c\+\+|[cf]#)(?!\S)|[+#]+")


class _Folded(dict[str, str]):
    """Character -> its folded form, computed at first use."""

    def __missing__(self, character: str) -> str:
        found = self[character] = self._made(character)
        return found

    def _made(self, character: str) -> str:
        if character in _UNSEEN:
            return ""
        if character in "®©™℠":  # `Tea™` is not `teatm`
            return " "
        digit = decimal(character, None)
        if digit is not None:
            return str(digit)
        # Unlike Unicode, not treated as a letter with an accent: мои and мой are different words.
        if character in "йЙ":
            return "й"
        bare = _ACCENTS.sub("", normalize("NFKD", normalize("NFKC", character).casefold()))
        bare = "".join(_LETTERS.get(each, each) for each in bare)
        return normalize("NFC", bare).translate(_KATAKANA)


class _Apart(_Folded):
    """Like `_Folded`, with spaces around a character that is a word by itself, and one for a separator."""

    def _made(self, character: str) -> str:
        return "".join(map(_apart, super()._made(character)))


def _apart(character: str) -> str:
    if character.isascii():
        return _PLAIN[ord(character)]
    kind = category(character)
    if kind[0] in "LNM":
        return f" {character} " if stands_alone(character) else character
    return f" {character} " if kind in ("So", "Sc", "Sm") else " "


_FOLDED = _Folded()
_APART = _Apart()


def stands_alone(character: str) -> bool:
    """Whether a character is a word by itself: of a script without spaces, or a Hangul syllable."""
    code = ord(character)
    return code >= 0x0E00 and any(first <= code <= last for first, last in _ALONE)


def folded(text: str) -> str:
    """The text without what is ignored in comparisons: case, accents, width, forms of kana."""
    return text.lower() if text.isascii() else "".join(map(_FOLDED.__getitem__, _composed(text)))


def split(text: str) -> list[str]:
    """The words of a text, in their order."""
    if not text.isascii():
        text = _apart_from_ascii(_composed(text))
    # For pure ASCII `translate` is ten times as fast as a regex, for anything else slower.
    text = text.translate(_PLAIN) if text.isascii() else text
    if "+" in text or "#" in text:
        text = _PLUS_OR_HASH.sub(lambda found: found[1] or " ", text)
    return text.split()


def _composed(text: str) -> str:
    """Combines each letter with its marks into one character if there is one."""
    if _COMPOSED_BY_WIDTH.search(text):
        return normalize("NFKC", text)
    return text if is_normalized("NFC", text) else normalize("NFC", text)


def _apart_from_ascii(text: str) -> str:
    """Maps each character with `_APART`; faster if few are beyond ASCII, as in Latin text."""
    rare = set(text).difference(_ASCII)
    if len(rare) > _FEW:
        return "".join(map(_APART.__getitem__, text))
    for character in rare:
        text = text.replace(character, _APART[character])
    return text if text.isascii() else _MARKS.sub(" ", text.lower())


class FoldedText:
    """The words of one field of an article: its values, each split separately.

    `joined` has a space before and after each word, so that adjacent words are a substring of it.
    """

    __slots__ = ("_each", "_joined", "_values")

    def __init__(self, values: Iterable[str]) -> None:
        self._values = [words for value in values if (words := split(value))]
        self._each: frozenset[str] | None = None
        self._joined = ""

    @property
    def joined(self) -> str:
        """All words, in their order."""
        if not self._joined:
            joined = f" {BREAK} ".join(map(" ".join, self._values))
            self._joined = f" {joined} " if joined else " "
        return self._joined

    @property
    def each(self) -> frozenset[str]:
        """Every word, once."""
        if self._each is None:
            self._each = frozenset(chain.from_iterable(self._values))
        return self._each

    def has(self, words: Sequence[str]) -> bool:
        """Whether these words are adjacent here."""
        if len(words) == 1:
            return words[0] in self.each
        return f" {' '.join(words)} " in self.joined
