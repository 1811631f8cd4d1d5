"""The settings of sources: their address, how they are polled, and how long their articles are kept."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from aggregator.config.source_facts import SourceFacts
from aggregator.config.values import (
    Category,
    Duration,
    FilePath,
    Headers,
    HeaderText,
    HttpUrl,
    PicturePlace,
    Proxy,
    Secret,
    SourceUrl,
    TimeZone,
)
from aggregator.model.settings import Settings


class Keep(Settings):
    """Limits of what is kept: articles newer than `max_age`, and the newest `max_articles`.

    None is no limit.
    """

    max_age: Duration | None = None
    max_articles: PositiveInt | None = None


class Retention(Keep):
    """The limits for each source, and the number of articles for the categories named here."""

    categories: dict[Category, PositiveInt] = Field(default={})


class Auth(Settings):
    """How to log in to a source: `user` and `password` (RFC 7617), or a `bearer` token (RFC 6750)."""

    user: Secret | None = None
    password: Secret | None = None
    bearer: Secret | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        basic = (self.user is not None, self.password is not None)
        if basic not in ((True, True), (False, False)) or (self.bearer is not None) == any(basic):
            raise ValueError("set user and password, or bearer")
        if self.user and ":" in self.user.get_secret_value():
            raise ValueError("a user's name cannot contain a colon (RFC 7617)")
        return self


class FullText(Settings):
    """Completes each article from its page: at most `pages` of them an hour.

    `options` are those of kind "article-page"; in the config they are in one table with `pages`.
    """

    pages: Annotated[int, Field(ge=1, le=1_000)] = 20
    options: dict[str, Any] = Field(default={})


def _full_text(value: object) -> object:
    if isinstance(value, bool):
        return FullText() if value else None
    if isinstance(value, dict):
        pages = {"pages": value["pages"]} if "pages" in value else {}
        return {**pages, "options": {key: each for key, each in value.items() if key != "pages"}}
    if value is None or isinstance(value, FullText):
        return value
    raise ValueError("write true, or a table of options such as { content = 'article' }")


class Source(Settings, SourceFacts):
    """One `[[sources]]` table of the config.

    `kind` is the name of a registered kind, `options` is that kind's own table. `url` is the address of a
    feed (http, https or file); `path` is a folder of articles or a file, absolute. `interval` None means the
    default of the config; `adaptive` False polls at exactly this interval. `author` is used for articles that
    name none. `headers`, `auth`, `cookie` and the TLS settings are used only for the origin of `url`, not for
    hosts that it redirects to. `proxy` and `tls_ca` None mean the config's; `proxy` "" is none. `retention`
    replaces the config's; None means the config's. `link` is the address of its site, for lists of sources;
    None: what its feed says. `image` is the address or the path of its picture, for the page of members;
    None: the feed's. `article_pages`: whether its articles have pages here with their whole text; None: those
    without a link, unless they are mail. `full_text` completes its articles from their pages; None leaves
    them as they are. `robots` False fetches pages whatever robots.txt says: for one's own site. `private`:
    its address is not published, for example because its path contains a key. `websub` False does not
    subscribe at a hub. `timezone`: that of dates without one, by its name in the IANA database; None is UTC.
    `media`: whether `publish.media` copies its pictures, "all": its enclosures too; None: unless it is mail.
    `priority`: if several sources have a story, the copy of the source with the highest is shown.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: str = "feed"
    options: dict[str, Any] = Field(default={})
    url: SourceUrl | None = None
    path: FilePath | None = None
    categories: tuple[Category, ...] = Field(default=(), strict=False)
    author: str | None = None
    timezone: TimeZone | None = None
    interval: Duration | None = None
    adaptive: bool = True
    enabled: bool = True
    headers: Headers = ()
    auth: Auth | None = None
    cookie: Secret | None = None
    user_agent: HeaderText | None = None
    proxy: Proxy | None = None
    tls_ca: FilePath | None = None
    tls_verify: bool = True
    retention: Keep | None = None
    link: HttpUrl | None = None
    image: PicturePlace | None = None
    article_pages: bool | None = None
    robots: bool = True
    private: bool = False
    websub: bool = True
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    media: bool | Literal["all"] | None = None
    full_text: Annotated[FullText | None, BeforeValidator(_full_text)] = None
