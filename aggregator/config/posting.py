"""The settings of posting new articles as statuses of a Mastodon account."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from aggregator.config.article_filter import ArticleFilter
from aggregator.config.values import PositiveDuration, Secret

__all__ = ["Mastodon", "posting_mistakes"]

_HASHTAG = re.compile(r"#?(?=\w*[^\W\d_])\w{1,60}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,8})?")


def _server(value: object) -> str:
    if isinstance(value, str):
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        is_plain = not (parts.query or parts.fragment or "@" in parts.netloc or parts.path.strip("/"))
        if parts.scheme in ("https", "http") and parts.hostname and is_plain:
            return f"{parts.scheme}://{parts.netloc}"
    raise ValueError('write the address of your server, such as "https://mastodon.example"')


def _hashtag(value: object) -> str:
    if isinstance(value, str) and _HASHTAG.fullmatch(value):
        return value.lstrip("#")
    raise ValueError('write a word of letters, digits and _, such as "RSS"')


def _language(value: object) -> str:
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return value
    raise ValueError('write the code of a language, such as "en"')


ServerAddress = Annotated[str, BeforeValidator(_server)]
Hashtag = Annotated[str, BeforeValidator(_hashtag)]
LanguageCode = Annotated[str, BeforeValidator(_language)]


class Mastodon(ArticleFilter):
    """One `[[mastodon]]` table: new articles become statuses of the account of `token` at the server `to`.

    `every`: the least time between two statuses. `tags`: hashtags of every status; `article_tags`: how many
    of an article's own tags also become hashtags. `language` None is that of the article's feed, else the
    site's.
    """

    to: ServerAddress
    token: Secret
    every: PositiveDuration = timedelta(minutes=10)
    visibility: Literal["public", "unlisted", "private", "direct"] = "public"
    language: LanguageCode | None = None
    tags: tuple[Hashtag, ...] = Field(default=(), strict=False)
    article_tags: Annotated[int, Field(ge=0, le=10)] = 0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.when or self.sources or self.categories):
            raise ValueError("nothing to post: set when (a query), sources or categories")
        return self

    @property
    def mark(self) -> str:
        """Its key among notices and posts; prefixed, because a notice may have the same name."""
        return f"mastodon/{self.name}"

    @property
    def host(self) -> str:
        """The server's host, for messages."""
        return urlsplit(self.to).hostname or ""


def posting_mistakes(posts: Sequence[Mastodon], sources: Collection[str] | None) -> Iterator[str]:
    """Mistakes for sources that do not exist. `sources` None: a list may add any name."""
    for n, each in enumerate(posts, 1):
        yield from each.unknown_sources(f"mastodon[{n}]", sources)
