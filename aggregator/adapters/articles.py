"""Articles as files: front matter over HTML or Markdown, as Hexo, Hugo and Jekyll sites keep posts."""

from __future__ import annotations

import re

from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.front_matter import files as front_matter
from aggregator.model.entry import ArticleDocument
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, NotModified, Validators

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


def _retrieve(source: RetrievedSource, validators: Validators, transport: Transport) -> Fetched | NotModified:
    assert source.path is not None, "the kind has no other place"
    return transport.folder(source.path, validators)


KIND = Kind(read=read, place="path", has_public_address=True, retrieve=_retrieve)
