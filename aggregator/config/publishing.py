"""The settings of the output: which feeds, formats, pages and files are written, and how."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PositiveInt, model_validator

from aggregator.adapters.entry_points import entry_points
from aggregator.config.pages import PageSettings
from aggregator.config.values import (
    Category,
    Duration,
    FilePath,
    HttpUrl,
    Player,
    PositiveDuration,
    PostPath,
    TimeZone,
)
from aggregator.model.settings import Settings

FORMATS = ("rss", "atom", "json", "html", "opml")
WRITERS_GROUP = "aggregator.writers"
"""The entry-point group for formats of other packages (docs/plugins.md)."""


def _format(name: str) -> str:
    if name in FORMATS:  # looking up what is installed takes some milliseconds
        return name
    others = {entry.name: entry for entry in entry_points(WRITERS_GROUP)}
    if name not in others:
        raise ValueError(f"write one of {', '.join((*FORMATS, *others))}")
    try:
        others[name].load()
    except Exception as error:  # importing a third-party package may raise anything
        raise ValueError(f"its package ({others[name].value}) cannot be loaded: {error}") from error
    return name


def _archives(value: object) -> bool | tuple[str, ...]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError('write true, false, or a list of formats, such as ["atom", "html"]')
    return tuple(map(_format, value))


Format = Annotated[str, AfterValidator(_format)]


class SiteSettings(Settings):
    """The `[site]` table: `url` is the public address of the output folder, "" when there is none.

    `image` is the address of a square picture of the site, None for none. `language` is that of the feeds,
    and of the labels on pages; `timezone` that of the dates on pages, by its name in the IANA database.
    """

    title: str = "Aggregator"
    url: HttpUrl = ""
    description: str = ""
    language: str | None = None
    timezone: TimeZone = "UTC"
    image: HttpUrl | None = None

    @property
    def is_plain(self) -> bool:
        """Whether its address is an http one."""
        return self.url.lower().startswith("http:")


class FeedChoice(Settings):
    """Which of its articles a feed shows; None means no restriction.

    `limit_per_source`: at most this many articles of one source. `priority`: names of sources, whose copy of
    a story is preferred, the first before the second; None: the sources' own `priority` decides. `stories`:
    whether it shows one article of a story and names the others; None: only `all` does.
    """

    limit_per_source: PositiveInt | None = None
    stories: bool | None = None
    priority: tuple[str, ...] | None = Field(default=None, strict=False)


class CategoryFeed(FeedChoice):
    """How one category's feeds differ from the others; None means the site's or the config's value.

    `title` and `description` are plain text; `entries` is how many of the newest articles the feed has.
    """

    title: str | None = None
    description: str | None = None
    image: HttpUrl | None = None
    language: str | None = None
    entries: Annotated[int, Field(ge=1, le=10_000)] | None = None
    formats: tuple[Format, ...] | None = Field(default=None, strict=False)


class Posts(Settings):
    """Articles as files with front matter, for a site generator: `folder` is absolute once loaded.

    `path` is the path of an article's file in the folder: literal text and placeholders. `categories`: only
    articles that are in one of these; None for all.
    """

    folder: Annotated[FilePath, PlainSerializer(str)]
    generator: Literal["hexo", "hugo", "jekyll"] = "hexo"
    path: PostPath = "{categories}/{date}-{slug}.html"
    categories: tuple[Category, ...] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _dated(self) -> Self:
        name = self.path.rpartition("/")[2]
        if self.generator == "jekyll" and not name.startswith(("{date}-", "{year}-{month}-{day}-")):
            raise ValueError('Jekyll recognises a file as a post only when its name begins with "{date}-"')
        return self


class MediaSettings(Settings):
    """Local copies of the pictures that articles show, and of enclosures if `enclosures` is true.

    `max_width`: pixels, the width of a copy at most. `max_pixels`: of a picture before it is scaled.
    `max_file_bytes`: of one picture, `max_enclosure_bytes`: of one enclosure, `max_bytes`: of all copies.
    `max_age`: only for articles published within this time; None: for all. `keep`: how long a copy stays
    after no article uses it. `time`: how long a run may fetch; what is left is fetched by the next run.
    """

    max_width: Annotated[int, Field(ge=100, le=8_000)] = 1600
    max_pixels: Annotated[int, Field(ge=100_000, le=80_000_000)] = 40_000_000
    max_file_bytes: PositiveInt = 10 * 1024 * 1024
    max_bytes: PositiveInt = 2 * 1024**3
    max_age: Duration | None = None
    keep: Duration = timedelta(days=7)
    time: PositiveDuration = timedelta(seconds=20)
    enclosures: bool = False
    max_enclosure_bytes: PositiveInt = 200 * 1024 * 1024

    @model_validator(mode="after")
    def _encoded(self) -> Self:
        if find_spec("PIL") is None:
            raise ValueError("pictures are encoded by Pillow: pip install 'aggregator-republisher[media]'")
        return self


def _media(value: object) -> object:
    if isinstance(value, bool):
        return {} if value else None
    return value


class Publish(Settings):
    """In which forms articles are published.

    `formats`: "rss", "atom" and "json" feeds, "html" pages for each category and for all, "opml" lists of our
    feeds and of the followed sources. `archives`: older articles in documents that never change (RFC 5005
    §4): true for one feed format and pages, or the formats. `compress`: encodings that are written beside
    each file. `hubs`: WebSub hubs to notify of changes. `categories`: settings of single categories. `all`:
    settings of the feed of everything. `posts`: articles as files, None for none. `pages`: how pages look.
    `media`: copies of pictures, None for none. `empty_categories`: categories and saved feeds are published
    also without articles.
    """

    formats: tuple[Format, ...] = Field(default=FORMATS, strict=False)
    archives: Annotated[bool | tuple[str, ...], BeforeValidator(_archives)] = True
    compress: tuple[Literal["gzip", "br"], ...] = Field(default=(), strict=False)
    hubs: tuple[HttpUrl, ...] = Field(default=(), strict=False)
    categories: dict[Category, CategoryFeed] = Field(default={})
    all: FeedChoice = Field(default_factory=FeedChoice.model_construct)
    posts: Posts | None = None
    pages: PageSettings = Field(default_factory=PageSettings.model_construct)
    media: Annotated[MediaSettings | None, BeforeValidator(_media)] = None
    empty_categories: bool = True

    @property
    def has_priorities(self) -> bool:
        """Whether any feed has a `priority`."""
        return any(one.priority for one in (self.all, *self.categories.values()))

    @property
    def all_formats(self) -> frozenset[str]:
        """Every format that is written for the feed of everything or for any category."""
        return frozenset(self.formats).union(*(one.formats or () for one in self.categories.values()))


class HtmlSettings(Settings):
    """The settings of articles' HTML: `players` are addresses of further players whose iframes are kept."""

    players: tuple[Player, ...] = Field(default=(), strict=False)
