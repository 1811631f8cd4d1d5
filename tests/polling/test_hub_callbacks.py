"""Answers to hubs: the parts of a request in, an answer out (W3C WebSub §5.2, §5.3, §7, §8)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.polling.hub_callbacks import MAX_CHALLENGE_BYTES, MAX_PING_BYTES, least_gap
from aggregator.store import HubState
from tests.conftest import Server
from tests.support.feed_with_hub import PUBLIC, Followed, followed


@pytest.fixture
def one(tmp_path: Path, server: Server) -> Iterator[Followed]:
    """A followed feed with a hub."""
    with followed(tmp_path, server) as made:
        yield made


@pytest.mark.parametrize("path", ["/websub/{}", "/base/websub/{}", "/base//websub/{}"])
def test_a_proxy_may_remove_a_part_of_the_path(one: Followed, path: str) -> None:
    """Or add one: what tells is the token."""
    token = "a" * 43
    assert one.callbacks.token(path.format(token)) == token


@pytest.mark.parametrize(
    "path",
    ["/", "/websub/", "/websub/rss.xml", "/websub/" + "a" * 42, "/websub/" + "a" * 43 + "/", "/" + "a" * 43],
)
def test_other_paths_are_no_callbacks(one: Followed, path: str) -> None:
    """Such as a feed of a category of that name."""
    assert one.callbacks.token(path) is None


def test_a_verification_for_what_was_never_asked_is_404(one: Followed) -> None:
    """Another topic, another token, an end that nobody asked for, a hub that is not asked yet."""
    one.poll()
    asked = {"mode": "subscribe", "topic": one.topic, "challenge": "c", "lease_seconds": "60"}
    callback = f"{PUBLIC}/websub/{one.known.token}"
    assert one.get(callback, **asked).status == 404, "not asked yet"
    one.ask()
    for wrong in (
        {"topic": "https://other.example/"},
        {"topic": ""},
        {"topic": one.topic + "/"},
        {"mode": "unsubscribe"},
        {"mode": "publish"},
        {"mode": ""},
    ):
        answer = one.get(callback, **{**asked, **wrong})
        assert (answer.status, b"c" in answer.body.split()) == (404, False), wrong
    assert one.get(f"{PUBLIC}/websub/{'x' * 43}", **asked).status == 404
    assert one.known.state is HubState.ASKED
    assert one.get(callback, **asked).status == 200
    assert one.get(callback, **{**asked, "mode": "unsubscribe"}).status == 404, "it is wanted"
    assert one.known.is_live(one.now)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"challenge": "x" * MAX_CHALLENGE_BYTES}, 200, id="long"),
        pytest.param({"challenge": "x" * (MAX_CHALLENGE_BYTES + 1)}, 400, id="huge"),
        pytest.param({"challenge": ""}, 400, id="no challenge"),
        pytest.param({"lease_seconds": "0"}, 400, id="no lease"),
        pytest.param({"lease_seconds": "-5"}, 400, id="a negative lease"),
        pytest.param({"lease_seconds": "soon"}, 400, id="a lease that is no number"),
        pytest.param({"lease_seconds": "9" * 300}, 400, id="a lease beyond all numbers"),
        pytest.param({"lease_seconds": "99999999999"}, 200, id="a perpetual lease"),
    ],
)
def test_challenges_and_leases_are_bounded(one: Followed, fields: dict[str, str], status: int) -> None:
    """No lease is believed for more than a month."""
    one.poll()
    one.ask()
    answer = one.verify(**fields)
    assert answer.status == status
    assert len(answer.body) <= MAX_CHALLENGE_BYTES
    assert (one.known.expires is not None) == (status == 200)
    if one.known.expires is not None:
        assert one.known.expires <= one.now + timedelta(days=30)


def test_a_challenge_is_returned_byte_for_byte(one: Followed) -> None:
    """Whatever bytes it has."""
    one.poll()
    one.ask()
    query = (
        f"hub.mode=subscribe&hub.topic={one.topic}&hub.lease_seconds=60&hub.challenge=%FF%00%C3%A4%3Cb%3E+x"
    )
    answer = one.callbacks.verify(one.known.token, query.encode(), one.now)
    assert (answer.status, answer.body) == (200, b"\xff\x00\xc3\xa4<b> x")


def test_hostile_queries_are_answered(one: Followed) -> None:
    """Of two values the first counts; what is no query is 404 or 400."""
    one.poll()
    one.ask()
    token = one.known.token
    for query in (b"", b"%", b"&" * 5_000, b"hub.mode", b"\xff\xfe", b"=" * 100, b"a=1&" * 200):
        assert one.callbacks.verify(token, query, one.now).status in (400, 404), query
    twice = (
        f"hub.mode=subscribe&hub.topic=x&hub.topic={one.topic}&hub.challenge=c&hub.lease_seconds=9".encode()
    )
    assert one.callbacks.verify(token, twice, one.now).status == 404


def test_a_denial_ends_the_subscription_with_its_reason(one: Followed) -> None:
    """At any time (§5.2); it is asked again a week later, and a verification before that is 404."""
    one.subscribe()
    callback = one.known.callback
    assert one.get(callback, mode="denied", topic="https://other.example/").status == 404
    assert one.known.is_live(one.now)
    answer = one.get(callback, mode="denied", topic=one.topic, reason="no\x1b[31m\nmore " + "x" * 500)
    assert answer.status == 200
    assert one.known.state is HubState.DENIED
    assert (one.known.error or "").startswith("the hub denied it: no [31m more xxx")
    assert len(one.known.error or "") < 300
    assert (
        one.get(callback, mode="subscribe", topic=one.topic, challenge="c", lease_seconds="9").status == 404
    )
    assert one.post().status == 410
    assert one.ask() == []
    one.after(days=8)
    assert len(one.ask()) == 1
    one.verify()
    assert one.known.is_live(one.now)


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512", "SHA256"])
def test_a_ping_with_the_right_signature_counts(one: Followed, method: str) -> None:
    """By any of the recommendation's algorithms."""
    known = one.subscribe()
    digest = hmac.new(known.hmac_key.encode(), b"", method.lower()).hexdigest()
    assert one.post(x_hub_signature=f"{method}={digest}").status == 202
    assert (one.known.pings, one.known.forged, one.known.poll_due) == (1, 0, one.now)


def test_a_ping_with_another_signature_is_ignored_and_counted(one: Followed) -> None:
    """It is answered as any, so that nobody can try signatures (§8)."""
    known = one.subscribe()
    body = one.document(1, 2)
    of_another = hmac.new(b"another", body, hashlib.sha256).hexdigest()
    right = hmac.new(known.hmac_key.encode(), body, hashlib.sha256).hexdigest()
    md5 = hmac.new(known.hmac_key.encode(), body, hashlib.md5).hexdigest()
    wrong = [
        "",
        "sha256=",
        f"sha256={of_another}",
        right,
        f"md5={md5}",
        f"sha1={right}",
        f"sha256={right[:-2]}",
    ]
    wrong += [f"sha256={right}, sha256={right}", f"sha256={right}00", "sha256=" + "é" * 64]
    for signature in wrong:
        one.after(seconds=2)
        assert one.post(body, x_hub_signature=signature).status == 202, signature
    assert (one.known.pings, one.known.forged) == (0, len(wrong))
    assert (one.known.pinged, one.known.poll_due) == (None, None)
    assert one.read() == []
    assert one.titles == ["a 1"]


def test_an_ended_callback_is_410_so_that_hubs_stop(one: Followed) -> None:
    """Before any of its body is read; so is one that was not verified yet, or whose lease has ended."""
    unknown = one.callbacks.allowance("x" * 43, [], one.now)
    assert not isinstance(unknown, int)
    assert unknown.status == 410
    one.poll()
    one.ask()
    assert one.post().status == 410, "not verified yet"
    one.verify(lease_seconds="100")
    assert one.post().status == 202
    one.after(seconds=101)
    assert one.post().status == 410, "its lease has ended"


@pytest.mark.parametrize("length", [str(MAX_PING_BYTES + 1), "9" * 40, "-1", "1e3", "10, 10"])
def test_a_body_that_is_too_large_is_not_read(one: Followed, length: str) -> None:
    """Nor one whose length is no number."""
    known = one.subscribe()
    answer = one.callbacks.allowance(known.token, [(b"content-length", length.encode())], one.now)
    assert not isinstance(answer, int)
    assert answer.status == 413
    assert one.callbacks.allowance(known.token, [(b"content-length", b"10")], one.now) == MAX_PING_BYTES
    assert one.callbacks.allowance(known.token, [], one.now) == MAX_PING_BYTES


def test_a_flood_of_pings_costs_one_poll_and_few_writes(one: Followed) -> None:
    """Whatever is in them: three documents wait at most."""
    one.subscribe()
    before = one.polled
    for number in range(100):
        assert one.post().status == 202
        assert one.post(one.document(number)).status == 202
    waiting = list(one.store.hub_pings.waiting())
    assert len(waiting) == 1
    with one.store.database.snapshot() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hub_pings").scalar() == 3
    one.read()
    one.poll()
    assert one.polled == before + 1
    assert one.known.poll_due is None


def test_polls_for_pings_keep_a_distance_that_grows_while_they_find_nothing(one: Followed) -> None:
    """A minute, and up to an hour: a hub that pings for nothing costs no more than usual polling."""
    one.subscribe()
    waits = []
    for _ in range(9):
        one.post()
        due = one.known.poll_due
        assert due is not None
        waits.append(due - one.now)
        one.now = due
        one.read()
        assert one.next_poll == (one.now, "ping")
        one.poll()
    assert waits == [timedelta(0), *(least_gap(vain) for vain in range(1, 9))]
    assert waits[-1] == timedelta(hours=1)
    one.post()
    one.now += timedelta(hours=1)
    one.read()
    one.serve(1, 2)
    one.poll()
    one.post()
    assert one.known.poll_due == one.now + timedelta(minutes=1)
