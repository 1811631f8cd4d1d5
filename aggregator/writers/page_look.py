"""The look of pages, as plain data from the config."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.model.struct import Struct

__all__ = ["USUAL_LOOK", "PageLook"]


class PageLook(Struct, frozen=True, kw_only=True):
    """The look that all pages of a site share.

    - `language`: of the site, a tag or None. `timezone`: a name of the IANA database.
    - `templates`: the site's own templates, each a name and its text; `folder`: where they are, for messages.
    - `problem`: why the templates cannot be read, so that no page can be rendered; "" if they can.
    - `logo`: its path in the output folder, "" for none.
    - `colours`, `dark_colours`: names and values of colours that differ from ours.
    - `hide_read`: there is a script by which visitors hide what they have read.
    - `calendar`: there is a page of all months.
    - `members`: there is a page of all sources with their pictures.
    - `mark`: a text that changes with any of these; "" for a config without such settings.
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
        """The site's own templates by name."""
        return dict(self.templates)


USUAL_LOOK = PageLook()
"""The look of pages without any settings."""
