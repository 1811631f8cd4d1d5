"""Front matter: our articles come back exactly; other people's files are read as a person would."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aggregator.errors import FrontMatterError, WriteError
from aggregator.front_matter import text as front_matter
from aggregator.front_matter.own_keys import OWN_KEYS, date
from aggregator.model.article import Article, Enclosure, Origin, Problem
from tests.support.examples import examples

NASTY = [
    *(
        "",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "---",
        "+++",
        "...",
        "\n---\n",
        "\n---\n\n",
        "{",
        "}",
        "&#123;",
        "&amp;#123;",
    ),
    *(
        "null",
        "~",
        "no",
        "No",
        "y",
        "on",
        "true",
        "0123",
        "2014",
        "1:30",
        "1e3",
        "0x1f",
        ".inf",
        "=",
        "<<",
        "1_000",
    ),
    *(
        "2020-01-01",
        "2022-13-45",
        "Invalid Date",
        "https://example.org/undefined",
        "'",
        '"',
        "''",
        "\"'a'\"",
        "\\",
        "\\u0041",
    ),
    *(
        "@a",
        "`a",
        "%a",
        "*a",
        "&a",
        "!a",
        "!!str a",
        "- a",
        "? a",
        "a: b",
        "a #b",
        "#b",
        "a:",
        ": a",
        "[a]",
        "{a: b}",
        "|",
        ">",
    ),
    *(
        "\0",
        "\x07",
        "\x1b",
        "\x7f",
        "\x85",
        "\x9f",
        "\xa0",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufeff---\n",
        "\ufffe",
        "\uffff",
    ),
    *(
        "\U0001f600",
        "\U0010ffff",
        "e\u0301",
        "\u202e",
        "財聯社",
        " a ",
        "a  b",
        "a\tb",
        "title: x\n\nbody",
        "x" * 1100,
        "é" * 1100,
    ),
]
FRAGMENTS = [
    "---\n",
    "title: ",
    "\n",
    "- ",
    "  ",
    "tags:\n",
    ";;;\n",
    "+++\n",
    '{"a": ',
    "x",
    "guid: g\nsource: s\n",
]
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=20),
    st.lists(st.sampled_from(NASTY), max_size=4).map("".join),
)
urls = st.one_of(
    st.just("https://example.org/undefined"),
    st.text(max_size=12).map(lambda end: f"https://example.org/{end}"),
)
dates = st.datetimes(timezones=st.just(UTC)) | st.datetimes(timezones=st.just(UTC)).map(
    lambda when: when.replace(microsecond=0)
)
optional_dates = st.none() | dates | st.just(datetime(1970, 1, 19, 10, 51, 32, tzinfo=UTC))
KEYS = [
    *OWN_KEYS,
    *(
        "comments",
        "content",
        "handler",
        "self",
        "no",
        "<<",
        "=",
        "~",
        "null",
        "1:30",
        "0123",
        "id",
        "published",
    ),
    *("category", "image", "taxonomies", "description", "url", "é" * 500, "k" * 2000, "? a", "- a"),
]
keys = st.sampled_from(KEYS) | texts
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e16, 1e-7, -0.0, 5e-324, 10**400]),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
names = st.lists(texts, max_size=3).map(tuple)
enclosures = st.builds(
    Enclosure,
    url=texts,
    type=st.none() | texts,
    length=st.none() | st.integers(),
    title=st.none() | texts,
    duration=st.none() | st.timedeltas(),
)
origins = st.just(Origin()) | st.builds(
    Origin,
    id=st.none() | texts,
    title=texts,
    link=st.none() | texts,
    self_link=st.none() | texts,
    updated=optional_dates,
    language=st.none() | texts,
    rights=st.none() | texts,
    extra=st.dictionaries(keys, values, max_size=2),
)
articles = st.builds(
    Article,
    source=texts,
    id=texts.filter(bool),
    title=texts,
    link=st.none() | urls,
    published=optional_dates,
    updated=optional_dates,
    authors=names,
    categories=names,
    tags=names,
    headimg=st.none() | urls,
    summary=texts,
    content=texts | st.lists(texts, max_size=4).map("\n".join),
    enclosures=st.lists(enclosures, max_size=2).map(tuple),
    origin=origins,
    extra=st.dictionaries(keys, values, max_size=4),
)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1, 1.0 and True are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and repr(one) == repr(other)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(articles)
@example(Article(id="1", title="a", content="\ufeff---\r\n---\n+++\n\x85\u2028\0 "))
@example(Article(id="1", headimg="https://example.org/a", extra={"thumbnail": "https://example.org/a"}))
@example(Article(id="1", authors=("",), extra={"thumbnail": "", "extra": {"extra": 1}}))
def test_every_article_comes_back_as_it_was(article: Article) -> None:
    """loads(dumps(a)) == a, types included, with no problem found, as text and as bytes."""
    text = front_matter.dumps(article)
    read, problems = front_matter.parse(text)
    assert read == article
    assert same(dict(read.extra), dict(article.extra))
    assert problems == ()
    assert front_matter.loads(text.encode()) == article


@settings(max_examples=examples(70), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(articles)
def test_written_files_are_read_alike_by_an_ordinary_yaml_loader(article: Article) -> None:
    """PyYAML's YAML 1.1 sees the same title, lists and extra values as we do: nothing is left to guess."""
    text = front_matter.dumps(article)
    block = text.removeprefix("\n---\n")[: -len(f"\n---\n\n{article.content}")]
    meta = yaml.load(io.StringIO(block), Loader=yaml.CSafeLoader)
    assert meta["title"] == article.title
    assert meta["guid"] == article.id
    assert tuple(meta.get("categories", ())) == article.categories
    assert tuple(meta.get("tags", ())) == article.tags
    assert all(same(meta[key], value) for key, value in article.extra.items() if key not in OWN_KEYS)


OLD_FORM = """
---
title: '深度｜潮水退去'
categories:\x20
\x20-\x20金融
\x20-\x20财联社
 - 深度
headimg: 'https://example.org/a.jpg'
author: 财联社
comments: false
date: Wed, 13 Apr 2022 07:23:30 GMT
thumbnail: 'https://example.org/a.jpg'
---

<div>\x20\x20\x20
<p>正文</p>
</div>
            """


def test_an_article_of_the_old_form_is_written_in_the_old_form_again() -> None:
    """Same keys, order and quoting; ours only follow after them."""
    article = front_matter.loads(OLD_FORM, url="1.md")
    assert front_matter.dumps(article) == OLD_FORM.replace(
        "a.jpg'\n---", "a.jpg'\nguid: '1.md'\nsource: ''\n---"
    )


def test_an_article_of_the_old_form_is_read_whole() -> None:
    """Every key has its field; the thumbnail that repeats the lead image is no extra."""
    article, problems = front_matter.parse(OLD_FORM)
    assert article.title == "深度｜潮水退去"
    assert article.categories == ("金融", "财联社", "深度")
    assert article.headimg == "https://example.org/a.jpg"
    assert article.authors == ("财联社",)
    assert article.published == datetime(2022, 4, 13, 7, 23, 30, tzinfo=UTC)
    assert article.content == "<div>   \n<p>正文</p>\n</div>\n            "
    assert article.extra == {"comments": False}
    assert problems == ()


def test_all_keys_are_written_in_their_order() -> None:
    """The old keys, then ours, then the extra ones; a clash is kept under `extra`."""
    when = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    article = Article(
        source="s",
        id="urn:1",
        title="It's",
        link="https://example.org/1",
        published=when,
        updated=when.replace(microsecond=5),
        authors=("Ann", "Bob: x"),
        categories=("no", "C"),
        tags=("a b",),
        headimg="https://example.org/i.png",
        summary="short",
        enclosures=(Enclosure(url="https://example.org/a.mp3", length=3, duration=timedelta(seconds=90)),),
        origin=Origin(id="urn:f", title="F"),
        extra={"comments": True, "layout": "post", "title": "other", "n": [1, "x"]},
    )
    assert front_matter.dumps(article) == (
        "\n---\ntitle: \"It's\"\ncategories: \n - 'no'\n - C\nheadimg: 'https://example.org/i.png'\n"
        "author: Ann\ncomments: true\ndate: Mon, 06 May 2024 07:08:09 GMT\n"
        "thumbnail: 'https://example.org/i.png'\nlink: 'https://example.org/1'\nguid: 'urn:1'\nsource: s\n"
        "updated: 2024-05-06T07:08:09.000005+00:00\nauthors: \n - Ann\n - 'Bob: x'\ntags: \n - a b\n"
        'enclosures: \n - {"url": "https://example.org/a.mp3", "length": 3, "duration": 90}\n'
        'summary: \'short\'\norigin: {"id": "urn:f", "title": "F"}\nextra: {"title": "other"}\n'
        "layout: 'post'\n\"n\": \n - 1\n - x\n---\n\n"
    )


def head(lines: str, body: str = "body\n") -> str:
    return f"---\n{lines}\n---\n\n{body}"


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        pytest.param("title: No", "No", id="a truth value"),
        pytest.param("title: 2014", "2014", id="a number"),
        pytest.param("title: 0123", "0123", id="octal"),
        pytest.param("title: 1.10", "1.10", id="a decimal"),
        pytest.param("title: 1:30", "1:30", id="base 60"),
        pytest.param("title: 2020-01-01", "2020-01-01", id="a date"),
        pytest.param("title: 2022-13-45", "2022-13-45", id="no date"),
        pytest.param("title: @someone said hi", "@someone said hi", id="at sign"),
        pytest.param("title: %d `x`", "%d `x`", id="percent sign"),
        pytest.param("title: *bold* claims", "*bold* claims", id="asterisk"),
        pytest.param("title: [Review] a book", "[Review] a book", id="bracket"),
        pytest.param("title: [Review]", "[Review]", id="only brackets"),
        pytest.param("title: {{ site.name }}", "{{ site.name }}", id="a template"),
        pytest.param("title: Part 3: the end", "Part 3: the end", id="colon"),
        pytest.param("title: Issue #12", "Issue #12", id="hash"),
        pytest.param("title: Issue # a comment", "Issue", id="comment"),
        pytest.param("title: C#", "C#", id="hash in a word"),
        pytest.param("title: '谁\n  发明\n'", "谁 发明", id="over several lines"),
        pytest.param('title: "It\'s"', "It's", id="apostrophe in double quotes"),
        pytest.param("title: 'It's'", "It's", id="apostrophe in single quotes"),
        pytest.param('title: """"\'谁发明了AI？\'""""', "谁发明了AI？", id="rows of quotes"),
        pytest.param('title: "He said "hi""', 'He said "hi"', id="quotes in quotes"),
        pytest.param('title: "hi" he said "bye"', '"hi" he said "bye"', id="quotes that do not wrap"),
        pytest.param("title: 'a &#123;b&#125; &amp;'", "a {b} &amp;", id="braces"),
        pytest.param("title: a\x08b", "ab", id="control character"),
        pytest.param("title: " + '"' * 100_000 + "a" + '"' * 100_000, "a", id="endless quotes"),
        pytest.param("title: first\ntitle: second", "second", id="twice"),
    ],
)
def test_a_title_is_read_as_a_person_reads_it(lines: str, title: str) -> None:
    """YAML's types, comments and syntax errors do not change what is written."""
    assert front_matter.loads(head(lines)).title == title


@pytest.mark.parametrize(
    ("lines", "categories"),
    [
        pytest.param("categories:\n    - 0123\n    - no", ("0123", "no"), id="four spaces, traps"),
        pytest.param("categories:\n- a\n- a\n-", ("a",), id="no indent, repeated, empty"),
        pytest.param("categories:\n\t- 网络\n\t- HCNA", ("网络", "HCNA"), id="tabs"),
        pytest.param("categories:\n - @a: b\n - 'it's'", ("@a: b", "it's"), id="not yaml"),
        pytest.param("categories: [[a, b], [a, c]]", ("a", "b", "c"), id="hexo paths"),
        pytest.param("categories: a b c", ("a", "b", "c"), id="jekyll words"),
        pytest.param("categories: iOS dev, WWDC", ("iOS dev", "WWDC"), id="commas"),
        pytest.param("category: two words", ("two words",), id="category"),
        pytest.param("categories:\n", (), id="empty"),
        pytest.param("categories:\n    - a\n\nauthor: b", ("a",), id="blank line among the keys"),
    ],
)
def test_categories_are_read_in_every_generators_form(lines: str, categories: tuple[str, ...]) -> None:
    """Lists, paths and strings become names, each once, as written."""
    assert front_matter.loads(head(f"title: t\n{lines}")).categories == categories


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        ("tags: a b", ("a", "b")),
        ("tags: two words, c", ("two words", "c")),
        ("tags: [two words, c]", ("two words", "c")),
        ("tag: two words", ("two words",)),
    ],
)
def test_tags_are_read_in_every_generators_form(lines: str, tags: tuple[str, ...]) -> None:
    """A string without commas is Jekyll's words; its singular is one tag."""
    assert front_matter.loads(head(f"title: t\n{lines}")).tags == tags


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        pytest.param("Wed, 13 Apr 2022 07:23:30 GMT", "2022-04-13T07:23:30+00:00", id="rfc 1123"),
        pytest.param("Wed, 13 Apr 2022 07:23:30 +0800", "2022-04-12T23:23:30+00:00", id="rfc 822 zone"),
        pytest.param("2022-01-08 10:24:43", "2022-01-08T10:24:43+00:00", id="no zone"),
        pytest.param("2022-1-8", "2022-01-08T00:00:00+00:00", id="day"),
        pytest.param("2013/7/13 20:46", "2013-07-13T20:46:00+00:00", id="hexo slashes"),
        pytest.param("2021-06-14 22:59:43.10 -5", "2021-06-15T03:59:43.100000+00:00", id="yaml zone"),
        pytest.param("2010-01-10 13:07:09 +00:00", "2010-01-10T13:07:09+00:00", id="space before the zone"),
        pytest.param(
            "2017-10-16T11:56:00.123456789+07:00", "2017-10-16T04:56:00.123456+00:00", id="nanoseconds"
        ),
        pytest.param("2022-01-08 10:24:43 CET", "2022-01-08T09:24:43+00:00", id="named zone"),
        pytest.param("Sat, 8 Jan 2022 10:24:43 CET", "2022-01-08T09:24:43+00:00", id="rfc 822 name"),
        pytest.param("8 Jan 2022 3:04 PM EST", "2022-01-08T20:04:00+00:00", id="half of the day"),
        pytest.param("8 janvier 2022", "2022-01-08T00:00:00+00:00", id="french"),
        pytest.param("2022-13-45", None, id="no such day"),
        pytest.param("0001-01-01T00:00:00+23:00", None, id="before year one"),
        pytest.param("1, 1 Jan 99999999999 00:00:00", None, id="after all years"),
        pytest.param("AUTO_GEN", None, id="text"),
        pytest.param("9" * 1000, None, id="long"),
    ],
)
def test_a_date_is_read_or_missing(written: str, iso: str | None) -> None:
    """UTC when no zone is named; never a crash."""
    when = date(written)
    assert (when.isoformat() if when else None) == iso


@pytest.mark.parametrize(
    "written", ["Invalid Date", "Mon, 19 Jan 1970 10:51:32 GMT", "0001-01-01T00:00:00Z", "0001-01-01"]
)
def test_a_nonsense_date_is_missing_and_reported(written: str) -> None:
    """No date, one problem, and nothing left over in extra."""
    article, problems = front_matter.parse(head(f"title: t\ndate: {written}"))
    assert (article.published, article.extra) == (None, {})
    assert [written in str(problem) for problem in problems] == [True]


def test_an_unreadable_date_stays_in_extra() -> None:
    """Text that might mean something to its generator is kept, and said."""
    article, problems = front_matter.parse(head("title: t\ndate: AUTO_GEN"))
    assert article.extra == {"date": "AUTO_GEN"}
    assert problems == (Problem(text="date is not a date: AUTO_GEN"),)


@pytest.mark.parametrize(
    ("lines", "headimg", "extra"),
    [
        pytest.param("headimg: ''\nthumbnail: ''", None, {}, id="empty"),
        pytest.param("headimg:\nthumbnail: https://e.org/b", "https://e.org/b", {}, id="thumbnail instead"),
        pytest.param("headimg: https://e.org/undefined\nthumbnail: https://e.org/b", "https://e.org/b", {},
                     id="undefined"),
        pytest.param("headimg: https://e.org/a\nthumbnail: https://e.org/b", "https://e.org/a",
                     {"thumbnail": "https://e.org/b"}, id="two"),
        pytest.param("cover: /a.png", None, {"cover": "/a.png"}, id="relative"),
        pytest.param("photos: [https://e.org/a]", "https://e.org/a", {}, id="photos"),
        pytest.param("image:\n  feature: a.png", None, {"image": {"feature": "a.png"}}, id="mapping"),
    ],
)  # fmt: skip
def test_the_lead_image_is_an_absolute_url_or_none(
    lines: str, headimg: str | None, extra: dict[str, Any]
) -> None:
    """The first good image of the synonyms; what is no image of ours stays."""
    article = front_matter.loads(head(f"title: t\n{lines}"))
    assert (article.headimg, article.extra) == (headimg, extra)


def test_an_image_named_undefined_is_reported() -> None:
    """One problem that names the address."""
    problems = front_matter.parse(head("title: t\nheadimg: https://e.org/p/undefined"))[1]
    assert [problem.text for problem in problems] == ["headimg is no image: https://e.org/p/undefined"]


YAML_POST = head("title: T\ndate: 2024-01-02\ncategories: [a]\ntags: [b, c]\nlayout: post\nn: 3")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(YAML_POST, id="yaml"),
        pytest.param("\n\n" + YAML_POST, id="blank lines first"),
        pytest.param(YAML_POST.replace("---", "--- "), id="space after the fence"),
        pytest.param(YAML_POST.replace("---\n\n", "...\n\n"), id="dots"),
        pytest.param(YAML_POST.replace("---\n\n", "---\n"), id="no blank line"),
        pytest.param(YAML_POST.replace("---", "----"), id="four dashes"),
        pytest.param(YAML_POST.replace("---\nt", "---yaml\nt"), id="language"),
        pytest.param("\ufeff" + YAML_POST, id="byte order mark"),
        pytest.param(YAML_POST.removeprefix("---\n"), id="no opening fence"),
        pytest.param(
            '+++\ntitle = "T"\ndate = 2024-01-02\nlayout = "post"\nn = 3\n'
            '[taxonomies]\ncategories = ["a"]\ntags = ["b", "c"]\n+++\n\nbody\n',
            id="zola",
        ),
        pytest.param(
            '+++\ntitle = "T"\ndate = 2024-01-02T00:00:00Z\ncategories = ["a"]\n'
            'tags = ["b", "c"]\nlayout = "post"\nn=3\n+++\nbody\n',
            id="hugo toml",
        ),
        pytest.param(
            '{\n "title": "T", "date": "2024-01-02", "categories": ["a"],\n'
            ' "tags": ["b", "c"], "layout": "post", "n": 3\n}\n\nbody\n',
            id="hugo json",
        ),
        pytest.param(
            '---json\n{"title": "T", "date": "2024-01-02", "category": "a",'
            ' "tags": "b, c", "layout": "post", "n": 3}\n---\nbody\n',
            id="json in a fence",
        ),
        pytest.param(
            '"title": "T",\n"date": "2024/01/02",\n"categories": ["a"],'
            ' "tags": ["b","c"], "layout":"post","n":3\n;;;\nbody\n',
            id="hexo json",
        ),
    ],
)
def test_every_generators_form_gives_the_same_article(text: str) -> None:
    """Fences, languages and marks differ; what is said does not, and the body is the same."""
    expected = front_matter.loads(YAML_POST, url="u")
    assert expected.extra == {"layout": "post", "n": 3}
    assert expected.tags == ("b", "c")
    assert front_matter.loads(text, url="u") == expected
    assert front_matter.loads(text.encode(), url="u") == expected


@pytest.mark.parametrize("text", ['{"n": 1e999, "f": 1e2}\nbody', '"n": 1e999,\n"f": 1e2\n;;;\nbody'])
def test_a_number_of_json_that_no_float_holds_stays_as_written(text: str) -> None:
    """JSON has no infinity, and neither have posts."""
    article = front_matter.loads(text, url="u")
    assert article.extra == {"n": "1e999", "f": 100.0}
    assert front_matter.loads(front_matter.dumps(article)) == article


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_bytes_are_decoded_by_their_mark(encoding: str) -> None:
    """UTF-8 with a mark and UTF-16 read like plain UTF-8."""
    assert front_matter.loads(OLD_FORM.encode(encoding)) == front_matter.loads(OLD_FORM)


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["windows", "old mac"])
def test_other_line_ends_are_fences_too_and_stay_in_the_body(end: str) -> None:
    """The keys are read; the body keeps its line ends."""
    article = front_matter.loads(head("title: t\ntags:\n- a", "b\nc").replace("\n", end))
    assert (article.title, article.tags, article.content) == ("t", ("a",), f"b{end}c")


def test_pelicans_lines_end_at_the_first_blank_one() -> None:
    """Keys in any case, lists by commas, a colon within a value."""
    article = front_matter.loads(
        "Title: A: b\nDate: 2010-12-02 10:14\nModified: 2010-12-03\nTags: foo, bar\n"
        "Category: test\nAuthors: Ann, Bob\nSummary: one\n    two\n\nText: more\n"
    )
    assert (article.title, article.summary) == ("A: b", "one two")
    assert (article.tags, article.categories, article.authors) == (("foo", "bar"), ("test",), ("Ann", "Bob"))
    assert article.published == datetime(2010, 12, 2, 10, 14, tzinfo=UTC)
    assert article.updated == datetime(2010, 12, 3, tzinfo=UTC)
    assert article.content == "Text: more\n"


@pytest.mark.parametrize(
    ("text", "url", "title"),
    [
        pytest.param("Intro\n\n# The title #\ntext", "", "The title", id="heading"),
        pytest.param(
            "text", "https://example.org/a/2017-11-23-my%20first-post.md", "my first post", id="file name"
        ),
        pytest.param("Note: nothing", "", "", id="nothing"),
        pytest.param("{% raw %}", "", "", id="a template"),
        pytest.param("The title\n=========\ntext", "", "The title", id="underlined heading"),
        pytest.param("text", "//[a#1_b.md", "[a#1 b", id="a name that is no URL"),
    ],
)
def test_a_file_without_front_matter_is_all_body(text: str, url: str, title: str) -> None:
    """The title comes from a heading or the file's name, and a problem says so."""
    article, problems = front_matter.parse(text, url=url)
    assert (article.content, article.title) == (text, title)
    assert [problem.text.startswith("no title") for problem in problems] == [True]


def test_a_page_bundle_is_named_by_its_folder() -> None:
    """Its title and its day; its id stays the file."""
    article = front_matter.loads("x", url="posts/2015-03-04-my-trip.v2/index.md")
    assert (article.title, article.published) == ("my trip.v2", datetime(2015, 3, 4, tzinfo=UTC))
    assert article.id == "posts/2015-03-04-my-trip.v2/index.md"


def test_a_jekyll_files_name_holds_its_day() -> None:
    """Only where the keys hold no date."""
    assert front_matter.loads("x", url="/p/2017-11-23-a.md").published == datetime(2017, 11, 23, tzinfo=UTC)
    assert front_matter.loads(head("date: 2020-01-01"), url="/p/2017-11-23-a.md").published == datetime(
        2020, 1, 1, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("lines", "url", "ident"),
    [
        pytest.param("guid: g\nid: i\nlink: https://e.org/l", "u", "g", id="guid"),
        pytest.param("id: 7\nlink: https://e.org/l", "u", "7", id="id"),
        pytest.param("permalink: /l\nurl: https://e.org/l", "u", "https://e.org/l", id="link"),
        pytest.param("permalink: /l", "u.md", "u.md", id="file"),
        pytest.param("title: t", "", "", id="hash"),
    ],
)
def test_an_id_falls_back(lines: str, url: str, ident: str) -> None:
    """guid, id, link, the file; at last a hash that tells two files apart and one from itself not."""
    article = front_matter.loads(head(lines), url=url)
    if ident:
        assert article.id == ident
    else:
        assert re.fullmatch(r"[0-9a-f]{32}", article.id)
        assert article.id == front_matter.loads(head(lines)).id != front_matter.loads(head(lines, "other")).id


@pytest.mark.parametrize(
    ("lines", "authors", "kept"),
    [
        pytest.param("author: Ann", ("Ann",), {}, id="text"),
        pytest.param("authors: [Ann, Bob]\nauthor: Bob", ("Bob", "Ann"), {}, id="list"),
        pytest.param("author:\n  name: Ann", ("Ann",), {}, id="mapping"),
        pytest.param(
            "author:\n  name: Ann\n  age: 3",
            ("Ann",),
            {"author": {"name": "Ann", "age": 3}},
            id="more than a name",
        ),
    ],
)
def test_authors_have_many_forms(lines: str, authors: tuple[str, ...], kept: dict[str, Any]) -> None:
    """Names are taken; a person of whom more is said stays whole in extra."""
    article = front_matter.loads(head(f"title: t\n{lines}"))
    assert (article.authors, article.extra) == (authors, kept)


@pytest.mark.parametrize(
    ("lines", "enclosures"),
    [
        ("enclosure: https://tea.example/1.mp3", (Enclosure(url="https://tea.example/1.mp3"),)),
        (
            "enclosures:\n- {url: 'https://tea.example/1.mp3', type: audio/mpeg, length: 9, duration: 90}",
            (
                Enclosure(
                    url="https://tea.example/1.mp3",
                    type="audio/mpeg",
                    length=9,
                    duration=timedelta(seconds=90),
                ),
            ),
        ),
        ("enclosures: [/1.mp3]", ()),
        ("enclosures: [{url: 'https://tea.example/1.mp3', bitrate: 9}]", ()),
        ("enclosure: |-\n  https://tea.example/1.mp3\n  9\n  audio/mpeg", ()),
    ],
)
def test_media_files_are_read_where_all_of_them_is_known(
    lines: str, enclosures: tuple[Enclosure, ...]
) -> None:
    """In a file of any generator; others stay in `extra`."""
    article = front_matter.loads(head(f"title: t\n{lines}"))
    assert article.enclosures == enclosures
    assert ("enclosure" in "".join(article.extra)) is not bool(enclosures)


def test_unknown_keys_are_kept_with_their_types_where_those_are_sure() -> None:
    """JSON-like values under extra; a number that would lose a digit stays text."""
    article = front_matter.loads(
        head(
            "title: t\nsource: NVD\ndraft: true\nweight: 3\nversion: 1.10\nratio: 0.5\nempty:\nzip: 0123\n"
            "q: '3'\nmenu:\n  main: {weight: 4, name: ~}\npublished: false\ndescription: d\nsummary: s"
        )
    )
    assert (article.source, article.summary, article.published) == ("", "s", None)
    expected = {"source": "NVD", "draft": True, "weight": 3, "version": "1.10", "ratio": 0.5, "empty": None}
    expected |= {"zip": "0123", "q": "3", "menu": {"main": {"weight": 4, "name": None}}}
    expected |= {"published": False, "description": "d"}
    assert same(dict(article.extra), expected)
    assert front_matter.loads(front_matter.dumps(article)) == article


def test_a_repair_reports_line_key_and_advice() -> None:
    """The line in the file, the key and what to change; the sound keys are untouched."""
    article, problems = front_matter.parse("\n---\nlayout: [a,\n  b]\ntitle: @a: b\ntags:\n\t- x\n---\n")
    assert (article.extra, article.title, article.tags) == ({"layout": ["a", "b"]}, "@a: b", ("x",))
    assert [str(problem) for problem in problems] == [
        "line 5: title: not YAML, read as plain text: quote it",
        "line 6: tags: indented with tabs",
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param(b"---\ntitle: a\n\nb: \xff\n---\n", 4, "not utf-8", id="not utf-8"),
        pytest.param("---\ntitle: a\n\ntext", 1, "never closed", id="unclosed"),
        pytest.param("\n+++\ntitle = 1\n", 2, "never closed", id="unclosed toml"),
        pytest.param("---", 1, "never closed", id="a rule alone"),
        pytest.param("---\nfunction f(a) {\n}\n---\n", 2, "front matter must be", id="code"),
        pytest.param("---\n- a\n- b\n---\n", 2, "front matter must be", id="a list"),
        pytest.param("---\nSome words.\ntitle: x\n---\n", 3, "not YAML", id="words first"),
        pytest.param("---\ntitle: x\nmenu:\n  a: [\n---\n", 3, "the value of menu", id="broken nesting"),
        pytest.param("---cson\ntitle: 'a'\n---\n", 1, "in cson", id="unknown language"),
        pytest.param("---" + " " * 100_000 + "js", 1, "in js", id="a language far away"),
        pytest.param("+++\na = 1\nb = \n+++\n", 3, "not TOML", id="toml"),
        pytest.param("---json\n{\n'a': 1}\n---\n", 3, "not JSON", id="json"),
        pytest.param('\n{\n"a": }\n', 3, "not JSON", id="json object"),
        pytest.param('{"a": NaN}\n', 1, "not JSON", id="json nan"),
        pytest.param(head("a: " + "[" * 100_000), 2, "deeper than 50", id="deep"),
        pytest.param("{" + '"a": [' * 100_000, 1, "not JSON", id="deep json"),
        pytest.param('{"a": ' + "[" * 60 + "]" * 60 + "}", 1, "deeper than 50", id="deep sound json"),
        pytest.param(head("a: [" + "1," * 100_001 + "]"), 2, "more than 100000", id="many values"),
        pytest.param(
            head("a: &a [1,1,1,1,1,1,1,1,1,1]\n"
                 + "".join(f"{b}: &{b} [{f'*{a},' * 10}]\n" for a, b in pairwise("abcdefgh"))),
            6, "more than 100000", id="alias bomb",
        ),
        pytest.param(head(f"a: &a 1\nb: [{'*a,' * 101}]"), 3, "more than 100 aliases", id="many aliases"),
    ],
)  # fmt: skip
def test_unreadable_front_matter_is_refused_with_file_line_and_reason(
    text: str | bytes, line: int, reason: str
) -> None:
    """Never swallowed in silence, never a library's exception."""
    with pytest.raises(FrontMatterError) as caught:
        front_matter.parse(text, url="posts/a.md")
    assert caught.value.line == line
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"posts/a.md: line {line}: ")


class _StrictLoader(yaml.SafeLoader):
    """A PyYAML whose scanner gives up at 60 levels, in words and by an exception of its own."""

    error: Exception = yaml.YAMLError("collections within collections within collections")

    def fetch_flow_collection_start(self, token: Any) -> Any:
        """Called before the token is handed on, as libyaml does it."""
        if self.flow_level >= 60:
            raise self.error
        return super().fetch_flow_collection_start(token)


class _RecursiveLoader(_StrictLoader):
    """The same, as a parser that calls itself would say it."""

    error = RecursionError()


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader, _StrictLoader, _RecursiveLoader])
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("a: " + "[" * 100_000, id="unclosed lists"),
        pytest.param("a: " + "[" * 900 + "]" * 900, id="closed lists"),
        pytest.param("a: " + "[" * 100_000 + "]" * 100_000, id="many closed lists"),
        pytest.param("title: x\na: " + "{" * 5_000, id="unclosed mappings"),
        pytest.param("a: " + "{a: " * 5_000, id="mappings with keys"),
        pytest.param("a: " + "[{" * 5_000, id="mixed"),
        pytest.param("a: " + "[ \n" * 5_000, id="a level a line"),
        pytest.param("a: " + "[? " * 5_000, id="explicit keys"),
        pytest.param("a: " + "['x', " * 5_000, id="behind other values"),
        pytest.param("? " * 5_000, id="nested keys"),
        pytest.param("- " * 5_000, id="nested list items"),
        pytest.param("a:\n  - " + "- " * 5_000 + "x", id="nested list items under a key"),
        pytest.param("\n".join(" " * depth + "a:" for depth in range(1_500)), id="indented mappings"),
        pytest.param("[" * 100_000, id="no key at all"),
        pytest.param("b: 'x\na: " + "[" * 100_000, id="after a broken value"),
    ],
)
def test_deep_nesting_is_refused_even_if_the_yaml_library_fails_first(
    lines: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound of the library may be met before ours: the file is refused alike, not read as plain text."""
    monkeypatch.setattr("aggregator.front_matter.yaml_text._Loader", loader)
    with pytest.raises(FrontMatterError, match=r"nested deeper than 50 levels|a key must be text"):
        front_matter.parse(head(lines))


@settings(max_examples=examples(70), deadline=None)
@given(st.lists(st.sampled_from([*NASTY, *FRAGMENTS]), max_size=14).map("".join))
def test_any_text_is_read_or_refused_and_what_is_read_comes_back(text: str) -> None:
    """No other exception leaves, and a read file survives being written."""
    try:
        article = front_matter.loads(text, url="u")
    except FrontMatterError:
        return
    assert front_matter.loads(front_matter.dumps(article)) == article


@pytest.mark.parametrize(
    "extra",
    [{"a": object()}, {"a": float("nan")}, {"a": {1: 2}}, {"a": 10**5000}],
    ids=["object", "nan", "key", "digits"],
)
def test_an_extra_value_that_is_not_json_like_is_not_written(extra: dict[str, Any]) -> None:
    """WriteError says what to change."""
    with pytest.raises(WriteError, match="front matter cannot hold"):
        front_matter.dumps(Article(id="1", extra=extra))


def test_a_value_too_deep_to_be_read_back_is_not_written() -> None:
    """The same bound both ways."""
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    with pytest.raises(WriteError, match="flatter"):
        front_matter.dumps(Article(id="1", extra={"a": deep}))


def test_a_naive_date_is_not_written() -> None:
    """A date without a zone would come back as another moment."""
    with pytest.raises(WriteError, match="without a zone"):
        front_matter.dumps(Article(id="1", published=datetime(2020, 1, 1)))  # noqa: DTZ001


def test_a_broken_value_in_our_own_file_is_reported() -> None:
    """The broken value is left out; the rest is the article."""
    text = head(
        "title: t\nguid: g\nsource: s\ndate: soon\nenclosures:\n- {type: a}\n- {url: u, duration: long}"
    )
    article, problems = front_matter.parse(text)
    assert (article.id, article.source, article.published) == ("g", "s", None)
    assert article.enclosures == (Enclosure(url="u"),)
    assert len(problems) == 3


def test_a_long_value_in_many_lines_is_joined_once() -> None:
    """Pelican's continued lines: 200,000 of them are read in linear time."""
    text = "Title: x\nSummary: a\n" + "  b\n" * 200_000 + "\nBody\n"
    article = front_matter.loads(text)
    assert (article.title, article.content) == ("x", "Body\n")
    assert article.summary.startswith("a b b b")
    assert len(article.summary) == 1 + 2 * 200_000
