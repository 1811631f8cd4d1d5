"""The hash of an article's content: stored, and so the same in every version of the program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregator.model.article import Article, Enclosure
from aggregator.model.struct import replace

PLAIN = Article(id="1")
FULL = Article(
    id="1",
    title='A "title" \\ of\n two lines\t\x07\u2028',
    link="https://a.example/ü?a=1&b=2",
    authors=("Zoë", "王小明"),
    headimg="https://a.example/x.png",
    summary="",
    content="<p>b\ud800</p> 🦊",
    enclosures=(
        Enclosure(url="https://a.example/x.mp3", length=5, duration=timedelta(seconds=90)),
        Enclosure(url="https://a.example/y.mp3", type="audio/mpeg", title="ÿ"),
    ),
)


def test_visible_changes_change_the_content_hash() -> None:
    """Each field alone, and text that moves from one field to another."""
    one, other = FULL.enclosures
    others = (
        replace(FULL, title="B"),
        replace(FULL, link=None),
        replace(FULL, link=""),
        replace(FULL, authors=("Zoë",)),
        replace(FULL, authors=("Zoë", "王小明", FULL.content), content=""),
        replace(FULL, authors=("Zoë王小明",)),
        replace(FULL, summary=FULL.content, content=""),
        replace(FULL, content=FULL.content + " "),
        replace(FULL, headimg=None),
        replace(FULL, enclosures=(other, one)),
        replace(FULL, enclosures=(one,)),
        replace(FULL, enclosures=(replace(one, length=6), other)),
        replace(FULL, enclosures=(replace(one, length=None), other)),
        replace(FULL, enclosures=(replace(one, duration=timedelta(seconds=91)), other)),
    )
    hashes = {each.content_hash for each in (PLAIN, FULL, *others)}
    assert len(hashes) == len(others) + 2


def test_the_content_hash_never_changes() -> None:
    """It is stored: another hash needs another `store.edits.HASH_VERSION`."""
    assert (PLAIN.content_hash, FULL.content_hash) == (
        "45ab6c0a2412e3e096f262914762ae14",
        "b61f6cc69023cfcb197f203b70783983",
    )


def test_dates_and_categories_are_no_content() -> None:
    """Feeds that stamp every poll have edited nothing."""
    moved = replace(FULL, published=datetime(2026, 1, 1, tzinfo=UTC), categories=("a",), tags=("b",))
    assert moved.content_hash == FULL.content_hash
    assert replace(FULL, title="B").content_hash != FULL.content_hash
