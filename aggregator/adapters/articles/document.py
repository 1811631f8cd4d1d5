"""Articles as files: front matter over HTML or Markdown, as in Hexo, Hugo and Jekyll sites."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aggregator.adapters.articles import article_links
from aggregator.adapters.articles.dialects import Dialect, rendered
from aggregator.adapters.articles.excerpt import excerpt_of
from aggregator.adapters.articles.options import Options
from aggregator.adapters.articles.permalinks import UnknownPart
from aggregator.adapters.articles.publication_times import shown_from, shown_until, why_not_shown
from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.front_matter import text as front_matter
from aggregator.model.article import Article, Problem
from aggregator.model.entry import ArticleDocument
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, NotModified, Validators
from aggregator.model.struct import replace

__all__ = ["KIND", "read"]

_HTML = re.compile(r"\s*<[A-Za-z!].*>\s*", re.DOTALL)
_DEFAULTS = Options()


def read(resource: Resource, options: Options | None = None) -> ArticleDocument:
    """The article in one file. Raises FrontMatterError.

    The file's path inside its folder is used for a missing id or title. A body is HTML when the path ends
    in `.html` or `.htm`, or when it begins and ends with a tag; any other one is Markdown.
    """
    options = options or _DEFAULTS
    name = resource.name or resource.url
    file = front_matter.read(resource.body, url=name)
    article, problems = file.article, file.problems
    if not options.drafts and (reason := why_not_shown(file.keys, resource.name)):
        skipped = Problem(text=f"{reason}: skipped; the option drafts = true takes such files")
        return ArticleDocument(article, (skipped,), skipped=reason)
    base, is_lost = "", False
    if not file.is_ours:
        article, base, is_lost, more = _placed(article, file.keys, resource, options)
        problems += more
    is_markdown = not _is_html(article.content, name)
    if not file.is_ours:
        text, unknown = rendered(
            article.content,
            article_links.site_of(article, file.keys, options),
            is_markdown=is_markdown,
            dialects=_dialects(file.keys, options),
        )
        article = replace(article, content=text)
        problems += tuple(Problem(text=each) for each in unknown)
    found = ArticleDocument(
        article,
        problems,
        is_markdown=is_markdown,
        excerpt="" if file.is_ours else excerpt_of(article.content, is_markdown=is_markdown),
        base=base,
        lacks_base=is_lost,
    )
    until = shown_until(file.keys)
    return replace(
        found, shown_from=None if options.future else shown_from(article, file.keys), shown_until=until
    )


def _placed(
    article: Article, keys: Mapping[str, Any], resource: Resource, options: Options
) -> tuple[Article, str, bool, tuple[Problem, ...]]:
    """The article with its link and cover, the base of its relative addresses, and whether any was lost."""
    problems: tuple[Problem, ...] = ()
    link = article.link
    if link is None:
        try:
            link = article_links.link_of(article, keys, resource, options)
        except UnknownPart as unknown:
            problems = (Problem(text=f"no link: {unknown}"),)
    base = link or options.link
    headimg, has_cover = article.headimg, False
    if headimg is None:
        headimg, has_cover = article_links.cover_of(keys, resource, link, options)
    is_lost = not base and (article_links.has_own_address(keys) or (has_cover and headimg is None))
    return replace(article, link=link, headimg=headimg), base, is_lost, problems


def _dialects(keys: Mapping[str, Any], options: Options) -> frozenset[Dialect]:
    """The dialects that the site's generator renders in this file; both if the generator is not known."""
    found: set[Dialect] = {"shortcodes"} if options.generator in (None, "hugo") else set()
    is_plain = keys.get("disableNunjucks") is True or keys.get("render_with_liquid") is False
    if options.generator != "hugo" and not is_plain:
        found.add("liquid")
    return frozenset(found)


def _is_html(body: str, name: str) -> bool:
    return not body.strip() or name.lower().endswith((".html", ".htm")) or _HTML.fullmatch(body) is not None


def _retrieve(source: RetrievedSource, validators: Validators, transport: Transport) -> Fetched | NotModified:
    """The files that are new or changed; all of them if the source's options have changed."""
    assert source.path is not None, "a source of this kind has a path"
    asked = dict(source.options)
    fetched = transport.folder(source.path, validators if validators.get("asked", {}) == asked else {})
    return replace(fetched, validators={**fetched.validators, "asked": asked}) if asked else fetched


KIND = Kind(
    read=read,
    options=Options,
    place="path",
    has_public_address=True,
    retrieve=_retrieve,
    withdraws=True,
)
