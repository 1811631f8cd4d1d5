"""TOML -> a frozen, typed config; the only reader of files and environment for settings."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PositiveInt,
    ValidationError,
)

from aggregator.errors import ConfigError

SourceKind = Literal["feed", "articles"]
KINDS: tuple[str, ...] = get_args(SourceKind)

_DURATION = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('write a number and a unit in quotes, such as "45s", "30m", "6h" or "1d"')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _http_url(value: object) -> str:
    if isinstance(value, str):
        if not value:
            return value
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", value):
            return value
    raise ValueError('write an absolute address, such as "https://example.org/feeds"')


def _source_url(value: object) -> str:
    if isinstance(value, str) and value.startswith("file:") and len(value) > len("file:"):
        return value
    try:
        if value:
            return _http_url(value)
    except ValueError:
        pass
    raise ValueError('write an http:, https: or file: address, such as "https://example.org/feed.xml"')


def _category(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError('write a name in quotes, such as "news"')


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(lambda d: d.total_seconds())]
Category = Annotated[str, BeforeValidator(_category)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Site(_Settings):
    """What is published: `url` is the public address of the output folder, "" when there is none."""

    title: str = "Aggregator"
    url: Annotated[str, BeforeValidator(_http_url)] = ""
    description: str = ""
    language: str | None = None


class Fetch(_Settings):
    """How sources are fetched: bounds, and who we say that we are."""

    timeout: Duration = timedelta(seconds=20)
    max_bytes: PositiveInt = 16 * 1024 * 1024
    max_redirects: PositiveInt = 5
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    contact: str = ""


class Source(_Settings):
    """One `[[sources]]` of the config.

    `url` is where a feed is (http, https or file); `path` is a folder of articles or a file, absolute.
    `interval` None means the default of the config. `author` stands in where an article names none.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: SourceKind = "feed"
    url: Annotated[str, BeforeValidator(_source_url)] | None = None
    path: Annotated[Path, Field(strict=False)] | None = None
    categories: tuple[Category, ...] = Field(default=(), strict=False)
    author: str | None = None
    interval: Duration | None = None
    enabled: bool = True

    @property
    def address(self) -> str:
        """Where the source is, as text: its URL, or its path."""
        return self.url if self.url is not None else str(self.path)


class Config(_Settings):
    """The whole config; every path in it is absolute."""

    site: Site = Site()
    fetch: Fetch = Fetch()
    store: Annotated[Path, Field(strict=False)] = Path("var/aggregator.db")
    output: Annotated[Path, Field(strict=False)] = Path("feeds")
    entries_per_feed: Annotated[int, Field(ge=1, le=10_000)] = 50
    interval: Duration = timedelta(hours=1)
    sources: tuple[Source, ...] = Field(default=(), strict=False)

    def select(self, names: Sequence[str]) -> tuple[Source, ...]:
        """The sources of these names, in the config's order; all enabled ones when `names` is empty.

        Raises ConfigError for a name that no source has.
        """
        if not names:
            return tuple(s for s in self.sources if s.enabled)
        known = [s.name for s in self.sources]
        if mistakes := [f"no source is named {n!r}{_suggestion(n, known)}" for n in names if n not in known]:
            raise ConfigError(*mistakes)
        return tuple(s for s in self.sources if s.name in names)


def home_of(file: Path) -> Path:
    """The folder that relative paths count from: the one that holds `config/`, else the file's own."""
    folder = file.absolute().parent
    return folder.parent if folder.name == "config" else folder


def load(file: Path) -> Config:
    """Reads and checks a config file. Raises ConfigError with every mistake, each with file and key."""
    try:
        data = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read ({error.strerror}); name another with --config FILE"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from error

    mistakes = [*_repeated_names(data.get("sources")), *_misplaced_addresses(data.get("sources"))]
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        mistakes += [_mistake(e["type"], e["loc"], e["msg"], data) for e in error.errors()]
    if mistakes:
        raise ConfigError(*(f"{file}: {m}" for m in mistakes))
    return _with_absolute_paths(config, home_of(file))


def _with_absolute_paths(config: Config, home: Path) -> Config:
    def absolute(path: Path) -> Path:
        return (home / path.expanduser()).absolute()

    sources = tuple(
        s.model_copy(
            update={"path": absolute(s.path)} if s.path else {"url": _absolute_file_url(s.url, home)}
        )
        for s in config.sources
    )
    changes = {"store": absolute(config.store), "output": absolute(config.output), "sources": sources}
    return config.model_copy(update=changes)


def _absolute_file_url(url: str | None, home: Path) -> str | None:
    """`file:seeds/feed.xml` counts from the home folder too (RFC 8089 knows only absolute paths)."""
    if url is None or not url.startswith("file:") or url.startswith("file:/"):
        return url
    return (home / url.removeprefix("file:")).absolute().as_uri()


def _repeated_names(sources: object) -> Iterable[str]:
    first: dict[str, int] = {}
    for index, source in enumerate(sources if isinstance(sources, list) else []):
        name = source.get("name") if isinstance(source, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            yield (
                f"sources[{index + 1}].name: {name!r} is the name of sources[{first[name]}] too; "
                "give each source a name of its own"
            )
        first.setdefault(name, index + 1)


def _misplaced_addresses(sources: object) -> Iterable[str]:
    for index, source in enumerate(sources if isinstance(sources, list) else []):
        if isinstance(source, dict) and (kind := source.get("kind", "feed")) in KINDS:
            wanted, other = ("path", "url") if kind == "articles" else ("url", "path")
            if wanted not in source or other in source:
                yield f"sources[{index + 1}]: a source of kind {kind!r} needs {wanted!r}, and no {other!r}"


def _mistake(kind: str, where: tuple[int | str, ...], message: str, data: Any) -> str:
    """One line for one mistake: the key as a person would write it, and what would be right."""
    key = ""
    for part in where:
        key += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if key else str(part)
    if "sources" in where[:1] and len(where) > 1 and isinstance(where[1], int):
        name = _at(data, where[:2]).get("name") if isinstance(_at(data, where[:2]), dict) else None
        key += f" (source {name!r})" if isinstance(name, str) else ""
    if kind == "extra_forbidden":
        known = _keys_at(where[:-1])
        return (
            f"{key}: is not a known key{_suggestion(str(where[-1]), known)}; known here: {', '.join(known)}"
        )
    if kind == "missing":
        return f"{key}: is missing"
    found = _at(data, where)
    return f"{key}: {message.removeprefix('Value error, ')}, not {_short(found)}"


def _keys_at(where: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"site": Site, "fetch": Fetch, "sources": Source}
    model = models.get(str(where[0]), Config) if where else Config
    return sorted(model.model_fields)


def _at(data: Any, where: tuple[int | str, ...]) -> Any:
    for part in where:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return data
    return data


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _suggestion(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
