"""The tree of errors: drawn as it is, each with a label and advice of its own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from aggregator import errors


def drawn() -> dict[str, str]:
    """Every class in the docstring's drawing, with the class that it hangs on."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            found[match[2]] = above[depth - 1] if depth else "Exception"
    return found


def kinds(kind: type[errors.SourceError]) -> Iterator[type[errors.SourceError]]:
    """A class and everything below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def test_the_tree_is_drawn_as_it_is() -> None:
    """The module's docstring shows every class, under the one that it inherits from."""
    classes = {
        name: kind.__mro__[1].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.AggregatorError)
    }
    assert drawn() == classes


def test_each_kind_has_a_label_of_its_own_and_each_fetch_error_advice() -> None:
    """Labels are for counts and logs; advice is one sentence that says what to change."""
    every = list(kinds(errors.SourceError))
    labels = [kind.label for kind in every]
    assert len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[a-z ]{3,12}", label) for label in labels)
    for kind in kinds(errors.FetchError):
        if kind is not errors.HttpStatus:  # its advice is its status's
            assert kind.advice, kind
        assert not kind.advice.endswith("."), kind


def test_an_error_message_has_the_place_the_reason_and_advice() -> None:
    """The place first; advice given for one error counts before that of its class."""
    error = errors.TimedOut("no answer", url="https://example.org/")
    assert str(error) == f"https://example.org/: no answer; {errors.TimedOut.advice}"
    assert errors.TimedOut("no answer", advice="wait").message == "no answer; wait"
    assert errors.ReadError("broken").message == "broken"
