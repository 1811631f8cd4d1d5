"""The output's place: a folder, or a bucket."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from aggregator.config.load import Config, checked
from aggregator.errors import ConfigError


def config(text: str) -> Config:
    """A config of this content."""
    return checked(text.encode(), Path("/srv/planet/config/aggregator.toml"), "aggregator.toml")


@pytest.mark.parametrize(
    ("address", "shown", "folder"),
    [
        ("s3://planet/feeds", "s3://planet/feeds", "planet+feeds"),
        ("s3://planet", "s3://planet", "planet"),
        ("s3://planet/", "s3://planet", "planet"),
        ("s3://my.planet-1/a/b+c/ü/", "s3://my.planet-1/a/b+c/ü", "my.planet-1+a+b%2Bc+%C3%BC"),
    ],
)
def test_a_bucket_is_filled_from_a_local_folder(address: str, shown: str, folder: str) -> None:
    """`output` is that folder for all that writes and serves; copies of the config keep the bucket."""
    made = config(f'output = "{address}"\nstaging = "copy"')
    for each in (made, made.model_copy(update={"sources": ()}), pickle.loads(pickle.dumps(made))):
        assert each.bucket is not None
        assert str(each.bucket) == shown
        assert each.output == Path("/srv/planet/copy") / folder


def test_each_bucket_has_a_folder_of_its_own() -> None:
    """Whose name is no longer than a file system takes."""
    names = [config(f'output = "s3://planet/{"ü" * 140}{each}"').output.name for each in ("a", "b")]
    assert len({*names}) == 2
    assert all(len(name) < 256 for name in names)


def test_a_folder_is_one() -> None:
    """Also where `staging` is set."""
    made = config('output = "feeds"\nstaging = "copy"')
    assert (made.bucket, made.output) == (None, Path("/srv/planet/feeds"))
    assert config('output = "s3://planet"').output == Path("/srv/planet/var/staging/planet")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("gs://planet/feeds", "gs:// is not supported; name a folder, or a bucket of an S3-compatible store"),
        ("az://planet/feeds", "az:// is not supported"),
        ("https://s3.example.org/planet", "https:// is not supported"),
        ("s3://", "a bucket's name has 3 to 63 small letters"),
        ("s3://Planet/feeds", "a bucket's name has 3 to 63 small letters"),
        ("s3://AKID:hidden@planet/feeds", "keys do not belong in the address: set AWS_ACCESS_KEY_ID"),
        ("s3://planet/../feeds", "no part of a prefix is empty, begins with a dot"),
        ("s3://planet/a//b", "no part of a prefix is empty"),
        ("s3://planet/feeds?versionId=1", "or has one of"),
        (f"s3://planet/{'x' * 301}", "a prefix has at most 300 bytes"),
    ],
)
def test_invalid_bucket_addresses_are_refused_with_advice(address: str, words: str) -> None:
    """Beside all other mistakes; a secret is not repeated."""
    with pytest.raises(ConfigError) as caught:
        config(f'output = "{address}"\ninterval = "soon"')
    first, second = sorted(caught.value.mistakes, key=lambda each: "interval" in each)
    assert first.startswith("aggregator.toml: output: ")
    assert words in first
    assert 'such as "s3://planet/feeds"' in first
    assert "hidden" not in first
    assert "interval" in second
