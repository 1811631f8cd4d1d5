"""A machine that only serves: it keeps a copy of the bucket, and needs no store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from aggregator.app import bucket_output as bucket_output
from aggregator.app.app import App
from aggregator.app.bucket_output import BucketOutput, CopyKeeper
from aggregator.app.daemon import Daemon
from aggregator.config.load import load
from aggregator.publishing.publication_result import Published
from tests.conftest import NOW
from tests.object_store.conftest import BucketSite
from tests.support.buckets import KEYS
from tests.support.serving import ask
from tests.support.site import Site


def until(is_so: Callable[[], bool]) -> None:
    """Waits for it; the seconds bound a hang and nothing else."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


@pytest.fixture
def keeper(published: BucketSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, CopyKeeper]]:
    """Returns what keeps the copy of another machine."""
    monkeypatch.setattr(bucket_output, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(bucket_output, "LONGEST_WAIT_SECONDS", 0.05)
    site = published.machine("server")
    keeper = CopyKeeper(load(site.file))
    yield site, keeper
    keeper.stop()


def test_the_copy_follows_the_bucket(
    published: BucketSite, keeper: tuple[Site, CopyKeeper], caplog: pytest.LogCaptureFixture
) -> None:
    """Also after a time in which the store could not be asked; what was there is served meanwhile."""
    site, keeping = keeper
    keeping.start()
    until(lambda: published.staged(site) == published.bodies())
    before = published.staged(site)
    published.store.fault = lambda _method, _key: "503"
    until(lambda: "the local copy is served" in caplog.text)
    assert published.staged(site) == before
    published.store.clear_faults()
    published.serve(*range(1, 13))
    published.configure(published.site, publish={"formats": ["rss", "atom", "html"]})
    assert published.site.run("fetch", "--force").exit_code == 0
    until(lambda: published.staged(site) == published.bodies())
    assert "News/feed.json" not in published.staged(site)
    assert caplog.text.count("the local copy is served") == 1


def test_serve_needs_neither_store_nor_folder(published: BucketSite) -> None:
    """It is ready once the copy is there; ETags are those of the bytes."""
    site = published.machine("server")
    running = site.start("serve", "--listen", "127.0.0.1:0", **KEYS, AWS_ENDPOINT_URL=published.store.url)
    try:
        until(lambda: "serving s3://planet/feeds at http://" in site.log.read_text())
        port = int(site.log.read_text().partition("127.0.0.1:")[2].partition("/")[0])
        until(lambda: ask(port, "/readyz").status == 200)
        until(lambda: published.staged(site) == published.bodies())
        reply = ask(port, "/News/rss.xml")
        assert reply.body == published.bodies()["News/rss.xml"]
        assert ask(port, "/News/rss.xml", If_None_Match=reply.headers["etag"]).status == 304
        assert ask(port, "/.bucket").status == 404
        assert ask(port, "/.bucket.lock").status == 404
    finally:
        running.kill()
        running.wait()


def test_the_daemon_puts_what_is_left_although_nothing_is_due(
    published: BucketSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as it is time to try again."""
    monkeypatch.setattr(bucket_output, "FIRST_WAIT_SECONDS", 0.0)
    config = load(published.site.file)
    daemon = Daemon(published.site.file, config)
    (config.output / "robots.txt").write_text("User-agent: *")
    with App(config, datetime.now(UTC)) as app:
        published.store.fault = lambda _method, _key: "503"
        assert len(app.publish().errors) == 1
        published.store.clear_faults()
        daemon._poll(app)
        assert published.bodies()["robots.txt"] == b"User-agent: *"
        published.store.requests.clear()
        daemon._poll(app)
        assert published.store.requests == []


def test_a_daemon_waits_before_it_tries_a_failing_object_store_again(published: BucketSite) -> None:
    """Then it uploads what is there, although nothing new was published."""
    now = 1000.0
    output = BucketOutput(load(published.site.file), clock=lambda: now)
    staging = published.site.home / "var" / "staging" / "planet+feeds"

    def publish(name: str) -> Published:
        (staging / name).write_text(name)
        return Published(written=(staging / name,))

    published.store.fault = lambda _method, _key: "503"
    waits = []
    for number in range(7):
        failed = output.published(lambda number=number: publish(f"{number}.txt"), lambda: None, NOW)  # type: ignore[misc]
        assert len(failed.errors) == 1
        assert failed.written == ()
        asked = len(published.store.requests)
        assert output.published(lambda: publish("x.txt"), lambda: None, NOW).errors == ()
        assert len(published.store.requests) == asked
        begun = now
        while not output.is_behind:
            now += 1
        waits.append(now - begun)
    assert waits == [30, 60, 120, 240, 480, 600, 600]
    published.store.clear_faults()
    done = output.published(Published, lambda: None, NOW)
    assert {path.name for path in done.written} == {*(f"{number}.txt" for number in range(7)), "x.txt"}
    assert not output.is_behind
    assert published.bodies() == published.staged(published.site)
