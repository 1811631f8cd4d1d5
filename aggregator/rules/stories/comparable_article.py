"""One article in the form for comparing stories: link, title, text and time, and the keys to find others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from aggregator.model.article import Article
from aggregator.rules.stories.link_keys import canonical, host_labels
from aggregator.rules.stories.text_overlap import Body, keys_of, language, text_keys
from aggregator.rules.stories.titles import Title, title, title_keys

__all__ = ["ComparableArticle", "article_keys", "comparable", "keys"]


@dataclass(frozen=True, eq=False)
class ComparableArticle:
    """One source's article.

    - `source`: the source's name in the config; two articles of one source never tell the same story.
    - `title`: plain text. `link`: absolute, or None. `id`: the origin's, verbatim.
    - `html`: the longer one of its content and summary, sanitised.
    - `names`: what its source is called, which is left out of titles.
    - `time`: when it was published, else first seen; aware UTC, None when neither is known.
    """

    source: str
    title: str = ""
    link: str | None = None
    id: str = ""
    html: str = ""
    names: tuple[str, ...] = ()
    time: datetime | None = None

    @cached_property
    def page(self) -> str:
        """Its canonical link, "" without one."""
        return canonical(self.link or "")

    @cached_property
    def permanent_id(self) -> str:
        """Its id if it is globally unique (a web address, `tag:`, `urn:uuid:`), "" otherwise."""
        if self.id.startswith(("http://", "https://")):
            return "" if "|" in self.id or self.id == self.link else canonical(self.id)
        return self.id if self.id.startswith(("tag:", "urn:uuid:")) and len(self.id) > 12 else ""

    @cached_property
    def heading(self) -> Title:
        """Its analysed title."""
        return title(self.title, self.names)

    @cached_property
    def language(self) -> str:
        """The language of its text, "" when unclear."""
        return language(self.html)

    @cached_property
    def body(self) -> Body:
        """The words of its text."""
        return Body(self.html)


def comparable(article: Article, first_seen: datetime | None = None, *names: str) -> ComparableArticle:
    """An article in the form for comparing stories; `names`: further names of its source."""
    html = article.content if len(article.content) >= len(article.summary) else article.summary
    own = (article.source, article.origin.title, *names, *host_labels(article.link))
    return ComparableArticle(
        source=article.source,
        title=article.title,
        link=article.link,
        id=article.id,
        html=html,
        names=tuple(dict.fromkeys(name for name in own if name)),
        time=article.published or first_seen,
    )


def keys(of: ComparableArticle) -> tuple[int, ...]:
    """64-bit keys, 27 at most: articles that share one may tell the same story, others never do.

    They are the same in every process, and signed, as databases have integers.

    A store keeps them with each article, and looks for articles that share any, those that share most first
    (MOST_CANDIDATES of them will do). A key that very many share says nothing and may be left out.
    """
    pages = [page.encode("utf-8", "surrogatepass") for page in (of.page, of.permanent_id) if page]
    titles = [form.encode("utf-8", "surrogatepass") for form in title_keys(of.title, of.names)]
    return (*keys_of("link", pages), *keys_of("title", titles), *text_keys(of.html))


def article_keys(article: Article) -> tuple[int, ...]:
    """The `keys` of an article; they depend only on the article, so any process can compute them."""
    return keys(comparable(article))
