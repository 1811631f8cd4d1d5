"""The content of a digest: as the body of an entry, and as a mail. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from html import escape, unescape
from itertools import compress
from typing import Any

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.notify.notice import ArticleNotice, day_of, is_web, items

__all__ = ["ITEMS", "DigestText", "is_emptied", "without_articles"]

ITEMS = "articles"
"""The key in an entry's `extra` with the public ids of its items, in order."""


_ITEM = re.compile(r"<li>.*?</li>\n?", re.DOTALL)
_HEADING = re.compile(r"<strong>(.*?)</strong>", re.DOTALL)
_HREF = re.compile(r"""<a\s[^<>]*?href="([^"<>]*)\"""")
_TAG = re.compile(r"<[^<>]*>")
_STYLE = """
body { margin: 0 auto; max-width: 40em; padding: 1em; font-family: sans-serif; line-height: 1.45 }
h1 { font-size: 1.3em }
ul { list-style: none; margin: 0; padding: 0 }
li { margin: 0 0 1.2em }
a { color: #1d4ed8 }
small { color: #4a5568 }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestText:
    """One digest: of `name`, for the period that ended at `due` (ISO 8601, UTC); `days` names it.

    `articles` are the newest first, `more` how many are not listed.
    """

    name: str
    due: str
    days: str
    articles: tuple[ArticleNotice, ...] = ()
    more: int = 0

    @property
    def title(self) -> str:
        """Its name, and its days."""
        return f"{self.name}: {self.days}"

    def payload(self) -> dict[str, Any]:
        """JSON values for the outbox."""
        return asdict(self)

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> DigestText:
        """The digest from such a payload; what is missing or of another type is left out."""
        more = payload.get("more")
        return cls(
            name=str(payload.get("name", "")),
            due=str(payload.get("due", "")),
            days=str(payload.get("days", "")),
            articles=tuple(items(ArticleNotice, payload.get("articles"), {"id": ""})),
            more=more if isinstance(more, int) else 0,
        )

    def body(self) -> str:
        """A fragment of HTML: a list, everything escaped; only http and https links."""
        lines = ["<ul>"]
        for article in self.articles:
            title = escape(article.title or article.link or article.id)
            if is_web(article.link):
                title = f'<a href="{escape(article.link)}">{title}</a>'
            about = escape(" · ".join(filter(None, (article.source, day_of(article.published)))))
            summary = f"<br>{escape(article.summary)}" if article.summary else ""
            lines.append(f"<li><strong>{title}</strong><br><small>{about}</small>{summary}</li>")
        lines.append("</ul>")
        if self.more:
            lines.append(f"<p>and {self.more} more</p>")
        return "\n".join(lines)

    def html(self, leave: str = "") -> str:
        """The HTML of a mail, with its styles in its head; `leave` is the address to unsubscribe."""
        foot = f'<p><small><a href="{escape(leave)}">Unsubscribe</a></small></p>' if leave else ""
        return (
            f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f"<style>{_STYLE}</style></head>\n<body><h1>{escape(self.title)}</h1>\n{self.body()}\n{foot}"
            "</body></html>\n"
        )

    def text(self, leave: str = "") -> str:
        """The digest as plain text."""
        lines = [self.title, ""]
        for article in self.articles:
            about = " · ".join(filter(None, (article.source, day_of(article.published))))
            lines += [article.title or article.link or article.id, about, article.link, article.summary, ""]
        lines += [f"and {self.more} more", ""] if self.more else []
        lines += [f"Unsubscribe: {leave}", ""] if leave else []
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def without_articles(entry: Article, gone: Collection[ArticleNotice]) -> Article:
    """The entry of a digest without the items of articles that were taken down; unchanged if it has none.

    Its `extra` has the ids of its items. Entries of earlier versions have none, and entries of a store that
    was rebuilt from its output have none either: there an item is known by its link, or without a web address
    by its title.
    """
    items = _ITEM.findall(entry.content)
    ids: list[Any] = found if isinstance(found := entry.extra.get(ITEMS), list) else []
    is_known = len(ids) == len(items)
    if is_known:
        names = {each.id for each in gone}
        stays = [id_ not in names for id_ in ids]
    else:
        stays = [not any(_is_of(item, each) for each in gone) for item in items]
    if all(stays):
        return entry
    left = iter(stays)
    content = _ITEM.sub(lambda item: item[0] if next(left) else "", entry.content)
    extra = {**entry.extra, ITEMS: [*compress(ids, stays)]} if is_known else entry.extra
    return replace(entry, content=content, extra=extra)


def is_emptied(entry: Article) -> bool:
    """Whether nothing is left in the entry of a digest, after articles left it."""
    return entry.extra.get(ITEMS, []) == [] and _ITEM.search(entry.content) is None


def _is_of(item: str, article: ArticleNotice) -> bool:
    """Whether an item is of this article, compared by text: a sanitiser writes quotes differently."""
    found = _HEADING.search(item)
    heading = found[1] if found else ""
    if (named := _HREF.search(heading)) is not None:
        return bool(article.link) and unescape(named[1]) == article.link
    shown = article.title or article.link or article.id
    return not is_web(article.link) and unescape(_TAG.sub("", heading)) == shown
