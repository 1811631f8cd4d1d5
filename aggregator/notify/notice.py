"""The content of a notice: as JSON for the outbox, as text, as HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from html import escape
from typing import Any, TypeVar
from urllib.parse import urlsplit

__all__ = ["ArticleNotice", "Notice", "SourceNotice", "day_of", "is_web", "items"]

MAX_TITLE = 300
MAX_SUMMARY = 500
_HAPPENED = {
    "broken": "is broken: no poll of it succeeds",
    "silent": "is silent: it answers, but has published nothing for much longer than usual",
    "moved": "has moved permanently",
    "back": "is back",
    "gone": "is gone permanently, as its server says (410)",
}
_TEST = "This is a test"
_TEST_ARTICLES = "the newest articles that this notice would have had"
_TEST_SOURCES = "made-up events of sources"
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleNotice:
    """A new article: `id` is its public id, `published` ISO 8601 in UTC, `summary` plain text."""

    id: str
    title: str = ""
    link: str = ""
    source: str = ""
    published: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNotice:
    """An event of a source (`event`: see `config.notifying.Event`); `detail` is the reason or the new
    address.
    """

    event: str
    name: str
    title: str = ""
    detail: str = ""

    @property
    def happened(self) -> str:
        """The event in words that follow the source's name."""
        said = _HAPPENED.get(self.event, self.event)
        return f"{said} ({self.detail})" if self.detail else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """New articles, newest first, and events of sources; `more_*` count those that are not listed.

    `name` is that of its table in the config, `made` ISO 8601 in UTC. `is_test`: a test by a person.
    """

    name: str
    made: str
    articles: tuple[ArticleNotice, ...] = ()
    more_articles: int = 0
    sources: tuple[SourceNotice, ...] = ()
    more_sources: int = 0
    is_test: bool = False

    @property
    def subject(self) -> str:
        """The subject on one line."""
        if self.is_test:
            return f"Test of the notice {self.name}"
        counts = len(self.articles) + self.more_articles, len(self.sources) + self.more_sources
        if counts == (1, 0) and self.articles:
            return self.articles[0].title or self.articles[0].link or f"{self.name}: 1 new article"
        if counts == (0, 1) and self.sources:
            one = self.sources[0]
            return f"{one.name} {_HAPPENED.get(one.event, one.event).partition(':')[0].partition(',')[0]}"
        said = [
            f"{count} {what}{'' if count == 1 else 's'}"
            for count, what in zip(counts, ("new article", "source"), strict=True)
            if count
        ]
        return f"{self.name}: {', '.join(said)}"

    def _test(self) -> str:
        """A sentence about the content of a test."""
        has = {_TEST_ARTICLES: self.articles, _TEST_SOURCES: self.sources}
        named = " and ".join(what for what, found in has.items() if found)
        return f"{_TEST}, with {named}." if named else f"{_TEST}: no stored article matches."

    def payload(self) -> dict[str, Any]:
        """JSON values for the outbox and for a webhook."""
        return {**asdict(self), "title": self.subject}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Notice:
        """The notice from such a payload; what is missing or of another type is left out."""
        return cls(
            name=str(payload.get("name", "")),
            made=str(payload.get("made", "")),
            articles=tuple(items(ArticleNotice, payload.get("articles"), {"id": ""})),
            more_articles=_count(payload.get("more_articles")),
            sources=tuple(items(SourceNotice, payload.get("sources"), {"event": "", "name": ""})),
            more_sources=_count(payload.get("more_sources")),
            is_test=payload.get("is_test") is True,
        )

    def text(self) -> str:
        """The notice as plain text."""
        lines = [self._test(), ""] if self.is_test else []
        for one in self.sources:
            lines += [f"{one.name} {one.happened}", ""]
        if self.more_sources:
            lines += [f"and {self.more_sources} more sources: see 'aggregator sources'", ""]
        for article in self.articles:
            about = " · ".join(filter(None, (article.source, day_of(article.published))))
            lines += [article.title or article.link or article.id, *filter(None, (about, article.link))]
            lines += [*filter(None, (article.summary,)), ""]
        if self.more_articles:
            lines += [f"and {self.more_articles} more articles", ""]
        return "\n".join(lines).rstrip() + "\n"

    def html(self) -> str:
        """The notice as HTML, everything escaped; only http and https links."""
        parts = ["<!DOCTYPE html>", '<html><head><meta charset="utf-8"></head><body>']
        parts += [f"<p>{self._test()}</p>"] if self.is_test else []
        if self.sources:
            parts.append("<ul>")
            parts += [
                f"<li><strong>{escape(one.name)}</strong> {escape(one.happened)}</li>" for one in self.sources
            ]
            parts.append("</ul>")
        if self.more_sources:
            parts.append(f"<p>and {self.more_sources} more sources</p>")
        for article in self.articles:
            title = escape(article.title or article.link or article.id)
            if is_web(article.link):
                title = f'<a href="{escape(article.link)}">{title}</a>'
            about = escape(" · ".join(filter(None, (article.source, day_of(article.published)))))
            parts.append(f"<h3>{title}</h3>")
            parts += [f"<p><small>{about}</small></p>"] if about else []
            parts += [f"<p>{escape(article.summary)}</p>"] if article.summary else []
        if self.more_articles:
            parts.append(f"<p>and {self.more_articles} more articles</p>")
        return "\n".join([*parts, "</body></html>", ""])


def items(kind: type[_Item], found: Any, needed: Mapping[str, str]) -> Iterator[_Item]:
    """The items in a list of a payload; `needed` are the fields without a default."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    for one in found if isinstance(found, list | tuple) else ():
        if isinstance(one, dict):
            yield kind(**{**needed, **{name: str(value) for name, value in one.items() if name in names}})


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def is_web(link: str) -> bool:
    """Whether it is an http or https address."""
    try:
        return urlsplit(link).scheme in ("http", "https")
    except ValueError:
        return False


def day_of(moment: str) -> str:
    """A moment (ISO 8601) for people; "" if it cannot be read."""
    try:
        return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""
