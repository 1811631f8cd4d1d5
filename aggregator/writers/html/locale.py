"""The words of pages, dates and numbers in the language and time zone of the site.

Each language is a file in `words/`. The tables are our own, not CLDR's, because a newer release of CLDR would
change the bytes of unchanged pages.
"""

from __future__ import annotations

import gettext
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from aggregator.model.struct import Struct
from aggregator.normalise.time_zones import zone_of
from aggregator.writers.moments import TWO_DIGITS
from aggregator.writers.xml_text import language_tag

__all__ = ["LANGUAGES", "Locale", "direction_of", "locale_of"]

LANGUAGES = ("en", "de", "fr", "ja", "zh")
"""The languages that have words; pages in any other language have those of the first."""

# ISO 639 languages and ISO 15924 scripts that are written from right to left.
_FROM_THE_RIGHT = frozenset(
    ("ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi")
)
_SCRIPTS_FROM_THE_RIGHT = frozenset(("arab", "hebr", "thaa", "syrc", "nkoo", "adlm"))

_MAX_DATES = _MAX_TEXTS = 1_000
_TIME = "\0"


class _Words(Struct, frozen=True):
    """A file of words.

    - `texts`: by key; texts with a number are lists of plural forms.
    - `plural`: returns the index of the form for a number.
    - `months`, `weekdays` (Monday first): as `formats` use them.
    """

    tag: str
    texts: Mapping[str, str | list[str]]
    plural: Callable[[int], int]
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    formats: Mapping[str, str]


class Locale:
    """Returns texts, dates and numbers in one language and time zone.

    - `tag`: the language of the words.
    - `direction`: the direction of the page ("ltr" or "rtl"), even for a language without words here.
    """

    __slots__ = ("_dates", "_said", "_words", "_zone", "direction", "tag")

    def __init__(self, language: str | None, timezone: str) -> None:
        tag = language_tag(language) or LANGUAGES[0]
        found = next((name for name in _prefixes(tag.lower()) if name in LANGUAGES), None)
        self._words = _words_of(found or LANGUAGES[0])
        self.tag = self._words.tag or tag if found else LANGUAGES[0]
        self.direction = direction_of(tag)
        self._zone = None if timezone == "UTC" else zone_of(timezone)
        self._dates: dict[tuple[str, int, str], tuple[str, str, str]] = {}
        self._said: dict[tuple[str, int | None], Markup] = {}

    def say(self, key: str, number: int | None = None, /, **values: object) -> Markup:
        """Returns the text of this key, with values filled in, and escaped unless they are markup.

        With a `number`, it is the plural form for it, which may contain `{number}`.
        """
        if values:
            return self._filled(key, number, values)
        if (known := self._said.get((key, number))) is None:
            if len(self._said) >= _MAX_TEXTS:
                self._said.clear()
            known = self._said[key, number] = self._filled(key, number, {})
        return known

    def _filled(self, key: str, number: int | None, values: dict[str, object]) -> Markup:
        text = self._words.texts[key]
        if number is not None:
            text = text[self._words.plural(number)] if isinstance(text, list) else text
            values["number"] = self.number(number)
        # Markup.format takes ten times as long, for formats and attributes of values, which no text has.
        escaped = {name: escape(value) for name, value in values.items()}
        return Markup(str(text).format(**escaped))  # noqa: S704 - of our own files

    def knows(self, key: str) -> bool:
        """Returns whether there is a text with this key."""
        return key in self._words.texts

    def number(self, number: int) -> Markup:
        """Returns a whole number with thousands separators."""
        return Markup(f"{number:,}".replace(",", self._words.formats["thousands"]))  # noqa: S704 - digits

    def moment(self, moment: datetime) -> str:
        """Returns a date with its time: "22 November 2026, 09:40 UTC"."""
        return self._written("moment", moment)

    def day(self, moment: datetime) -> str:
        """Returns a day: "Sunday, 22 November 2026"."""
        return self._written("day", moment)

    def month(self, moment: datetime) -> str:
        """Returns a month: "November 2026"."""
        return self._written("month", moment)

    def month_name(self, month: int) -> str:
        """Returns the name of a month, 1 to 12."""
        return self._words.months[month - 1]

    def date(self, moment: datetime) -> tuple[int, int, int]:
        """Returns year, month and day in the time zone."""
        local = self._local(moment)
        return local.year, local.month, local.day

    def size(self, length_bytes: int) -> str:
        """Returns a file's size: "5.0 MB"."""
        if length_bytes < 1_000_000:
            return f"{max(length_bytes // 1_000, 1)} KB"
        whole, _, tenth = f"{length_bytes / 1_000_000:.1f}".partition(".")
        return f"{self.number(int(whole))}{self._words.formats['decimal']}{tenth} MB"

    def duration(self, duration: timedelta) -> str:
        """Returns a duration: "1 min 1 s"."""
        minutes, seconds = divmod(max(round(duration.total_seconds()), 0), 60)
        return f"{self.number(minutes)} min {seconds} s" if minutes else f"{seconds} s"

    def _local(self, moment: datetime) -> datetime:
        if self._zone is None:
            return moment
        try:
            return moment.astimezone(self._zone)
        except OverflowError:  # the first and the last day of Python's calendar
            return moment

    def _written(self, name: str, moment: datetime) -> str:
        local = self._local(moment)
        key = (name, local.toordinal(), _zone_name(local))
        if (around := self._dates.get(key)) is None:
            if len(self._dates) >= _MAX_DATES:
                self._dates.clear()
            around = self._dates[key] = self._without_time(name, local).partition(_TIME)
        before, has_time, after = around
        if not has_time:
            return before
        return f"{before}{TWO_DIGITS[local.hour]}:{TWO_DIGITS[local.minute]}{after}"

    def _without_time(self, name: str, local: datetime) -> str:
        words = self._words
        return words.formats[name].format(
            day=local.day,
            month=words.months[local.month - 1],
            year=local.year,
            weekday=words.weekdays[local.weekday()],
            time=_TIME,
            zone=_zone_name(local),
        )


@lru_cache(maxsize=256)
def locale_of(language: str | None, timezone: str) -> Locale:
    """Returns the locale of a language tag (None: English) and a time zone of the IANA database."""
    return Locale(language, timezone)


@lru_cache(maxsize=256)
def direction_of(tag: str) -> str:
    """Returns the direction of a language, "rtl" or "ltr", by its script if the tag names one."""
    parts = tag.lower().split("-")
    script = next((part for part in parts[1:3] if len(part) == 4 and part.isalpha()), None)
    is_rtl = script in _SCRIPTS_FROM_THE_RIGHT if script else parts[0] in _FROM_THE_RIGHT
    return "rtl" if is_rtl else "ltr"


def _prefixes(tag: str) -> list[str]:
    """Returns the tags to look up, the most specific first (RFC 4647 §3.4)."""
    parts = tag.split("-")
    return ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]


@cache
def _words_of(language: str) -> _Words:
    text = (files("aggregator.writers.html") / "words" / f"{language}.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    about, texts = data.pop("language"), data.pop("texts")
    return _Words(
        tag=about.get("tag", ""),
        texts=texts,
        plural=gettext.c2py(about["plural"]),
        months=tuple(about["months"]),
        weekdays=tuple(about["weekdays"]),
        formats=about["formats"],
    )


@lru_cache(maxsize=256)
def _offset_name(minutes: int) -> str:
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"


def _zone_name(local: datetime) -> str:
    """Returns the offset of a time zone: abbreviations such as CST are ambiguous, offsets are not."""
    if local.tzinfo is UTC:
        return "UTC"
    offset = local.utcoffset()
    return _offset_name(round(offset / timedelta(minutes=1)) if offset else 0)
