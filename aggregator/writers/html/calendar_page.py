"""The page of all months: how many articles each has, with links to them."""

from __future__ import annotations

from itertools import groupby
from typing import Literal
from urllib.parse import quote

from aggregator.normalise.text import tidy
from aggregator.writers.channel import Overview
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.page_variables import PAGE, common
from aggregator.writers.html.templates import render
from aggregator.writers.page_look import PageLook
from aggregator.writers.xml_text import address, language_tag

__all__ = ["CalendarPage"]


class CalendarPage:
    """Writes `calendar.html`."""

    file_name = "calendar.html"
    shows: Literal["articles", "feeds", "sources"] = "articles"

    def is_wanted(self, look: PageLook) -> bool:
        """Returns whether `calendar` is set in the config."""
        return look.calendar

    def render(self, overview: Overview) -> bytes:
        """Returns the page of the years, newest first, each with its months. Raises WriteError."""
        look, index = overview.look, "" if overview.link else PAGE
        locale = locale_of(overview.language, look.timezone)
        name, link = tidy(overview.title) or str(locale.say("feeds")), address(overview.link)
        version = overview.generator_version
        months = [(locale.date(month.start), month) for month in overview.months]
        return render(
            "calendar.html",
            look,
            locale,
            **common(look, locale, version=version, site=name, start=index or "./"),
            name=name,
            tag=language_tag(overview.language),
            canonical=f"{link}calendar.html" if link else None,
            years=[
                (
                    year,
                    [
                        (
                            locale.month_name(date[1]),
                            f"{quote(month.folder)}{index}#{month.day}" if month.folder else None,
                            month.count,
                        )
                        for date, month in found
                    ],
                )
                for year, found in groupby(months, lambda found: found[0][0])
            ],
        )
