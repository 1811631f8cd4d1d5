"""What a digest says: as the body of an entry, and as a letter. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape, unescape
from typing import Any

from aggregator.notify.notice import ArticleNotice, day_of, is_web, items

__all__ = ["DigestText", "without_article"]

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
        """As it waits in the outbox: JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> DigestText:
        """What `payload` gave; what is missing or of another type is left out."""
        more = payload.get("more")
        return cls(
            name=str(payload.get("name", "")),
            due=str(payload.get("due", "")),
            days=str(payload.get("days", "")),
            articles=tuple(items(ArticleNotice, payload.get("articles"), {"id": ""})),
            more=more if isinstance(more, int) else 0,
        )

    def body(self) -> str:
        """As a fragment of HTML: a list, everything escaped; links are http and https alone."""
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
        """As the page of a letter, with its styles in its head; `leave` is where to leave the list."""
        foot = f'<p><small><a href="{escape(leave)}">Unsubscribe</a></small></p>' if leave else ""
        return (
            f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f"<style>{_STYLE}</style></head>\n<body><h1>{escape(self.title)}</h1>\n{self.body()}\n{foot}"
            "</body></html>\n"
        )

    def text(self, leave: str = "") -> str:
        """As plain text."""
        lines = [self.title, ""]
        for article in self.articles:
            about = " · ".join(filter(None, (article.source, day_of(article.published))))
            lines += [article.title or article.link or article.id, about, article.link, article.summary, ""]
        lines += [f"and {self.more} more", ""] if self.more else []
        lines += [f"Unsubscribe: {leave}", ""] if leave else []
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def without_article(body: str, article_id: str, title: str, link: str) -> str:
    """The body of a digest without the item of an article that was taken down; the same where it has none.

    What it says is compared, not how: a sanitiser writes quotes and spaces in another way than they came.
    Without a web address an article is known by what is shown in place of its title.
    """
    shown = title or link or article_id

    def left(item: re.Match[str]) -> str:
        found = _HEADING.search(item[0])
        heading = found[1] if found else ""
        if (named := _HREF.search(heading)) is not None:
            is_it = bool(link) and unescape(named[1]) == link
        else:
            is_it = not is_web(link) and unescape(_TAG.sub("", heading)) == shown
        return "" if is_it else item[0]

    return _ITEM.sub(left, body)
