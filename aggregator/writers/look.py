"""How pages look, beside what they show: plain data that the config decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["USUAL_LOOK", "PageLook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLook:
    """What all pages of a site have in common.

    - `language`: that of the site, a tag or None. `timezone`: a name of the IANA database.
    - `templates`: own templates, each a name and its text; `folder` is where they are, for messages.
      `problem`: why they cannot be read, and with it no page be rendered; "" where they can.
    - `logo`: its path in the output folder, "" for none. `colours` and `dark_colours`: names and values of
      those that are not ours.
    - `hide_read`: a script lets visitors hide what they have read. `calendar`: there is a page of all
      months.
    - `plays_http`: players may load from http addresses, as the site is at one itself.
    - `members`: there is a page of all sources with their faces.
    - `mark`: another text as soon as any of this is another, "" for what a config without settings gives.
    """

    language: str | None = None
    timezone: str = "UTC"
    templates: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    problem: str = ""
    logo: str = ""
    colours: tuple[tuple[str, str], ...] = ()
    dark_colours: tuple[tuple[str, str], ...] = ()
    members: bool = False
    hide_read: bool = False
    calendar: bool = False
    plays_http: bool = False
    mark: str = ""

    @property
    def own(self) -> Mapping[str, str]:
        """The own templates by their names."""
        return dict(self.templates)


USUAL_LOOK = PageLook()
"""How pages look without any settings."""
