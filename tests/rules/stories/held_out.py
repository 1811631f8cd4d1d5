"""A third set of labelled pairs: what the first two are not made of. Two kinds of it were missed at first."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from tests.rules.stories.pairs import LANGUAGES, Pair, article, html

FILE = Path(__file__).parent / "held_out.toml"
STORIES = ("ferry", "library", "bees")


def pairs() -> list[Pair]:
    """Every pair of the set."""
    written = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = [Pair(name, *rest) for language in LANGUAGES for name, *rest in _of(language, written[language])]
    return [*found, *_translated(written)]


def _of(language: str, own: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    made = {}
    for name in STORIES:
        story = own[name]
        whole = "\n".join((story["lead"], *story["body"]))
        other = whole
        for before, after in story["edits"]:
            assert before in other, before
            other = other.replace(before, after)
        made[name] = [
            article(language, 0, story["title"], html(*whole.split("\n")), f"2026/{name}"),
            article(language, 1, story["title2"], html(*other.split("\n")), f"news/{name}", 2),
            article(language, 2, story["title3"], html(story["lead2"], *story["body"]), f"read/{name}", 7),
        ]
        first, second, third = made[name]
        yield f"{language}-{name}-edited", "edited headline", True, first, second
        yield f"{language}-{name}-lead", "agency copy with another lead", True, first, third
        yield f"{language}-{name}-both", "agency copy with another lead", True, second, third
        later = article(language, 1, story["later"]["title"], html(*story["later"]["text"]), f"n/{name}", 400)
        yield f"{language}-{name}-later", "later story", False, first, later
    for one, two in pairwise(STORIES):
        yield f"{language}-{one}-{two}", "other story", False, made[one][0], made[two][1]
    rows, note = own["items"]["rows"], own["items"]["note"]
    items, copies = (
        [
            article(language, site, row[0], html(row[1], note), f"local/{n}", site)
            for n, row in enumerate(rows)
        ]
        for site in (0, 1)
    )
    for n, k in combinations(range(len(rows)), 2):
        yield f"{language}-items-{n}-{k}", "boilerplate-heavy short item", False, items[n], copies[k]
    other = own["items"]["other"]
    again = article(language, 1, other["title"], html(rows[0][1], other["note"]), "k/other", 1)
    yield f"{language}-item-again", "short item", True, items[0], again
    series = own["series"]
    parts = []
    for place, (n, a, b, c) in enumerate(series["values"]):
        title = series["title"].format(n=n)
        body = html(series["text"].format(n=n, a=a, b=b, c=c))
        parts.append([article(language, site, title, body, f"s/{n}", 24 * place) for site in (0, 1)])
    for a, b in combinations(range(len(parts)), 2):
        yield f"{language}-series-{a}-{b}", "serial title", False, parts[a][0], parts[b][1]


def _translated(written: Mapping[str, Any]) -> Iterator[Pair]:
    for one, two in (("en", "de"), ("zh", "ja"), ("en", "zh"), ("de", "ja")):
        for name in STORIES:
            first, second = written[one][name], written[two][name]
            yield Pair(
                f"{one}-{two}-{name}",
                "translation",
                False,
                article(one, 0, first["title"], html(first["lead"], *first["body"]), f"2026/{name}"),
                article(two, 1, second["title"], html(second["lead"], *second["body"]), f"news/{name}", 1),
            )
