"""Applies today's rules for bodies to an article that an earlier version read."""

from __future__ import annotations

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.normalise.verbatim import kept_or_sanitised

__all__ = ["resanitised"]


def resanitised(article: Article) -> Article:
    """Returns the article with its bodies sanitised by today's rules; the same object if nothing changes."""
    base = article.link or ""
    content = article.content and kept_or_sanitised(article.content, base)
    summary = article.summary and kept_or_sanitised(article.summary, base)
    if (content, summary) == (article.content, article.summary):
        return article
    return replace(article, content=content, summary=summary)
