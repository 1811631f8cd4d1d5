"""The limits of a config for everything that takes time or memory; a mistake in it is reported quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import checked
from aggregator.config.query_limits import MAX_CHARACTERS, MAX_REGEXES, MAX_TABLES, over_limits
from aggregator.config.rules import MAX_SUGGESTIONS
from aggregator.errors import ConfigError
from tests.support.site import Site


def mistakes(*tables: str) -> tuple[str, ...]:
    source = "[[sources]]\nname = 'Tea'\nurl = 'https://tea.example/feed'\n"
    with pytest.raises(ConfigError) as raised:
        checked(f"{source}{''.join(tables)}".encode(), Path("planet.toml"), "planet.toml")
    return raised.value.mistakes


def rules(count: int, when: str, then: str = "'drop'") -> str:
    return "".join(f"[[rules]]\nname = '{n}'\nwhen = '{when}'\nthen = {then}\n" for n in range(count))


@pytest.mark.parametrize("key", MAX_TABLES)
def test_tables_are_counted_before_any_is_read(key: str) -> None:
    """One too many is a mistake, though none of them is right; as many as may be are none."""
    most = MAX_TABLES[key]
    assert list(over_limits({key: [{}] * most})) == []
    (found,) = over_limits({key: [{}] * (most + 1)})
    assert found == f"{key}: {most + 1:,} tables, more than {most:,}; join those that do the same by OR"


def test_queries_together_have_a_length() -> None:
    """Those of all tables, and what actions say."""
    half = "x" * (MAX_CHARACTERS // 2)
    tables = {"rules": [{"when": half, "then": {"tag": [half]}}], "feeds": [{"query": ""}]}
    assert list(over_limits(tables)) == []
    (found,) = over_limits({**tables, "notify": [{"when": "tea"}]})
    assert f"have {MAX_CHARACTERS + 3:,} characters, more than {MAX_CHARACTERS:,}" in found


def test_regexes_are_counted_and_addresses_are_not() -> None:
    """In queries, and patterns of rewrites."""
    query = "title:/a/ OR (/b/ AND -/c/) OR link:https://tea.example/a/b OR text:and/or"
    patterns = {"rewrite": {"title": [{"pattern": "/a/"}, {"pattern": "b"}]}}
    assert list(over_limits({"rules": [{"when": query, "then": patterns}] * (MAX_REGEXES // 5)})) == []
    (found,) = over_limits({"rules": [{"when": query, "then": patterns}] * (MAX_REGEXES // 5 + 1)})
    assert f"{MAX_REGEXES + 5:,} regexes" in found


@pytest.mark.parametrize("tables", [{"rules": 5}, {"rules": [5, None, []]}, {"feeds": {"query": "x"}}])
def test_values_that_are_not_lists_of_tables_are_not_counted(tables: dict[str, object]) -> None:
    """Other checks report them."""
    assert list(over_limits(tables)) == []


def test_check_and_every_start_report_it(site: Site) -> None:
    """With exit code 2."""
    site.configure({"name": "Tea", "url": "https://tea.example/feed"})
    with site.file.open("a", encoding="utf-8") as file:
        file.write("\n" + rules(MAX_TABLES["rules"] + 1, "tea"))
    for command in ("check", "fetch"):
        result = site.run(command)
        assert result.exit_code == 2
        assert "rules: 2,001 tables, more than 2,000" in " ".join(result.output.split())


def test_many_unknown_names_are_each_reported_and_few_compared() -> None:
    """To compare each with all that are known takes longer than all else."""
    found = mistakes(rules(1, "x"), f"sources = {[f'Tea{n}' for n in range(MAX_SUGGESTIONS + 30)]}\n")
    assert len(found) == MAX_SUGGESTIONS + 30
    assert sum("did you mean 'Tea'" in each for each in found) == MAX_SUGGESTIONS


def test_mistakes_shorten_long_names() -> None:
    """Names of tables, and unknown names."""
    long = "n" * 100_000
    table = rules(1, "(").replace("'0'", f"'{long}'")
    assert all(len(each) < 1_000 for each in mistakes(table))
    assert all(len(each) < 1_000 for each in mistakes(rules(1, "x"), f"sources = ['{long}']\n"))
