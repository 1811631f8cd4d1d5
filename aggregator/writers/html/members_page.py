"""The page of all sources, with their pictures."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from aggregator.model.struct import Struct
from aggregator.normalise.secrets_in_addresses import without_logins
from aggregator.normalise.text import tidy
from aggregator.writers.channel import FollowedSource, Overview
from aggregator.writers.html.entry_markup import picture, title_text
from aggregator.writers.html.locale import Locale, locale_of
from aggregator.writers.html.page_variables import PAGE, common
from aggregator.writers.html.templates import render
from aggregator.writers.page_look import PageLook
from aggregator.writers.xml_text import address, language_tag

__all__ = ["MembersPage"]


class _Member(Struct, frozen=True, kw_only=True):
    """A source as the page shows it; None: nothing is shown. `initial` is shown if it has no picture."""

    name: str
    initial: str
    face: str | None
    site: str | None
    feed: str | None
    page: str | None
    articles: int


class MembersPage:
    """Writes `members.html`."""

    file_name = "members.html"
    shows: Literal["articles", "feeds", "sources"] = "sources"

    def is_wanted(self, look: PageLook) -> bool:
        """Returns whether `members` is set in the config."""
        return look.members

    def render(self, overview: Overview) -> bytes:
        """Returns the page of all sources ordered by name, without logins in addresses. Raises WriteError."""
        look = overview.look
        locale = locale_of(overview.language, look.timezone)
        name, link = tidy(overview.title) or str(locale.say("feeds")), address(overview.link)
        index = "" if overview.link else PAGE
        members = [_member(followed, index, locale) for followed in overview.followed]
        return render(
            "members.html",
            look,
            locale,
            **common(look, locale, version=overview.generator_version, site=name, start=index or "./"),
            name=name,
            tag=language_tag(overview.language),
            canonical=f"{link}members.html" if link else None,
            members=sorted(members, key=lambda member: member.name.casefold()),
        )


def _member(followed: FollowedSource, index: str, locale: Locale) -> _Member:
    name = title_text(without_logins(followed.health.name), locale)
    return _Member(
        name=name,
        initial=next((letter.upper() for letter in name if letter.isalnum()), "·"),
        face=quote(followed.face_file) or picture(without_logins(followed.face or "")),
        site=address(without_logins(followed.link or "")),
        feed=address(without_logins(followed.url or "")),
        page=f"{quote(followed.page)}/{index}" if followed.page else None,
        articles=followed.health.articles,
    )
