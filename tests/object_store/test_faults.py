"""Faults of networks and stores: the run continues and reports them, and the next run repairs the output."""

from __future__ import annotations

import json
import traceback
from collections import Counter

import pytest

from aggregator.config.load import load
from aggregator.errors import ObjectStoreError
from aggregator.object_store.mirror import Mirror
from tests.object_store.conftest import BucketSite
from tests.support.buckets import INVENTORY, KEYS, Fault

WORDS = {
    "403 InvalidAccessKeyId": "does not know the keys, or the secret is another; correct AWS",
    "403 SignatureDoesNotMatch": "the secret is another; correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "403 AccessDenied": "the keys do not allow it; let them list, read, write and delete",
    "403 RequestTimeTooSkewed": "clock and the store's differ by more than the store allows; set the clock",
    "400 ExpiredToken": "the token has expired or is not valid; renew AWS_SESSION_TOKEN",
    "404 NoSuchBucket": "there is no such bucket; make it, or correct the config's output",
    "400 AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION",
    "403": "the keys do not allow it",
    "503 SlowDown": "the store asks to come later; nothing needs doing unless it stays",
    "500": "the store failed (status 500)",
    "418 Teapot": "the store refuses it (status 418 (Teapot))",
    "cut": "the exchange with 127.0.0.1 broke off; look at AWS_ENDPOINT_URL",
}


@pytest.fixture
def published(published: BucketSite) -> BucketSite:
    """One that has something new to publish."""
    published.serve(*range(1, 13))
    return published


def is_right(planet: BucketSite) -> None:
    """The bucket is what the copy is, and the inventory knows it."""
    assert planet.bodies() == planet.staged(planet.site)
    assert "News/archive/1/atom.xml" in planet.bodies()
    assert planet.site.run("verify").exit_code == 0


def always(fault: str) -> Fault:
    """The same for each request."""
    return lambda _method, _key: fault


def test_errors_of_the_object_store_are_clear_and_contain_no_secret(planet: BucketSite) -> None:
    """Whatever the store's own answer repeats."""
    mirror = Mirror(load(planet.site.file))
    for fault, words in WORDS.items():
        planet.store.fault = always(fault)
        with pytest.raises(ObjectStoreError) as caught:
            mirror.summary()
        said = "".join(traceback.format_exception(caught.value))
        assert str(caught.value).startswith("s3://planet/feeds: ")
        assert words in str(caught.value), fault
        assert not any(secret in said for secret in ("AKID", "wJalr", "<Error>", "Signature=")), fault


def test_a_failed_upload_makes_the_command_fail(planet: BucketSite) -> None:
    """What was polled is saved."""
    planet.store.fault = lambda _method, _key: "403 SignatureDoesNotMatch"
    result = planet.site.run("fetch")
    assert result.exit_code == 1
    assert "8 new articles" in result.stdout
    assert "error: s3://planet/feeds: the store does not know the keys" in " ".join(result.stderr.split())
    assert not any(secret in result.output for secret in ("AKID", "wJalr", "Traceback"))


def test_polls_are_saved_and_published_when_the_store_is_back(published: BucketSite) -> None:
    """The copy has them at once."""
    published.store.fault = lambda _method, _key: "503"
    before = published.bodies()
    result = published.site.run("fetch", "--force")
    assert result.exit_code == 1
    assert "4 new articles" in result.stdout
    assert b"a.example/12" in published.staged(published.site)["News/rss.xml"]
    assert published.bodies() == before
    published.store.fault = lambda _method, _key: None
    assert published.site.run("publish").exit_code == 0
    is_right(published)
    assert b"a.example/12" in published.bodies()["News/rss.xml"]


def test_nothing_is_published_before_the_bucket_was_read_once(planet: BucketSite) -> None:
    """A new machine could publish what another one has forgotten."""
    planet.store.fault = lambda _method, _key: "503"
    result = planet.site.run("fetch")
    assert result.exit_code == 1
    assert "8 new articles" in result.stdout
    assert planet.staged(planet.site) == {}
    planet.store.fault = lambda _method, _key: None
    assert planet.site.run("publish").exit_code == 0
    is_right(planet)


@pytest.mark.parametrize("fault", ["503", "cut", "cut after", "500"])
def test_passing_faults_are_retried(published: BucketSite, fault: str) -> None:
    """The first request for each thing fails: nobody notices."""
    seen: Counter[tuple[str, str]] = Counter()

    def once(method: str, key: str) -> str | None:
        seen[method, key] += 1
        return fault if seen[method, key] == 1 else None

    published.store.fault = once
    result = published.site.run("fetch", "--force")
    assert (result.exit_code, result.stderr.strip()) == (0, "")
    published.store.fault = lambda _method, _key: None
    is_right(published)


def test_a_slow_store_is_waited_for(published: BucketSite) -> None:
    """As long as it answers."""
    published.store.fault = lambda _method, key: "slow" if key.endswith("rss.xml") else None
    assert published.site.run("fetch", "--force").exit_code == 0
    is_right(published)


def test_a_lost_upload_is_repeated(published: BucketSite) -> None:
    """Before anything links to it."""
    seen: Counter[str] = Counter()

    def lost(method: str, key: str) -> str | None:
        if method != "PUT" or key == INVENTORY:
            return None
        seen[key] += 1
        return "lost" if seen[key] == 1 else None

    published.store.fault = lost
    assert published.site.run("fetch", "--force").exit_code == 0
    assert set(seen.values()) == {2}
    is_right(published)


def test_an_upload_that_always_fails_is_reported_and_not_linked(published: BucketSite) -> None:
    """Files that would be uploaded after it are not linked either."""
    heads = {path: body for path, body in published.bodies().items() if path.count("/") < 2}
    published.store.fault = lambda method, key: "lost" if method == "PUT" and "/archive/3/" in key else None
    result = published.site.run("fetch", "--force")
    assert result.exit_code == 1
    assert "is not there; look at the store's own log" in " ".join(result.stderr.split())
    assert {path: published.bodies()[path] for path in heads} == heads
    published.store.fault = lambda _method, _key: None
    assert published.site.run("publish").exit_code == 0
    is_right(published)


def test_an_inventory_that_is_lost_as_it_is_written_loses_nothing(published: BucketSite) -> None:
    """The last one, which says that all is done: the next run looks, and puts nothing twice."""
    asked = 0

    def lost(method: str, key: str) -> str | None:
        nonlocal asked
        asked += (method, key) == ("PUT", INVENTORY)
        return "lost" if (method, key, asked) == ("PUT", INVENTORY, 2) else None

    published.store.fault = lost
    assert published.site.run("fetch", "--force").exit_code == 0
    published.store.requests.clear()
    assert published.site.run("publish").exit_code == 0
    assert set(published.store.asked("PUT")) == {INVENTORY}
    is_right(published)


def test_an_object_that_cannot_be_deleted_is_reported(published: BucketSite) -> None:
    """A takedown must not be taken for done."""
    published.store.fault = lambda method, _key: "lost" if method == "POST" else None
    published.configure(published.site, publish={"formats": ["rss", "atom", "html"]})
    result = published.site.run("publish")
    assert result.exit_code == 1
    assert "the store does not delete 'News/feed.json'" in result.stderr
    published.store.fault = lambda _method, _key: None
    assert published.site.run("publish").exit_code == 0
    assert "News/feed.json" not in published.bodies()
    is_right(published)


def test_a_store_that_ignores_conditions_is_refused(
    planet: BucketSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writers could not be kept apart."""
    planet.store.ignores_conditions = True
    result = planet.site.run("fetch")
    assert result.exit_code == 1
    assert "this store ignores conditions of writes" in result.stderr
    assert planet.bodies() == {}


def test_missing_credentials_are_reported(planet: BucketSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would ask the machine's own role for some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    result = planet.site.run("fetch")
    assert result.exit_code == 1
    assert "no keys are set; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in " ".join(
        result.stderr.split()
    )


def test_the_state_of_the_last_publication_is_known(published: BucketSite) -> None:
    """By `verify`, once the store answers again; `doctor` asks the bucket."""
    published.store.fault = lambda _method, _key: "403 AccessDenied"
    assert published.site.run("publish").exit_code == 1
    status = " ".join(published.site.run("status").stdout.split())
    assert "output s3://planet/feeds: the keys do not allow it" in status
    assert "keys" in json.loads(published.site.run("status", "--json").stdout)["output"]["failure"]
    report = " ".join(published.site.run("doctor").output.split())
    assert "the keys do not allow it" in report
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in report
    published.store.fault = lambda _method, _key: None
    result = published.site.run("verify")
    assert result.exit_code == 1
    assert "a publication that did not reach the bucket" in result.stdout
    assert published.site.run("publish").exit_code == 0
    assert published.site.run("verify").exit_code == 0
    assert "output" not in published.site.run("status").stdout
    report = " ".join(published.site.run("doctor").output.split())
    assert "put from here" in report
