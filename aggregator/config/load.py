"""TOML -> a frozen, typed config; the only module that reads settings from files and the environment."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from aggregator.adapters import kinds
from aggregator.config.bucket import BucketAddress, bucket_address, is_address
from aggregator.config.consistency import contradictions, folders_read_and_written
from aggregator.config.digests import Digest
from aggregator.config.fetching import Fetch, HostPace, RsshubInstance
from aggregator.config.home import DEFAULT_STORE, home_of
from aggregator.config.notifying import Notify, Smtp
from aggregator.config.pages import Colours, DarkColours, PageSettings
from aggregator.config.posting import Mastodon
from aggregator.config.publishing import (
    CategoryFeed,
    FeedChoice,
    HtmlSettings,
    MediaSettings,
    Posts,
    Publish,
    SiteSettings,
)
from aggregator.config.query_limits import over_limits
from aggregator.config.rules import EXPLAINED, RuleSettings, SavedFeed, StoriesSettings
from aggregator.config.serving import Serve, split_address
from aggregator.config.sources import Auth, FullText, Keep, Retention, Source
from aggregator.config.values import Duration, FilePath, StorePlace, absolute_file_url
from aggregator.errors import ConfigError
from aggregator.model.settings import Settings
from aggregator.model.wrong_values import MISSING, UNKNOWN_KEY, sentence
from aggregator.normalise.secrets_in_addresses import without_logins

__all__ = [
    "Auth",
    "CategoryFeed",
    "Config",
    "Digest",
    "FeedChoice",
    "Fetch",
    "FullText",
    "HostPace",
    "HtmlSettings",
    "Keep",
    "Mastodon",
    "MediaSettings",
    "Notify",
    "PageSettings",
    "Posts",
    "Publish",
    "Retention",
    "RsshubInstance",
    "RuleSettings",
    "SavedFeed",
    "Serve",
    "SiteSettings",
    "Smtp",
    "Source",
    "StoriesSettings",
    "checked",
    "load",
    "mistake_at",
    "mistakes_of_kinds",
    "named",
    "split_address",
]

_GIVEN = {"url": (["url"],), "path": (["path"],), "either": (["url"], ["path"]), "none": ([],)}
_NEEDED = {
    "url": "'url' and no 'path'",
    "path": "'path' and no 'url'",
    "either": "'url' or 'path'",
    "none": "neither 'url' nor 'path'",
}
_TABLES = {"sources": "source", "rules": "rule", "feeds": "feed", "notify": "notice"}
_TABLES |= {"digest": "digest", "mastodon": "post"}
"""Lists of tables that have names, and the noun for one table of each."""
_MAY_HOLD_SECRETS = frozenset(
    ["auth", "cookie", "headers", "key", "proxy", "rsshub", "smtp", "store", "to", "token"]
)


class Config(Settings):
    """The whole config; every path in it is absolute.

    `output` is always a folder. If the config names a bucket, `output` is a folder inside `staging`:
    everything is written there and then uploaded to `bucket`. `bucket` is None when the output stays in the
    folder.

    Tables that the file lacks are made without validation, so that only this model is built at start.
    """

    site: SiteSettings = Field(default_factory=SiteSettings.model_construct)
    publish: Publish = Field(default_factory=Publish.model_construct)
    fetch: Fetch = Field(default_factory=Fetch.model_construct)
    html: HtmlSettings = Field(default_factory=HtmlSettings.model_construct)
    serve: Serve = Field(default_factory=Serve.model_construct)
    store: StorePlace = Path(DEFAULT_STORE)
    output: FilePath = Path("feeds")
    staging: FilePath = Path("var/staging")
    entries_per_feed: Annotated[int, Field(ge=1, le=10_000)] = 50
    interval: Duration = timedelta(hours=1)
    retention: Retention = Field(default_factory=Retention.model_construct)
    sources: tuple[Source, ...] = Field(default=(), strict=False)
    rules: tuple[RuleSettings, ...] = Field(default=(), strict=False)
    feeds: tuple[SavedFeed, ...] = Field(default=(), strict=False)
    stories: StoriesSettings = Field(default_factory=StoriesSettings.model_construct)
    notify: tuple[Notify, ...] = Field(default=(), strict=False)
    smtp: Smtp | None = None
    digest: tuple[Digest, ...] = Field(default=(), strict=False)
    mastodon: tuple[Mastodon, ...] = Field(default=(), strict=False)
    _bucket: BucketAddress | None = PrivateAttr(default=None)

    @property
    def bucket(self) -> BucketAddress | None:
        """The place in an object store that the output is uploaded to; None if it stays in its folder."""
        return self._bucket

    def staged_for(self, bucket: BucketAddress) -> Config:
        """This config with its output in a bucket, staged in a folder inside `staging`."""
        staged = self.model_copy(update={"output": self.staging / bucket.folder_name})
        staged._bucket = bucket
        return staged

    @property
    def max_age(self) -> timedelta:
        """How long a client may cache a feed without asking again."""
        age = self.serve.max_age
        return max(self.interval / 4, timedelta(minutes=1)) if age is None else age

    @property
    def all_formats(self) -> frozenset[str]:
        """Every format that is written for any feed: of everything, a category or a saved feed."""
        return self.publish.all_formats.union(*(feed.formats or () for feed in self.feeds))

    @property
    def feeds_with_stories(self) -> frozenset[str]:
        """The names of the feeds that show one article of a story; `all` is ""."""
        chosen = [*self.publish.categories.items(), *((feed.name, feed) for feed in self.feeds)]
        found = {name for name, feed in chosen if feed.stories}
        found |= set() if self.publish.all.stories is False else {""}
        return frozenset(found if self.stories.find else ())

    def select(self, names: Sequence[str]) -> tuple[Source, ...]:
        """The sources with these names, in the config's order; all enabled ones if `names` is empty.

        Raises ConfigError for each unknown name.
        """
        if not names:
            return tuple(s for s in self.sources if s.enabled)
        named(names, [s.name for s in self.sources])
        return tuple(s for s in self.sources if s.name in names)


def named(names: Sequence[str], known: Sequence[str]) -> None:
    """Checks names of sources that a person typed. Raises ConfigError for each that is not known."""
    if mistakes := [f"no source is named {n!r}{_suggestion(n, known)}" for n in names if n not in known]:
        raise ConfigError(*mistakes)


def load(file: Path) -> Config:
    """Reads and checks a config file. Raises ConfigError with every mistake, each with file and key."""
    try:
        body = file.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(
            f"{file}: there is no config; create one with 'aggregator init', or name one with --config FILE"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigError(f"{file}: cannot be read ({why}); name another with --config FILE") from error
    return checked(body, file, str(file))


def checked(body: bytes, file: Path, shown: str) -> Config:
    """The config that `body` would be in `file`; mistakes name the file as `shown`. Raises ConfigError."""
    try:
        data = tomllib.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except ValueError as error:  # TOMLDecodeError is one; so is what a number of 5000 digits raises
        raise ConfigError(f"{shown}: is not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{shown}: is nested too deep") from error

    if mistakes := [*over_limits(data)]:
        raise ConfigError(*(f"{shown}: {m}" for m in mistakes))
    mistakes = [mistake for table in _TABLES for mistake in _repeated_names(data.get(table), table)]
    mistakes += mistakes_of_kinds(data)
    bucket = None
    if isinstance(place := data.get("output"), str) and is_address(place):
        del data["output"]
        try:
            bucket = bucket_address(place)
        except ValueError as error:
            mistakes.append(f"output: {error}")
    try:
        config = Config.model_validate(data)
        mistakes += contradictions(config)
    except ValidationError as error:
        mistakes += [mistake_at(e["type"], e["loc"], sentence(e), data) for e in error.errors()]
    if mistakes:
        raise ConfigError(*(f"{shown}: {m}" for m in mistakes))
    config = _with_absolute_paths(config, home_of(file))
    if mistakes := [*folders_read_and_written(config)]:
        raise ConfigError(*(f"{shown}: {m}" for m in mistakes))
    return config if bucket is None else config.staged_for(bucket)


def _with_absolute_paths(config: Config, home: Path) -> Config:
    def absolute(path: Path) -> Path:
        return (home / path.expanduser()).absolute()

    def placed(source: Source) -> Source:
        is_file = source.url is not None and source.url.startswith("file:")
        changed: dict[str, object] = {"url": absolute_file_url(source.url, home)} if is_file else {}
        changed |= {"path": absolute(source.path)} if source.path else {}
        changed |= {"tls_ca": absolute(source.tls_ca)} if source.tls_ca else {}
        changed |= {"image": str(absolute(source.image_file))} if source.image_file else {}
        return source.model_copy(update=changed) if changed else source

    fetch = config.fetch
    if fetch.tls_ca:
        fetch = fetch.model_copy(update={"tls_ca": absolute(fetch.tls_ca)})
    smtp = config.smtp
    if smtp is not None and smtp.tls_ca:
        smtp = smtp.model_copy(update={"tls_ca": absolute(smtp.tls_ca)})
    publish = config.publish
    if publish.posts:
        posts = publish.posts.model_copy(update={"folder": absolute(publish.posts.folder)})
        publish = publish.model_copy(update={"posts": posts})
    paths = {"templates": publish.pages.templates, "logo": publish.pages.logo}
    if placed_paths := {key: absolute(path) for key, path in paths.items() if path}:
        pages = publish.pages.model_copy(update=placed_paths)
        publish = publish.model_copy(update={"pages": pages})
    changes = {
        "publish": publish,
        "store": absolute(config.store) if isinstance(config.store, Path) else config.store,
        "output": absolute(config.output),
        "staging": absolute(config.staging),
        "fetch": fetch,
        "smtp": smtp,
        "sources": tuple(placed(source) for source in config.sources),
    }
    return config.model_copy(update=changes)


def _repeated_names(tables: object, key: str) -> Iterable[str]:
    first: dict[str, int] = {}
    for index, table in enumerate(tables if isinstance(tables, list) else []):
        name = table.get("name") if isinstance(table, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            yield (
                f"{key}[{index + 1}].name: {name!r} is the name of {key}[{first[name]}] too; "
                f"give each {_TABLES[key]} a different name"
            )
        first.setdefault(name, index + 1)


def mistakes_of_kinds(data: Any) -> Iterable[str]:
    """Mistakes in each source's kind, its options, and its `url` or `path`."""
    sources = data.get("sources")
    for index, source in enumerate(sources if isinstance(sources, list) else []):
        kind = source.get("kind", "feed") if isinstance(source, dict) else None
        options = source.get("options", {}) if isinstance(source, dict) else None
        if not isinstance(kind, str) or not isinstance(options, dict):
            continue
        full_text = source.get("full_text")
        if isinstance(full_text, dict) or full_text is True:
            yield from _mistakes_of_pages(data, index, {} if full_text is True else full_text)
        wrong = kinds.mistakes(kind, options)
        yield from (
            mistake_at(what, ("sources", index, *where), message, data, kind)
            for where, what, message in wrong
        )
        if any(where == ("kind",) for where, *_ in wrong):
            continue
        given = [key for key in ("url", "path") if key in source]
        registered = kinds.named(kind)
        if given not in _GIVEN[registered.place]:
            yield f"sources[{index + 1}]: a source of kind {kind!r} needs {_NEEDED[registered.place]}"
        url = source.get("url")
        if isinstance(url, str) and url.partition(":")[0].lower() not in registered.schemes:
            schemes = ", ".join(f"{scheme}:" for scheme in registered.schemes)
            message = f"a source of kind {kind!r} needs an address of {schemes}"
            yield mistake_at("value_error", ("sources", index, "url"), message, data)


def _mistakes_of_pages(data: Any, index: int, full_text: dict[str, Any]) -> Iterable[str]:
    """Mistakes in the options by which a source's articles are completed."""
    options = {key: value for key, value in full_text.items() if key != "pages"}
    for where, what, message in kinds.mistakes("article-page", options):
        place = ("sources", index, "full_text", *where[1:])
        yield mistake_at(what, place, message, data, "article-page")


def mistake_at(
    what: str, where: tuple[int | str, ...], message: str, data: Any, kind: str | None = None
) -> str:
    """One line for one mistake: the key as a person would write it, and what to write.

    `what` is pydantic's type of the mistake; `kind` is the source kind whose options it is in.
    """
    key = ""
    if where[-1:] == ("[key]",):  # the name of a value, rather than the value
        where, message = where[:-1], f"as a name, {message}"
    for part in where:
        shown = f'"{part}"' if isinstance(part, str) and "." in part else part  # quoted as in TOML
        key += f"[{part + 1}]" if isinstance(part, int) else f".{shown}" if key else str(shown)
    if where[0] in _TABLES and len(where) > 1 and isinstance(where[1], int):
        name = _at(data, where[:2]).get("name") if isinstance(_at(data, where[:2]), dict) else None
        key += f" ({_TABLES[str(where[0])]} {_short(name)})" if isinstance(name, str) else ""
    if what == UNKNOWN_KEY:
        known = _keys_at(where[:-1], kind)
        return (
            f"{key}: is not a known key{_suggestion(str(where[-1]), known)}; known here: {', '.join(known)}"
        )
    if what == MISSING:
        return f"{key}: {message}"
    # A value that may contain a secret is not printed to a terminal or a log.
    if _MAY_HOLD_SECRETS.intersection(where) or (where[0] in _TABLES and EXPLAINED.intersection(where)):
        return f"{key}: {message}"
    found = _at(data, where)
    return f"{key}: {message}" if isinstance(found, dict) else f"{key}: {message}, not {_short(found)}"


def _keys_at(where: tuple[int | str, ...], kind: str | None) -> list[str]:
    if kind is not None:
        model = kinds.named(kind).options
        is_top = model is not None and where[-1:] in (("options",), ("full_text",))
        own = ["pages"] if where[-1:] == ("full_text",) else []
        return sorted([*model.model_fields, *own]) if model is not None and is_top else []
    models: dict[str, type[BaseModel]] = {
        "site": SiteSettings,
        "fetch": Fetch,
        "html": HtmlSettings,
        "publish": Publish,
        "pages": PageSettings,
        "colours": Colours,
        "dark": DarkColours,
        "posts": Posts,
        "media": MediaSettings,
        "serve": Serve,
        "sources": Source,
        "auth": Auth,
        "rsshub": RsshubInstance,
        "rules": RuleSettings,
        "feeds": SavedFeed,
        "all": FeedChoice,
        "stories": StoriesSettings,
        "notify": Notify,
        "digest": Digest,
        "mastodon": Mastodon,
        "smtp": Smtp,
    }
    if where[:2] == ("publish", "categories") and len(where) > 2:
        return sorted(CategoryFeed.model_fields)
    if where[:2] == ("fetch", "hosts"):
        return sorted(HostPace.model_fields)
    models["retention"] = Keep if "sources" in where else Retention
    found = next((models[str(part)] for part in reversed(where) if part in models), Config)
    return sorted(found.model_fields)


def _at(data: Any, where: tuple[int | str, ...]) -> Any:
    for part in where:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return data
    return data


def _short(value: object) -> str:
    text = without_logins(repr(value))
    return text if len(text) <= 60 else text[:57] + "…"


def _suggestion(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
