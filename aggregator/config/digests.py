"""The settings of digests: the articles of a day or a week, as one entry and one mail."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import time
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from aggregator.config.notifying import MailAddress, Smtp
from aggregator.config.rules import ALL, Name, QueryText
from aggregator.config.values import Category, TimeZone
from aggregator.model.settings import Settings
from aggregator.normalise.folder_names import folder_key, folder_name

if TYPE_CHECKING:
    from aggregator.rules.query import Query

__all__ = ["DAYS", "SOURCE_PREFIX", "Digest", "digest_mistakes"]

SOURCE_PREFIX = "digest: "
"""The prefix of the names of the sources to which entries of digests belong in the store."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _time_of_day(value: object) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value
    raise ValueError('write a time of day, such as "07:00"')


def _https(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"https://[^\s<>\"]+", value) and value.isascii():
        return value
    raise ValueError('write an https address, such as "https://example.org/unsubscribe?list=tea"')


TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
HttpsAddress = Annotated[str, BeforeValidator(_https)]


class Digest(Settings):
    """One `[[digest]]` table: the articles of a day or a week, as an entry of a separate feed and as mail.

    `query` and `category` (also a saved feed; None: everything) choose its articles, of which the newest
    `limit` are listed. `at` and `day` are in `timezone`; None means the site's. `feed`: whether it is
    published. `unsubscribe`: the address to which mail programs POST when a receiver unsubscribes (RFC 8058).
    """

    name: Name
    every: Literal["day", "week"] = "day"
    at: TimeOfDay = "07:00"
    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    timezone: TimeZone | None = None
    query: QueryText | None = None
    category: Category | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    feed: bool = True
    to: tuple[MailAddress, ...] = Field(default=(), strict=False)
    unsubscribe: HttpsAddress | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.feed or self.to):
            raise ValueError("it has no receiver: set to (mail addresses), or remove feed = false")
        return self

    @property
    def time(self) -> time:
        """`at` as a time of day."""
        return time.fromisoformat(self.at)

    @property
    def weekday(self) -> int | None:
        """The day of the week, 0 for Monday; None for every day."""
        return DAYS.index(self.day) if self.every == "week" else None

    @property
    def source(self) -> str:
        """The name of the source to which its entries belong in the store."""
        return f"{SOURCE_PREFIX}{self.name}"

    @property
    def parsed(self) -> Query | None:
        """The parsed query; None for every article."""
        if self.query is None:
            return None
        from aggregator.rules.query import parse

        return parse(self.query)


def digest_mistakes(
    digests: Sequence[Digest], smtp: Smtp | None, sources: Collection[str], feeds: Collection[str]
) -> Iterator[str]:
    """Mistakes in digests that cannot be sent or published, given the names of sources and feeds."""
    taken = {folder_key(folder_name(name)): name for name in feeds}
    for n, each in enumerate(digests, 1):
        digest = f"(digest {each.name!r})"
        if each.to and smtp is None:
            yield f"digest[{n}].to {digest}: mail needs a table [smtp] (docs/notifications.md)"
        if each.source in sources:
            yield f"digest[{n}].name {digest}: a source is named {each.source!r}; rename one of them"
        if not each.feed:
            continue
        key = folder_key(folder_name(each.name))
        if folder_key(each.name) == ALL or key in taken:
            other = "the feed of everything" if key not in taken else f"the feed {taken[key]!r}"
            yield f"digest[{n}].name {digest}: it would have the folder of {other}; choose another name"
        taken.setdefault(key, each.name)
