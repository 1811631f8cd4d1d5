"""The options of a source of kind `page`: selectors for the entries of a list."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from aggregator.adapters.page.html_tree import is_selector
from aggregator.model.settings import Settings
from aggregator.normalise.user_regexes import compiled

MAX_PAGES = 50

_SHORT = re.compile(r"(.*?)(?:@([A-Za-z_:][\w:.-]{0,99}))?", re.DOTALL)


def _selector(value: str) -> str:
    value = value.strip()
    if is_selector(value):
        return value
    raise ValueError(f"{value!r} is not a CSS selector; write one such as 'article.post' or 'ul.news > li'")


def _part(value: object) -> object:
    """Parses the short form: a selector, and after an @ the attribute with the value."""
    if not isinstance(value, str):
        return value
    short = _SHORT.fullmatch(value.strip())
    assert short is not None, "the regex matches every text"
    return {"selector": short[1], **({"attribute": short[2]} if short[2] else {})}


class Part(Settings):
    """The place of an entry's field inside its item.

    - `selector`: CSS; "" is the item itself.
    - `attribute`: the attribute with the value; "text" is the element's text; None: the usual one for the
      field.
    - `default`: the text that is used if nothing is found.
    - `regex`: which part of the value is used: the first group, else the whole match; no match is no value.
    - `format`: how a date is written, as for strptime; None reads every known form.
    """

    selector: str = ""
    attribute: str | None = None
    default: str | None = None
    regex: str | None = None
    format: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Part:
        if self.selector.strip():
            _selector(self.selector)
        if self.regex is not None:
            compiled(self.regex)
        if self.format is not None and "%" not in self.format:
            raise ValueError(f"format {self.format!r} has no part of a date; write it like '%d.%m.%Y'")
        return self

    @property
    def short(self) -> str:
        """The part as one string, in the short form."""
        return f"{self.selector}@{self.attribute}" if self.attribute else self.selector


AnyPart = Annotated[Part, BeforeValidator(_part)]
Selector = Annotated[str, AfterValidator(_selector)]
FIELDS = ("title", "link", "date", "summary", "image", "author", "categories")


class ListPageOptions(Settings):
    """Selectors for the entries of a page; without `item` or any field they are proposed.

    `next` is the link to the next page of the list; at most `pages` are read in one poll, including the
    first.
    """

    item: Selector | None = None
    title: AnyPart | None = None
    link: AnyPart | None = None
    date: AnyPart | None = None
    summary: AnyPart | None = None
    image: AnyPart | None = None
    author: AnyPart | None = None
    categories: AnyPart | None = None
    next: AnyPart = Part(selector="a[rel~='next'], link[rel~='next']")
    pages: Annotated[int, Field(ge=1, le=MAX_PAGES)] = 1

    @model_validator(mode="after")
    def _only_dates_have_a_format(self) -> ListPageOptions:
        wrong = [name for name in (*FIELDS, "next") if name != "date" and self.part(name).format is not None]
        if wrong:
            raise ValueError(f"{wrong[0]}.format: only a date has a format")
        return self

    def part(self, name: str) -> Part:
        """The part for a field; for a field that is not given, the item itself."""
        return getattr(self, name) or Part()

    @property
    def parts(self) -> dict[str, Part]:
        """The given fields, by name."""
        return {name: part for name in FIELDS if (part := getattr(self, name)) is not None}


def matched(regex: str | None, value: str) -> str:
    """The part of `value` that a regex matches, "" without a match; all of it without a regex."""
    if regex is None or not value:
        return value
    pattern = compiled(regex)
    found = pattern.search(value)
    return (found.group(1 if pattern.groups else 0) or "").strip() if found else ""


def dated(format_: str, value: str, months: dict[str, int]) -> str | None:
    """A date in the user's format as ISO 8601, None if it does not match.

    `months` are names in any language.
    """
    for word in re.findall(r"[^\W\d_]+", value):
        if (number := months.get(word.lower())) and ("%b" in format_ or "%B" in format_):
            named = datetime(2000, number, 1)  # noqa: DTZ001 - only its month's name is of interest
            value = value.replace(word, named.strftime("%B" if "%B" in format_ else "%b"), 1)
            break
    try:
        return datetime.strptime(value, format_).isoformat()  # noqa: DTZ007 - the reader of dates adds UTC
    except ValueError:
        return None
