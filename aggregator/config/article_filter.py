"""The settings that notices and posts share: which new articles they are about."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aggregator.config.rules import Name, QueryText
from aggregator.config.values import Category
from aggregator.model.settings import Settings

if TYPE_CHECKING:
    from aggregator.rules.query import Query

__all__ = ["ArticleFilter"]


class ArticleFilter(Settings):
    """Chooses new articles: those that match the query `when`, of these sources, in these categories.

    A key that is not set does not restrict. `limit`: how many new articles are reported one by one, the
    newest; further ones are counted.
    """

    name: Name
    when: QueryText | None = None
    sources: tuple[str, ...] = Field(default=(), strict=False)
    categories: tuple[Category, ...] = Field(default=(), strict=False)
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    enabled: bool = True

    @property
    def query(self) -> Query | None:
        """The parsed query; None for every article."""
        if self.when is None:
            return None
        from aggregator.rules.query import parse

        return parse(self.when)

    @property
    def wants_articles(self) -> bool:
        """Whether it is about articles at all."""
        return True

    @property
    def mark(self) -> str:
        """A key that is unique among notices and posts."""
        return self.name

    def unknown_sources(self, place: str, sources: Collection[str] | None) -> Iterator[str]:
        """Mistakes of the table at `place`: unknown sources. `sources` None: a list may add any name."""
        for name in self.sources:
            if sources is not None and name not in sources:
                yield f"{place}.sources ({self.name!r}): no source is named {name!r}"
