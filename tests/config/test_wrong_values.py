"""Whatever is written for a setting, it is taken, or refused in a sentence that says what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from aggregator.adapters import kinds
from aggregator.config import load as config
from aggregator.config.load import Config
from aggregator.errors import ConfigError

VALUES = (
    *("3", "0", "-1", "2.5", "nan", "inf", "99999999999999999999", "true", '""', '"x"', '" "', r'"\u0000"'),
    *("[]", "[1]", "[[]]", '["x", "x"]', "[{}]", "{}", "{ a = 1 }", '{ "" = "" }', '{ env = "NOT_SET" }'),
    *("2026-01-31", "12:00:00", "2026-01-31T12:00:00Z", '"999999w"', f'"{"9" * 500}"', '"http://[::1"'),
)
WORDING = re.compile(
    r"[Ii]nput|valid |should|validat|Extra |permitted|Value error|Assertion|Field required|pydantic",
)
SOURCE = 'name = "Tea"\nurl = "https://tea.example/"\n'


def settings() -> Iterator[tuple[str, str]]:
    """Each setting as the lines before it and its key; those of the options of every kind too."""
    for key in (*Config.model_fields, "unknown"):
        yield "", key
    for table, model in _tables(Config):
        for key in (*model.model_fields, "unknown"):
            yield f"[{table}]\n", key
    yield "[publish.categories.Tea]\n", "title"
    yield "[publish.categories.Tea]\n", "formats"
    for key in (*config.Source.model_fields, "unknown"):
        yield f"[[sources]]\n{SOURCE}".replace(f"\n{key} = ", f"\n# {key} = "), key
    for table in ("auth", "retention", "full_text"):
        for key in ("user", "password", "bearer", "max_age", "max_articles", "pages", "content", "title"):
            yield f"[[sources]]\n{SOURCE}[sources.{table}]\n", key
    for name in kinds.names():
        options = kinds.named(name).options
        for key in options.model_fields if options else ("any",):
            yield f'[[sources]]\n{SOURCE}kind = "{name}"\n[sources.options]\n', key


def _tables(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        found = [kind, *getattr(kind, "__args__", ())]
        for each in found:
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield f"{before}{name}", each
                yield from _tables(each, f"{before}{name}.")


def said(file: Path, text: str) -> str:
    """Returns what `load` says of a config; "" when it takes it."""
    file.write_text(text, encoding="utf-8")
    try:
        config.load(file)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("before", "key"), tuple(settings()))
def test_messages_contain_no_wording_of_libraries(tmp_path: Path, before: str, key: str) -> None:
    """Each refusal is one line with file, key and our own sentence; nothing is raised but ConfigError."""
    file = tmp_path / "aggregator.toml"
    for value in VALUES:
        for line in said(file, f"{before}{key} = {value}\n").splitlines():
            assert line.startswith(f"{file}: "), line
            what = line.removeprefix(f"{file}: ").partition(", not ")[0]
            assert not WORDING.search(what), line


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            '[[sources]]\nname = "a"\nurl = "https://a.example/"\ncategories = "news"',
            "write a list in brackets",
        ),
        ("[publish]\nformats = 3", "publish.formats: write a list in brackets"),
        ('fetch = "fast"', "fetch: write a table of keys and values, not 'fast'"),
        ("[publish]\narchives = 1", "publish.archives: write true, false, or a list of formats"),
        ("output = 1", 'output: write a path in quotes, such as "notes", not 1'),
        ("store = 1", 'store: write a path or an address in quotes, or { env = "NAME" }'),
        ('store = "a\\u0000b"', "store: write a path in quotes"),
        ('output = ""', "output: write a path in quotes"),
        ("[fetch]\nworkers = 1.5", "fetch.workers: write a whole number"),
        ("[fetch]\nworkers = 257", "fetch.workers: write 256 or less, not 257"),
        ("[fetch]\nmax_bytes = 0", "fetch.max_bytes: write a number above 0, not 0"),
        ('[fetch]\ntimeout = "0s"', "fetch.timeout: write a time above zero"),
        ('interval = "999999w"', 'interval: write "36500d" or less'),
        ('[publish]\ncompress = ["zip"]', 'publish.compress[1]: write one of "gzip" or "br", not \'zip\''),
        ('[publish.categories]\n"" = {}', "publish.categories.: as a name, write a name in quotes"),
        ('[[sources]]\nname = "a"\nkind = "exec"', "sources[1].options.command (source 'a'): is missing"),
        (
            '[[sources]]\nname = "a"\nurl = "https://me:secret@a b/"',
            "write an address, such as \"https://example.org/feed.xml\", not 'https://a b/'",
        ),
    ],
)
def test_a_refused_value_is_reported_with_what_to_write(tmp_path: Path, text: str, wanted: str) -> None:
    """And with the value, without logins."""
    assert wanted in said(tmp_path / "aggregator.toml", text)


def test_types_of_kinds_of_other_packages_are_put_in_our_form() -> None:
    """They may use every type that the library has."""
    from pydantic import UUID4, ValidationError

    from aggregator.model.wrong_values import sentence

    class Strange(BaseModel):
        which: UUID4
        pair: tuple[int, int]

    values: dict[str, Any] = {"which": "x", "pair": (1,)}
    with pytest.raises(ValidationError) as caught:
        Strange.model_validate(values)
    which, pair = map(sentence, caught.value.errors())
    assert (which.startswith("it should be a valid UUID"), pair) == (True, "is missing")
