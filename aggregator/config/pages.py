"""The settings of HTML pages."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from aggregator.config.values import PICTURES, FilePath
from aggregator.model.settings import Settings

__all__ = ["DARK", "LIGHT", "Colours", "DarkColours", "PageSettings", "contrast"]

LIGHT = {
    "paper": "#fdfcfa",
    "card": "#ffffff",
    "ink": "#1d1b19",
    "soft": "#615c55",
    "line": "#e4dfd7",
    "link": "#9a3412",
}
"""The default colours of pages: those of the stylesheet."""

DARK = {
    "paper": "#171614",
    "card": "#1f1d1b",
    "ink": "#ece8e1",
    "soft": "#aaa399",
    "line": "#35322d",
    "link": "#f2a97c",
}
LEAST_CONTRAST = 4.5
"""The minimum contrast of text: WCAG 2.2 §1.4.3, level AA."""

_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


def _colour(value: str) -> str:
    text = value.strip().lower()
    if not _COLOUR.fullmatch(text):
        raise ValueError('write red, green and blue in hexadecimal, such as "#9a3412"')
    return text if len(text) == 7 else f"#{text[1] * 2}{text[2] * 2}{text[3] * 2}"


def _logo(value: object) -> object:
    if str(value).lower().endswith(PICTURES):
        return value
    raise ValueError(f"write the path of a picture whose name ends in {', '.join(PICTURES)}")


Colour = Annotated[str, AfterValidator(_colour)]


class DarkColours(Settings):
    """The colours of pages in dark mode; None means the default.

    `paper` is the page's background, `card` the background of an entry, `ink` the text, `soft` secondary
    text, `line` the lines between, `link` links and the element with the focus.
    """

    paper: Colour | None = None
    card: Colour | None = None
    ink: Colour | None = None
    soft: Colour | None = None
    line: Colour | None = None
    link: Colour | None = None

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        mine = self.model_dump(include=set(LIGHT), exclude_none=True)
        ours = LIGHT if isinstance(self, Colours) else DARK
        if mine and (wrong := _unreadable({**ours, **mine}, mine)):
            raise ValueError(wrong)
        return self


class Colours(DarkColours):
    """The colours of pages in light mode, and `dark` those in dark mode."""

    dark: DarkColours = Field(default_factory=DarkColours.model_construct)


class PageSettings(Settings):
    """How pages look.

    `templates` is a folder of templates that replace ours, `logo` a picture; both are absolute once loaded,
    None for none. `members`: a page of all sources with their pictures. `sources`: each source has a feed and
    a page of its own. `hide_read`: a script lets visitors hide what they have read. `calendar`: a page of all
    months.
    """

    templates: Annotated[FilePath, PlainSerializer(str)] | None = None
    logo: Annotated[FilePath, AfterValidator(_logo), PlainSerializer(str)] | None = None
    colours: Colours = Field(default_factory=Colours.model_construct)
    members: bool = False
    sources: bool = False
    hide_read: bool = False
    calendar: bool = False


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (`#rrggbb`), from 1 to 21: WCAG 2.2's definition."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = []
    for start in (1, 3, 5):
        part = int(colour[start : start + 2], 16) / 255
        parts.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _unreadable(colours: dict[str, str], changed: dict[str, str]) -> str:
    """Which colour cannot be read on which background, and a colour that could; "" if all can be read."""
    for name in ("ink", "soft", "link"):
        for ground in ("paper", "card"):
            if not {name, ground} & set(changed):
                continue
            found = contrast(colours[name], colours[ground])
            if found < LEAST_CONTRAST:
                near = _readable(colours[name], [colours["paper"], colours["card"]])
                better = (
                    f'write {name} = "{near}"' if near else "choose paper and card colours that are similar"
                )
                return (
                    f"{name} {colours[name]} on {ground} {colours[ground]} has a contrast of {found:.1f}; "
                    f"text needs {LEAST_CONTRAST} to be readable: {better}"
                )
    return ""


def _readable(colour: str, grounds: list[str]) -> str:
    """The nearest colour that can be read on all of `grounds`; "" for none."""
    for step in range(1, 101):
        for end in (0, 255):
            parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
            mixed = "#" + "".join(f"{round(part + (end - part) * step / 100):02x}" for part in parts)
            if all(contrast(mixed, ground) >= LEAST_CONTRAST for ground in grounds):
                return mixed
    return ""
