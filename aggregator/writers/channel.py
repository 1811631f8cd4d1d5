"""The input of writers, with everything already decided: a category's feed, or the whole site.

A writer reads no clock and no store: same input, same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from aggregator.model.article import Article
from aggregator.schedule.health import SourceHealth
from aggregator.writers.look import USUAL_LOOK, PageLook

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsoIn:
    """Another source's article that tells the same story; `source` and `title` are plain text."""

    source: str
    title: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An article to be published.

    `id` is unique over all sources and permanent, always an absolute URI (RFC 4287 §4.2.6); it is the
    origin's id verbatim where that is one. `published` and `updated` are aware UTC and whole seconds.
    `also_in` are other articles that tell the same story, which the feed does not show.
    `page` is the path of its own page in the output folder, "" for an article without one. `is_letter`: it
    was written to one reader, whose links are not shown on that page.
    """

    id: str
    article: Article
    published: datetime
    updated: datetime
    also_in: tuple[AlsoIn, ...] = ()
    page: str = ""
    is_letter: bool = False
    _parts: dict[Hashable, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def part(self, variant: Hashable, make: Callable[[], _Part]) -> _Part:
        """What `make` made of this item in this variant: a format, and what else decides its bytes.

        It is made once, for all documents that show this item.
        """
        if variant not in self._parts:
            self._parts[variant] = make()
        found: _Part = self._parts[variant]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A document's place in the chain of a feed's archives (RFC 5005 §4); None: no such document.

    `number` is the archive's, from 1, the oldest; None for the feed itself. `is_full`: it never changes
    again. The others are references to folders, absolute where a public URL is configured, else relative
    to the document, each ending in "/": a writer appends its own file name to `current`, to the others
    that of `Channel.archived_as`.
    """

    number: int | None = None
    is_full: bool = False
    older: str | None = None
    newer: str | None = None
    current: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """What documents, pages, lists, hubs and the server know of an output format; `format_of` makes it.

    - `name`: its name in `publish.formats`. `file_name`: the file in each category's folder.
    - `media_type`: without parameters, "" when the writer has none. `label`: its name for people.
    - `accepts`: further media types by which a client asks for it.
    - `is_feed`: one can subscribe to it; it is linked as an alternate, listed, and announced to hubs.
    - `preference`: where one format is chosen, it is the one with the lowest; pages and links keep the
      registry's order.
    """

    name: str
    file_name: str
    media_type: str = ""
    label: str = ""
    accepts: tuple[str, ...] = ()
    is_feed: bool = False
    preference: int = 100


def format_of(name: str, writer: Writer) -> OutputFormat:
    """The format of a writer, by its attributes of the same names; `file_name` alone is required.

    One that has a `media_type` is a feed unless its `is_feed` says otherwise.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One feed to write, or one archive document of it.

    - `id`: the feed's permanent absolute URI. `title`: plain text. `category`: its name, None for `all`.
    - `link`: the public page, absolute, "" when no public URL is configured.
    - `self_links`: file name (`rss.xml`, `atom.xml`, …) of each format that is written -> its public URL;
      empty when no public URL is configured.
    - `files`: the file names of all the formats that are written beside this one. `formats`: the formats
      themselves.
    - `archived`: the names of the files that each of its archives has; None for as many as the feed.
    - `root`: a relative reference from the document's folder to the output folder, ending in "/".
    - `updated`: newest change among the items, aware UTC; never the clock.
    - `items`: newest first, unique by id.
    - `hubs`: WebSub hubs. `image`: the address of a picture, None for none. `total`: articles in the
      category. `extra`: what its one source says of itself (`Origin.extra`), empty with several.
    - `search`: a relative reference to the search, "" where the page shows no form for it.
    - `site`: the title of the whole site. `look`: how its pages look.
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
        """The format in which a reader of the format `file_name` finds older entries: the same, or else the
        preferred one of the feeds in which there are archives; None for none.
        """
        there = [f for f in self.formats if self.archived is None or f.file_name in self.archived]
        own = [one for one in there if one.file_name == file_name]
        feeds = sorted((one for one in there if one.is_feed), key=lambda one: one.preference)
        return next(iter(own + feeds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One category's feed as the site's own pages and lists show it.

    `category` is None for `all`; `name` is another name for it, "" for none; `folder` its folder's name;
    `files` the formats written there;
    `total` how many articles are kept in it; `newest` the newest few; `link` the public address of its
    folder, "" without one.
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
        """The public address of each of its files; none without one."""
        return {name: f"{self.link}{name}" for name in self.files} if self.link else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One source that is followed: its health, and the categories that the config gives it.

    `url` is the address of its feed, None without an http or https address; such a source is in no
    subscription list. `link` is its site. `published`: its newest entries' dates, newest first. `face` is the
    address of its picture, `face_file` the path of one below the output, which replaces it. `page` is the
    folder of its own page among the output, "" without one.
    """

    health: SourceHealth
    categories: tuple[str, ...] = ()
    url: str | None = None
    link: str | None = None
    published: tuple[datetime, ...] = ()
    face: str | None = None
    face_file: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month from `start`, aware UTC, with the number of articles from it.

    `folder` is that of the page with the newest of them, ending in "/", "" for none; `day` is its date.
    """

    start: datetime
    count: int
    folder: str
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole site: what its start page, status page and lists are made of.

    `link` is the public address of the output folder, "" without one. `updated` is the newest change of any
    section, `seen` the newest poll of any source, None before the first; never the clock. `further`: so many
    sources are followed beside those that are `followed` here.
    `files` are the names of the site's own documents, such as `index.html`, that are written. `formats` are
    those of the feeds. `search` and `look` are as a channel's. `months` are those of all articles,
    newest first.
    """

    title: str
    description: str
    link: str
    updated: datetime
    sections: tuple[Section, ...]
    followed: tuple[Followed, ...] = ()
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

    The other attributes of `OutputFormat` (`media_type`, `label` …) may stand beside `file_name`.
    """

    file_name: str

    def render(self, channel: Channel) -> bytes:
        """The whole document as bytes, deterministic. Raises WriteError when it cannot be well formed."""
        ...


@runtime_checkable
class PageWriter(Protocol):
    """What a `Writer` may be besides: articles without a link then get pages of their own in its format."""

    def render_article(self, item: Item, *, site: str, root: str, version: str, look: PageLook) -> bytes:
        """The page of one article as bytes, deterministic; `site` is the site's title, `root` a relative
        reference from the page to the output folder, `look` as a channel's. Raises WriteError."""
        ...


class SiteWriter(Protocol):
    """A document of the whole site, at the top of the output folder.

    `shows` is the part of the overview that it shows, so that it is rendered again when that changes:
    "sources" (`followed`), "articles" (`sections`), or "feeds" (only which sections there are). One that
    only some sites have says so by `is_wanted(look)` (see `is_wanted`).
    """

    file_name: str
    shows: Literal["articles", "feeds", "sources"]

    def render(self, overview: Overview) -> bytes:
        """The whole document as bytes, deterministic. Raises WriteError when it cannot be well formed."""
        ...


def is_wanted(writer: SiteWriter, look: PageLook) -> bool:
    """Whether a site with this look has the document; one that does not say is always wanted."""
    asked = getattr(writer, "is_wanted", None)
    return asked is None or bool(asked(look))
