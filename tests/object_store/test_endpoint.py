"""The endpoint that the environment names: by https, at a public address, or one that is allowed."""

from __future__ import annotations

import pytest

from aggregator.config.bucket import BucketAddress
from aggregator.config.load import Config, Fetch
from aggregator.errors import ObjectStoreError
from aggregator.object_store.endpoint import Endpoint, endpoint_of
from tests.object_store.conftest import BucketSite


def config(*allow: str) -> Config:
    """One whose output goes to a bucket."""
    return Config(fetch=Fetch(allow=allow)).staged_for(BucketAddress("planet"))


def test_without_an_endpoint_it_is_that_of_aws() -> None:
    """Empty variables are none."""
    assert endpoint_of(config(), {}) == endpoint_of(config(), {"AWS_ENDPOINT_URL": ""}) == Endpoint()


@pytest.mark.parametrize(
    ("url", "allow", "is_plain"),
    [
        ("http://127.0.0.1:9000", (), True),
        ("http://localhost:9000/", (), True),
        ("http://[::1]:9000", (), True),
        ("https://127.0.0.1", (), False),
        ("https://93.184.216.34", (), False),
        ("https://192.168.1.5", ("192.168.0.0/16",), False),
        ("http://192.168.1.5:9000", ("192.168.1.5",), True),
    ],
)
def test_this_machine_and_what_is_allowed_may_be_asked(
    url: str, allow: tuple[str, ...], is_plain: bool
) -> None:
    """By http too."""
    found = endpoint_of(config(*allow), {"AWS_ENDPOINT_URL": url})
    assert (found.url, found.is_plain) == (url.rstrip("/"), is_plain)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://93.184.216.34", "93.184.216.34 is asked without TLS; write https://"),
        ("https://192.168.1.5", "192.168.1.5 is private, not public; if it is yours and meant, add its host"),
        ("http://169.254.169.254", "169.254.169.254 is link-local, not public"),
        ("s3.example.org", 'write an address, such as "https://s3.example.org"'),
        ("ftp://s3.example.org", "write an address"),
        ("https://[::1", "write an address"),
        ("https://key:secret@s3.example.org", "write the address alone; keys belong into AWS_ACCESS_KEY_ID"),
    ],
)
def test_any_other_is_refused_with_what_to_write(url: str, words: str) -> None:
    """And no login in it is repeated."""
    with pytest.raises(ObjectStoreError) as caught:
        endpoint_of(config(), {"AWS_ENDPOINT_URL_S3": url, "AWS_ENDPOINT_URL": "http://127.0.0.1"})
    assert str(caught.value).startswith("AWS_ENDPOINT_URL_S3: ")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_check_reports_it(planet: BucketSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking the store."""
    result = planet.site.run("check")
    assert result.exit_code == 0, result.output
    assert "feeds s3://planet/feeds" in result.stdout
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.1.2.3:9000")
    result = planet.site.run("check")
    assert result.exit_code == 2
    assert "output: AWS_ENDPOINT_URL: 10.1.2.3 is private, not public" in " ".join(result.stderr.split())
    assert planet.store.requests == []


def test_without_the_extra_the_error_says_what_to_install(
    planet: BucketSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `check`, and by a publication."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    for command in ("check", "publish"):
        result = planet.site.run(command)
        assert result.exit_code > 0
        assert "install 'aggregator-republisher[s3]'" in " ".join(result.stderr.split())
