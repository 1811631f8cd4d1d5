"""feedgen's traps: each stays shut."""

from __future__ import annotations

import locale
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import WriteError
from aggregator.writers import WRITERS, Writer
from aggregator.writers.channel import Channel
from aggregator.writers.feedgen_repair import (
    entry_fragment,
    fragment,
    head_of,
    new_feed,
    rfc822,
    serialise,
)
from tests.support.channels import article_with, channel_of, item_of

FEEDS = [WRITERS["rss"], WRITERS["atom"]]
each_writer = pytest.mark.parametrize("writer", FEEDS, ids=lambda writer: writer.file_name)


def _head_of(channel: Channel, generator: str = "x") -> Callable[[frozenset[str]], bytes]:
    """Returns what makes the head of an Atom document."""

    def head(prefixes: frozenset[str]) -> bytes:
        feed = new_feed(head_of(channel), channel.updated, prefixes)
        feed.generator(generator)
        body: bytes = feed.atom_str(pretty=True)
        return body

    return head


@each_writer
def test_the_locale_is_never_set(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """setlocale() is the whole process's; feedgen's date format called it for each date."""

    def refused(*_: object) -> str:
        raise AssertionError("setlocale was called")

    monkeypatch.setattr(locale, "setlocale", refused)
    assert b"2026" in writer.render(channel_of(item_of()))


@each_writer
def test_items_keep_their_order(writer: Writer) -> None:
    """add_entry() prepends unless `order` is set."""
    body = writer.render(channel_of(*(item_of(item_id=f"tag:tea.example,2026:{n}") for n in range(3))))
    assert re.findall(rb"2026:(\d)<", body) == [b"0", b"1", b"2"]


@each_writer
def test_only_namespaces_in_use_are_declared_each_once(writer: Writer) -> None:
    """Clean prefixes at the root, no ns0 on the elements."""
    body = writer.render(channel_of(item_of(article_with(extra={"itunes:episode": ["1"]}))))
    assert body.count(b"xmlns:itunes=") == 1
    assert b"xmlns:podcast=" not in body
    assert b"xmlns:ns0" not in body


def test_text_that_lxml_refuses_is_a_write_error_with_the_feeds_name() -> None:
    """No library's exception leaves the writers."""
    with pytest.raises(WriteError, match=r"feed tag:feeds\.example,2026:drinks"):
        serialise("tag:feeds.example,2026:drinks", _head_of(channel_of(), generator="\0"), [], "feed")


@pytest.mark.parametrize(
    "element",
    ["<a>&nbsp;</a>", "<a>", "</channel>", "<a>\x01</a>", "<a b='1' b='2'/>", "<a>]]></a>", "<a>\ud800</a>"],
    ids=ascii,
)
def test_bytes_that_do_not_parse_are_a_write_error(element: str) -> None:
    """The last gate: whatever went wrong before, it does not reach a file."""
    with pytest.raises(WriteError, match="well-formed"):
        serialise("tag:x", _head_of(channel_of()), (fragment(e, "") for e in [element]), "feed")


def test_a_prefix_without_namespace_is_a_write_error() -> None:
    """Well-formed is not enough: names must have their namespaces."""
    with pytest.raises(WriteError, match="prefix"):
        serialise("tag:x", lambda _: b"<feed>\n</feed>", [fragment("<dc:date/>", "")], "feed")


def test_inserted_elements_are_the_last_in_their_parent() -> None:
    """Also where a title says what the end of a document looks like."""
    head = _head_of(channel_of(title="</feed>\n</channel>"))
    body = serialise("tag:x", head, [fragment("<dc:date>x</dc:date>", "")], "feed")
    assert body.endswith(b"\n  <dc:date>x</dc:date>\n</feed>\n")


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14, 14))  # noqa: DTZ001
def test_rfc822_dates_are_the_standard_librarys(moment: datetime, hours: int) -> None:
    """Only faster."""
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert rfc822(aware) == format_datetime(aware.astimezone(UTC), usegmt=True)


def test_years_have_four_digits() -> None:
    """RFC 822 with two digits is what RSS readers guess wrong."""
    old = channel_of(updated=datetime(900, 1, 1, tzinfo=UTC))
    assert all(b"0900" in writer.render(old) for writer in FEEDS)


def test_prefixes_of_an_entry_are_those_of_its_elements_and_not_of_its_text() -> None:
    before, body = ["<dc:creator>x</dc:creator>", "<content:encoded>"], b"some thr:x text"
    after = ["</content:encoded>", '<atom:link thr:count="1"/>']
    made = entry_fragment("item", before, "  ", body, after)
    assert made.prefixes == {"atom", "content", "dc", "thr"}
    assert entry_fragment("item", before[1:], "  ", body, after[:1]).prefixes == {"content"}


def test_an_entry_has_each_child_on_its_own_line() -> None:
    made = entry_fragment('entry xml:lang="de"', ["<id>x</id>", "<title>y</title>"], "")
    expected = b'  <entry xml:lang="de">\n    <id>x</id>\n    <title>y</title>\n  </entry>\n'
    assert made.start + made.body + made.end == made.unread == expected
    made = entry_fragment(
        "entry", ["<id>x</id>", "<content>"], "", b"text", ["</content>", "<title>y</title>"]
    )
    expected = b"  <entry>\n    <id>x</id>\n    <content>text</content>\n    <title>y</title>\n  </entry>\n"
    assert made.start + made.body + made.end == expected
    assert made.unread == expected.replace(b"text", b"")


@pytest.mark.parametrize("body", [b"text", b""], ids=["body", "no body"])
def test_what_a_parser_has_read_before_is_not_read_again(body: bytes) -> None:
    """The last child, in another entry; and the whole entry, in another document."""
    last = b"<source>\n      <id>x</id>\n    </source>"
    children, after = (["<content>"], ["</content>"]) if body else (["<content/>"], [])
    made = entry_fragment("entry", children, "", body, after, last=last)
    plain = entry_fragment("entry", children, "", body, [*after, last.decode()] if body else after)
    assert last not in made.unread
    assert made.end.endswith(b"    " + last + b"\n  </entry>\n")
    if body:
        assert made.end == plain.end
    before = [serialise("tag:x", _head_of(channel_of()), [made], "feed") for _ in range(2)]
    assert before[0] == before[1]
    assert made.unread == b""


def test_a_body_that_is_not_escaped_is_read_by_the_parser() -> None:
    """Escaped ones, most of a document, are not: they cannot end their element."""
    for body in (b"</content>", b"<b>", b"<b>&</b>"):
        made = entry_fragment("entry", ["<content>"], "", body, ["</content>"])
        with pytest.raises(WriteError, match="well-formed"):
            serialise("tag:x", _head_of(channel_of()), [made], "feed")
        assert made.unread


def test_what_is_around_a_body_is_read_by_the_parser() -> None:
    for wrong in ("<a>", "&", "\x01", "\uffff"):
        for made in (
            entry_fragment("entry", [wrong, "<content>"], "", b"x", ["</content>"]),
            entry_fragment("entry", ["<content>"], "", b"x", ["</content>", wrong]),
        ):
            with pytest.raises(WriteError, match="well-formed"):
                serialise("tag:x", _head_of(channel_of()), [made], "feed")
