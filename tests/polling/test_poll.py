"""When sources are polled: due times that hold across runs, pacing, health; with a real server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.app import app
from aggregator.config import load as config
from aggregator.errors import ReadError, StoreError
from aggregator.fetch import Fetcher, Hosts, Resource
from aggregator.polling.poll import Poller
from aggregator.polling.poll_result import PollResult
from aggregator.reading.document import Context, Reading, read_resource
from aggregator.schedule import decide as schedule
from aggregator.store import Store
from tests.conftest import NOW, Answer, Request, Server
from tests.support.site import Site, feed

HOUR = timedelta(hours=1)


def source(server: Server, name: str, **more: Any) -> dict[str, Any]:
    """A source of the config that is served under its name."""
    return {"name": name, "url": f"{server.url}/{name}", "categories": ["X"], **more}


def remembered(site: Site, name: str) -> schedule.PollState:
    """Returns what the store's schedule says of a source."""
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct, direct:
        ((text,),) = direct.execute("select schedule from sources where name = ?", (name,)).fetchall()
    return schedule.PollState.from_json(text)


def test_a_source_is_not_asked_again_before_it_is_due(site: Site, server: Server) -> None:
    """Also in another run of the program; `--force` asks, still conditionally; `--refetch` asks for all."""

    def page(request: Request) -> Answer:
        return (
            Answer(304) if "If-None-Match" in request.headers else Answer(200, {"ETag": '"1"'}, feed("a", 1))
        )

    server.pages["/a"] = page
    site.configure(source(server, "a"))
    site.run("fetch")
    waiting = site.run("fetch")
    assert waiting.exit_code == 0
    assert "waiting a: " in waiting.stdout
    assert len(server.requests) == 1
    assert "nothing new at the source" in site.run("fetch", "--force").stdout
    assert server.requests[1].headers["If-None-Match"] == '"1"'
    assert "0 new, 0 changed, 1 unchanged" in site.run("fetch", "--refetch").stdout
    assert "If-None-Match" not in server.requests[2].headers
    assert json.loads(site.run("fetch", "--json").stdout)["waiting"].keys() == {"a"}


def test_local_files_are_read_at_every_run(site: Site) -> None:
    """A file that was just edited counts at once; looking at it costs no request."""
    (site.home / "notes").mkdir()
    (site.home / "notes" / "a.md").write_text("---\ntitle: A\n---\n\nx\n")
    site.configure({"name": "Notes", "kind": "articles", "path": "notes"})
    site.run("fetch")
    (site.home / "notes" / "b.md").write_text("---\ntitle: B\n---\n\nx\n")
    assert "Notes: 1 new" in site.run("fetch").stdout


def test_hints_of_the_feed_and_of_the_server_are_remembered_across_a_304(site: Site, server: Server) -> None:
    """A ttl of six hours holds after a 304, which brings none."""
    body = feed("a", 1).replace(b"<description>About", b"<ttl>360</ttl><description>About")
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, body)
    site.configure(source(server, "a"))
    site.run("fetch")
    server.pages["/a"] = Answer(304)
    site.run("fetch", "--force")
    state = remembered(site, "a")
    assert state.hints.ttl == timedelta(hours=6)
    assert state.next_poll is not None
    assert state.polled is not None
    assert state.next_poll - state.polled >= timedelta(hours=6)


def test_failures_back_off_and_410_stops_polling(site: Site, server: Server) -> None:
    """Back-off doubles; 410 stops and says so; asking by hand tries again."""
    server.pages |= {"/a": Answer(500), "/b": Answer(410)}
    site.configure(source(server, "a"), source(server, "b"))
    waits = []
    for _ in range(3):
        site.run("fetch", "--force")
        state = remembered(site, "a")
        assert state.next_poll is not None
        assert state.polled is not None
        waits.append(state.next_poll - state.polled)
    assert waits[0] < waits[1] < waits[2]
    assert remembered(site, "b").reason is schedule.Reason.GONE
    assert "waiting b: never" in site.run("fetch").stdout
    server.pages["/b"] = Answer(200, {}, feed("b", 1))
    assert "b: 1 new" in site.run("fetch", "--force", "b").stdout
    assert remembered(site, "b").reason is not schedule.Reason.GONE


def test_retry_after_delays_the_next_poll(site: Site, server: Server) -> None:
    """Retry-After is a floor, and no failure."""
    server.pages["/a"] = Answer(429, {"Retry-After": "7200"})
    site.configure(source(server, "a"))
    site.run("fetch")
    state = remembered(site, "a")
    assert state.failures == 0
    assert state.next_poll is not None
    assert state.polled is not None
    assert state.next_poll - state.polled >= timedelta(hours=2)


def test_one_line_a_source_shows_its_health(site: Site, server: Server) -> None:
    """`sources` and `status`, for people and for scripts."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1, 2, 3)), "/b": Answer(404), "/c": Answer(410)}
    site.configure(*(source(server, name) for name in "abc"))
    site.run("fetch")
    facts = {f["name"]: f for f in json.loads(site.run("sources", "--json").stdout)["sources"]}
    assert (facts["a"]["state"], facts["a"]["articles"]) == ("silent", 3)  # its newest is of 2024
    assert facts["b"]["state"] == "failing"
    assert "404" in facts["b"]["error"]
    assert facts["b"]["advice"]
    assert facts["c"]["state"] == "gone"
    shown = site.run("sources")
    assert shown.exit_code == 0
    assert "b: there is nothing at this address" in shown.stdout
    lines = site.run("status").stdout.splitlines()
    assert len(lines) == 7
    assert lines[0].startswith("sources   3: ")


def test_health_is_reported_without_a_write(site: Site, server: Server) -> None:
    """A changed config is not used either; the next run uses it."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(source(server, "a"))
    site.run("fetch")
    store = site.home / "var" / "aggregator.db"
    before = store.read_bytes()
    site.configure({**source(server, "a"), "url": f"{server.url}/new"}, source(server, "b"))
    facts = json.loads(site.run("sources", "--json").stdout)["sources"]
    assert [(f["name"], f["state"], f["articles"]) for f in facts] == [("a", "healthy", 1), ("b", "new", 0)]
    assert facts[0]["address"] == f"{server.url}/new"
    assert "1 healthy, 1 new" in site.run("status").stdout
    site.configure(source(server, "b"))
    assert [f["name"] for f in json.loads(site.run("sources", "--json").stdout)["sources"]] == ["b"]
    assert store.read_bytes() == before
    assert len(server.requests) == 1


@pytest.mark.parametrize("command", ["sources", "status"])
def test_health_of_a_store_that_is_not_there_or_not_ours(site: Site, command: str) -> None:
    """Nothing is made; each says what to do."""
    site.configure()
    result = site.run(command)
    assert result.exit_code == 1
    assert "there is no store" in result.stderr
    assert "`aggregator fetch` creates it" in result.stderr
    assert not (site.home / "var").exists()
    site.run("fetch")
    for schema, says in (("1", "an earlier version"), ("99", "another version (schema 99")):
        with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct, direct:
            direct.execute("update settings set value = ? where name = 'schema'", (schema,))
        result = site.run(command)
        assert result.exit_code == 1
        assert says in result.stderr
    (site.home / "var" / "aggregator.db").write_bytes(b"no database at all, but long enough for one" * 100)
    assert "is damaged" in site.run(command).stderr


def test_waking_after_a_long_stop_spreads_what_is_late(site: Site, server: Server) -> None:
    """A day asleep does not end in one burst; nothing becomes due later than within the hour."""
    count = 60
    for n in range(count):
        server.pages[f"/s{n}"] = Answer(200, {}, feed(f"s{n}", 1))
    site.configure(*(source(server, f"s{n}") for n in range(count)))
    loaded = config.load(site.file)
    with app.App(loaded, NOW) as opened:
        for _ in opened.fetch(loaded.select(()), NOW):
            pass
        later = NOW + timedelta(days=3)
        assert len(opened.due_names(later, 500)) == count
        opened.wake(later)
        assert 0 < len(opened.due_names(later + timedelta(minutes=5), 500)) < count
        assert len(opened.due_names(later + timedelta(hours=1, minutes=1), 500)) == count


DAY = timedelta(days=1)


def moved(server: Server) -> Callable[[Request], Answer]:
    """A page that has moved to `/new` for good; there it answers conditional requests."""

    def page(request: Request) -> Answer:
        known = request.headers.get("If-None-Match") == '"1"'
        return Answer(304) if known else Answer(200, {"ETag": '"1"'}, feed("a", 1))

    server.pages["/new"] = page
    return lambda _request: Answer(301, {"Location": "/new"})


def polled(site: Site, day: int) -> str:
    """Polls everything on a day; returns what was said of moves."""
    loaded = config.load(site.file)
    with app.App(loaded, NOW) as opened:
        (poll,) = opened.fetch(loaded.select(()), NOW + day * DAY)
    return poll.move


def test_a_permanent_move_is_adopted(site: Site, server: Server) -> None:
    """After three days the old address is left alone, and the new one asked conditionally."""
    server.pages["/a"] = moved(server)
    site.configure(source(server, "a"))
    assert [polled(site, day) for day in range(3)] == ["", "", ""]
    assert json.loads(site.run("sources", "--json").stdout)["sources"][0]["moved_to"] is None
    assert polled(site, 3) == (
        f"it has moved permanently to {server.url}/new and is polled there from now on; change its url"
    )
    server.requests.clear()
    assert polled(site, 4) == ""
    assert [r.path for r in server.requests] == ["/new"]
    assert server.requests[0].headers["If-None-Match"] == '"1"'
    facts = json.loads(site.run("sources", "--json").stdout)["sources"][0]
    assert (facts["address"], facts["moved_to"]) == (f"{server.url}/a", f"{server.url}/new")
    assert f"a: it has moved permanently to {server.url}/new" in site.run("sources").stdout


def test_a_move_that_a_feed_names_is_adopted(site: Site, server: Server) -> None:
    """As a redirect is, also while it answers 304; what it names as its own place later is no move."""

    def page(request: Request) -> Answer:
        if request.headers.get("If-None-Match") == '"1"':
            return Answer(304)
        names = "xmlns:i='http://www.itunes.com/dtds/podcast-1.0.dtd'"
        says = f"<i:new-feed-url {names}>{server.url}/new</i:new-feed-url><description>"
        return Answer(200, {"ETag": '"1"'}, feed("a", 1).replace(b"<description>", says.encode(), 1))

    server.pages |= {"/a": page, "/new": page}
    site.configure(source(server, "a"))
    loaded = config.load(site.file)
    with app.App(loaded, NOW) as opened:
        (poll,) = opened.fetch(loaded.select(()), NOW)
    said = f"it says that it has moved permanently to {server.url}/new (itunes:new-feed-url)"
    assert [problem.text for problem in poll.problems] == [said]
    assert [polled(site, day) for day in (1, 2)] == ["", ""]
    assert f"it has moved permanently to {server.url}/new and is polled there" in polled(site, 3)
    server.requests.clear()
    assert [polled(site, day) for day in range(4, 10)] == [""] * 6
    assert {request.path for request in server.requests} == {"/new"}


def test_the_url_of_the_config_ends_a_move(site: Site, server: Server) -> None:
    """The new address put there goes on conditionally; any other is read anew."""
    server.pages |= {"/a": moved(server), "/b": Answer(200, {}, feed("a", 1, 2))}
    site.configure(source(server, "a"))
    for day in range(4):
        polled(site, day)
    server.requests.clear()
    site.configure({**source(server, "a"), "url": f"{server.url}/new"})
    polled(site, 5)
    assert server.requests[0].headers["If-None-Match"] == '"1"'
    site.configure({**source(server, "a"), "url": f"{server.url}/b"})
    polled(site, 6)
    site.configure(source(server, "a"))
    polled(site, 7)
    assert [r.path for r in server.requests] == ["/new", "/b", "/a", "/new"]
    assert json.loads(site.run("sources", "--json").stdout)["sources"][0]["moved_to"] is None


@pytest.mark.parametrize("setting", ["headers", "auth", "cookie", "tls_verify"])
def test_a_redirect_of_a_source_with_secrets_is_only_reported(
    site: Site, server: Server, setting: str
) -> None:
    """Secrets go to the address of the config alone; also when they are given after the move."""
    lines = {
        "headers": 'headers = { X-Key = "s" }',
        "auth": 'auth = { bearer = "s" }',
        "cookie": 'cookie = "s"',
        "tls_verify": "tls_verify = false",
    }
    server.pages["/a"] = moved(server)
    site.configure(source(server, "a"))
    free = site.file.read_text()
    site.file.write_text(f"{free}\n{lines[setting]}\n")
    message = [polled(site, day) for day in range(4)]
    assert message == ["", "", "", f"it has moved permanently to {server.url}/new; change its url"]
    server.requests.clear()
    polled(site, 4)
    assert [r.path for r in server.requests] == ["/a", "/new"]
    site.file.write_text(free)
    for day in range(5, 10):
        polled(site, day)
    server.requests.clear()
    polled(site, 10)
    assert [r.path for r in server.requests] == ["/new"]
    site.file.write_text(f"{free}\n{lines[setting]}\n")
    server.requests.clear()
    polled(site, 11)
    assert [r.path for r in server.requests] == ["/a", "/new"]


@pytest.mark.parametrize(("status", "polls"), [(404, 5), (410, 1)])
def test_an_adopted_redirect_that_fails_is_undone(
    site: Site, server: Server, status: int, polls: int
) -> None:
    """A wrong redirect loses no source: the address of the config is requested again, which is reported."""
    server.pages["/a"] = moved(server)
    site.configure(source(server, "a"))
    for day in range(4):
        polled(site, day)
    server.pages |= {"/new": Answer(status), "/a": Answer(200, {}, feed("a", 1, 2))}
    message = [polled(site, 10 + day) for day in range(polls)]
    assert message[:-1] == [""] * (polls - 1)
    assert message[-1] == f"{server.url}/new, where it had moved, fails; {server.url}/a is polled again"
    server.requests.clear()
    assert polled(site, 30) == ""
    assert [r.path for r in server.requests] == ["/a"]


def test_fetch_reports_a_move(site: Site, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a line of its own, and in the facts for a script."""
    server.pages["/a"] = moved(server)
    site.configure(source(server, "a"))
    instantly = schedule.Policy(time_before_adopting=timedelta(0), polls_before_adopting=2)
    monkeypatch.setattr(schedule, "Policy", lambda **_settings: instantly)
    assert json.loads(site.run("fetch", "--json").stdout)["sources"][0]["move"] is None
    assert (
        f"it has moved permanently to {server.url}/new and is polled" in site.run("fetch", "--force").stdout
    )


def test_a_store_error_ends_the_run(site: Site, server: Server) -> None:
    """A broken store is raised, not waited for until the end of days."""
    server.pages |= {f"/s{n}": Answer(200, {}, feed(f"s{n}", 1)) for n in range(5)}
    site.configure(*(source(server, f"s{n}") for n in range(5)))
    loaded = config.load(site.file)
    store = Store(loaded.store)
    store.sources.adopt(loaded.sources, NOW)
    fetcher = Fetcher(loaded.fetch, "Aggregator/test")

    def broken(resource: Resource, context: Context) -> Reading:
        raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="the disk is full"):
        list(Poller(loaded, store, fetcher, broken).poll_many(loaded.select(()), NOW))
    fetcher.close()
    store.close()


def test_an_unexpected_exception_affects_one_source(site: Site, server: Server) -> None:
    """It becomes the error of that source, and the others are saved."""
    server.pages |= {f"/s{n}": Answer(200, {"ETag": '"1"'}, feed(f"s{n}", 1)) for n in range(3)}
    site.configure(*(source(server, f"s{n}") for n in range(3)))
    loaded = config.load(site.file)
    store = Store(loaded.store)
    store.sources.adopt(loaded.sources, NOW)
    fetcher = Fetcher(loaded.fetch, "Aggregator/test")

    def mistaken(resource: Resource, context: Context) -> Reading:
        if context.source == "s1":
            raise KeyError("x" * 10_000)
        return read_resource(resource, context)

    first, second, third = Poller(loaded, store, fetcher, mistaken).poll_many(loaded.select(()), NOW)
    assert isinstance(second.error, ReadError)
    assert (second.error.source, second.error.url) == ("s1", f"{server.url}/s1")
    assert second.error.reason.startswith("polling it failed because of a bug in aggregator: KeyError('xxx")
    assert len(second.error.reason) <= 500
    assert [first.saved.new, second.saved.new, third.saved.new] == [1, 0, 1]
    (again,) = Poller(loaded, store, fetcher, read_resource).poll_many(loaded.select(["s1"]), NOW + HOUR)
    fetcher.close()
    store.close()
    assert (again.error, again.saved.new) == (None, 1)


def test_a_long_queue_at_one_publisher_does_not_postpone_polls() -> None:
    """Only Retry-After stops polls: 400 feeds of one publisher, a second apart, all stay in line."""
    hosts = Hosts(gap=timedelta(seconds=1))
    urls = [f"https://videos.example/{n}" for n in range(400)]
    assert hosts.reserve(urls[0], 0.0) == 0.0
    assert [hosts.reserve(url, 0.0) for url in urls[1:]][-1] == 399.0
    assert hosts.held_for(urls[-1], 0.0) == 0.0
    hosts.hold(urls[0], timedelta(hours=1), 0.0)
    assert hosts.held_for(urls[-1], 0.0) == 3600.0
    assert hosts.held_for(urls[-1], 4000.0) == 0.0


def unreadable_page() -> Callable[[Request], Answer]:
    """A page that is no feed, with a validator."""

    def page(request: Request) -> Answer:
        if request.headers.get("If-None-Match") == '"page"':
            return Answer(304)
        return Answer(200, {"ETag": '"page"'}, b"<html><title>Under construction</title></html>")

    return page


def poll_at(site: Site, moment: datetime) -> PollResult:
    """How a forced poll of the only source goes at a moment."""
    with app.App(config.load(site.file), moment) as opened:
        (poll,) = opened.fetch(opened.config.select(()), moment)
    return poll


def test_an_unreadable_document_is_fetched_again_conditionally(site: Site, server: Server) -> None:
    """Its 304 is the same error, not health; once a day the whole document is asked for."""
    server.pages["/a"] = unreadable_page()
    site.configure(source(server, "a"))
    errors = [poll_at(site, NOW + hours * HOUR).error for hours in (0, 1, 2, 25)]
    asked = [request.headers.get("If-None-Match") for request in server.requests]
    assert asked == [None, '"page"', '"page"', None]
    assert len({str(error) for error in errors}) == 1
    assert isinstance(errors[0], ReadError)
    (facts,) = json.loads(site.run("sources", "--json").stdout)["sources"]
    assert facts["state"] != "healthy"
    assert facts["failures"] == 4
    assert facts["error"] == errors[0].reason


def test_a_304_for_an_unreadable_document_keeps_its_error(site: Site, server: Server) -> None:
    """A fault of the server in between changes neither the error nor what is asked for."""
    server.pages["/a"] = unreadable_page()
    site.configure(source(server, "a"))
    first = poll_at(site, NOW).error
    server.pages["/a"] = Answer(500)
    poll_at(site, NOW + HOUR)
    server.pages["/a"] = unreadable_page()
    again = poll_at(site, NOW + 2 * HOUR).error
    assert server.requests[2].headers["If-None-Match"] == '"page"'
    assert first is not None
    assert again is not None
    assert again.reason == first.reason


def test_a_feed_that_comes_back_after_a_page_is_healthy(site: Site, server: Server) -> None:
    """Its articles are kept as they were, whichever validators the page in between had."""
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, feed("a", 1))
    site.configure(source(server, "a"))
    assert poll_at(site, NOW).saved.new == 1
    server.pages["/a"] = unreadable_page()
    assert poll_at(site, NOW + HOUR).error is not None
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, feed("a", 1))
    poll = poll_at(site, NOW + 2 * HOUR)
    assert (poll.error, poll.was_read) == (None, False)
    server.pages["/a"] = Answer(304)
    assert poll_at(site, NOW + 3 * HOUR).error is None
    assert server.requests[3].headers["If-None-Match"] == '"1"'


def test_changed_options_fetch_an_unreadable_document_without_validators(site: Site, server: Server) -> None:
    """After the config was corrected, there is no wait for a day."""
    server.pages["/a"] = unreadable_page()
    site.configure(source(server, "a"))
    poll_at(site, NOW)
    site.configure(source(server, "a", kind="page", options={"item": "title", "title": "title"}))
    poll_at(site, NOW + HOUR)
    assert "If-None-Match" not in server.requests[-1].headers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(404), id="not found"),
        pytest.param(Answer(500), id="a fault"),
        pytest.param(Answer(403), id="refused"),
        pytest.param(Answer(200, {}, b""), id="empty"),
        pytest.param(Answer(200, {}, b"no feed"), id="text"),
        pytest.param(Answer(302, {"Location": "/a"}), id="a loop"),
        pytest.param(Answer(302, {"Location": "gopher://x/"}), id="a redirect to nowhere"),
        pytest.param(Answer(302, {"Location": "http://10.0.0.1/"}), id="a redirect to a private address"),
        pytest.param(Answer(200, {}, b"x" * 2_000_000), id="too large"),
        pytest.param(Answer(200, {"Content-Length": "99", "Connection": "close"}, b"<rss"), id="cut short"),
        pytest.param(Answer(200, {"Content-Encoding": "gzip"}, b"no gzip"), id="badly packed"),
    ],
)
def test_no_source_is_polled_again_within_an_hour(site: Site, server: Server, answer: Answer) -> None:
    """Whatever its failure was."""
    server.pages["/a"] = answer
    site.configure(source(server, "a"), fetch={"max_bytes": 1_000_000})
    assert poll_at(site, NOW).error is not None
    state = remembered(site, "a")
    assert state.next_poll is not None
    assert state.next_poll - NOW >= HOUR


def test_players_of_the_config_reach_those_who_read(site: Site) -> None:
    """Workers are other processes; an unknown player is a link."""
    frame = "https://tube.example/embed/a"
    (site.home / "a.xml").write_bytes(feed("a", 1, body=f'&lt;iframe src="{frame}"&gt;&lt;/iframe&gt;'))
    for players, start in (([], f'<a href="{frame}"'), (["https://tube.example/embed/"], "<iframe src=")):
        site.configure(
            {"name": f"a{len(players)}", "url": (site.home / "a.xml").as_uri(), "categories": ["X"]},
            html={"players": players},
        )
        assert site.run("fetch").exit_code == 0
        [item] = json.loads((site.output / "X" / "feed.json").read_text())["items"]
        assert start in item["content_html"]


def undated(*numbers: int, feed_date: str = "") -> bytes:
    """A feed whose items have no dates, but for those whose number is a multiple of ten."""
    items = "".join(
        f"<item><title>a {n}</title><guid>{n}</guid>"
        + (f"<pubDate>Mon, {n // 10:02} Jan 2024 00:00:00 GMT</pubDate>" if n % 10 == 0 else "")
        + "</item>"
        for n in numbers
    )
    date = f"<lastBuildDate>{feed_date}</lastBuildDate>" if feed_date else ""
    return f"<rss version='2.0'><channel><title>a</title>{date}{items}</channel></rss>".encode()


@pytest.mark.parametrize(
    ("answer", "dates"),
    [
        (Answer(200, {}, undated(20, 1, 10, 2)), ["2024-01-02 00:00:00", "2024-01-01 00:00:00"]),
        (Answer(200, {}, undated(1, 2, feed_date="Mon, 01 Jan 2024 00:00:00 GMT")), []),
        (Answer(200, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, undated(1, 2)), []),
        (Answer(200, {}, undated(1, 2)), []),
    ],
    ids=["dated ones", "the feed's date", "Last-Modified", "nothing"],
)
def test_undated_entries_of_a_first_poll_come_after_dated_ones(
    site: Site, server: Server, answer: Answer, dates: list[str]
) -> None:
    """In their order; those that come later are new when they are seen."""
    server.pages["/a"] = answer
    site.configure(source(server, "a"))
    loaded = config.load(site.file)
    with app.App(loaded, NOW) as opened:
        list(opened.fetch(loaded.select(()), NOW))
        base = NOW if answer == Answer(200, {}, undated(1, 2)) else datetime(2024, 1, 1, tzinfo=UTC)
        below = [f"{base - timedelta(seconds=n):%Y-%m-%d %H:%M:%S}" for n in ((1, 2) if dates else (0, 1))]
        assert placed(opened) == [*dates, *below]
        server.pages["/a"] = Answer(200, {}, undated(3, 20, 1, 10, 2))
        list(opened.fetch(loaded.select(()), NOW + DAY))
        assert placed(opened)[0] == f"{NOW + DAY:%Y-%m-%d %H:%M:%S}"


def placed(opened: app.App) -> list[str]:
    """The dates of the articles of the store, newest first."""
    kept = opened._store.articles.all()
    return sorted((f"{each.published:%Y-%m-%d %H:%M:%S}" for each in kept), reverse=True)


def dates_of(opened: app.App) -> dict[str, str]:
    """When the store's articles were published, and changed where that differs, by id."""
    found = {}
    for kept in opened._store.articles.all():
        text = f"{kept.published:%m-%d %H:%M}"
        found[kept.article.id] = (
            text if kept.updated == kept.published else f"{text} / {kept.updated:%m-%d %H:%M}"
        )
    return found


def test_a_time_zone_corrects_the_dates_that_are_stored(site: Site, server: Server) -> None:
    """At the next poll, even if nothing changed at the server; ids stay, and nothing was edited."""
    items = "".join(
        f"<item><title>{n}</title><guid>{n}</guid><pubDate>{date}</pubDate></item>"
        for n, date in enumerate(("05 Jan 2026 10:00", "05 May 2026 10:00", "05 May 2026 10:00 GMT", ""))
    )
    body = f"<rss version='2.0'><channel><title>a</title>{items}</channel></rss>".encode()

    def page(request: Request) -> Answer:
        return Answer(304) if "If-None-Match" in request.headers else Answer(200, {"ETag": '"1"'}, body)

    server.pages["/a"] = page
    utc = {"0": "01-05 10:00", "1": "05-05 10:00", "2": "05-05 10:00"}
    berlin = {"0": "01-05 09:00", "1": "05-05 08:00", "2": "05-05 10:00"}
    seen = []
    for day, zone in enumerate((None, None, "Europe/Berlin", "Europe/Berlin", "UTC")):
        site.configure(source(server, "a", **({"timezone": zone} if zone else {})))
        loaded = config.load(site.file)
        with app.App(loaded, NOW) as opened:
            (poll,) = opened.fetch(loaded.select(()), NOW + day * DAY)
            assert poll.saved.changed == 0
            found = dates_of(opened)
            undated = found.pop("3")
            assert found == (berlin if zone == "Europe/Berlin" else utc)
            seen.append(undated)
            opened.publish()
        dates = [
            item["date_published"]
            for item in json.loads((site.output / "X" / "feed.json").read_text())["items"]
        ]
        assert f"2026-{found['1'].replace(' ', 'T')}:00+00:00" in dates
    assert len(set(seen)) == 1
    asked = ["If-None-Match" in request.headers for request in server.requests]
    assert asked == [False, True, False, True, False]


def test_a_time_zone_corrects_dates_of_files(site: Site) -> None:
    """Front matter too."""
    (site.home / "notes").mkdir()
    (site.home / "notes" / "a.md").write_text("---\ntitle: A\ndate: 2026-05-05 10:00:00\n---\n\nx\n")
    for day, (zone, right) in enumerate((("UTC", "05-05 10:00"), ("Asia/Tokyo", "05-05 01:00"))):
        site.configure({"name": "Notes", "kind": "articles", "path": "notes", "timezone": zone})
        loaded = config.load(site.file)
        with app.App(loaded, NOW) as opened:
            list(opened.fetch(loaded.select(()), NOW + day * DAY))
            assert [*dates_of(opened).values()] == [right]
