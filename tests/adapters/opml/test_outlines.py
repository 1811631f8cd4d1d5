"""Subscription lists as programs write them: everything that can be distinguished is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.adapters.opml.outlines import MAX_CATEGORIES, read, written_name
from aggregator.errors import ReadError
from tests.support.examples import examples


def opml(body: str, head: str = "<title>Mine</title>") -> bytes:
    """A document of OPML 2.0."""
    return f'<?xml version="1.0"?><opml version="2.0"><head>{head}</head><body>{body}</body></opml>'.encode()


def only(outline: str) -> str:
    """The address that is read from one outline, "" for none."""
    found = read(opml(outline)).subscriptions
    assert len(found) <= 1
    return found[0].url if found else ""


def test_an_outline_has_its_title_site_and_folders() -> None:
    """Folders are categories, the outermost first."""
    found = read(
        opml(
            '<outline text="Tech"><outline text="日本"><outline type="rss" text="One &amp; all" '
            'xmlUrl="https://one.example/feed.xml" htmlUrl="https://one.example/"/></outline></outline>'
            '<outline text="Two" type="rss" xmlUrl="https://two.example/feed.xml"/>'
        )
    )
    one, two = found.subscriptions
    assert (found.title, found.problems) == ("Mine", ())
    assert (one.title, one.url, one.link) == (
        "One & all",
        "https://one.example/feed.xml",
        "https://one.example/",
    )
    assert one.categories == ("Tech", "日本")
    assert (two.title, two.link, two.categories) == ("Two", None, ())


@pytest.mark.parametrize(
    ("outline", "url"),
    [
        ("<outline type='rss' xmlURL='https://a.example/'/>", "https://a.example/"),
        ('<OUTLINE TYPE="RSS" XMLURL="https://a.example/"></OUTLINE>', "https://a.example/"),
        ('<outline type="atom" url="https://a.example/"/>', "https://a.example/"),
        ('<outline x:xmlUrl="https://a.example/"/>', "https://a.example/"),
        ("<outline xmlUrl = https://a.example/ />", "https://a.example/"),
        ('<outline xmlUrl="\n https://a.example/?a=1&b=2 "/>', "https://a.example/?a=1&b=2"),
        ('<outline xmlUrl="https://a.example/?a=1&amp;b=2"/>', "https://a.example/?a=1&b=2"),
        ('<outline text="a > b < c" xmlUrl="https://a.example/"/>', "https://a.example/"),
        ('<outline text="say "hello" xmlUrl="https://a.example/"/>', "https://a.example/"),
        ('<outline xmlUrl="feed:https://a.example/"/>', "https://a.example/"),
        ('<outline xmlUrl="feed://a.example/x"/>', "http://a.example/x"),
        ('<outline xmlUrl="a.example/feed"/>', "http://a.example/feed"),
        ('<outline xmlUrl="https://a.example/é"/>', "https://a.example/%C3%A9"),
        ('<!-- <outline xmlUrl="https://a.example/"/> -->', ""),
        ('<outline type="link" url="https://a.example/other.opml"/>', ""),
        ('<outline xmlUrl="https://bücher.example/é"/>', "https://bücher.example/%C3%A9"),
        (f'<outline xmlUrl="https://{"é" * 70}.example/"/>', ""),
        ('<outline xmlUrl="http://a.example:8080/"/>', "http://a.example:8080/"),
        ('<outline xmlUrl="http://a.example:99999/"/>', ""),
        ('<outline xmlUrl="file:///etc/passwd"/>', ""),
        ('<outline xmlUrl="exec:rm -rf"/>', ""),
        ('<outline xmlUrl="javascript:alert(1)"/>', ""),
        ('<outline type="rss" text="nothing"/>', ""),
    ],
)
def test_an_address_is_found_however_it_is_written(outline: str, url: str) -> None:
    """Names in any case, values in any quotes; what is no web address, of this machine above all, is none."""
    assert only(outline) == url


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        ('<outline text="x" xmlUrl="file:///etc/passwd"/>', "is not an http or https address: left out"),
        ('<outline text="x" type="include" url="https://a.example/b.opml"/>', "which is not followed"),
        ('<outline text="x" type="rss"/>', "a feed without an address"),
        ('<outline text="x"><outline text="y">', "2 outlines are never closed"),
        ('<outline xmlUrl="https://a.example/"/><outline xmlUrl="https://a.example/"/>', "2 times"),
    ],
)
def test_odd_outlines_are_reported(outline: str, message: str) -> None:
    """Nothing is left out without a report."""
    assert any(message in str(problem) for problem in read(opml(outline)).problems)


def test_a_feed_in_several_folders_is_one_in_all_their_categories() -> None:
    """As Feedly and NetNewsWire export it."""
    feed = '<outline xmlUrl="https://a.example/"/>'
    found = read(opml(f'<outline text="A">{feed}</outline><outline text="B">{feed}</outline>'))
    assert [s.categories for s in found.subscriptions] == [("A", "B")]


def test_the_category_attribute_joins_the_folders() -> None:
    """Paths joined by commas, names by slashes (OPML 2.0); each name is a category, once."""
    one = '<outline xmlUrl="https://a.example/" category="/Boston/Weather,B,100%25%2C a"/>'
    found = read(opml(f'<outline text="B">{one}</outline>'))
    assert found.subscriptions[0].categories == ("B", "Boston", "Weather", "100%, a")


def test_an_unclosed_outline_with_a_feed_is_not_a_folder() -> None:
    """What follows it stands beside it."""
    found = read(opml('<outline text="a" xmlUrl="https://a.example/"><outline xmlUrl="https://b.example/">'))
    assert [s.categories for s in found.subscriptions] == [(), ()]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("AT&amp;amp;T", "AT&T"),
        ("AT&amp;T", "AT&T"),
        ("AT&T", "AT&T"),
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("&lt;b&gt;Bold&lt;/b&gt;", "Bold"),
        ("caf&eacute;", "café"),
        ("a\n  b", "a b"),
        ("List&lt;String&gt;", "List<String>"),
    ],
)
def test_titles_are_plain_text_however_often_they_were_escaped(written: str, title: str) -> None:
    """A title that was escaped twice is unescaped twice."""
    assert (
        read(opml(f'<outline text="{written}" xmlUrl="https://a.example/"/>')).subscriptions[0].title == title
    )


@pytest.mark.parametrize(
    "body",
    [
        b'<outline xmlUrl="https://a.example/"/>',
        b'\xef\xbb\xbf<opml><body><outline xmlUrl="https://a.example/"/></body></opml>',
        '<?xml version="1.0" encoding="utf-16"?><opml><outline xmlUrl="https://a.example/"/></opml>'.encode(
            "utf-16"
        ),
        b'Warning: mysql\n<opml><body><outline text="a \xe9" xmlUrl="https://a.example/"/></body></opml>',
        b'<opml><head><title>x</head><body><outline xmlUrl="https://a.example/"/><outline te',
        b'<!DOCTYPE opml [<!ENTITY a "b">]><opml><body><outline text="&a;&b;" xmlUrl="https://a.example/"/></opml>',
        b'<opml version="1.1"><body><outline text="x" xmlUrl="https://a.example/">&</outline></body></qpml>',
    ],
    ids=["no root", "byte order mark", "UTF-16", "junk before", "cut off", "entities", "ampersand"],
)
def test_a_broken_list_is_read_up_to_the_fault(body: bytes) -> None:
    """A user with one damaged file wants the rest of it."""
    assert [s.url for s in read(body).subscriptions] == ["https://a.example/"]


@pytest.mark.parametrize("body", [b"", b"<html><p>Not found</p></html>", b"{}", b"\x00\x01"])
def test_documents_that_are_not_opml_are_refused(body: bytes) -> None:
    """An error page is not an empty list."""
    with pytest.raises(ReadError, match="no OPML"):
        read(body)


def test_deeply_nested_folders_are_bounded() -> None:
    """Ten thousand folders in each other: categories stay bounded."""
    deep = "".join(f'<outline text="{n}">' for n in range(10_000))
    found = read(opml(deep + '<outline xmlUrl="https://a.example/"/>'))
    assert len(found.subscriptions[0].categories) == MAX_CATEGORIES


@settings(max_examples=examples(80), deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "<outline ",
                    "</outline>",
                    "/>",
                    ">",
                    '"',
                    "=",
                    "xmlUrl",
                    "<!--",
                    "-->",
                    "<![CDATA[",
                    "]]>",
                ),
                *("text", "https://a.example/", "&", "\n", "é", "</opml>", ",", "%2"),
            ]
        ),
        max_size=60,
    )
)
def test_any_order_of_elements_gives_subscriptions_or_a_read_error(parts: list[str]) -> None:
    """Whatever the order of its parts: subscriptions, or ReadError."""
    try:
        found = read("".join(parts).encode())
    except ReadError:
        return
    assert all(s.url.startswith("http") for s in found.subscriptions)


@given(st.text(max_size=40))
def test_a_name_comes_back_as_it_was_written(name: str) -> None:
    """Also one that looks like HTML, or is escaped already."""
    written = written_name(name)
    once = (
        read(opml(f'<outline text="{_escaped(written)}" xmlUrl="https://a.example/"/>'))
        .subscriptions[0]
        .title
    )
    assert written_name(once) == written


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def test_every_list_of_the_corpus_is_read(corpus: Path) -> None:
    """Of 79 files each is read, and no address is lost that can be reported to be one."""
    files = sorted((corpus / "opml").iterdir())
    found = {file.name: read(file.read_bytes()) for file in files}
    assert len(found) == len(files) >= 79
    assert sum(len(each.subscriptions) for each in found.values()) >= 10_300
    assert len(found["awesome-rss-feeds__Tech.opml"].subscriptions) == 26
    assert len(found["2-awesome-rss-feeds__Android-Development.opml"].subscriptions) == 32
