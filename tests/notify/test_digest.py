"""What a digest says, and how an article leaves it."""

from __future__ import annotations

import pytest

from aggregator.normalise.html import sanitise
from aggregator.notify.digest import DigestText, without_article
from aggregator.notify.notice import ArticleNotice

STAYS = ArticleNotice(id="stays", title="Tea", link="https://tea.example/stays")


@pytest.mark.parametrize(
    ("title", "link"),
    [
        ("It's here", "https://tea.example/it's"),
        ("A & B", "https://tea.example/?a=1&b=2"),
        ('Of "Tea"', "https://tea.example/\u00e9|x^`{}"),
        ('Of "Tea" it\'s <b>', ""),
        ("a\u00a0b", ""),
        ("No web address", "mailto:tea@tea.example"),
        ("", "urn:tea:1"),
        ("", ""),
    ],
)
def test_an_article_that_was_taken_down_leaves_the_entry_as_it_is_published(title: str, link: str) -> None:
    """However the sanitiser wrote its title and its link; the others stay."""
    gone = ArticleNotice(id="gone's", title=title, link=link, summary="GONE")
    body = sanitise(DigestText(name="n", due="", days="d", articles=(gone, STAYS)).body())
    left = without_article(body, gone.id, title, link)
    assert "GONE" not in left
    assert STAYS.link in left
    assert without_article(body, "other", "Other", "https://tea.example/other") == body
