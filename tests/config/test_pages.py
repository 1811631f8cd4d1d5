"""Settings of how pages look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.config.load import checked
from aggregator.config.pages import DARK, LIGHT, contrast
from aggregator.errors import ConfigError

SHEET = Path(__file__).parents[2] / "aggregator" / "writers" / "html" / "pages" / "style.css"


def mistakes(text: str) -> str:
    try:
        checked(text.encode(), Path("/srv/config/aggregator.toml"), "x")
    except ConfigError as error:
        return str(error)
    return ""


def test_the_colours_are_those_of_the_stylesheet() -> None:
    """And they can be read, light and dark, on both grounds."""
    light, _, dark = SHEET.read_text().partition("* {")[0].partition("@media")
    for colours, part in ((LIGHT, light), (DARK, dark)):
        found = re.findall(r"--(\w+): (#[0-9a-f]+)", part)
        as_found = {name: value for name, value in found if name in colours}
        assert {**as_found, "card": colours["card"]} == colours
        for name in ("ink", "soft", "link"):
            assert all(contrast(colours[name], colours[ground]) >= 4.5 for ground in ("paper", "card"))


def test_contrast_is_that_of_the_guidelines() -> None:
    """Its examples: black on white, and the grey that is just enough."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('link = "#abc"', 'link #aabbcc on paper #fdfcfa has a contrast of 1.9; .*write link = "#'),
        ('ink = "#fff"', 'ink #ffffff on paper #fdfcfa has a contrast of 1.0; .*write ink = "#'),
        ('dark = { soft = "#333333" }', 'dark.* soft #333333 on paper #171614 .*write soft = "#'),
        ('link = "red"', 'write red, green and blue in hexadecimal, such as "#9a3412"'),
        ("lnik = 1", "did you mean 'link'"),
        ("dark = { lnik = 1 }", "did you mean 'link'"),
    ],
)
def test_colours_with_too_little_contrast_are_refused(written: str, told: str) -> None:
    """With the nearest one that can."""
    found = mistakes(f"[publish.pages.colours]\n{written}")
    assert re.search(told, found), found
    if better := re.search(r'write (\w+) = "(#\w+)"', found):
        table = "[publish.pages.colours.dark]" if "dark" in found else "[publish.pages.colours]"
        assert mistakes(f'{table}\n{better[1]} = "{better[2]}"') == ""


def test_readable_colours_are_accepted() -> None:
    """In short, in capitals, and lines of any kind, as nobody reads these."""
    text = '[publish.pages.colours]\nlink = "#00507A"\nink = "#000"\nline = "#fff"'
    assert mistakes(text) == ""


def test_a_logo_is_a_picture() -> None:
    """By its name; paths count from the folder that holds the config's."""
    assert "write the path of a picture" in mistakes('[publish.pages]\nlogo = "logo.gif"')
    config = checked(b'[publish.pages]\nlogo = "logo.svg"\ntemplates = "t"', Path("/srv/config/a.toml"), "x")
    assert (config.publish.pages.logo, config.publish.pages.templates) == (
        Path("/srv/logo.svg"),
        Path("/srv/t"),
    )


def test_a_time_zone_is_one_of_the_database() -> None:
    """As for sources."""
    assert "Europe/Berlin" in mistakes('[site]\ntimezone = "Berlin"')
