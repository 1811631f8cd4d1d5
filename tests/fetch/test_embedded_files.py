"""Pictures and recordings of articles, fetched as a visitor's browser would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config.load import Fetch, Source
from aggregator.errors import BlockedAddress, TooLarge
from aggregator.fetch import Fetcher, FileBounds
from tests.conftest import Answer, Server

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
BOUNDS = FileBounds(1_000, timedelta(seconds=20))


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """One whose config allows this machine, and a name that leads to it."""
    settings = Fetch(allow=("127.0.0.1", "intranet.example"))
    made = Fetcher(settings, "Aggregator/0", resolve=lambda _: ["127.0.0.1"])
    yield made
    made.close()


def source_at(url: str) -> Source:
    """A source."""
    return Source(name="s", url=url)


def test_a_picture_of_the_sources_own_host_is_fetched_without_its_login(
    server: Server, fetcher: Fetcher
) -> None:
    """What needs a login is for those who have one, and not to be published."""
    server.pages["/a.png"] = Answer(body=b"png")
    own = {"auth": {"user": "me", "password": "secret"}, "cookie": "a=b", "headers": {"X-Key": "k"}}
    source = Source.model_validate({"name": "s", "url": f"{server.url}/feed", **own})
    address = server.url.replace("//", "//you:secret@") + "/a.png"
    assert fetcher.embedded(source, address, NOW, BOUNDS).body == b"png"
    sent = {name.lower() for name in server.requests[-1].headers}
    assert sent == {"host", "user-agent", "accept", "accept-encoding"}
    assert server.requests[-1].headers["Accept"].startswith("image/")


@pytest.mark.parametrize("at", ["https://elsewhere.example/feed", "file:///srv/articles"])
def test_pictures_of_a_foreign_feed_are_never_fetched_from_allowed_private_hosts(
    server: Server, fetcher: Fetcher, at: str
) -> None:
    """Else a stranger's feed could have pictures of an intranet published."""
    port = server.url.rpartition(":")[2]
    for host in ("127.0.0.1", "intranet.example", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(BlockedAddress):
            fetcher.embedded(source_at(at), f"http://{host}:{port}/a.png", NOW, BOUNDS)
    assert server.requests == []


def test_a_redirect_to_another_private_host_is_refused(server: Server, fetcher: Fetcher) -> None:
    """Also from a host that is allowed."""
    at = f"http://intranet.example:{server.url.rpartition(':')[2]}"
    server.pages["/a.png"] = Answer(302, {"Location": f"{server.url}/b.png"})
    server.pages["/b.png"] = Answer(body=b"png")
    with pytest.raises(BlockedAddress):
        fetcher.embedded(source_at(f"{at}/feed"), f"{at}/a.png", NOW, BOUNDS)
    assert [request.path for request in server.requests] == ["/a.png"]


def test_pictures_have_their_own_size_limit(server: Server, fetcher: Fetcher) -> None:
    """Different from that of documents."""
    server.pages["/a.png"] = Answer(body=bytes(1_001))
    with pytest.raises(TooLarge):
        fetcher.embedded(source_at(f"{server.url}/feed"), f"{server.url}/a.png", NOW, BOUNDS)
    large = FileBounds(1_001, timedelta(seconds=20))
    assert fetcher.embedded(source_at(f"{server.url}/feed"), f"{server.url}/a.png", NOW, large).body


def test_robots_txt_is_not_asked(server: Server, fetcher: Fetcher) -> None:
    """It is for programs that look for pages by themselves."""
    server.pages["/robots.txt"] = Answer(body=b"User-agent: *\nDisallow: /")
    server.pages["/a.png"] = Answer(body=b"png")
    fetcher.embedded(source_at(f"{server.url}/feed"), f"{server.url}/a.png", NOW, BOUNDS)
    assert [request.path for request in server.requests] == ["/a.png"]
