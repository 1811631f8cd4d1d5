"""A source's documents: each read, and the further ones that they name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aggregator.errors import FetchError, ReadError
from aggregator.model.article import Article, Document
from aggregator.model.resource import Resource
from aggregator.polling.read_documents import (
    MAX_DOCUMENTS,
    Gathered,
    dated_in_order,
    found,
    gather,
)
from aggregator.reading.document import Context, Reading
from aggregator.store import Found
from tests.conftest import NOW

PAGES = {"a": ("1", ["b", "c"]), "b": ("2", ["a", "c"]), "c": ("1", []), "refused": ("", [])}


def read(resource: Resource, _: Context) -> Reading:
    """A document is the name of a page above."""
    if resource.url == "refused":
        raise ReadError("it is no page")
    id_, more = PAGES.get(resource.url, (resource.url, [f"{resource.url}+"]))
    return Reading(document=Document(articles=(Article(id=id_),)), more=tuple(more))


def fetch(url: str) -> Resource:
    """Every page can be had."""
    return Resource(url=url, body=b"")


def gathered_from(url: str) -> Gathered:
    return gather([fetch(url)], Context(), read, fetch, NOW)


def test_further_documents_are_read_once_each_and_numbered() -> None:
    """Pages that name each other are no loop."""
    gathered = gathered_from("a")
    assert [(r.url, r.number) for r, _ in gathered.readings] == [("a", 0), ("b", 1), ("c", 2)]
    assert (gathered.problems, gathered.failed) == ([], set())


def test_an_article_that_a_further_document_repeats_is_one() -> None:
    """Lists move on while they are read, and repeat what was at the end of the page before."""
    assert [f.article.id for f in found(gathered_from("a"), (), {})] == ["1", "2"]


def test_an_endless_list_ends() -> None:
    """Whatever a site calls its next page."""
    gathered = gathered_from("x")
    assert len(gathered.readings) == MAX_DOCUMENTS + 1
    assert [p.text for p in gathered.problems] == [
        f"names more than {MAX_DOCUMENTS} further documents; the others are left out"
    ]


def test_a_failed_further_document_is_reported_and_the_others_stay() -> None:
    """The first page was good."""

    def refusing(url: str) -> Resource:
        if url == "b":
            raise FetchError("nobody answers", url=url, advice="")
        return fetch(url)

    gathered = gather([fetch("a")], Context(), read, refusing, NOW)
    assert [r.url for r, _ in gathered.readings] == ["a", "c"]
    assert [(p.where, p.text) for p in gathered.problems] == [("b", "nobody answers")]
    assert gathered.failed == {"b"}


def test_an_unreadable_only_document_is_the_sources_failure() -> None:
    """And not only a problem in it."""
    with pytest.raises(ReadError):
        gathered_from("refused")


def test_articles_without_a_date_are_placed_beside_one_of_the_first_day_of_the_calendar() -> None:
    """A file may have any date that Python can hold, and nothing is before its first."""
    dated = Article(id="1", published=datetime(1, 1, 1, tzinfo=UTC))
    placed = dated_in_order([Found(dated), Found(Article(id="2")), Found(Article(id="3"))], None, NOW)
    moments = [each.stands_at for each in placed]
    assert moments[0] is None
    assert moments[1] is not None
    assert moments[2] is not None
    assert moments[2] < moments[1] < NOW
