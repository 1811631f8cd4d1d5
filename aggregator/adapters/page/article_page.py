"""Kind `article-page`: a web page that is one article, by CSS selectors, or by trafilatura without them."""

from __future__ import annotations

import importlib.util
import logging
import re

from pydantic import model_validator

from aggregator.adapters.install_extras import install_command
from aggregator.adapters.kinds import Kind
from aggregator.adapters.page import fields as page_fields
from aggregator.adapters.page import html_tree as page_tree
from aggregator.adapters.page.html_tree import WebPage
from aggregator.adapters.page.metadata import Metadata, metadata
from aggregator.adapters.page.options import AnyPart, Part, Selector
from aggregator.adapters.page.original_markup import own_markup
from aggregator.adapters.page.selectors import what_matches
from aggregator.errors import ReadError
from aggregator.model.article import Finding, Problem
from aggregator.model.entry import Entry, Feed, FeedInfo, Link, Media, Person, Text
from aggregator.model.resource import Resource
from aggregator.model.settings import Settings
from aggregator.normalise import encoding

MAX_PIECES = 50
MAX_REMOVED = 10_000
MAX_CONTENT_CHARS = 1_000_000
MAX_TAGS = 60_000
"""trafilatura is too slow for more tags: 160,000 took it 16 s, 320,000 35 s (measured)."""

FEW_CHARS = 200
FEWEST_CHARS = 50
"""Below the first number an article is doubtful, below the second there is none."""

_MAX_EXAMPLE = 100

_LEADING_TITLE = re.compile(r"\s*<h[12]>([^<>]*)</h[12]>")
_TAG = re.compile(r"<[^<>]*>")
_BODY = re.compile(r"^\s*<html>\s*<body>|</body>\s*</html>\s*$")


class ArticlePageOptions(Settings):
    """CSS selectors for the parts of a page's article; missing ones are found automatically.

    `content` is its body: everything that matches, in order; None: found by trafilatura. `remove` is cut out
    first. The other selectors replace the page's machine-readable metadata.
    """

    content: Selector | None = None
    remove: Selector | None = None
    title: AnyPart | None = None
    author: AnyPart | None = None
    date: AnyPart | None = None
    image: AnyPart | None = None

    @model_validator(mode="after")
    def _can_be_found(self) -> ArticlePageOptions:
        # Checked when the config is read, not when the first page is read.
        if self.content is None and importlib.util.find_spec("trafilatura") is None:
            raise ValueError(f"needs trafilatura: {install_command('full-text')}, or give content")
        return self

    @property
    def parts(self) -> dict[str, Part]:
        """The given fields, by name."""
        names = ("title", "author", "date", "image")
        return {name: part for name in names if (part := getattr(self, name)) is not None}


def read(resource: Resource, options: ArticlePageOptions) -> Feed:
    """A feed with the page as its one entry. Raises ReadError if no article is found on the page.

    `noindex` and similar are for search engines, and are ignored.
    """
    page = page_tree.parse(resource)
    meta = metadata(page, encoding.decode_page(resource.body, resource.content_type).text)
    feed = Feed(
        info=FeedInfo(
            title=Text(meta.site or page.title, "text"),
            links=[Link(href=page.url)],
            language=page.language,
            base=page.base,
        ),
        version="html",
        problems=list(page.problems),
    )
    # Elements that `remove` matches may contain the fields: these are read before they are removed.
    entry = _entry(page, meta, options.parts, feed)
    if options.remove:
        _remove(page, options.remove, feed)
    entry.contents = [_content(page, meta, options, feed)]
    if meta.title and entry.title:
        entry.contents = [_without_title(text, entry.title.value) for text in entry.contents]
    feed.entries = [entry]
    return feed


def _entry(page: WebPage, meta: Metadata, parts: dict[str, Part], feed: Feed) -> Entry:
    found = {name: _value(page, name, part, feed) for name, part in parts.items()}
    title = found.get("title") or meta.title
    authors = [found["author"]] if found.get("author") else meta.authors
    image = page.resolve(found.get("image") or meta.image)
    return Entry(
        title=Text(title, "unknown") if title else None,
        links=[Link(href=page.url)],
        published=found.get("date") or meta.published or None,
        updated=meta.updated or None,
        authors=[Person(name=name) for name in authors],
        media=[Media(url=image, medium="image")] if image else [],
        language=page.language,
        base=page.base,
    )


def _value(page: WebPage, name: str, part: Part, feed: Feed) -> str:
    """The text that a selector of the options finds; "" for none, which is reported."""
    root = page.tree.root
    assert root is not None, "HTML always has a root"
    value = written = page_fields.value(root, name, part)
    if name == "date":
        value = page_fields.moment(root, part)[0] or ""
    feed.findings.append(_finding(name, part.short, int(bool(value)), value))
    if not value:
        message = f'{name} = "{part.short}" gave nothing; {what_matches([page.tree], part.selector)}'
        if written:
            message = f"date {written[:100]!r} is not in the format {part.format!r}, taken for missing"
        feed.problems.append(Problem(text=message))
    return value


def _finding(name: str, selector: str, count: int, example: str) -> Finding:
    of = max(count, 1)
    return Finding(name=name, selector=selector, count=count, of=of, example=example[:_MAX_EXAMPLE])


def _remove(page: WebPage, selector: str, feed: Feed) -> None:
    matched = page.select(selector)[:MAX_REMOVED]
    feed.findings.append(_finding("remove", selector, len(matched), ""))
    # The inner ones first: elements inside a removed element must not be used any more.
    for node in reversed(matched):
        if node.tag not in ("html", "body"):
            node.decompose()


def _content(page: WebPage, meta: Metadata, options: ArticlePageOptions, feed: Feed) -> Text:
    if options.content:
        nodes = page.select(options.content)[:MAX_PIECES]
        markup = "\n".join(node.inner_html or "" for node in nodes)[:MAX_CONTENT_CHARS]
        if not markup.strip():
            raise ReadError(
                f'content = "{options.content}" gave nothing; {what_matches([page.tree], options.content)}',
                url=page.url,
                advice="correct the selector",
            )
        feed.findings.append(_finding("content", options.content, len(nodes), page_fields.text(nodes[0])))
        return Text(markup, "html")
    extracted = _extracted(page)
    found = [Text(own_markup(page, extracted, meta.title or page.title) or extracted, "html")]
    if _length(found[0]) < FEW_CHARS:  # on a page without an article this may be the menu
        articles = page.select("article")
        found += [Text(node.inner_html or "", "html") for node in articles if len(articles) == 1]
        found.append(Text(meta.text[:MAX_CONTENT_CHARS], "unknown"))
    best = max(found, key=_length)
    if _length(best) < FEWEST_CHARS:
        raise ReadError(
            "no article was recognised on the page", url=page.url, advice="give the option content"
        )
    return best


def _length(text: Text) -> int:
    """The number of characters of its text."""
    return len(" ".join(_TAG.sub(" ", text.value).split()))


def _extracted(page: WebPage) -> str:
    """The article that trafilatura recognises, as HTML; links are as on the page."""
    markup = page.tree.html or ""
    if markup.count("<") > MAX_TAGS:
        return ""
    from trafilatura import extract  # takes 0.4 s, for those that need it

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        found = extract(
            markup,
            output_format="html",
            include_links=True,
            include_images=True,
            include_formatting=True,
            include_tables=True,
            include_comments=False,
        )
    except Exception as error:
        raise ReadError(f"the article cannot be separated from the page: {error!r}", url=page.url) from error
    return _BODY.sub("", found or "").strip()


def _without_title(text: Text, title: str) -> Text:
    """The body without the title above it, which every reader shows itself."""
    heading = _LEADING_TITLE.match(text.value)
    if heading and " ".join(heading[1].split()) in title:
        return Text(text.value[heading.end() :], text.type)
    return text


def _read(resource: Resource, options: ArticlePageOptions) -> Feed:
    return read(resource, options)


KIND = Kind(read=_read, options=ArticlePageOptions, is_scraped=True)
