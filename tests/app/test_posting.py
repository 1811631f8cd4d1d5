"""New articles as statuses, at a strict stand-in of Mastodon: each once, whatever fails."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Server
from tests.support.mastodon import TOKEN, MastodonServer
from tests.support.notified import HOUR, NotifiedPlanet

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def server_of_posts() -> Any:
    """Another server than that of the sources."""
    made = Server()
    yield made
    made.close()


@pytest.fixture
def mastodon(server_of_posts: Server) -> MastodonServer:
    """A server on loopback."""
    return MastodonServer(server_of_posts)


@pytest.fixture
def planet(tmp_path: Path, server: Server, mastodon: MastodonServer) -> NotifiedPlanet:
    """A planet whose source was read, and whose new articles are posted."""
    made = NotifiedPlanet(tmp_path, server)
    made.publish("tea", 1, 2)
    post(made, mastodon)
    made.run()
    return made


def post(planet: NotifiedPlanet, mastodon: MastodonServer, **settings: str) -> None:
    """Configures it."""
    given = {"name": "'tea'", "to": f"'{mastodon.server.url}'", "token": f"'{TOKEN}'", "when": "'title:tea'"}
    given |= {"every": "'10m'", "tags": "['RSS', '#Tea_time']", **settings}
    lines = [f"{name} = {value}" for name, value in given.items()]
    planet.configure(more="\n".join(["[[mastodon]]", *lines]))


def test_new_articles_become_statuses_at_their_pace(planet: NotifiedPlanet, mastodon: MastodonServer) -> None:
    """In the order in which they were published, each once, not more often than every ten minutes."""
    planet.publish("tea", 1, 2, 3, 4, 5)
    (first,) = planet.run()
    assert (first.noun, first.subject, first.place) == ("status", "tea 3", "tea (127.0.0.1)")
    assert planet.run(MINUTE) == []
    planet.publish("tea", 1, 2, 3, 4, 5, 6)
    for _ in range(8):
        planet.run(5 * MINUTE)
    assert mastodon.texts == ["tea 3", "tea 4", "tea 5", "tea 6"]
    assert mastodon.statuses[0]["status"] == "tea 3\n\nhttps://tea.example/3\n\n#RSS #Tea_time"
    assert mastodon.statuses[0]["visibility"] == "public"
    assert mastodon.refused == []
    assert planet.run(DAY) == []


def test_a_status_fits_the_limit_and_mentions_no_account(
    planet: NotifiedPlanet, mastodon: MastodonServer
) -> None:
    """By the length that the server allows; with the language of the feed."""
    mastodon.max_characters = 120
    title = "@all@evil.example and @x: " + "long words 茶 " * 40
    link = "https://tea.example/" + "a" * 300
    item = f"<item><title>{title}</title><link>{link}</link><guid>n</guid></item>"
    feed = f"<rss><channel><title>tea</title><language>de-AT</language>{item}</channel></rss>"
    planet.server.pages["/tea"] = Answer(body=feed.encode())
    post(planet, mastodon, when="'title:long'")
    planet.run()
    (status,) = mastodon.statuses
    assert mastodon.refused == []
    assert status["language"] == "de"
    assert link in status["status"]
    assert "@\u200ball@\u200bevil" in status["status"]
    assert "…" in status["status"]


def test_a_status_that_may_have_been_posted_is_not_posted_again(
    planet: NotifiedPlanet, mastodon: MastodonServer
) -> None:
    """Killed as it was answered: by its key within an hour, then by what the account has posted."""
    for n, (remembers, after) in enumerate(((True, 5 * MINUTE), (False, 5 * MINUTE), (False, 2 * DAY))):
        planet.publish("tea", *range(1, 4 + n))
        process = planet.start()
        mastodon.posted = process.kill
        assert process.wait(60) == -9
        mastodon.posted = lambda: None
        mastodon.remembers = remembers
        (again,) = planet.run(after)
        assert again.error is None
        assert planet.run() == []
    assert mastodon.texts == ["tea 3", "tea 4", "tea 5"]


def test_a_status_of_unknown_outcome_is_given_up(planet: NotifiedPlanet, mastodon: MastodonServer) -> None:
    """The token may not read, and the server has forgotten the key."""
    mastodon.may_read = False
    planet.publish("tea", 1, 2, 3)
    process = planet.start()
    mastodon.posted = process.kill
    assert process.wait(60) == -9
    mastodon.remembers = False
    (given_up,) = planet.run(2 * HOUR)
    assert given_up.again is None
    assert "read:statuses" in str(given_up.error)
    assert mastodon.texts == ["tea 3"]


def test_the_servers_limits_are_kept(planet: NotifiedPlanet, mastodon: MastodonServer) -> None:
    """Until when it says that it takes more, whether it took this one or not."""
    mastodon.remaining = 1
    planet.publish("tea", 1, 2, 3, 4, 5)
    mastodon.reset = planet.now.astimezone(UTC) + 5 * HOUR
    planet.run()
    assert planet.run(3 * HOUR) == []
    (limited,) = planet.run(HOUR)
    assert limited.again is not None
    assert "fewer requests" in str(limited.error)
    mastodon.remaining = 10
    for _ in range(3):
        planet.run(8 * HOUR)
    assert mastodon.texts == ["tea 3", "tea 4", "tea 5"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "set it in the config"),
        (403, "write:statuses"),
        (500, "500"),
        (422, "does not accept this status"),
    ],
)
def test_refusals_are_reported_with_what_to_change(
    planet: NotifiedPlanet, mastodon: MastodonServer, status: int, said: str
) -> None:
    """And tried again; a status that is refused three times is given up. The token is shown nowhere."""
    mastodon.fails = status
    planet.publish("tea", 1, 2, 3)
    results = [planet.run(2 * HOUR) for _ in range(3)]
    assert all(said in str(each.error) for (each,) in results)
    assert (results[2][0].again is None) is (status == 422)
    assert TOKEN not in planet.site.run("notify list").output
    listed = json.loads(planet.site.run("notify list", "--json").stdout)["waiting"]
    assert len(listed) == (status != 422)


def test_a_forgotten_article_is_not_posted(planet: NotifiedPlanet, mastodon: MastodonServer) -> None:
    """If it was not yet."""
    mastodon.fails = 500
    planet.publish("tea", 1, 2, 3)
    planet.run()
    assert planet.site.run("forget", "https://tea.example/3").exit_code == 0
    mastodon.fails = 0
    planet.run(DAY)
    assert mastodon.statuses == []
