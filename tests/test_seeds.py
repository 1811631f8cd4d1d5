"""The seeds: articles that come with the project, and the living example of its model."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.front_matter import text as front_matter
from aggregator.model.article import Article, Problem

SEEDS = Path(__file__).resolve().parents[1] / "seeds"
FILES = sorted(path for path in SEEDS.rglob("*") if path.is_file())

# What is wrong in them on purpose.
QUIRKS = {
    "ja-dates.md": "date is not a date: Invalid Date",
    "zh-etiquette.md": "title: not YAML, read as plain text: quote it",
}


def read(path: Path) -> tuple[Article, tuple[Problem, ...]]:
    return front_matter.parse(path.read_bytes(), url=path.relative_to(SEEDS).as_posix())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_seed_is_a_complete_article(path: Path) -> None:
    """Title, categories, body; a date from 2021 on; no problem but the intended one; and it comes back."""
    article, problems = read(path)
    assert article.title
    assert article.categories
    assert len(article.content) > 150
    assert [problem.text for problem in problems] == [
        text for name, text in QUIRKS.items() if name == path.name
    ]
    assert (article.published is None) == (path.name == "ja-dates.md")
    assert article.published is None or 2021 <= article.published.year <= 2026
    assert article.headimg is None or article.headimg.startswith("https://example.org/")
    assert front_matter.loads(front_matter.dumps(article)) == article


def test_the_seeds_show_what_the_model_holds() -> None:
    """Enough files, categories and scripts for a first run to be worth a look."""
    articles = [read(path)[0] for path in FILES]
    assert len(articles) == 14
    assert len({category for article in articles for category in article.categories}) >= 6
    assert len({article.id for article in articles}) == len(articles)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("notes/zh-front-matter.md", "读懂 {front matter}：写在正文之前的几行字"),
        ("notes/zh-etiquette.md", "@所有读者 订阅也要讲礼貌"),
        ("notes/polling-manners.md", "A good reader's manners"),
        ("notes/fr-archives.md", "Ce que l'on garde, et pourquoi"),
    ],
)
def test_oddities_of_the_seeds_are_read(name: str, title: str) -> None:
    """Braces, an at sign and apostrophes come out as a person reads them."""
    assert read(SEEDS / name)[0].title == title
