"""The numbers in titles: which part of a series a title names, and which amounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.rules.stories.ignored_words import NUMBER_WORDS, PART_WORDS, SERIAL_WORDS

__all__ = ["Marks", "conflict", "marks"]

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+|[0-9]+[/-][0-9]+(?:[/-][0-9]+)?")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_MEASURE = re.compile(
    r"\s*(?:%|percent|per cent|prozent|millionen|million|mio|billion|mrd|milliarden|euro|dollar|€|\$"
    r"|パーセント|百分|亿|億|万|萬)"
)
_NUMERALS = "〇零一二三四五六七八九十百"
_DENSE_SERIAL = re.compile(
    rf"第\s*([{_NUMERALS}0-9]+)|([{_NUMERALS}0-9]+)\s*(?:月|日|号|號|期|回|話|话|集|章|周|週|版|季|弾)"
    r"|(?:星期|礼拜|禮拜|周|週)([一二三四五六日天])|([月火水木金土日])曜"
    r"|([上中下前後后])(?:編|篇|集|卷|巻|部)|[(（【\[]([上中下前後后])[)）】\]]"
)
_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0}
_ROMAN = {"i": "1", "v": "5", "x": "10"}


@dataclass(frozen=True, slots=True)
class Marks:
    """The numbers of a title. `series`: of parts, versions and dates; `amounts`: all others."""

    series: frozenset[str] = frozenset()
    amounts: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """All numbers."""
        return self.series | self.amounts


def conflict(a: frozenset[str], b: frozenset[str]) -> bool:
    """Whether each of two titles has a number that the other one does not have."""
    return not (a <= b or b <= a)


def marks(folded: str, tokens: Sequence[str]) -> tuple[Marks, frozenset[str]]:
    """The numbers of a title in lower case, and its other words."""
    series = {_of_numerals(next(filter(None, m.groups()))) for m in _DENSE_SERIAL.finditer(folded)}
    amounts: set[str] = set()
    frame: set[str] = set()
    end = 0
    for before, word in zip(["", *tokens], tokens, strict=False):
        start = folded.find(word, end)
        end = start + len(word)
        is_counted = before in SERIAL_WORDS or folded[:start].endswith("#")
        if word[0].isdigit():
            is_piece = is_counted or _VERSION.fullmatch(word) or _YEAR.fullmatch(word)
            is_amount = not is_piece or _MEASURE.match(folded, end) or _THOUSANDS.fullmatch(word)
            (amounts if is_amount else series).add(_of_digits(word))
        elif word in PART_WORDS:
            series.add(PART_WORDS[word])
        elif word in NUMBER_WORDS:
            is_roman = not word.strip("ivx")
            (series if is_counted or is_roman else amounts).add(NUMBER_WORDS[word])
        elif word in _ROMAN and is_counted:
            series.add(_ROMAN[word])
        else:
            frame.add(word)
    return Marks(frozenset(series), frozenset(amounts - series)), frozenset(frame)


def _of_digits(written: str) -> str:
    if _THOUSANDS.fullmatch(written):
        return re.sub("[.,]", "", written)
    return written.replace(",", ".").lstrip("0") or "0"


def _of_numerals(written: str) -> str:
    """Chinese numerals as digits; other text unchanged."""
    if written.isascii() and written.isdigit():
        return written.lstrip("0") or "0"
    if any(c not in _DIGITS and c not in "十百" for c in written):
        return written
    total, current = 0, 0
    for c in written:
        if c in _DIGITS:
            current = current * 10 + _DIGITS[c]
        else:
            total, current = total + (current or 1) * (10 if c == "十" else 100), 0
    return str(total + current)
