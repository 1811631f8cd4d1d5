"""Random queries and articles that have something to do with each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.rules.query import ArticleFacts

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_WORDS = (
    "tea teapot teapots Café cafe coffee C C++ node.js e-mail Straße strasse 数据 大数据中心 心 お茶 茶 "
    "データ ﾃﾞｰﾀ 서울 서울에서 हिन्दी мой ёлка AI ml 2026 🎉 AT&T don't ข่าว ½ x² ไทย İstanbul"
)
WORDS = _WORDS.split()
NAMES = ("Example news", "Tea weekly", "Straße", "大数据", "C++")
HOSTS = (
    "example.org",
    "www.example.org",
    "tea.example",
    "EXAMPLE.org",
    "bücher.example",
    "xn--bcher-kva.example",
)


@dataclass
class Made:
    """Makes articles and queries from one seed."""

    random: Random

    def words(self, most: int) -> str:
        """Some words, between marks of several kinds."""
        marks = (" ", " ", " ", ", ", "-", "", "。", " <b>", "\x1f", "…")
        return "".join(
            f"{self.random.choice(WORDS)}{self.random.choice(marks)}"
            for _ in range(self.random.randint(0, most))
        )

    def names(self, most: int) -> tuple[str, ...]:
        """Names of sources, categories, tags, people."""
        return tuple(self.random.choice((*NAMES, *WORDS)) for _ in range(self.random.randint(0, most)))

    def moment(self) -> datetime | None:
        """Near now, or none."""
        away = timedelta(hours=self.random.choice((0, 1, 23, 24, 25, 167, 168, 169, 9_000)))
        return (
            None
            if self.random.random() < 0.1
            else NOW - away + timedelta(microseconds=self.random.randint(-1, 1))
        )

    def facts(self) -> ArticleFacts:
        """An article."""
        chance = self.random.random
        article = Article(
            id="1",
            source=self.random.choice(NAMES),
            title=self.words(4),
            link=f"https://{self.random.choice(HOSTS)}/{self.random.choice(WORDS)}"
            if chance() < 0.9
            else None,
            published=self.moment(),
            updated=self.moment(),
            authors=self.names(2),
            categories=self.names(2),
            tags=self.names(3),
            summary=self.words(5),
            content=f"<p>{self.words(30)}</p>",
            enclosures=(Enclosure(url="https://example.org/a"),) if chance() < 0.2 else (),
            origin=Origin(language=self.random.choice((None, "en", "en-GB", "zh"))),
        )
        return ArticleFacts(article, first_seen=self.moment())

    def query(self, depth: int = 3) -> str:
        """A query that can be read."""
        if depth == 0 or self.random.random() < 0.3:
            return self.term()
        inner = [self.query(depth - 1) for _ in range(self.random.randint(1, 3))]
        shape = self.random.choice((" AND ", " OR ", " ", " && ", " || ", "not", "-", "+", "group"))
        if shape == "not":
            return f"NOT ({inner[0]})"
        if shape in ("-", "+"):
            return f"{shape}({inner[0]})"
        return f"({inner[0]})" if shape == "group" else f"({shape.join(inner)})"

    def term(self) -> str:
        """One term."""
        word = self.random.choice(WORDS)
        field = self.random.choice(
            (
                "",
                "",
                "",
                "title:",
                "author:",
                "text:",
                "content:",
                "summary:",
                "tag:",
                "category:",
                "source:",
                "link:",
            )
        )
        name = self.random.choice(NAMES)
        span = self.random.choice(("1h", "24h", "1d", "7d", "1w", "52w"))
        start, end = sorted(
            self.random.sample(("2025-05", "2026-05-25", "2026-05-31T11:00", "2026-06-01"), 2)
        )
        dated = self.random.choice(("published", "updated", "seen"))
        shapes = (
            f'{field}"{word}"',
            f'{field}"{word}"',
            f'{field}"{word} {self.random.choice(WORDS)}"',
            f'{field}"{name}"',
            f"{field}{word[:2]}*",
            f"{field}{word[:1]}?{word[2:]}",
            f"{field}*{word[1:]}",
            f"{field}{word[:1]}*{word[-1:]}",
            f"{field}*",
            f"{field}/{word[:2].replace('+', '.')}/",
            f"host:{self.random.choice(HOSTS)}",
            "language:en",
            f"age:{self.random.choice(('<', '>', '<=', '>='))}{span}",
            f"age:[1h TO {span}]",
            f"{dated}:{self.random.choice(('<', '>', '<=', '>='))}{start}",
            f"{dated}:[{start} TO {end}]",
            f"{dated}:{{{start} TO *]",
            f"{dated}:>now-{span}",
            f"{dated}:{end}",
            "has:enclosure",
            "has:date",
            f"words:>{self.random.randint(0, 40)}",
        )
        return self.random.choice(shapes)
