"""The text in which an article is kept: what comes out of it is what went in."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.article_json import Unreadable, pack, unpack
from aggregator.model.struct import replace

ARTICLE = Article(
    source="s",
    id="1",
    title="T",
    link="https://a.example/",
    published=datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC),
    authors=("A", "B"),
    categories=("C",),
    tags=("t",),
    headimg="https://a.example/1.png",
    summary="S",
    content="<p>C</p>",
    enclosures=(Enclosure(url="https://a.example/1.mp3", length=5, duration=timedelta(seconds=3)),),
    origin=Origin(title="O", updated=datetime(1, 1, 2, tzinfo=UTC), names_itself=True),
    extra={"a": [{"text": "b"}], "n": 1.5, "none": None, "yes": True},
)

_texts = st.text(st.characters(), max_size=8)
_values = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), _texts, st.floats(allow_nan=False)),
        st.datetimes(timezones=st.just(UTC)),
        st.timedeltas(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def again(article: Article) -> Article:
    """The article, packed and unpacked."""
    return unpack(
        pack(article),
        source=article.source,
        id=article.id,
        published=article.published,
        updated=article.updated,
    )


def test_everything_comes_back() -> None:
    """Every field, with its type."""
    assert again(ARTICLE) == ARTICLE
    assert again(Article(source="s", id="1", title="")) == Article(source="s", id="1", title="")


def test_articles_of_a_feed_share_one_decoded_origin() -> None:
    """It is decoded once, and found again by its bytes."""
    first, second = (again(replace(ARTICLE, id=id_)) for id_ in ("1", "2"))
    assert first.origin is second.origin
    assert first.origin == ARTICLE.origin


def test_long_origins_are_not_cached() -> None:
    """They are decoded each time."""
    long = replace(ARTICLE, origin=replace(ARTICLE.origin, rights="x" * 20_000))
    first, second = again(long), again(long)
    assert first == second == long
    assert first.origin is not second.origin


def test_empty_fields_are_not_written() -> None:
    """Most fields of most articles are empty."""
    assert pack(Article(source="s", id="1", title="T")) == '{"title":"T"}'
    assert pack(Article(source="s", id="1", title="T", link="", headimg="")) == '{"title":"T"}'


@pytest.mark.parametrize(
    "value",
    [
        *(2**63, 2**64, -(2**63) - 1, 2**70, -(2**200), 1e300, -0.0, math.inf, -math.inf),
        *("\ud800 alone", "\udfff", "\x00", "\u2028", '"\\', ""),
        datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        *(timedelta.min, timedelta.max, timedelta(microseconds=-1)),
        *([], {}, [[]], [None, True, False], {"a": {"b": [{"c": datetime(2026, 1, 1, tzinfo=UTC)}]}}),
        *({"$date": "today"}, {"$date": 7}, {"$date": "2026-01-01", "b": 1}, {"$microseconds": "x"}),
        {"$microseconds": 2**200},
    ],
    ids=repr,
)
def test_values_of_front_matter_come_back(value: object) -> None:
    """Numbers beyond 64 bits, lone surrogates, dates; and what looks like our own marks but is none."""
    article = replace(ARTICLE, extra={"x": value, "list": [value]})
    assert again(article) == article
    assert type(again(article).extra["x"]) is type(value)


def test_nan_comes_back_as_none() -> None:
    """NaN does not equal itself."""
    assert math.isnan(again(replace(ARTICLE, extra={"x": math.nan})).extra["x"])


def test_dates_are_kept_in_utc() -> None:
    """The same moment."""
    date = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    found = again(replace(ARTICLE, extra={"x": date})).extra["x"]
    assert (found, found.tzinfo) == (date, UTC)


@pytest.mark.parametrize("field", ["title", "summary", "content", "link"])
def test_lone_surrogates_come_back_from_every_text(field: str) -> None:
    """They are in pages and in JSON; SQLite keeps none, so they are escaped."""
    article = replace(ARTICLE, **{field: "\ud83d half"})  # type: ignore[arg-type]
    assert pack(article).isascii()
    assert again(article) == article


@given(_texts, _texts, st.dictionaries(_texts, _values, max_size=3))
def test_any_article_comes_back(title: str, content: str, extra: dict[str, Any]) -> None:
    """Whatever its texts and its front matter are."""
    article = replace(ARTICLE, title=title, content=content, tags=(title,), extra=extra)
    text = pack(article)
    assert again(article) == article
    assert pack(again(article)) == text
    own = {"source": article.source, "id": article.id}
    assert unpack(text.encode(), **own, published=article.published, updated=article.updated) == article


@given(st.text(max_size=40) | st.binary(max_size=40) | st.none() | st.integers())
def test_other_texts_are_not_times(text: Any) -> None:
    """All of them raise the same error."""
    try:
        found = unpack(text, source="s", id="1", published=None, updated=None)
    except Unreadable:
        return
    assert isinstance(found, Article)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "[]",
            "7",
            "null",
            '{"title": 7}',
            '{"extra": []}',
            '{"enclosures": 7}',
            '{"tags": "abc"}',
        ),
        *("[" * 100_000, '{"extra": ' + '{"a": ' * 100_000, '{"origin": {"updated": "yesterday"}}'),
        *(b"\xff", None),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_text_that_pack_did_not_write_is_unreadable(text: Any) -> None:
    """Damage is reported, and never half an article."""
    with pytest.raises(Unreadable):
        unpack(text, source="s", id="1", published=None, updated=None)


@pytest.mark.parametrize("key", ["source", "id"])
def test_an_id_that_is_no_text_is_unreadable(key: str) -> None:
    """As SQLite keeps what it is given."""
    with pytest.raises(Unreadable):
        unpack("{}", **{"source": "s", "id": "1", "published": None, "updated": None, key: b"1"})  # type: ignore[arg-type]


def test_values_that_no_article_can_have_raise_an_error() -> None:
    """Before anything is stored."""
    with pytest.raises(TypeError, match="cannot keep a set"):
        pack(replace(ARTICLE, extra={"x": {1}}))
