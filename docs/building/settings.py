"""The reference of settings: each key of the config and of the options of kinds, as the code has it.

Keys, values and defaults come from the models, meanings from the tables in docs/config.md, docs/sources.md
and docs/articles.md: a setting is explained once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from aggregator.adapters import kinds
from aggregator.config import digests, notifying, posting, publishing, serving, values
from aggregator.config.load import Config
from aggregator.config.sources import FullText

DOCS = Path(__file__).parents[1]
_WORDS_OF_ALIASES: tuple[tuple[Any, str], ...] = (
    (values.Secret, "a secret"),
    (values.Proxy, "an address, or a secret"),
    (values.Headers, "a table of texts or secrets"),
    (values.HeaderText, "a text in ASCII"),
    (values.HttpUrl, "an address (`http:`, `https:`)"),
    (values.Player, "an address (`https:`)"),
    (values.SourceUrl, "an address"),
    (values.Place, "an address, network or host"),
    (values.Host, "a host"),
    (values.TimeZone, "a time zone"),
    (values.StorePlace, "a path, or the address of a database"),
    (values.PostPath, "a path with placeholders"),
    (serving.ListenAddress, '`"HOST:PORT"`'),
    (serving.Network, "an address or network"),
    (publishing.Format, "the name of a format"),
    (notifying.Receiver, "an address, or a secret"),
    (notifying.SigningKey, "a secret"),
    (notifying.MailAddress, "a mail address"),
    (notifying.MailHost, "a host"),
    (notifying.QuietTimes, "two times of day"),
    (digests.TimeOfDay, "a time of day"),
    (posting.ServerAddress, "an address (`http:`, `https:`)"),
    (posting.Hashtag, "a hashtag"),
    (posting.LanguageCode, "the code of a language"),
    (digests.HttpsAddress, "an address (`https:`)"),
)
_WORDS_OF_VALIDATORS = {alias.__metadata__[0].func: words for alias, words in _WORDS_OF_ALIASES}
_WORDS_OF_TYPES = {
    bool: "`true` or `false`",
    str: "a text",
    timedelta: "a duration",
    Path: "a path",
    SecretStr: "a secret",
    Any: "see there",
}
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PARTS = {
    "feeds": ("feeds", "publish.categories"),
    "sources.auth": ("auth",),
    "sources.retention": ("retention",),
    "sources.full_text": ("Full text",),
    "article-page": ("Full text",),
    "articles": ("Drafts, future dates, deleted files", "The site of a folder"),
}
"""The parts of documents that explain a table, where they have not its own name."""


@dataclass(frozen=True)
class Setting:
    """A row: key, values that it takes, default ("" where it is required), meaning ("" where it has none)."""

    key: str
    takes: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table of settings: its name (`sources.auth`), how it is written, its rows, the page about it."""

    name: str
    written: str
    settings: tuple[Setting, ...]
    page: str


def tables() -> Iterator[Table]:
    """Every table of the config, then the options of every kind of source."""
    yield from _tables("", "", Config)
    for name in kinds.names():
        if (model := kinds.named(name).options) is not None:
            page = "articles.md" if name == "articles" else "sources.md"
            rows = _settings(name, model.model_fields, page)
            yield Table(name, f'options of kind = "{name}"', rows, page)


def markdown() -> str:
    """The page."""
    lines = [
        "# All settings",
        "",
        "Every key of the config and of the options of kinds, as the program has it.",
        "[The config](../config.md) explains how they work together, and what durations and secrets are.",
    ]
    for table in tables():
        lines += ["", f"## `{table.written}`" if table.written else "## At the top", ""]
        lines += ['<div class="settings" markdown>', ""]  # rows of cards on a phone (site.css)
        lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
        for each in table.settings:
            meaning = _as_seen_from_reference(each.meaning, table.page)
            lines.append(f"| `{each.key}` | {each.takes} | {each.default or 'required'} | {meaning} |")
        lines += ["", "</div>"]
    return "\n".join([*lines, ""])


def written_default(default: object) -> str:
    """A default as it is written in the config; "none" for nothing."""
    if isinstance(default, timedelta):
        seconds = int(default.total_seconds())
        unit = next(unit for unit, size in _UNITS.items() if seconds % size == 0)
        return f'`"{seconds // _UNITS[unit]}{unit}"`'
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int):
        return f"`{default}`"
    if isinstance(default, str | Path) and str(default):
        return f'`"{default}"`'
    return "none"


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a document that explain a table of this name."""
    return _PARTS.get(name, (name,))


def _tables(name: str, written: str, model: type[BaseModel]) -> Iterator[Table]:
    fields = dict(model.model_fields)
    if model is FullText:  # its options are written beside `pages`
        pages = kinds.named("article-page").options
        assert pages is not None, "it has options"
        fields = {"pages": fields["pages"], **pages.model_fields}
    inner = {
        key: found for key, field in fields.items() if (found := _model_in(field.annotation)) is not None
    }
    own = {key: field for key, field in fields.items() if name or key not in inner}
    page = "sources.md" if model is FullText else "config.md"
    yield Table(name, written, _settings(name, own, page), page)
    for key, (kind, is_list, is_named) in inner.items():
        if kind.__module__.startswith("aggregator.config"):
            path = f"{name}.{key}" if name else key
            place = f"{path}.NAME" if is_named else path
            yield from _tables(path, f"[[{place}]]" if is_list else f"[{place}]", kind)


def _model_in(annotation: Any) -> tuple[type[BaseModel], bool, bool] | None:
    """The model in a type; whether there is a list of such tables, and whether each has a name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False, False
    origin = get_origin(annotation)
    for inner in get_args(annotation):
        if (found := _model_in(inner)) is not None:
            return found[0], found[1] or origin is tuple, found[2] or origin is dict
    return None


def _settings(name: str, fields: Mapping[str, FieldInfo], page: str) -> tuple[Setting, ...]:
    parts = [explained(page).get(part, {}) for part in parts_of(name)]
    found = []
    for key, field in fields.items():
        default, meaning = next((part[key] for part in parts if key in part), ("", ""))
        if field.is_required():
            default = ""
        elif (
            coded := written_default(field.get_default(call_default_factory=True))
        ) != "none" or not default:
            default = coded
        found.append(Setting(key, _words(field.annotation, field.metadata), default, meaning))
    return tuple(found)


def _words(annotation: Any, metadata: Iterable[Any]) -> str:
    """Which values a type takes."""
    metadata = [
        part for each in metadata for part in (each.metadata if isinstance(each, FieldInfo) else (each,))
    ]
    for each in metadata:
        if (words := _WORDS_OF_VALIDATORS.get(getattr(each, "func", None))) is not None:
            return words
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(inner[0], inner[1:])
    if origin in (Union, UnionType):
        return " or ".join(_words(each, metadata) for each in inner if each is not NoneType)
    if origin is Literal:
        return ", ".join(f'`"{choice}"`' for choice in inner)
    if origin is tuple:
        return f"a list, each {_words(inner[0], ())}"
    if origin is dict:
        return "a table"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "a table, or its short form" if metadata else "a table"
    if annotation is int:
        above: list[Any] = [each.gt for each in metadata if isinstance(each, Gt)]
        least = [each.ge for each in metadata if isinstance(each, Ge)] + [each + 1 for each in above]
        most = [each.le for each in metadata if isinstance(each, Le)]
        return " ".join(["a number", *(f"from {each}" for each in least), *(f"to {each}" for each in most)])
    return _WORDS_OF_TYPES[annotation]


@cache
def explained(page: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Of the tables of settings in a document: part -> key -> default as it is written there, and meaning."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    part, head = "", [""]
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            part, head = ("" if line.startswith("# ") else line.strip("#` []")), [""]
        elif not line.startswith("|"):
            head = [""]
        elif head == [""]:
            head = [cell.strip() for cell in line.strip("| ").split(" | ")]
        elif head[0] in ("key", "option"):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            default = cells[1] if head[1] == "default" else ""
            for key in re.findall(r"`(\w+)`", cells[0]):
                found.setdefault(part, {})[key] = (default, cells[-1])
    return found


def _as_seen_from_reference(text: str, page: str) -> str:
    """Links of a document as they are written in a folder beside it."""
    return re.sub(r"\]\((?!https?:)([^)#]*)", lambda link: f"](../{link[1] or page}", text)
