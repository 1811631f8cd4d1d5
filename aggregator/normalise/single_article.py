"""A document that is one article -> Article: texts cleaned, body kept or sanitised, lead image found."""

from __future__ import annotations

import re
from collections.abc import Container

from aggregator.model.article import Article, Document, Problem
from aggregator.model.entry import ArticleDocument
from aggregator.model.reading import Reading
from aggregator.model.struct import replace
from aggregator.normalise import html, markdown
from aggregator.normalise.anchors import Owner
from aggregator.normalise.identity import fingerprint_of_document
from aggregator.normalise.links import resolve
from aggregator.normalise.summaries import summarise
from aggregator.normalise.text import is_html, tidy
from aggregator.normalise.verbatim import is_harmless

__all__ = ["reading_of"]

_RELATIVE = re.compile(
    r"""<[A-Za-z][^<>]*?\s(?:href|src|srcset|poster)\s*=\s*["']?(?![A-Za-z][A-Za-z0-9+.-]*:|//|[#"'\s>])""",
    re.IGNORECASE,
)
_LOST = "its relative links and images do not work: set the site's address, the option link of its source"


def reading_of(
    found: ArticleDocument,
    *,
    source: str,
    kind: str,
    place: tuple[str, str],
    categories: tuple[str, ...],
    author: str | None,
    known: Container[str] | None,
) -> Reading:
    """Reads a document that is one article. Pure; never raises.

    - `place`: the document's URL and its path in a folder. `known`: as for `entries.articles`.
    - `categories`: the config's, before the article's own. `author`: used if the article names none.

    Markdown becomes HTML and is sanitised. An HTML body is kept byte for byte if nothing in it could run code
    and no relative URL could be made absolute, else it is sanitised. If the article names no lead image, the
    first one of its body is used.
    """
    empty = Document(source=source, kind=kind, problems=found.problems)
    if found.skipped:
        return Reading(document=empty, skipped=found.skipped)
    context = repr((source, place, categories, author))
    mark = "" if known is None else fingerprint_of_document(found, context)
    if known and mark in known:
        return Reading(
            document=empty, known=(mark,), shown_from=found.shown_from, shown_until=found.shown_until
        )
    made, problems = _article(found, source, categories, author)
    document = Document(
        source=source, kind=kind, title=made.title, link=made.link, articles=(made,), problems=problems
    )
    return Reading(
        document=document,
        fingerprints=(mark,),
        content_hashes=() if known is None else (made.content_hash,),
        shown_from=found.shown_from,
        shown_until=found.shown_until,
    )


def _article(
    found: ArticleDocument, source: str, categories: tuple[str, ...], author: str | None
) -> tuple[Article, tuple[Problem, ...]]:
    article = found.article
    base = found.base or article.link or ""
    problems = list(found.problems)
    body = _body(found, source, base, problems)
    summary = article.summary
    if not summary and found.excerpt:
        markup = markdown.to_html(found.excerpt)[0] if found.is_markdown else found.excerpt
        summary = html.sanitise(markup, base)
    elif is_html(summary):
        summary = html.sanitise(summary, base)
    elif summary:
        summary = html.escaped(summary)
    names = _tidied(article.authors)
    made = replace(
        article,
        source=source,
        title=tidy(article.title),
        authors=names or ((author,) if author else ()),
        categories=tuple(dict.fromkeys((*categories, *_tidied(article.categories)))),
        tags=_tidied(article.tags),
        content=body.html,
        summary=summary or summarise(body.html),
        headimg=resolve(article.headimg, base) or body.picture,
    )
    return made, tuple(problems)


def _body(found: ArticleDocument, source: str, base: str, problems: list[Problem]) -> html.HtmlBody:
    written = found.article.content
    markup, reason = markdown.to_html(written) if found.is_markdown else (written, None)
    if not base and (found.lacks_base or _RELATIVE.search(markup)):
        problems.append(Problem(text=_LOST))
    if reason := reason or html.hazard(markup):
        problems.append(Problem(text=f"{reason}: kept as plain text"))
        return html.HtmlBody(html.escaped(written) if found.is_markdown else html.sanitise(written, base))
    article = found.article
    owner = Owner(source, article.id, article.link)
    body = html.HtmlBody(raw=markup, bases=(base,), owner=owner)
    html.sanitise_checked([body])
    if not found.is_markdown and is_harmless(written, has_base=bool(base)):
        body.html = written
    return body


def _tidied(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(tidy, names))))
