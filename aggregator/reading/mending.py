"""What today's reader would have made of an article that an earlier one read."""

from __future__ import annotations

from dataclasses import replace

from aggregator.model.article import Article
from aggregator.normalise.verbatim import kept_or_sanitised

__all__ = ["mended"]


def mended(article: Article) -> Article:
    """The article with bodies that today's rules let be published; the same object where they were so."""
    base = article.link or ""
    content = article.content and kept_or_sanitised(article.content, base)
    summary = article.summary and kept_or_sanitised(article.summary, base)
    if (content, summary) == (article.content, article.summary):
        return article
    return replace(article, content=content, summary=summary)
