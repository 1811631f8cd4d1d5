"""The pure decision about an article that was found, case by case."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.store import edits
from aggregator.store.edits import (
    MAX_SILENT_EDITS,
    Edit,
    Found,
    Insert,
    Known,
    Same,
    Silent,
    decide,
    hash_of,
)
from tests.conftest import NOW

HOUR = timedelta(hours=1)
ARTICLE = Article(
    source="news",
    id="1",
    title="Title",
    link="https://example.org/1",
    published=NOW - 10 * HOUR,
    updated=NOW - 10 * HOUR,
    content="<p>Body</p>",
    extra={"slash:comments": ["1"]},
)


def known(**changes: Any) -> Known:
    """The article as it is stored."""
    stored = Known(
        article=ARTICLE, updated=NOW - 10 * HOUR, content_hash=hash_of(ARTICLE), fingerprint="mark"
    )
    return replace(stored, **changes)


def found(mark: str = "mark", **changes: Any) -> Found:
    """The article as a poll finds it."""
    return Found(replace(ARTICLE, **changes), mark)


@pytest.mark.parametrize(
    ("published", "updated", "dates"),
    [
        (None, None, (NOW, NOW)),
        (NOW - HOUR, None, (NOW - HOUR, NOW - HOUR)),
        (NOW + HOUR, None, (NOW, NOW)),
        (NOW - HOUR, NOW + HOUR, (NOW - HOUR, NOW)),
        (None, NOW - HOUR, (NOW, NOW - HOUR)),
    ],
)
def test_a_new_article_gets_dates_that_are_not_after_now(
    published: datetime | None, updated: datetime | None, dates: tuple[datetime, datetime]
) -> None:
    """Missing ones are now."""
    decision = decide(None, found(published=published, updated=updated), NOW)
    assert isinstance(decision, Insert)
    assert (decision.article.published, decision.article.updated) == dates


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"link": "https://example.org/2"},
        {"authors": ("Somebody",)},
        {"content": "<p>Other</p>"},
        {"summary": "Short"},
        {"headimg": "https://example.org/i.png"},
        {"enclosures": (Enclosure(url="https://example.org/a.mp3"),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_visible_changes_are_edits(changes: dict[str, Any]) -> None:
    """The article keeps its date; if the source gives none for the edit, the edit is counted."""
    decision = decide(known(), found("other", published=NOW, **changes), NOW)
    assert isinstance(decision, Edit)
    assert (decision.article.published, decision.article.updated) == (ARTICLE.published, NOW)
    assert decision.edits == 1


def test_an_edit_has_the_date_that_its_source_gives() -> None:
    """It is not counted; a date after now, or one that is known, says nothing."""
    said = NOW - HOUR
    assert decide(known(), found("other", title="B", updated=said), NOW) == Edit(
        replace(ARTICLE, title="B", updated=said), 0
    )
    for date in (NOW + HOUR, NOW - 10 * HOUR, NOW - 20 * HOUR):
        decision = decide(known(), found("other", title="B", updated=date), NOW)
        assert decision == Edit(replace(ARTICLE, title="B", updated=NOW), 1)


@pytest.mark.parametrize(
    "changes", [{"tags": ("a",)}, {"categories": ("A",)}, {"extra": {"georss:point": ["1 2"]}}]
)
def test_lasting_invisible_changes_are_stored_without_an_edit(changes: dict[str, Any]) -> None:
    """The date of its last edit stays."""
    decision = decide(known(), found("other", updated=NOW, **changes), NOW)
    assert isinstance(decision, Silent)
    assert decision.article == replace(ARTICLE, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"updated": NOW},
        {"published": NOW},
        {"published": None},
        {"origin": Origin(updated=NOW)},
        {"extra": {"slash:comments": ["2"]}},
        {"extra": {}},
        {"extra": {"slash:comments": ["1"], "thr:count": ["4"], "media:statistics": [{"views": "9"}]}},
    ],
)
def test_dates_and_counters_are_no_change(changes: dict[str, Any]) -> None:
    """Its fingerprint is noted, so that the same entry need not be read again."""
    assert decide(known(), found(**changes), NOW) == Same(is_marked=False)
    assert decide(known(), found("other", **changes), NOW) == Same(is_marked=True)


def test_edits_without_a_date_are_capped() -> None:
    """What follows is neither stored nor counted, until its source gives a date."""
    worn = known(edits=MAX_SILENT_EDITS)
    assert decide(worn, found("other", title="B"), NOW) == Same(is_marked=True)
    assert isinstance(decide(worn, found("other", title="B", updated=NOW), NOW), Edit)
    assert isinstance(decide(known(edits=MAX_SILENT_EDITS - 1), found("other", title="B"), NOW), Edit)


@pytest.mark.parametrize(
    ("mark", "version", "is_same", "is_edit"),
    [
        pytest.param("mark", 2, False, False, id="the same entry, another reader"),
        pytest.param("mark.more", 2, False, False, id="the same entry, of which it sees more"),
        pytest.param("other", 2, True, False, id="the same bytes, another reader"),
        pytest.param("other", 2, False, True, id="another entry, another reader"),
        pytest.param("", 2, False, True, id="no fingerprint"),
        pytest.param("mark", 1, True, True, id="the same reader"),
        pytest.param("", 2, True, False, id="an unchanged file"),
    ],
)
@pytest.mark.parametrize("worn", [0, MAX_SILENT_EDITS])
def test_changes_by_another_reader_version_are_no_edits(
    mark: str, version: int, is_same: bool, is_edit: bool, worn: int
) -> None:
    """They are stored, with the dates as before."""
    made = Found(replace(ARTICLE, content="<p>Mended</p>", updated=NOW), mark, "", version, is_same)
    decision = decide(known(edits=worn), made, NOW)
    if is_edit:
        assert isinstance(decision, Edit)
    else:
        assert decision == Silent(replace(ARTICLE, content="<p>Mended</p>"))


@pytest.mark.parametrize(
    ("before", "after", "is_edit"),
    [
        ("<p>Same words</p>", "<div>Same <b>words</b></div>", False),
        ("<p>Same words</p>", "Same<br>words", False),
        ("Caf&eacute;", "<p>Café</p>", False),
        ('<p>w</p><img src="http://a.example/1">', '<p>w</p><img src="https://a.example/2">', False),
        ("<p>Same words</p>", "<p>Same word</p>", True),
        ("<p>1</p>", "<p>2</p>", True),
        ("<p>中文</p>", "<p>中</p>", True),
        ("", "<p>new</p>", True),
    ],
)
@pytest.mark.parametrize("field", ["content", "summary"])
def test_the_same_words_from_another_reader_are_the_same_entry(
    before: str, after: str, is_edit: bool, field: str
) -> None:
    """Although its fingerprint is another, as that reader sees more of it."""
    old = replace(ARTICLE, content="", summary="")
    first: dict[str, Any] = {field: before}
    second: dict[str, Any] = {field: after}
    stored = replace(old, **first)
    new = Found(replace(old, **second), "other", reader_version=2)
    decision = decide(known(article=stored, content_hash=hash_of(stored)), new, NOW)
    assert isinstance(decision, Edit if is_edit else Silent)


def test_a_hash_of_another_version_is_computed_again_before_comparing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A change of what is hashed makes no known article an edit; an edit is still one."""
    old = known()
    monkeypatch.setattr(edits, "HASH_VERSION", edits.HASH_VERSION + 1)
    assert hash_of(ARTICLE) == f"{edits.HASH_VERSION}:{ARTICLE.content_hash}"
    assert decide(old, found(), NOW) == Same(is_marked=False)
    assert isinstance(decide(old, found("other", title="B"), NOW), Edit)
    new = known(content_hash=hash_of(ARTICLE))
    assert decide(new, found(), NOW) == Same(is_marked=False)
    assert isinstance(decide(new, found("other", title="B"), NOW), Edit)
