"""A clock that jumps: what is polled, what is pruned, what is corrected; runs as the command makes them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aggregator.app.app import App
from aggregator.app.status import source_health
from aggregator.config import load as config
from aggregator.polling.poll_result import PollResult
from aggregator.store import ALL, Store, StoredArticle, announcement
from tests.conftest import NOW, Answer, Request, Server
from tests.support.site import Site

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
JUMPS = (-20 * YEAR, -40 * DAY, -3 * DAY, 3 * DAY, 100 * DAY, YEAR)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """One that publishes the feeds of one format: pages say nothing more about the clock."""
    return Site(tmp_path, publish={"formats": ["rss"], "archives": False})


def rss(count: int, newest: datetime | None = None) -> bytes:
    """A feed of `count` items, one a day back from `newest`; without dates where that is None."""
    items = "".join(
        f"<item><title>{n}</title><guid isPermaLink='false'>id{n}</guid>"
        + (f"<pubDate>{format_datetime(newest - n * DAY)}</pubDate>" if newest else "")
        + "<description>text</description></item>"
        for n in range(count)
    )
    return f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode()


def a_feed(site: Site, body: bytes, retention: str = "") -> None:
    """The site follows one feed, which is a file on this machine."""
    (site.home / "feed.xml").write_bytes(body)
    site.configure({"name": "a", "url": (site.home / "feed.xml").as_uri()}, entries_per_feed=20)
    if retention:
        site.file.write_text(site.file.read_text() + f"\n[retention]\n{retention}\n")


def run(site: Site, now: datetime, *, force: bool = True) -> tuple[list[PollResult], int]:
    """Returns what `aggregator fetch` does at a moment: the polls, and how many articles were pruned."""
    with App(config.load(site.file), now) as app:
        asked = app.config.select(())
        sources = asked if force else app.due(asked, now)[0]
        polls = list(app.fetch(sources, now))
        list(app.complete(asked, now))
        pruned = sum(app.upkeep(now))
        app.publish()
    return polls, pruned


def stored(site: Site) -> list[StoredArticle]:
    """Every article, oldest first."""
    store = Store(site.home / "var" / "aggregator.db")
    kept = list(store.articles.all())
    store.close()
    return kept


def shown(site: Site) -> list[datetime]:
    """The dates in the feed of all, newest first."""
    store = Store(site.home / "var" / "aggregator.db")
    dates = [kept.published for kept in store.feeds.newest(ALL, 1000)]
    store.close()
    return dates


def telling(body: bytes, time: Callable[[], datetime]) -> Callable[[Request], Answer]:
    """A feed whose server tells its own time."""

    def page(_: Request) -> Answer:
        return Answer(200, {"Date": format_datetime(time(), usegmt=True)}, body)

    return page


@pytest.mark.parametrize("jump", JUMPS, ids=lambda jump: f"{jump.days} days")
def test_a_source_polled_under_a_wrong_clock_is_due_again_after_one_wait(
    site: Site, server: Server, jump: timedelta
) -> None:
    """`fetch` asks as soon as it would have asked without the jump, or a wait later; `status` knows."""
    server.pages["/a"] = Answer(200, {}, rss(3, NOW))
    site.configure({"name": "a", "url": f"{server.url}/a"})
    run(site, NOW)
    run(site, NOW + jump)
    back = NOW + 2 * HOUR
    with App(config.load(site.file), back) as app:
        due, waiting = app.due(app.config.select(()), back)
        assert due or (waiting["a"].next_poll or back) < back + 26 * HOUR
    later = back + 26 * HOUR
    polls, _ = run(site, later, force=False)
    assert [poll.error for poll in polls] == [None]
    (health,) = source_health(config.load(site.file), later)
    assert health.polled == later
    assert health.next_poll < f"{later + 30 * HOUR:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("retention", "jump"),
    [
        *(pytest.param('max_age = "90d"', jump, id=f"by age, {jump.days} days") for jump in JUMPS),
        *(
            pytest.param("max_articles = 30", jump, id=f"by number, {jump.days} days")
            for jump in (-3 * DAY, YEAR)
        ),
    ],
)
def test_nothing_is_pruned_after_a_clock_jump(
    site: Site, caplog: pytest.LogCaptureFixture, jump: timedelta, retention: str
) -> None:
    """Whichever rule would prune, and although the jump is seen twice within hours."""
    a_feed(site, rss(25, NOW))
    run(site, NOW)
    a_feed(site, rss(110, NOW), retention)
    caplog.set_level(logging.WARNING, "aggregator")
    assert run(site, NOW + jump)[1] == 0
    assert run(site, NOW + jump + 5 * HOUR)[1] == 0
    assert len(stored(site)) == 110
    assert "nothing is pruned" in caplog.text
    _, pruned = run(site, NOW + DAY)
    assert pruned == 110 - (90 if retention == 'max_age = "90d"' else 30)


def test_without_servers_two_upkeeps_a_day_apart_explain_a_jump(site: Site) -> None:
    """A machine that stood still for months prunes again."""
    a_feed(site, rss(100, NOW), 'max_age = "90d"')
    run(site, NOW)
    back = NOW + 80 * DAY
    assert [run(site, back + n * 6 * HOUR)[1] for n in range(4)] == [0, 0, 0, 0]
    assert run(site, back + DAY)[1] > 0


def test_two_jumps_in_a_row_do_not_explain_each_other(site: Site) -> None:
    """A clock that runs wild is never believed."""
    a_feed(site, rss(100, NOW), 'max_age = "90d"')
    run(site, NOW)
    for years in (1, 2, 5, 3, 20, 1):
        assert run(site, NOW + years * YEAR)[1] == 0
    assert len(stored(site)) == 91  # as the first run left it


def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address of the test's server counts as a publisher of its own, and as somebody else's."""
    monkeypatch.setattr("aggregator.fetch.pacing.Hosts.publisher", lambda _, url: url.rpartition("/")[2])


@pytest.mark.parametrize(
    ("message", "is_pruned"),
    [
        pytest.param([0, 0, 0], True, id="three agree"),
        pytest.param([0], True, id="the only one agrees"),
        pytest.param([0, 0], True, id="both agree"),
        pytest.param([0, 0, 0, 0, -365], True, id="one clock of five is wrong"),
        pytest.param([0, 0], False, id="two of three have answered"),
        pytest.param([0, None, None], True, id="two give no time"),
        pytest.param([0, -365], False, id="one of two agrees"),
        pytest.param([0, 0, -365], False, id="two of three agree"),
        pytest.param([-365, -365, -365], False, id="three disagree"),
        pytest.param([3, 3, 3], False, id="they are days ahead"),
        pytest.param([None], False, id="no time"),
    ],
)
def test_publishers_explain_a_jump(
    site: Site,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    message: list[int | None],
    is_pruned: bool,
    request: pytest.FixtureRequest,
) -> None:
    """Three that agree, or all; those that answer without a time are not waited for."""
    outside(monkeypatch)
    moment = [NOW]
    names = [f"s{n}" for n in range(len(message))]
    site.configure(*({"name": n, "url": f"{server.url}/{n}"} for n in names), entries_per_feed=1)
    site.file.write_text(site.file.read_text() + '\n[retention]\nmax_age = "90d"\n')
    for name in names:
        server.pages[f"/{name}"] = telling(rss(8, NOW), lambda: moment[0])
    run(site, NOW)
    moment[0] = now = NOW + 100 * DAY
    for name, days in zip(names, message, strict=True):
        said = "" if days is None else format_datetime(now + days * DAY, usegmt=True)
        server.pages[f"/{name}"] = Answer(200, {"Date": said}, rss(8, NOW))
    if "two of three have answered" in request.node.name:
        site.file.write_text(site.file.read_text() + f'\n[[sources]]\nname = "z"\nurl = "{server.url}/z"\n')
        with App(config.load(site.file), now) as app:
            list(app.fetch([s for s in app.config.select(()) if s.name != "z"], now))
            assert (sum(app.upkeep(now)) > 0) is is_pruned
        return
    assert (run(site, now)[1] > 0) is is_pruned


def test_publishers_forbid_pruning_without_any_jump(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A clock that was a year ahead from the first run on prunes nothing; put right, it is believed."""
    outside(monkeypatch)
    moment = NOW
    for name in "abc":
        server.pages[f"/{name}"] = telling(rss(60, NOW), lambda: moment)
    site.configure(*({"name": n, "url": f"{server.url}/{n}"} for n in "abc"), entries_per_feed=1)
    site.file.write_text(site.file.read_text() + '\n[retention]\nmax_age = "50d"\n')
    assert run(site, NOW + YEAR)[1] == 0
    assert "publishers' clocks differ" in caplog.text
    assert run(site, NOW + YEAR + DAY)[1] == 0
    moment = NOW + 2 * DAY
    run(site, moment)
    moment = NOW + 3 * DAY
    run(site, moment)
    assert len(stored(site)) == 3 * 48
    assert len({k.published for k in stored(site)} & {NOW + YEAR}) == 0


@pytest.mark.parametrize("ahead", [3 * DAY, 40 * DAY, YEAR, 30 * YEAR])
@pytest.mark.parametrize("is_first", [True, False], ids=["first run", "later run"])
def test_dates_given_by_a_clock_ahead_are_corrected(site: Site, ahead: timedelta, is_first: bool) -> None:
    """Neither the feed's top nor the store keeps them; what the feed dated itself stays as it is."""
    if not is_first:
        a_feed(site, rss(2))
        run(site, NOW)
    (site.home / "feed.xml").write_bytes(rss(4))
    a_feed(site, rss(4))
    run(site, NOW + ahead)
    assert shown(site)[0] == NOW + ahead
    now = NOW + HOUR
    run(site, now)
    assert shown(site)[0] == now
    assert all(max(k.published, k.updated, k.first_seen) <= now for k in stored(site))
    assert all(k.article.published == k.published for k in stored(site))
    if not is_first:
        assert [k.published for k in stored(site)[:2]] == [NOW - timedelta(seconds=1), NOW]
    before = site.files()
    run(site, now + DAY)
    assert {k: v for k, v in site.files().items() if "status" not in k} == {
        k: v for k, v in before.items() if "status" not in k
    }


@pytest.mark.parametrize("behind", [3 * DAY, 40 * DAY, YEAR, 10 * YEAR])
def test_dates_capped_by_a_clock_behind_become_the_feeds_own(site: Site, behind: timedelta) -> None:
    """And those that it invented become the last moment that was believed."""
    a_feed(site, rss(1, NOW - 15 * YEAR))
    run(site, NOW)
    a_feed(site, rss(8, NOW))
    undated = b"<item><title>u</title><guid isPermaLink='false'>u</guid></item></channel>"
    (site.home / "feed.xml").write_bytes(rss(8, NOW).replace(b"</channel>", undated))
    run(site, NOW - behind)
    assert max(shown(site)) <= NOW - behind
    run(site, NOW + HOUR)
    dates = {k.article.id: k.published for k in stored(site)}
    assert dates["u"] == NOW
    for n in range(1, 8):
        assert dates[f"id{n}"] == NOW - n * DAY
    assert all(k.article.published == k.published for k in stored(site))


def test_the_dates_of_what_was_stored_before_survive_a_clock_behind(site: Site) -> None:
    """However often it is read under the wrong clock within a day."""
    a_feed(site, rss(30, NOW))
    run(site, NOW)
    before = {k.uid: (k.published, k.updated, k.first_seen) for k in stored(site)}
    for hours in (0, 3, 20):
        run(site, NOW - YEAR + hours * HOUR)
    run(site, NOW + 2 * DAY)
    run(site, NOW + 3 * DAY)
    assert {k.uid: (k.published, k.updated, k.first_seen) for k in stored(site)} == before


def test_a_future_date_stays_cut_short_when_the_clock_was_right(site: Site) -> None:
    """It does not come up again when its time has come, nor after a jump."""
    a_feed(site, rss(3, NOW + 10 * DAY))
    run(site, NOW)
    before = shown(site)
    for days in (1, 2, 3, 30, 31, 12, 13):
        run(site, NOW + days * DAY)
    assert shown(site) == before


def test_hubs_and_pages_do_not_wait_for_a_wrong_time(site: Site, server: Server) -> None:
    """What was queued a year ahead is due as soon as it would have been."""
    server.pages["/a"] = Answer(
        200, {}, rss(3, NOW).replace(b"<guid", b"<link>https://x.example/p</link><guid")
    )
    site.configure({"name": "a", "url": f"{server.url}/a", "full_text": True})
    ahead = NOW + YEAR
    with App(config.load(site.file), ahead) as app:
        list(app.fetch(app.config.select(()), ahead))
        app._store.outbox.queue([announcement("https://hub/", "https://t/", ahead)])
        assert app._store.outbox.due(NOW + HOUR, 10) == []
        assert app._store.pages.due(["a"], NOW + HOUR, 10) == ()
    with App(config.load(site.file), NOW) as app:
        assert [a.payload["topic"] for a in app._store.outbox.due(NOW, 10)] == ["https://t/"]
        assert len(app._store.pages.due(["a"], NOW + HOUR, 10)) == 1


def test_a_redirect_seen_while_the_clock_was_behind_is_counted_again(site: Site, server: Server) -> None:
    """Three days must pass by a clock that is right."""
    server.pages["/old"] = Answer(301, {"Location": "/new"})
    server.pages["/new"] = Answer(200, {}, rss(1, NOW))
    site.configure({"name": "a", "url": f"{server.url}/old"})
    with App(config.load(site.file), NOW - 4 * DAY) as app:
        list(app.upkeep(NOW - 4 * DAY))
    server_moves = []
    run(site, NOW - 4 * DAY)
    run(site, NOW - YEAR)
    run(site, NOW - YEAR + HOUR)
    for hours in (0, 2, 4):
        polls, _ = run(site, NOW - 3 * DAY + hours * HOUR)
        server_moves += [poll.move for poll in polls]
    assert server_moves == ["", "", ""]


def test_a_store_without_clock_readings_uses_the_times_of_its_polls(site: Site) -> None:
    """As those of earlier versions: their first upkeep a year later prunes nothing."""
    a_feed(site, rss(110, NOW))
    run(site, NOW)
    store = Store(site.home / "var" / "aggregator.db")
    store.database.remember("clock", "no clock at all")
    store.close()
    a_feed(site, rss(110, NOW), 'max_age = "90d"')
    assert run(site, NOW + YEAR)[1] == 0
    assert len(stored(site)) == 110


def test_fetch_reports_a_clock_jump(site: Site) -> None:
    """On standard error; what it prints for scripts stays whole."""
    a_feed(site, rss(5, datetime.now(UTC)))
    run(site, datetime.now(UTC) - YEAR)
    run(site, datetime.now(UTC) - YEAR + 2 * DAY)
    launched = site.run("fetch", "--force", "--json")
    assert json.loads(launched.stdout)["pruned"] == 0
