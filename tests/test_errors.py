"""The errors: one tree, and each survives the way back from a worker."""

from __future__ import annotations

import pickle

import pytest

from aggregator import errors

KINDS = [
    errors.SourceError("r", source="s", url="u"),
    errors.FetchError("r", url="u"),
    errors.TooLarge("r", url="u"),
    errors.TooManyRedirects("r", url="u"),
    errors.HttpStatus("r", status=404, url="u"),
    errors.ReadError("r", source="s"),
    errors.NotAFeed("r", feeds=("f",), url="u"),
    errors.FrontMatterError("r", line=7, url="u"),
]


def every_kind(kind: type[Exception]) -> set[type[Exception]]:
    """A class and all below it."""
    return {kind}.union(*(every_kind(below) for below in kind.__subclasses__()))


def test_every_error_stands_in_the_tree_that_the_module_draws() -> None:
    """The drawing is the documentation."""
    assert errors.__doc__ is not None
    for kind in every_kind(errors.AggregatorError):
        assert kind.__name__ in errors.__doc__


def test_every_kind_of_source_error_is_tried_here() -> None:
    """A new kind must be added above."""
    assert {type(error) for error in KINDS} == every_kind(errors.SourceError)


@pytest.mark.parametrize("error", KINDS, ids=lambda error: type(error).__name__)
def test_an_error_of_a_source_survives_pickling(error: errors.SourceError) -> None:
    """With everything that it carries."""
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_an_error_names_its_source_else_its_url() -> None:
    """A person must know which one."""
    assert str(errors.FetchError("gone", source="News", url="https://example.org/")) == "News: gone"
    assert str(errors.FetchError("gone", url="https://example.org/")) == "https://example.org/: gone"
    assert str(errors.FetchError("gone")) == "gone"
    assert str(errors.ConfigError("a", "b")) == "a\nb"
