"""Articles as rules have them rendered."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.rules.rewrites import apply_rewrites, parse

ARTICLE = Article(
    id="1",
    title="[Ad] Tea &amp; pots – Example",
    link="https://example.org/a?id=1&utm_source=rss#x",
    authors=("Jane Doe (staff)", "Bot"),
    headimg="https://example.org/a.png",
    summary='<p>See <a href="https://example.org/b?utm_medium=feed" rel="noopener noreferrer">b</a></p>',
    content='<aside>Subscribe</aside><p>One <b>bold</b> <img src="https://example.org/a.png"></p>'
    '<div><p>Two</p><a href="https://example.org/c?a=1&amp;fbclid=2" rel="noopener noreferrer">c</a></div>',
)


def rewritten(article: Article = ARTICLE, **table: Any) -> Article:
    """The article after one rewrite; underscores are written for dashes."""
    return apply_rewrites(article, [parse({key.replace("_", "-"): value for key, value in table.items()})])


@pytest.mark.parametrize(
    ("patterns", "title"),
    [
        ({"pattern": r"^\[ad\] "}, "Tea &amp; pots – Example"),
        ({"pattern": r"(?-i)^\[ad\] "}, "[Ad] Tea &amp; pots – Example"),
        ([{"pattern": r"^\[ad\] "}, {"pattern": " – example$"}], "Tea &amp; pots"),
        ({"pattern": r"(tea) &amp; (pots)", "with": r"\2 für \1 \\1"}, r"[Ad] pots für Tea \1 – Example"),
        ({"pattern": "o", "with": "ö茶"}, "[Ad] Tea &amp; pö茶ts – Example"),
        ({"pattern": "q*", "with": ""}, "[Ad] Tea &amp; pots – Example"),
        ({"pattern": ".*", "with": ""}, ""),
        ({"pattern": ".*", "with": "x"}, "x"),
        ({"pattern": "^", "with": "News: "}, "News: [Ad] Tea &amp; pots – Example"),
        ({"pattern": "$", "with": "!"}, "[Ad] Tea &amp; pots – Example!"),
        ({"pattern": "(a)|b", "with": r"<\1>"}, "[<A>d] Te<a> &<a>mp; pots – Ex<a>mple"),
    ],
)
def test_titles_are_rewritten_by_patterns(patterns: Any, title: str) -> None:
    """Found anywhere and whatever the case, like the regexes of queries."""
    assert rewritten(title=patterns).title == title


def test_a_title_stays_one_line_of_bounded_length() -> None:
    """Whatever the pattern makes of it."""
    long = rewritten(title={"pattern": ".", "with": "x\ny" * 300}).title
    assert len(long) <= 1_000
    assert "\n" not in long


def test_authors_are_rewritten_and_those_without_a_name_go() -> None:
    """Each once."""
    assert rewritten(author={"pattern": r"\s*\(staff\)|^bot$"}).authors == ("Jane Doe",)
    assert rewritten(author={"pattern": ".*", "with": "The staff"}).authors == ("The staff",)


@pytest.mark.parametrize(
    ("table", "link"),
    [
        ({}, "https://example.org/a?id=1#x"),
        ({"tracking": False}, "https://example.org/a?id=1&utm_source=rss#x"),
        ({"tracking": ["ID"]}, "https://example.org/a#x"),
        ({"link": {"pattern": r"^https://example\.org/(\w+)\?.*", "with": r"https://www.example.org/\1"}},
         "https://www.example.org/a"),
        ({"link": {"pattern": ".*", "with": "javascript:alert(1)"}}, "https://example.org/a?id=1#x"),
        ({"link": {"pattern": ".*", "with": ""}}, "https://example.org/a?id=1#x"),
    ],
)  # fmt: skip
def test_links_lose_what_tracks_and_are_rewritten(table: Any, link: str) -> None:
    """A link that would be none stays."""
    assert rewritten(**table).link == link


def test_links_in_bodies_lose_what_tracks_and_nothing_else_changes() -> None:
    """To the byte."""
    changed = rewritten()
    assert changed.summary == ARTICLE.summary.replace("?utm_medium=feed", "")
    assert changed.content == ARTICLE.content.replace("&amp;fbclid=2", "")
    assert rewritten(tracking=False) is ARTICLE
    assert rewritten(changed) is changed
    quoted = replace(ARTICLE, content='<a href="https://e.example/?q=%22a&amp;b=&quot;&amp;gclid=1">x</a>')
    assert 'q=%22a&amp;b=&quot;"' in rewritten(quoted).content


@pytest.mark.parametrize(
    ("table", "content"),
    [
        ({"remove": "aside"}, "One <b>bold</b>"),
        ({"remove": ["aside", "p:first-of-type", "div"]}, ""),
        ({"remove": 'a[href*="example.org/c"], aside, div > p'}, "</p><div></div>"),
        ({"unwrap": ["b", "div"]}, 'referrerpolicy="no-referrer"></p><p>Two</p><a'),
        ({"keep_only": "div"}, "<div><p>Two</p>"),
        ({"keep_only": ["div", "div > p"], "remove": "a"}, "<div><p>Two</p></div>"),
        ({"keep_only": "article"}, "<aside>Subscribe</aside>"),
        ({"remove": "body, html, *"}, "<aside>"),
        ({"unwrap": "body, html"}, "<aside>"),
    ],
)
def test_bodies_are_changed_by_selectors(table: Any, content: str) -> None:
    """Where nothing would be left, the body stays."""
    changed = rewritten(**table).content
    assert content in changed
    if "keep_only" in table and "article" not in table.values():
        assert changed.startswith(content)
    if table.get("remove") == "aside":
        assert "Subscribe" not in changed


def test_a_rewritten_body_keeps_the_first_empty_line_of_code() -> None:
    """It is parsed and written twice: for the selectors, and by the sanitiser."""
    code = "<pre>\n\nx</pre>"
    assert rewritten(replace(ARTICLE, content=f"<p>y</p>{code}"), remove="p").content == code


def test_rewritten_bodies_are_sanitised() -> None:
    """An article that was not would be afterwards."""
    raw = replace(ARTICLE, content="<p>x</p><b onclick=a()>y</b><script>z</script>")
    assert rewritten(raw, remove="p").content == "<b>y</b>"


def test_a_body_over_the_limits_is_not_rewritten() -> None:
    """Selectors that count siblings would take minutes."""
    huge = replace(ARTICLE, content="<br>" * 200_000, link=None)
    assert rewritten(huge, remove="br:nth-last-child(3n+1)").content == huge.content


def test_the_lead_image_is_set_or_removed() -> None:
    """And stays where nothing is said."""
    assert rewritten(image=False).headimg is None
    assert rewritten(image="https://example.org/b.png").headimg == "https://example.org/b.png"
    assert rewritten().headimg == ARTICLE.headimg


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("title", "write a table"),
        ({"titel": {}}, "'titel' is not a known key; did you mean 'title'"),
        ({"title": "x"}, "title: write a table such as"),
        ({"title": {"pattern": ""}}, "title: write a table such as"),
        ({"title": {"pattern": "a", "replace": "b"}}, "title: write a table such as"),
        ({"title": {"pattern": "(a"}}, r"title: regex '\(a' is not valid for RE2"),
        ({"title": {"pattern": r"\pL{1,50}"}}, "too large"),
        ({"title": {"pattern": "a" * 1_001}}, "1,000 characters at most"),
        ({"title": {"pattern": "a", "with": r"\1"}}, r"with names group \\1, but the pattern has 0"),
        ({"author": [{"pattern": "a"}] * 51}, "author: more than 50 patterns"),
        ({"remove": "p["}, "remove: 'p\\[' is not a CSS selector"),
        ({"remove": ["p", 5]}, "remove: '5' is not a CSS selector"),
        ({"unwrap": []}, "unwrap: write CSS selectors"),
        ({"keep-only": "p" * 501}, "is not a CSS selector"),
        ({"tracking": "utm"}, "tracking: write false, or a list"),
        ({"tracking": ["*"]}, "tracking: write false, or a list"),
        ({"image": "a.png"}, "image: write false, or the address"),
        ({"image": "javascript:a"}, "image: write false, or the address"),
        ({"image": True}, "image: write false, or the address"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_impossible_rewrites_are_refused(value: Any, message: str) -> None:
    """Where the config is read."""
    with pytest.raises(ValueError, match=message):
        parse(value)
