"""A process that is killed while it publishes into a bucket: the next one brings it right."""

from __future__ import annotations

import os
import signal

from aggregator.object_store.inventory import loaded
from tests.object_store.conftest import BucketSite
from tests.support.buckets import INVENTORY, KEYS
from tests.support.launching import Launched

MOMENTS = (
    ("cut", "PUT", INVENTORY, 1),
    ("cut after", "PUT", "feeds/Tea/archive/2/atom.xml", 1),
    ("cut", "PUT", "feeds/Tea/rss.xml", 1),
    ("cut after", "PUT", "feeds/Tea/rss.xml", 1),
    ("cut", "POST", "", 1),
    ("cut after", "PUT", INVENTORY, 2),
)


def test_killed_at_each_moment_it_is_brought_right(published: BucketSite) -> None:
    """As a request comes in, or once it was done: by the same machine at once, and nothing is put twice."""
    staging = published.site.home / "var" / "staging" / "planet+feeds"
    (staging / "Tea" / "archive" / "2").mkdir(parents=True)
    (staging / "gone0.txt").write_text("gone")
    assert published.site.run("publish").exit_code == 0
    for number, moment in enumerate(MOMENTS):
        (staging / f"gone{number}.txt").unlink()
        changed = ("Tea/archive/2/atom.xml", "Tea/rss.xml")
        for path in changed:
            (staging / path).write_text(f"{path} {number}")
        killed_at(published, *moment)
        there = published.bodies()
        left = {path for path in changed if there.get(path) != (staging / path).read_bytes()}
        (staging / f"gone{number + 1}.txt").write_text("gone")  # for the next one
        published.store.clear_faults()
        assert published.site.run("publish").exit_code == 0
        put = {key.removeprefix("feeds/") for key in published.store.asked("PUT") if key != INVENTORY}
        assert put == {*left, f"gone{number + 1}.txt"}
        assert published.bodies() == published.staged(published.site)
        known = loaded(published.store.objects[INVENTORY].body)
        assert (known.run, known.pending) == ("", ())
        etags = {path: found.etag for path, found in published.objects().items()}
        assert {path: file.etag for path, file in known.files.items()} == etags


def killed_at(published: BucketSite, fault: str, method: str, key: str, count: int) -> None:
    """Starts a publication, and kills it as this request comes in, or once it was done."""
    store = published.store
    started: list[Launched] = []
    seen = 0

    def at(asked: str, of: str) -> str | None:
        nonlocal seen
        if asked != method or (of != key and method != "POST"):
            return None
        seen += 1
        if seen != count:
            return None
        if fault == "cut":
            os.kill(started[0].pid, signal.SIGKILL)
        return fault

    def done() -> None:
        os.kill(started[0].pid, signal.SIGKILL)

    store.clear_faults()
    store.fault, store.on_cut_after = at, done
    started.append(published.site.start("publish", **KEYS, AWS_ENDPOINT_URL=store.url))
    assert started[0].wait() == -signal.SIGKILL
