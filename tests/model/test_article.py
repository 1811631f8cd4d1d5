"""The hash of an article's content: stored, and so the same in every version of the program."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model.article import Article, Enclosure

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


@pytest.mark.parametrize("article", [PLAIN, FULL, replace(FULL, authors=(), headimg=None)])
def test_it_is_of_the_json_of_what_a_reader_would_notice(article: Article) -> None:
    """As every store has it."""
    seen = [
        article.title,
        article.link,
        article.authors,
        article.content,
        article.summary,
        article.headimg,
        [asdict(each) for each in article.enclosures],
    ]
    text = json.dumps(seen, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    assert article.content_hash == hashlib.blake2b(text, digest_size=16).hexdigest()


def test_dates_and_categories_are_no_content() -> None:
    """Feeds that stamp every poll have edited nothing."""
    moved = replace(FULL, published=datetime(2026, 1, 1, tzinfo=UTC), categories=("a",), tags=("b",))
    assert moved.content_hash == FULL.content_hash
    assert replace(FULL, title="B").content_hash != FULL.content_hash
