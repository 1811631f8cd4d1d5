"""The text of a digest, and the removal of an article from it."""

from __future__ import annotations

import pytest

from aggregator.model.article import Article
from aggregator.normalise.html import sanitise
from aggregator.notify.digest_text import ITEMS, DigestText, without_articles
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
def test_a_forgotten_article_is_removed_from_the_published_digest(title: str, link: str) -> None:
    """However the sanitiser wrote its title and its link; the others stay. Also where no ids were kept."""
    gone = ArticleNotice(id="gone's", title=title, link=link, summary="GONE")
    other = ArticleNotice(id="other", title="Other", link="https://tea.example/other")
    content = sanitise(DigestText(name="n", due="", days="d", articles=(gone, STAYS)).body())
    for extra in ({}, {ITEMS: [gone.id, STAYS.id]}):
        entry = Article(id="1", content=content, extra=extra)
        left = without_articles(entry, [other, gone])
        assert "GONE" not in left.content
        assert STAYS.link in left.content
        assert left.extra.get(ITEMS, [STAYS.id]) == [STAYS.id]
        assert without_articles(entry, [other]) == entry


def test_an_article_leaves_a_digest_by_its_id_whatever_rules_changed() -> None:
    """Also when another one has the title and the link by which it is known elsewhere."""
    shown = ArticleNotice(id="gone", title="Rewritten", link="https://mirror.example/1", summary="GONE")
    content = sanitise(DigestText(name="n", due="", days="d", articles=(shown, STAYS)).body())
    entry = Article(id="1", content=content, extra={ITEMS: [shown.id, STAYS.id]})
    left = without_articles(entry, [ArticleNotice(id="gone", title=STAYS.title, link=STAYS.link)])
    assert "GONE" not in left.content
    assert STAYS.link in left.content
