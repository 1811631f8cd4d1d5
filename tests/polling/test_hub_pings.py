"""Documents from hubs are read like polled ones, or cause a poll of their source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import ReadError
from aggregator.model.reading import Reading
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.polling.hub_pings import PingReader
from aggregator.reading.context import Context
from aggregator.reading.document import read_resource
from aggregator.schedule.state import Reason
from aggregator.store import SourceRecord
from tests.conftest import Answer, Server
from tests.support.feed_with_hub import Followed, followed, with_links
from tests.support.site import feed


@pytest.fixture
def one(tmp_path: Path, server: Server) -> Iterator[Followed]:
    """A followed feed with a hub, subscribed to."""
    with followed(tmp_path, server) as made:
        made.subscribe()
        yield made


def test_a_ping_stores_articles_and_changes_no_poll_state(one: Followed) -> None:
    """The next poll finds the same, and changes nothing: no edit, no article twice."""
    before = one.store.sources.states(["a"])["a"]
    assert one.post(one.document(1, 2)).status == 202
    (poll,) = one.read()
    assert (poll.saved.new, poll.saved.changed, poll.error) == (1, 0, None)
    assert one.titles == ["a 1", "a 2"]
    after = one.store.sources.states(["a"])["a"]
    assert (after.validators, after.body_hash, after.identity, after.succeeded) == (
        before.validators,
        before.body_hash,
        before.identity,
        before.succeeded,
    )
    assert one.polled == 1
    kept = [(each.uid, each.article, each.published, each.updated) for each in one.store.articles.all("a")]
    one.after(hours=1)
    one.serve(1, 2)
    poll = one.poll()
    assert (poll.saved.new, poll.saved.changed) == (0, 0)
    assert [(e.uid, e.article, e.published, e.updated) for e in one.store.articles.all("a")] == kept
    assert list(one.store.articles.earlier_versions(kept[0][0])) == []


def test_a_ping_stores_the_same_articles_as_a_poll(one: Followed, tmp_path: Path) -> None:
    """Down to each field, in a store that was polled instead."""
    rich = one.document(2, body="&lt;b onclick='x'&gt;Bold&lt;/b&gt; &lt;img src='/p.png'&gt;")
    one.post(rich)
    one.read()
    with followed(tmp_path / "other", one.server) as other:
        other.poll()
        other.server.pages["/a"] = Answer(200, {}, rich)
        other.poll()
        by_poll, by_ping = ([e.article for e in each.store.articles.all("a")] for each in (other, one))
    assert by_poll == by_ping
    assert len(by_ping) == 2


def test_a_ping_may_contain_only_the_new_entries(one: Followed) -> None:
    """§7: what is missing in it says nothing."""
    one.serve(1, 2, 3, 4)
    one.after(hours=1)
    one.poll()
    one.post(one.document(5))
    (poll,) = one.read()
    assert (poll.saved.new, poll.saved.changed) == (1, 0)
    one.serve(1, 2, 3, 4, 5)
    one.after(hours=1)
    assert (one.poll().saved.new, len(one.titles)) == (0, 5)


def test_a_ping_sent_twice_is_read_once(one: Followed) -> None:
    """An old ping that comes again restores no old content: the source is polled."""
    edited = one.document(1, 2, body="Edited").replace(b"Jan 2024", b"Feb 2024")
    one.post(one.document(1, 2))
    one.post(one.document(1, 2))
    assert len(one.read()) == 1
    one.after(minutes=2)
    one.post(edited)
    (poll,) = one.read()
    assert poll.saved.changed == 2
    one.after(minutes=2)
    one.post(one.document(1, 2))
    assert list(one.store.hub_pings.waiting()) == []
    assert one.read() == []
    assert one.next_poll == (one.now, Reason.PING)
    assert all("Edited" in each.article.summary for each in one.store.articles.all("a"))


def test_a_ping_with_older_content_causes_a_poll(one: Followed) -> None:
    """A late ping may be older: only the publisher says what holds."""
    one.post(one.document(1, body="Other words, the same date"))
    assert one.read() == []
    assert "Other" not in next(one.store.articles.all("a")).article.summary
    one.after(seconds=10)
    one.read()
    assert one.next_poll[1] == Reason.PING


def test_other_ids_for_what_is_kept_are_left_to_a_poll(one: Followed) -> None:
    """Whether a feed has dropped its ids, only the whole feed says."""
    drifted = one.document(1).replace(
        b"<guid>https://a.example/1</guid>", b"<guid isPermaLink='false'>n1</guid>"
    )
    one.post(drifted)
    assert one.read() == []
    assert one.titles == ["a 1"]
    one.server.pages["/a"] = Answer(200, {}, drifted)
    one.after(seconds=10)
    one.read()
    one.poll()
    assert one.titles == ["a 1"], "it is the same article"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html><body>no feed</body></html>", id="a page"),
        pytest.param(b"\x00" * 100, id="bytes"),
        pytest.param(b"{}", id="json"),
        pytest.param(b"<rss" + b"<a>" * 10_000, id="deep"),
        pytest.param(b"\x1f\x8b\x08\x00broken", id="broken gzip"),
    ],
)
def test_a_ping_that_is_not_a_feed_causes_one_poll(one: Followed, body: bytes) -> None:
    """It does not count as a failure of the source, and is reported."""
    one.post(body)
    assert one.read() == []
    assert "what the hub sent cannot be read" in (one.known.error or "")
    one.after(seconds=10)
    one.read()
    assert one.next_poll == (one.now, Reason.PING)
    one.poll()
    health = {each.name: each for each in one.store.sources.health()}["a"]
    assert health.error is None
    assert one.titles == ["a 1"]


def test_an_unexpected_exception_affects_one_ping(one: Followed) -> None:
    """Also a reader process that dies."""

    def breaks(_: Resource, __: Context) -> Reading:
        raise ZeroDivisionError

    def hangs(_: Resource, __: Context) -> Reading:
        raise ReadError("it took too long")

    for reads, said in ((breaks, "a bug in aggregator"), (hangs, "it took too long")):
        one.after(minutes=2)
        one.reader = PingReader(one.store, reads)
        one.post(one.document(1, int(one.now.timestamp()) % 1_000_000))
        assert one.read() == []
        assert said in (one.known.error or "")
        assert list(one.store.hub_pings.waiting()) == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(
            {"link": '<https://other.example/>; rel="self", <https://h.example/>; rel="hub"'}, id="topic"
        ),
        pytest.param({"content_type": "application/x-www-form-urlencoded"}, id="type"),
        pytest.param({"content_type": "video/mp4"}, id="a film"),
    ],
)
def test_a_ping_for_another_topic_causes_a_poll(one: Followed, headers: dict[str, str]) -> None:
    """The topic in its headers."""
    one.post(one.document(1, 2), **headers)
    assert one.read() == []
    assert one.next_poll == (one.now, Reason.PING)
    assert one.titles == ["a 1"]


def test_a_ping_with_another_self_link_causes_a_poll(one: Followed) -> None:
    """The self link in the document."""
    one.post(with_links(feed("a", 1, 2), one.hub.url, "https://other.example/feed"))
    assert one.read() == []
    assert one.titles == ["a 1"]


def test_a_source_whose_hub_works_is_polled_once_a_day(one: Followed) -> None:
    """From its first report on."""
    soon = replace(one.store.sources.schedules()["a"], next_poll=one.now + timedelta(hours=1))
    one.store.sources.plan({"a": soon})
    one.post(one.document(1, 2))
    one.read()
    assert one.next_poll[1] == Reason.WEBSUB
    assert one.next_poll[0] is not None
    assert one.next_poll[0] - one.now > timedelta(hours=23)


def test_a_server_that_asked_to_wait_is_not_polled_for_a_ping(one: Followed) -> None:
    """Nor one that said 429; what the ping holds is read all the same."""
    one.server.pages["/a"] = Answer(429, {"Retry-After": "7200"})
    one.after(hours=1)
    one.poll()
    due = one.next_poll
    one.post()
    one.post(one.document(1, 2))
    assert len(one.read()) == 1
    assert one.next_poll == due
    assert one.known.poll_due is None


def test_pings_of_what_is_not_followed_any_more_are_dropped(one: Followed) -> None:
    """They may have come just before."""
    one.post(one.document(1, 2))
    one.config = one.config.model_copy(update={"sources": ()})
    assert one.read() == []
    assert list(one.store.hub_pings.waiting()) == []


def test_changed_options_leave_a_ping_to_a_poll(one: Followed) -> None:
    """What would be read otherwise is read whole first."""
    (source,) = one.config.sources
    changed = source.model_copy(update={"timezone": "Asia/Tokyo"})
    one.config = one.config.model_copy(update={"sources": (changed,)})
    one.post(one.document(1, 2))
    assert one.read() == []
    assert one.titles == ["a 1"]


def test_pings_survive_a_kill_and_are_read_once(one: Followed) -> None:
    """They are in the store until what they brought is."""
    one.post(one.document(1, 2))
    (ping,) = one.store.hub_pings.waiting()
    poll = one.reader._take(one.known, one.config.sources[0], ping, one.config, one.now)
    assert poll is not None
    assert poll.saved.new == 1
    again = PingReader(one.store, read_resource)
    (poll,) = again.read(one.config, one.named, one.now)
    assert (poll.saved.new, poll.saved.changed) == (0, 0)
    assert isinstance(one.store.sources.states(["a"])["a"], SourceRecord)


def test_a_stopped_reader_leaves_pings_for_later(one: Followed) -> None:
    """What is left is read another time."""
    one.post(one.document(1, 2))
    one.reader.stop()
    assert one.read() == []
    assert len(list(one.store.hub_pings.waiting())) == 1
