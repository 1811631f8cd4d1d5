"""Of what was read, the best first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregator.discovery import Candidate, ReadCandidate, ranked
from aggregator.discovery.candidates import How
from aggregator.model.article import Article, Document, Enclosure

NEW = datetime(2026, 5, 1, tzinfo=UTC)
ASKED = "https://example.org/"


def found(
    path: str,
    *links: str,
    content: str = "<p>all</p>",
    format_: str = "RSS",
    newest: datetime | None = NEW,
    how: How = "link",
    title: str = "",
    media: bool = False,
    own: bool = False,
) -> ReadCandidate:
    """A feed at a path whose entries lead to `links`."""
    articles = tuple(
        Article(
            id=each,
            link=each,
            content=content,
            published=newest,
            enclosures=(Enclosure(url="https://example.org/a.mp3"),) if media else (),
        )
        for each in links or ("a", "b", "c")
    )
    kind = how if how == "sitemap" else "page" if how == "page" else "feed"
    candidate = Candidate(url=f"https://example.org/{path}", how=how, title=title, kind=kind, own=own)
    return ReadCandidate(candidate=candidate, document=Document(articles=articles), format=format_)


def order(*every: ReadCandidate) -> list[str]:
    """The paths, the best first."""
    return [each.candidate.url.removeprefix(ASKED) for each in ranked(every, ASKED)]


def test_full_text_is_before_summaries_of_the_same_entries() -> None:
    """Whatever the format."""
    assert order(found("short", content="", format_="Atom"), found("full")) == ["full", "short"]


def test_other_entries_are_another_feed_which_keeps_its_place() -> None:
    """A tag's full feed is not the better one of the whole site's summaries."""
    assert order(found("all", "a", "b", "c", "d", content=""), found("tag", "a")) == ["all", "tag"]


def test_with_equal_entries_atom_is_preferred() -> None:
    """Then JSON Feed, then RSS; not for podcasts, whose elements are RSS's."""
    three = [found("r"), found("j", format_="JSON Feed"), found("a", format_="Atom")]
    assert order(*three) == ["a", "j", "r"]
    assert order(found("a", media=True, format_="Atom"), found("r", media=True)) == ["r", "a"]


def test_a_feed_that_ended_years_before_is_ranked_later() -> None:
    """A feed that ended years before the other is not the one."""
    old = found("old", "x", newest=NEW - timedelta(days=800))
    undated = found("undated", "y", newest=None)
    assert order(old, undated, found("new")) == ["undated", "new", "old"]


def test_feeds_of_comments_and_empty_feeds_are_last() -> None:
    """Comments after everything, whatever they hold."""
    empty = ReadCandidate(
        candidate=Candidate(url=f"{ASKED}empty", how="link"), document=Document(), format="RSS"
    )
    assert order(found("comments/feed"), empty, found("feed")) == ["feed", "empty", "comments/feed"]


def test_a_section_that_was_asked_for_is_first() -> None:
    """Before the feed of the whole site."""
    assert order(found("feed"), found("tag/feed", "a", own=True)) == ["tag/feed", "feed"]


def test_a_page_with_dates_is_before_a_sitemap_and_one_without_after_it() -> None:
    """A list that somebody made for readers says more than all addresses of a site; bare links say less."""
    sitemap = found("sitemap.xml", how="sitemap")
    dated, bare = found("dated", how="page"), found("bare", how="page", newest=None)
    assert order(bare, sitemap, dated) == ["dated", "sitemap.xml", "bare"]


def test_ranking_nothing_gives_nothing() -> None:
    """An empty list."""
    assert ranked((), ASKED) == ()
