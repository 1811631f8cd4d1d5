"""Hubs are asked to report changes: against a hub on loopback that does what the recommendation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import BlockedAddress
from aggregator.schedule.state import Reason
from aggregator.store import HubState
from tests.conftest import Answer, Server
from tests.support.feed_with_hub import PUBLIC, Followed, followed, with_links
from tests.support.site import feed
from tests.support.strict_hub import StrictHub


@pytest.fixture
def one(tmp_path: Path, server: Server) -> Iterator[Followed]:
    """A followed feed with a hub."""
    with followed(tmp_path, server) as made:
        yield made


def test_a_feed_that_names_a_hub_is_subscribed_to(one: Followed) -> None:
    """With an unguessable callback, a lease and a secret; verified, it is polled once a day."""
    one.poll()
    (request,) = one.ask()
    assert (request.hub, request.mode, request.error) == (one.hub.url, "subscribe", None)
    assert one.hub.mistakes == []
    (form,) = one.hub.asked
    assert form["hub.topic"] == one.topic
    assert form["hub.callback"].startswith(f"{PUBLIC}/websub/")
    assert len(form["hub.callback"].rpartition("/")[2]) == 43
    assert form["hub.lease_seconds"] == "864000"
    assert len(form["hub.secret"]) >= 32
    assert one.known.state.value == "asked"
    answer = one.verify(challenge="what it wants")
    assert (answer.status, answer.body) == (200, b"what it wants")
    assert one.known.state is HubState.ACTIVE
    assert one.known.expires == one.now + timedelta(days=10)
    assert one.ask() == []
    one.after(hours=30)
    one.poll()
    assert one.next_poll[1] == Reason.WEBSUB
    assert one.next_poll[0] is not None
    assert timedelta(hours=23) < one.next_poll[0] - one.now < timedelta(hours=27)


def test_a_hub_that_verifies_before_it_answers(one: Followed) -> None:
    """The request is recorded before it is sent."""

    def verifies(_: object) -> Answer:
        known = one.known
        one.get(
            f"{PUBLIC}/websub/{known.token}",
            mode="subscribe",
            topic=known.topic,
            challenge="c",
            lease_seconds="60",
        )
        return Answer(202)

    one.server.pages["/hub"] = verifies
    one.poll()
    one.ask()
    assert one.known.state is HubState.ACTIVE
    assert one.known.error is None


def test_a_lease_is_renewed_before_it_ends(one: Followed) -> None:
    """The subscription stays active meanwhile, under the same callback and secret."""
    first = one.subscribe()
    one.after(days=6)
    assert one.ask() == []
    one.after(days=2)
    assert [request.mode for request in one.ask()] == ["subscribe"]
    assert one.known.is_live(one.now)
    one.verify()
    assert one.known.expires == one.now + timedelta(days=10)
    assert (one.known.token, one.known.hmac_key) == (first.token, first.hmac_key)


def test_a_lease_that_ends_is_not_relied_on(one: Followed) -> None:
    """The source is polled as usual, and the hub asked anew."""
    one.subscribe()
    one.after(days=1)
    one.ask()
    one.poll()
    assert one.next_poll[1] == Reason.WEBSUB
    one.hub.status = 500
    one.after(days=8)
    one.ask()
    one.after(days=2)
    one.ask()
    assert one.next_poll[1] != Reason.WEBSUB
    assert one.known.state is HubState.ASKED
    assert one.known.expires is None


def test_a_hub_that_never_verifies_is_given_up(one: Followed) -> None:
    """After some hours; and tried again a month later."""
    one.poll()
    for _ in range(12):
        one.ask()
        one.after(hours=1, minutes=1)
    assert one.known.state is HubState.FAILED
    assert one.known.error == "the hub has never verified what we asked for"
    assert one.hub.asks == 8
    one.after(days=30)
    one.ask()
    assert one.hub.asks == 9


@pytest.mark.parametrize(("status", "times"), [(500, 8), (429, 8), (404, 3), (307, 3)])
def test_a_hub_that_fails_is_tried_with_growing_waits(one: Followed, status: int, times: int) -> None:
    """Also one that redirects: nobody is sent elsewhere."""
    one.hub.status = status
    one.hub.headers = {"Location": f"{one.server.url}/elsewhere"}
    one.poll()
    waits = []
    while (found := one.ask()) and found[0].again is not None and one.known.state is not HubState.FAILED:
        waits.append(found[0].again - one.now)
        one.after(seconds=(found[0].again - one.now).total_seconds())
    assert one.hub.asks == times
    assert waits[:2] == [timedelta(minutes=1), timedelta(minutes=4)]
    assert one.known.state is HubState.FAILED
    assert str(status) in (one.known.error or "")
    assert "/elsewhere" not in [request.path for request in one.server.requests]


def test_an_unexpected_exception_is_recorded_for_its_hub(
    one: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a failure of that hub's request, which is tried again; the run goes on."""

    def mistaken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("aggregator.fetch.Fetcher.ask_hub", mistaken)
    one.poll()
    (request,) = one.ask()
    assert "bug in aggregator: ZeroDivisionError" in str(request.error)
    assert request.again is not None
    assert request.again > one.now
    assert one.known.due == request.again


def test_a_hub_that_asks_to_wait_is_not_asked_before(one: Followed) -> None:
    """Retry-After."""
    one.hub.status = 503
    one.hub.headers = {"Retry-After": "7200"}
    one.poll()
    (request,) = one.ask()
    assert request.again == one.now + timedelta(hours=2)


def test_the_next_hub_is_asked_when_one_is_given_up(tmp_path: Path, server: Server) -> None:
    """In the order in which the feed names them."""
    with followed(tmp_path, server) as one:
        other = StrictHub(server, "/other")
        one.hub.status = 400
        document = with_links(one.document(1), other.url, "")
        server.pages["/a"] = Answer(
            200, {"Link": f'<{one.hub.url}>; rel="hub", <{other.url}>; rel="hub"'}, document
        )
        one.poll()
        assert one.known.hubs == (one.hub.url, other.url)
        for _ in range(4):
            one.ask()
            one.after(hours=1)
        one.ask()
        assert one.known.hub == other.url
        assert {form["hub.topic"] for form in other.asked} == {one.topic}


def test_a_hub_at_a_private_address_is_never_asked(tmp_path: Path, server: Server) -> None:
    """A feed cannot make us send anything to a machine behind ours."""
    with followed(tmp_path, server) as one:
        one.hub.url = "http://10.0.0.1/hub"
        one.serve(1)
        one.poll()
        (request,) = one.ask()
        assert isinstance(request.error, BlockedAddress)
        assert one.known.state is HubState.FAILED
        assert "10.0.0.1 is private" in (one.known.error or "")


def test_a_hub_over_http_learns_no_secret(one: Followed) -> None:
    """Unless it is one's own: of others, pings are a reason to poll and no more (W3C WebSub §5.1)."""
    one.poll()
    stranger = one.config.model_copy(update={"fetch": one.config.fetch.model_copy(update={"allow": ()})})
    list(one.subscriber.run(stranger, one.named, one.now))
    assert [("hub.secret" in form) for form in one.hub.asked] == [False]
    one.verify()
    one.serve(1, 2)
    assert one.post(one.document(1, 2)).status == 202
    assert one.titles == ["a 1"]
    one.read()
    assert one.next_poll == (one.now, Reason.PING)


@pytest.mark.parametrize("is_true", [True, False])
def test_a_topic_at_another_host_is_believed_when_that_names_the_hub(
    tmp_path: Path, server: Server, is_true: bool
) -> None:
    """As of Blogger's feeds; else a feed could name what is not its own."""
    allow = ["127.0.0.1", "localhost"]
    with followed(tmp_path, server, fetch={"allow": allow, "host_gap": "0s"}) as one:
        there = f"{server.url}/there".replace("127.0.0.1", "localhost")
        server.pages["/a"] = Answer(200, {}, with_links(feed("a", 1), one.hub.url, there))
        server.pages["/there"] = Answer(
            200, {}, with_links(feed("a", 1), one.hub.url if is_true else "", there)
        )
        one.poll()
        assert one.known.is_doubtful
        (request,) = one.ask()
        if is_true:
            assert request.error is None
            assert [form["hub.topic"] for form in one.hub.asked] == [there]
            one.verify()
            one.serve(1)
            server.pages["/a"] = Answer(200, {}, with_links(feed("a", 1, 2), one.hub.url, there))
            one.after(hours=1)
            one.poll()
            assert one.known.is_live(one.now), "it is the same as before"
        else:
            assert request.error is not None
            assert one.known.state is HubState.FAILED
            assert "at another host" in (one.known.error or "")
            assert one.hub.asks == 0


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"private": True}, id="private"),
        pytest.param({"websub": False}, id="switched off"),
        pytest.param({"auth": {"user": "me", "password": "secret"}}, id="a login"),
        pytest.param({"headers": {"X-Key": "k"}}, id="headers"),
        pytest.param({"cookie": "k=v"}, id="a cookie"),
    ],
)
def test_sources_with_secrets_are_not_subscribed_at_hubs(
    tmp_path: Path, server: Server, source: dict[str, object]
) -> None:
    """A hub would learn that we follow them, and could not read them."""
    with followed(tmp_path, server, source=source) as one:
        one.poll()
        assert one.ask() == []
        assert one.store.hub_subscriptions.all() == []


def test_our_own_feeds_are_not_subscribed_to(tmp_path: Path, server: Server) -> None:
    """Each ping would cause the next one."""
    with followed(tmp_path, server, site={"url": server.url}) as one:
        one.poll()
        assert one.ask() == []
        assert one.known.error == "its topic is a feed of this server"
        assert one.hub.asks == 0


def test_without_a_public_callback_no_hub_is_subscribed_to(tmp_path: Path, server: Server) -> None:
    """What a hub could not verify is not asked for."""
    with followed(tmp_path, server, serve={}) as one:
        one.poll()
        assert one.ask() == []
        assert one.callbacks.token(f"/websub/{one.known.token}") is None
        one.follow(
            one.config.model_copy(update={"serve": one.config.serve.model_copy(update={"url": PUBLIC})})
        )
        assert one.ask() == []
        one.callbacks.listening(one.now - timedelta(minutes=11))
        assert one.ask() == []
        one.callbacks.listening(one.now)
        assert len(one.ask()) == 1


@pytest.mark.parametrize("change", ["gone", "disabled", "off", "all off", "elsewhere"])
def test_subscriptions_that_are_not_needed_any_more_are_ended(one: Followed, change: str) -> None:
    """And forgotten once the hub has verified that; until then a ping is answered with 410."""
    known = one.subscribe()
    (source,) = one.config.sources
    changed = {
        "gone": (),
        "disabled": (source.model_copy(update={"enabled": False}),),
        "off": (source.model_copy(update={"websub": False}),),
        "elsewhere": (source.model_copy(update={"url": f"{one.server.url}/b"}),),
    }.get(change, (source,))
    serve = one.config.serve.model_copy(update={"websub": change != "all off"})
    one.follow(one.config.model_copy(update={"sources": changed, "serve": serve}))
    (request,) = one.ask()
    assert request.mode == "unsubscribe"
    (form,) = one.hub.asked
    assert one.hub.mistakes == []
    assert (form["hub.topic"], form["hub.callback"]) == (known.topic, known.callback)
    assert one.callbacks.allowance(known.token, [], one.now) != 4 * 1024 * 1024
    answer = one.verify(challenge="bye")
    assert (answer.status, answer.body) == (200, b"bye")
    assert one.store.hub_subscriptions.all() == []


def test_a_feed_that_names_another_hub_leaves_the_first(one: Followed) -> None:
    """And one that names none any more, without another."""
    first = one.subscribe()
    other = StrictHub(one.server, "/other")
    one.server.pages["/a"] = Answer(200, {}, with_links(feed("a", 1, 2), other.url, one.topic))
    one.after(hours=1)
    one.poll()
    assert sorted(request.mode for request in one.ask()) == ["subscribe", "unsubscribe"]
    assert [form["hub.callback"] for form in one.hub.asked] == [first.callback]
    assert [form["hub.mode"] for form in other.asked] == ["subscribe"]
    assert one.known.token != first.token
    one.server.pages["/a"] = Answer(200, {}, feed("a", 1, 2, 3))
    one.after(hours=1)
    one.poll()
    assert "a" not in one.store.hub_subscriptions.current()


def test_a_server_that_moves_subscribes_from_its_new_address(one: Followed) -> None:
    """The callback is another, and so is its token."""
    first = one.subscribe()
    moved = one.config.serve.model_copy(update={"url": "https://new.example/"})
    one.follow(one.config.model_copy(update={"serve": moved}))
    assert sorted(request.mode for request in one.ask()) == ["subscribe", "unsubscribe"]
    callbacks = {form["hub.mode"]: form["hub.callback"] for form in one.hub.asked}
    assert callbacks["unsubscribe"] == first.callback
    assert callbacks["subscribe"].startswith("https://new.example/websub/")
    assert one.known.token != first.token


def test_a_hub_without_pings_is_not_relied_on(one: Followed) -> None:
    """Two polls in a row found what no ping had reported; one ping, and it is trusted again."""
    one.subscribe()
    for number in (2, 3):
        assert one.known.is_trusted(one.now)
        one.after(days=1)
        one.serve(*range(1, number + 1))
        one.ask()
        one.poll()
    one.ask()
    assert one.next_poll[1] == Reason.WEBSUB
    assert not one.known.is_trusted(one.now)
    for _ in range(11):
        one.after(minutes=1)
        one.ask()
    assert one.next_poll[1] != Reason.WEBSUB
    one.post()
    assert one.known.is_trusted(one.now)


def test_after_a_stop_no_hub_is_relied_on_before_the_next_poll(one: Followed) -> None:
    """What it sent meanwhile is lost."""
    one.subscribe()
    one.after(days=1)
    one.poll()
    assert one.next_poll[1] == Reason.WEBSUB
    one.after(hours=3)
    one.ask()
    assert one.next_poll[1] != Reason.WEBSUB
    assert one.known.is_live(one.now)
