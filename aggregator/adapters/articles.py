"""Articles as files: front matter over HTML or Markdown, as Hexo, Hugo and Jekyll sites keep posts."""

from __future__ import annotations

import re
from dataclasses import replace

from markdown_it import MarkdownIt

from aggregator.adapters.kinds import ArticleDocument, Kind
from aggregator.front_matter import files as front_matter
from aggregator.model.article import Article, Problem
from aggregator.model.resource import Resource
from aggregator.normalise import html, links, text
from aggregator.normalise.verbatim import kept_or_sanitised

_HTML = re.compile(r"\s*<[A-Za-z!].*>\s*", re.DOTALL)
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def read(body: bytes, *, name: str = "") -> tuple[Article, tuple[Problem, ...]]:
    """The article in one file, and what was odd about it.

    `name` is the file's path inside its folder: it stands in for a missing id or title, and its suffix
    tells HTML. A body of HTML is kept byte for byte when nothing in it could act and no relative URL
    could be made absolute, else it is sanitised; Markdown becomes HTML. Raises FrontMatterError.
    """
    article, problems = front_matter.parse(body, url=name)
    base = article.link or ""
    content = article.content
    if not _is_html(content, name):
        content = html.sanitise(_MARKDOWN.render(content), base)
    else:
        content = kept_or_sanitised(content, base)
    summary = article.summary
    if text.is_html(summary):
        summary = html.sanitise(summary, base)
    elif summary:
        summary = html.escaped(summary)
    return replace(
        article,
        title=text.tidy(article.title),
        authors=_tidy(article.authors),
        categories=_tidy(article.categories),
        tags=_tidy(article.tags),
        content=content,
        summary=summary or text.summarise(content),
        headimg=links.resolve(article.headimg, base),
    ), problems


def _tidy(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(text.tidy, names))))


def _is_html(body: str, name: str) -> bool:
    return not body.strip() or name.lower().endswith((".html", ".htm")) or _HTML.fullmatch(body) is not None


def _read(resource: Resource, _: None) -> ArticleDocument:
    return ArticleDocument(*read(resource.body, name=resource.name or resource.url))


KIND = Kind(read=_read, place="path", has_public_address=True)
