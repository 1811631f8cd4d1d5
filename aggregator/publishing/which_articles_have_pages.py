"""Decides which articles get a page with their whole text: those without a link, and those of sources
whose texts we may show.
"""

from __future__ import annotations

from aggregator.config.load import Config
from aggregator.model.article import Article
from aggregator.model.struct import Struct

__all__ = ["ArticlePages", "pages_of"]

_LETTERS = "mail"
"""The kind of sources whose articles were written to one reader."""


class ArticlePages(Struct, frozen=True, kw_only=True):
    """Which sources' articles have pages.

    - `at`: the public address of the folder with the pages; "" if the site has no address.
    - `sources`: all articles of these have pages.
    - `without`: articles of these have none.
    - `letters`: personal links are removed from articles of these.
    """

    at: str
    sources: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    letters: frozenset[str] = frozenset()

    def has(self, article: Article) -> bool:
        """Returns whether the article, as it is stored, has a page."""
        if article.source in self.without:
            return False
        return not article.link or article.source in self.sources

    @property
    def look(self) -> list[object]:
        """Returns what of this decides the bytes of archives."""
        named = [sorted(self.sources), sorted(self.without)]
        return [self.at, *(named if any(named) else [])]


def pages_of(config: Config, at: str) -> ArticlePages:
    """Returns the pages by each source's `article_pages`; without the setting, mail has none."""
    letters = frozenset(source.name for source in config.sources if source.kind == _LETTERS)
    chosen = frozenset(source.name for source in config.sources if source.article_pages)
    refused = frozenset(source.name for source in config.sources if source.article_pages is False)
    return ArticlePages(at=at, sources=chosen, without=refused | (letters - chosen), letters=letters)
