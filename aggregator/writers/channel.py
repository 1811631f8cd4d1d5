"""The input of writers: a feed, or the whole site, with everything decided already.

A writer reads no clock and no store: equal input gives equal bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from aggregator.model.article import Article
from aggregator.model.struct import Struct, field
from aggregator.schedule.health import SourceHealth
from aggregator.writers.page_look import USUAL_LOOK, PageLook

_Part = TypeVar("_Part")


class AlsoIn(Struct, frozen=True, kw_only=True):
    """Another source's article about the same story; `source` and `title` are plain text."""

    source: str
    title: str
    link: str


@dataclasses.dataclass(slots=True, kw_only=True)  # not frozen: making one took three times as long
class Item:
    """An article to be published.

    - `id`: an absolute URI (RFC 4287 §4.2.6), unique over all sources and permanent; the source's id
      unchanged if that is such a URI.
    - `published`, `updated`: aware UTC, whole seconds.
    - `also_in`: other articles about the same story, which the feed does not show.
    - `page`: the path of its own page in the output folder; "" if it has none.
    - `is_letter`: it was written to one reader, so that page does not show links that identify the reader.
    """

    id: str
    article: Article
    published: datetime
    updated: datetime
    also_in: tuple[AlsoIn, ...] = ()
    page: str = ""
    is_letter: bool = False
    _parts: dict[Hashable, Any] = dataclasses.field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def part(self, variant: Hashable, make: Callable[[Item], _Part]) -> _Part:
        """Returns the result of `make` for this item, cached for all documents that show it.

        `variant`: the format, and everything else that decides the result.
        """
        found: _Part | None = self._parts.get(variant)
        if found is None:
            found = self._parts[variant] = make(self)
        return found

    def known(self, variant: Hashable) -> Any:
        """Returns the part of this variant if it was made before, else None."""
        return self._parts.get(variant)


class Chain(Struct, frozen=True, kw_only=True):
    """A document's place in the chain of a feed's archives (RFC 5005 §4); None: no such document.

    - `number`: the archive's, from 1, the oldest; None for the feed itself.
    - `is_full`: it never changes again.
    - `older`, `newer`, `current`: references to the folders of other documents, each ending in "/": absolute
      if a public URL is configured, else relative to this document. A writer appends its own file name to
      `current`, and the name of `Channel.archived_as` to the others.
    """

    number: int | None = None
    is_full: bool = False
    older: str | None = None
    newer: str | None = None
    current: str | None = None


class OutputFormat(Struct, frozen=True, kw_only=True):
    """An output format as documents, pages, lists, hubs and the server need it; made by `format_of`.

    - `name`: its name in `publish.formats`.
    - `file_name`: the file in each feed's folder.
    - `media_type`: without parameters; "" if the writer has none.
    - `label`: its name for people.
    - `accepts`: further media types by which a client asks for it.
    - `is_feed`: readers can subscribe to it; it is linked as an alternate, listed, and announced to hubs.
    - `preference`: if only one format is shown, it is the one with the lowest number; pages and links keep
      the registry's order.
    """

    name: str
    file_name: str
    media_type: str = ""
    label: str = ""
    accepts: tuple[str, ...] = ()
    is_feed: bool = False
    preference: int = 100


def format_of(name: str, writer: Writer) -> OutputFormat:
    """Returns the format of a writer, from attributes of the same names; only `file_name` is required.

    A writer with a `media_type` is a feed unless its `is_feed` is False.
    """
    media_type = str(getattr(writer, "media_type", ""))
    return OutputFormat(
        name=name,
        file_name=writer.file_name,
        media_type=media_type,
        label=str(getattr(writer, "label", name)),
        accepts=tuple(getattr(writer, "accepts", ())),
        is_feed=bool(getattr(writer, "is_feed", media_type)),
        preference=int(getattr(writer, "preference", 100)),
    )


class Channel(Struct, frozen=True, kw_only=True):
    """One feed to write, or one archive document of it.

    - `id`: the feed's permanent absolute URI. `title`: plain text. `category`: its name, None for `all`.
    - `link`: the public page, absolute, "" when no public URL is configured.
    - `self_links`: file name (`rss.xml`, `atom.xml`, …) of each format that is written -> its public URL;
      empty when no public URL is configured.
    - `files`: the file names of all the formats that are written beside this one. `formats`: the formats
      themselves.
    - `archived`: the names of the files of each archive; None: the same as those of the feed.
    - `root`: a relative reference from the document's folder to the output folder, ending in "/".
    - `updated`: newest change among the items, aware UTC; never the clock.
    - `items`: newest first, unique by id.
    - `hubs`: WebSub hubs.
    - `image`: the address of a picture, None for none.
    - `total`: the number of articles in the category.
    - `extra`: what its only source says about itself (`Origin.extra`); empty with several sources.
    - `search`: a relative reference to the search; "": the page has no search form.
    - `site`: the title of the whole site.
    - `look`: the look of its pages.
    """

    id: str
    title: str
    description: str
    category: str | None
    link: str
    self_links: Mapping[str, str]
    updated: datetime
    items: tuple[Item, ...]
    files: tuple[str, ...] = ()
    formats: tuple[OutputFormat, ...] = ()
    archived: tuple[str, ...] | None = None
    root: str = "../"
    language: str | None = None
    image: str | None = None
    hubs: tuple[str, ...] = ()
    chain: Chain = Chain()
    total: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
    generator_version: str = ""
    search: str = ""
    site: str = ""
    look: PageLook = USUAL_LOOK

    def archived_as(self, file_name: str) -> OutputFormat | None:
        """Returns the format in which a reader of the format `file_name` finds older entries.

        It is the same format, or else the preferred feed format of archives; None: there is none.
        """
        there = [f for f in self.formats if self.archived is None or f.file_name in self.archived]
        own = [one for one in there if one.file_name == file_name]
        feeds = sorted((one for one in there if one.is_feed), key=lambda one: one.preference)
        return next(iter(own + feeds), None)


class Section(Struct, frozen=True, kw_only=True):
    """One feed as the site's pages and lists show it.

    - `category`: None for `all`; `name`: its name if that differs, else "".
    - `folder`: the name of its folder; `files`: the files in it.
    - `total`: how many articles are in it; `newest`: the newest few.
    - `link`: the public address of its folder; "" if the site has none.
    """

    category: str | None
    title: str
    description: str
    folder: str
    files: tuple[str, ...]
    total: int
    updated: datetime
    newest: tuple[Item, ...]
    link: str = ""
    name: str = ""

    @property
    def self_links(self) -> Mapping[str, str]:
        """The public address of each of its files; empty if the site has no address."""
        return {name: f"{self.link}{name}" for name in self.files} if self.link else {}


class FollowedSource(Struct, frozen=True, kw_only=True):
    """One source: its health, and its categories in the config.

    - `url`: the address of its feed; None if it is not http or https, so that it is in no subscription list.
    - `link`: its web site.
    - `published`: the dates of its newest entries, newest first.
    - `face`: the address of its picture.
    - `page`: the folder of its own page in the output; "" if it has none.
    """

    health: SourceHealth
    categories: tuple[str, ...] = ()
    url: str | None = None
    link: str | None = None
    published: tuple[datetime, ...] = ()
    face: str | None = None
    face_file: str = ""
    page: str = ""


class Month(Struct, frozen=True, kw_only=True):
    """A month from `start`, aware UTC, with the number of its articles.

    - `folder`: that of the page with its newest articles, ending in "/"; "" for none.
    - `day`: the date of the newest article.
    """

    start: datetime
    count: int
    folder: str
    day: str


class Overview(Struct, frozen=True, kw_only=True):
    """The whole site: the input of its start page, status page and lists.

    - `link`: the public address of the output folder; "" if there is none.
    - `updated`: the newest change of any section; never the clock.
    - `seen`: the newest poll of any source; None before the first.
    - `further`: how many sources there are besides those in `followed`.
    - `files`: the names of the site's own documents that are written, such as `index.html`.
    - `formats`: those of the feeds.
    - `search`, `look`: as in `Channel`.
    - `months`: those of all articles, newest first.
    """

    title: str
    description: str
    link: str
    updated: datetime
    sections: tuple[Section, ...]
    followed: tuple[FollowedSource, ...] = ()
    further: int = 0
    seen: datetime | None = None
    files: tuple[str, ...] = ()
    formats: tuple[OutputFormat, ...] = ()
    language: str | None = None
    image: str | None = None
    generator_version: str = ""
    search: str = ""
    look: PageLook = USUAL_LOOK
    months: tuple[Month, ...] = ()


class Writer(Protocol):
    """An output format of a feed: one file in this package and one line in its registry.

    It may also have the other attributes of `OutputFormat` (`media_type`, `label` …).
    """

    file_name: str

    def render(self, channel: Channel) -> bytes:
        """The whole document as bytes, deterministic. Raises WriteError when it cannot be well formed."""
        ...


@runtime_checkable
class PageWriter(Protocol):
    """A `Writer` that can also write pages of single articles, for those without a link."""

    def render_article(self, item: Item, *, site: str, root: str, version: str, look: PageLook) -> bytes:
        """Returns the page of one article, deterministic. Raises WriteError.

        - `site`: the title of the site.
        - `root`: a relative reference from the page to the output folder.
        - `version`: our own version.
        - `look`: as in `Channel`.
        """
        ...


class SiteWriter(Protocol):
    """A document of the whole site, at the top of the output folder.

    `shows` is the part of the overview that it shows; it is rendered again when that changes: "sources"
    (`followed`), "articles" (`sections`), or "feeds" (only which sections there are). A document that only
    some sites have also has a method `is_wanted(look)` (see `is_wanted`).
    """

    file_name: str
    shows: Literal["articles", "feeds", "sources"]

    def render(self, overview: Overview) -> bytes:
        """The whole document as bytes, deterministic. Raises WriteError when it cannot be well formed."""
        ...


def is_wanted(writer: SiteWriter, look: PageLook) -> bool:
    """Returns whether a site with this look has the document; True if the writer has no `is_wanted`."""
    asked = getattr(writer, "is_wanted", None)
    return asked is None or bool(asked(look))
