"""TOML -> a frozen, typed config; the only reader of files and environment for settings."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)

from aggregator.config_values import (
    Category,
    Duration,
    Headers,
    HeaderText,
    HttpUrl,
    Place,
    Proxy,
    Secret,
    SourceUrl,
)
from aggregator.errors import ConfigError

SourceKind = Literal["feed", "articles"]
KINDS: tuple[str, ...] = get_args(SourceKind)

_MAY_HOLD_SECRETS = frozenset(("auth", "cookie", "headers", "proxy"))


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Site(_Settings):
    """What is published: `url` is the public address of the output folder, "" when there is none."""

    title: str = "Aggregator"
    url: HttpUrl = ""
    description: str = ""
    language: str | None = None


class Fetch(_Settings):
    """How sources are fetched: bounds, manners, and who we say that we are.

    `timeout` bounds a silence, `deadline` a whole fetch with all its redirects. `allow` names the
    addresses, networks and hosts that may be reached although they are not public. `proxy` "" is none.
    """

    timeout: Duration = timedelta(seconds=20)
    deadline: Duration = timedelta(minutes=1)
    max_bytes: PositiveInt = 16 * 1024 * 1024
    max_redirects: PositiveInt = 5
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    contact: HeaderText = ""
    allow: tuple[Place, ...] = Field(default=(), strict=False)
    proxy: Proxy = SecretStr("")
    tls_ca: Annotated[Path, Field(strict=False)] | None = None
    host_at_once: Annotated[int, Field(ge=1, le=64)] = 2
    host_gap: Duration = timedelta(seconds=1)


class Keep(_Settings):
    """What is kept: what is no older than `max_age`, the newest `max_articles`; None is no limit."""

    max_age: Duration | None = None
    max_articles: PositiveInt | None = None


class Retention(Keep):
    """What is kept of each source, and of the categories named here the newest so many articles."""

    categories: dict[Category, PositiveInt] = {}


class Auth(_Settings):
    """How a source is logged in to: `user` and `password` (RFC 7617), or a `bearer` token (RFC 6750)."""

    user: Secret | None = None
    password: Secret | None = None
    bearer: Secret | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        basic = (self.user is not None, self.password is not None)
        if basic not in ((True, True), (False, False)) or (self.bearer is not None) == any(basic):
            raise ValueError("give user and password, or bearer")
        if self.user and ":" in self.user.get_secret_value():
            raise ValueError("a user's name cannot hold a colon (RFC 7617)")
        return self


class Source(_Settings):
    """One `[[sources]]` of the config.

    `url` is where a feed is (http, https or file); `path` is a folder of articles or a file, absolute.
    `interval` None means the default of the config; `adaptive` False polls at exactly this interval.
    `author` stands in where an article names none.
    `headers`, `auth`, `cookie` and the TLS settings hold for the origin of `url` alone, not for hosts that
    it redirects to. `proxy` and `tls_ca` None mean the config's; `proxy` "" is none.
    `retention` stands in place of the config's; None means that.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: SourceKind = "feed"
    url: SourceUrl | None = None
    path: Annotated[Path, Field(strict=False)] | None = None
    categories: tuple[Category, ...] = Field(default=(), strict=False)
    author: str | None = None
    interval: Duration | None = None
    adaptive: bool = True
    enabled: bool = True
    headers: Headers = ()
    auth: Auth | None = None
    cookie: Secret | None = None
    user_agent: HeaderText | None = None
    proxy: Proxy | None = None
    tls_ca: Annotated[Path, Field(strict=False)] | None = None
    tls_verify: bool = True
    retention: Keep | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it has anything that holds for the origin of `url` alone: no other may stand in for it."""
        own = (self.headers, self.auth, self.cookie, self.tls_ca, not self.tls_verify)
        return any(own) or (self.url is not None and "@" in urlsplit(self.url).netloc)

    @property
    def is_local(self) -> bool:
        """Whether it is read from this machine's disk."""
        return self.path is not None or self.address.startswith("file:")

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
    retention: Retention = Retention()
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

    def placed(source: Source) -> Source:
        place = (
            {"path": absolute(source.path)} if source.path else {"url": _absolute_file_url(source.url, home)}
        )
        authority = {"tls_ca": absolute(source.tls_ca)} if source.tls_ca else {}
        return source.model_copy(update={**place, **authority})

    fetch = config.fetch
    if fetch.tls_ca:
        fetch = fetch.model_copy(update={"tls_ca": absolute(fetch.tls_ca)})
    changes = {
        "store": absolute(config.store),
        "output": absolute(config.output),
        "fetch": fetch,
        "sources": tuple(placed(source) for source in config.sources),
    }
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
    message = message.removeprefix("Value error, ")
    # What may hold a secret is not repeated into a terminal or a log.
    if _MAY_HOLD_SECRETS.intersection(where):
        return f"{key}: {message}"
    return f"{key}: {message}, not {_short(_at(data, where))}"


def _keys_at(where: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"site": Site, "fetch": Fetch, "sources": Source, "auth": Auth}
    models["retention"] = Keep if "sources" in where else Retention
    model = next((models[str(part)] for part in reversed(where) if part in models), Config)
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
