"""Which articles have pages of their own, with their whole text: those that are nowhere else, and those of
sources whose texts we may show."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.config.load import Config
from aggregator.model.article import Article

__all__ = ["ArticlePages", "pages_of"]

_LETTERS = "mail"
"""The kind of source that was written to one reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePages:
    """`at` is the public address of the folder with the pages, "" without one.

    `sources`: all articles of these have pages. `without`: none of theirs. `letters`: personal links are
    taken out of theirs.
    """

    at: str
    sources: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()

    def has(self, article: Article) -> bool:
        """Whether the article, as it is stored, has a page."""
        if article.source in self.without:
            return False
        return not article.link or article.source in self.sources

    @property
    def look(self) -> list[object]:
        """What of this decides how archives look."""
        named = [sorted(self.sources), sorted(self.without)]
        return [self.at, *(named if any(named) else [])]


def pages_of(config: Config, at: str) -> ArticlePages:
    """As the config says: by each source's `article_pages`, else none for mail."""
    letters = frozenset(source.name for source in config.sources if source.kind == _LETTERS)
    chosen = frozenset(source.name for source in config.sources if source.article_pages)
    refused = frozenset(source.name for source in config.sources if source.article_pages is False)
    return ArticlePages(at=at, sources=chosen, without=refused | (letters - chosen), letters=letters)
