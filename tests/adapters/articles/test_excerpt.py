"""The text before `<!-- more -->` is the summary."""

from __future__ import annotations

import pytest

import aggregator
from aggregator.adapters.articles.excerpt import excerpt_of


def summary(keys: str, body: str, url: str = "a.md") -> str:
    """The summary of a post."""
    text = f"---\ntitle: A\n{keys}---\n{body}\n"
    (article,) = aggregator.read(text.encode(), kind="articles", url=url).articles
    return article.summary


@pytest.mark.parametrize("mark", ["<!-- more -->", "<!--more-->", "<!--More Read on-->"])
def test_the_more_mark_ends_the_summary(mark: str) -> None:
    """As Hexo, Hugo and WordPress write it."""
    assert summary("", f"Short *text*\n\n{mark}\n\nLong text") == "<p>Short <em>text</em></p>"
    assert summary("", f"<p>Short</p>\n{mark}\n<p>Long</p>", "a.html") == "<p>Short</p>"


def test_a_summary_of_its_own_wins() -> None:
    """Of the front matter."""
    assert summary("description: Own\n", "Short\n\n<!-- more -->\n\nLong") == "Own"


def test_links_and_footnotes_defined_after_the_excerpt_are_kept() -> None:
    """Links find their addresses, notes are left to the whole text."""
    body = "Short [x][1] a[^n]\n\n<!-- more -->\n\n[1]: https://x.example/\n[^n]: note\n"
    assert 'Short <a href="https://x.example/"' in summary("", body)
    assert "[^n]" not in summary("", body)


@pytest.mark.parametrize("text", ["a\n```\n<!-- more -->\n```\nb", "<!-- more -->\nb", "a b", ""])
def test_without_a_more_mark_there_is_no_excerpt(text: str) -> None:
    """Also if the mark is in code, or at the very beginning."""
    assert excerpt_of(text, is_markdown=True) == ""


def test_the_more_mark_is_removed_and_the_text_is_kept() -> None:
    """The mark goes."""
    body = b"---\ntitle: A\n---\nShort\n\n<!-- more -->\n\nLong\n"
    (article,) = aggregator.read(body, kind="articles", url="a.md").articles
    assert article.content == "<p>Short</p>\n\n<p>Long</p>"
