"""Every error that leaves the package, in one tree.

    AggregatorError
    ├── ConfigError           a setting is wrong: file, key and what would be right
    ├── StoreError            the store cannot be opened, read or written
    ├── WriteError            an output cannot be rendered or written
    └── SourceError           one source failed; the others go on
        ├── FetchError        its bytes could not be had
        │   ├── TooLarge      the body, once decompressed, exceeds the limit
        │   ├── TooManyRedirects
        │   └── HttpStatus    the server answered with an error
        └── ReadError         its bytes could not be read
            ├── NotAFeed      something else than a feed: says what, and what it links to
            └── FrontMatterError  a file of front matter: file, line and reason

Messages say what to change. Each `SourceError` carries `source` (its name in the config, "" when
read without one) and `url` (what was asked for, "" when unknown).
"""

from __future__ import annotations

from typing import Any


class AggregatorError(Exception):
    """Anything that this package raises on purpose."""


class ConfigError(AggregatorError):
    """Mistakes in the config, all of them: `mistakes` is a tuple of one-line texts."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class StoreError(AggregatorError):
    """The store cannot be opened, read or written."""


class WriteError(AggregatorError):
    """An output cannot be rendered or written."""


class SourceError(AggregatorError):
    """One source failed; says which, where, and what to change."""

    def __init__(self, reason: str, *, source: str = "", url: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.source = source
        self.url = url

    def __str__(self) -> str:
        place = self.source or self.url
        return f"{place}: {self.reason}" if place else self.reason

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is unpickled by calling its class with `args`, which lacks what the
        # kinds below ask for by keyword. Errors come back from worker processes.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[SourceError], args: tuple[Any, ...], state: dict[str, Any]) -> SourceError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class FetchError(SourceError):
    """The source's bytes could not be had."""


class TooLarge(FetchError):
    """The body, once decompressed, exceeds the limit."""


class TooManyRedirects(FetchError):
    """The redirects form a loop or exceed the limit."""


class HttpStatus(FetchError):
    """The server answered with a status that carries no document; `status` is that number."""

    def __init__(self, reason: str, *, status: int, source: str = "", url: str = "") -> None:
        super().__init__(reason, source=source, url=url)
        self.status = status


class ReadError(SourceError):
    """The source's bytes could not be read."""


class NotAFeed(ReadError):
    """The document is something else; `feeds` are the addresses of feeds that it links to."""

    def __init__(self, reason: str, *, feeds: tuple[str, ...] = (), source: str = "", url: str = "") -> None:
        super().__init__(reason, source=source, url=url)
        self.feeds = feeds


class FrontMatterError(ReadError):
    """A file of front matter that cannot be read; `line` counts from 1."""

    def __init__(self, reason: str, *, line: int, source: str = "", url: str = "") -> None:
        super().__init__(f"line {line}: {reason}", source=source, url=url)
        self.line = line
