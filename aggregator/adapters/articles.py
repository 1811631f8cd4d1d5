"""Articles as files: front matter over HTML or Markdown, as Hexo, Hugo and Jekyll sites keep posts."""

from __future__ import annotations

import re

from aggregator.adapters.kinds import Kind
from aggregator.front_matter import files as front_matter
from aggregator.model.entry import ArticleDocument
from aggregator.model.resource import Resource

_HTML = re.compile(r"\s*<[A-Za-z!].*>\s*", re.DOTALL)


def read(resource: Resource, _: None = None) -> ArticleDocument:
    """The article in one file. Raises FrontMatterError.

    The file's path inside its folder stands in for a missing id or title. A body is HTML when the path ends
    in `.html` or `.htm`, or when it begins and ends with a tag; any other one is Markdown.
    """
    name = resource.name or resource.url
    article, problems = front_matter.parse(resource.body, url=name)
    return ArticleDocument(article, problems, is_markdown=not _is_html(article.content, name))


def _is_html(body: str, name: str) -> bool:
    return not body.strip() or name.lower().endswith((".html", ".htm")) or _HTML.fullmatch(body) is not None


KIND = Kind(read=read, place="path", has_public_address=True)
