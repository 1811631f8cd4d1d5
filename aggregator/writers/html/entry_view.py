"""An entry as templates see it: only text and addresses that a page may show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from aggregator.model.struct import Struct
from aggregator.normalise.text import tidy
from aggregator.writers.channel import Item
from aggregator.writers.html import entry_markup
from aggregator.writers.html.locale import Locale
from aggregator.writers.xml_text import address

__all__ = ["EntryView", "FileView"]


class FileView(Struct, frozen=True):
    """A file of an entry; `kind`: "audio" or "video" if a page may play it, else ""; `about`: plain text."""

    url: str
    kind: str
    about: str


class EntryView(Struct, frozen=True):
    """An article as templates may use it: text without markup, and addresses that are safe to link.

    `heading`, `facts` and `media` are markup as on our own pages.
    """

    _item: Item
    _locale: Locale
    _root: str = ""
    _plays_http: bool = False

    @property
    def title(self) -> str:
        """Its title, at most 200 characters."""
        return entry_markup.title_text(self._item.article.title, self._locale)

    @property
    def link(self) -> str | None:
        """The address that its title links to; None for none."""
        item = self._item
        return f"{self._root}{item.page}" if item.page else address(item.article.link)

    @property
    def address(self) -> str | None:
        """Its public address, which other sites may link to; None if it has none."""
        return address(self._item.article.link)

    @property
    def language(self) -> str | None:
        """Its language, a tag; None: unknown."""
        return entry_markup.language(self._item.article)

    @property
    def source(self) -> str:
        """The name of its source."""
        return entry_markup.named(self._item.article)

    @property
    def site(self) -> str | None:
        """The site of its source."""
        return address(self._item.article.origin.link)

    @property
    def authors(self) -> Sequence[str]:
        """The names of its authors."""
        return entry_markup.authors(self._item.article)

    @property
    def published(self) -> datetime:
        """When it was published; the filter `|time` formats it."""
        return self._item.published

    @property
    def updated(self) -> datetime:
        """When it was last changed."""
        return self._item.updated

    @property
    def categories(self) -> Sequence[str]:
        """Its categories."""
        return tuple(map(tidy, self._item.article.categories))

    @property
    def tags(self) -> Sequence[str]:
        """Its tags."""
        return tuple(map(tidy, self._item.article.tags))

    @property
    def teaser(self) -> str:
        """The beginning of its text, about 320 characters; "" if it has no text."""
        return entry_markup.teaser(self._item.article)

    @property
    def image(self) -> str | None:
        """The address of its picture."""
        return entry_markup.picture(self._item.article.headimg)

    @property
    def files(self) -> Sequence[FileView]:
        """Its enclosures that have an address."""
        found = ((file, address(file.url)) for file in self._item.article.enclosures)
        return tuple(
            FileView(
                url,
                entry_markup.is_playable(file, url, plays_http=self._plays_http),
                tidy(entry_markup.file_facts(file, self._locale)),
            )
            for file, url in found
            if url and url.partition(":")[0].lower() in {"http", "https"}
        )

    @property
    def heading(self) -> Markup:
        """Its title with its link."""
        return entry_markup.title(self._item, self._locale, self._root)

    @property
    def source_link(self) -> Markup:
        """The name of its source with a link to its site."""
        return entry_markup.source(self._item.article)

    @property
    def facts(self) -> Markup:
        """The line with source, authors, time, and other sources of the same story."""
        return entry_markup.facts(self._item, self._locale)

    @property
    def media(self) -> Markup:
        """Its files, with players."""
        return entry_markup.media(self._item.article, self._locale, plays_http=self._plays_http)
