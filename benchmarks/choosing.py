"""What rules and saved feeds cost an article, in processor time; and the equality of narrowed and whole answers.

    python benchmarks/choosing.py                  an article of 5 KB in English, German and Chinese
    python benchmarks/choosing.py --cases 100000   random queries, each asked of eight random articles

An article is folded and split once, whatever the number of rules and queries.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import timedelta
from random import Random

from aggregator.model.article import Article
from aggregator.rules.query import ArticleFacts, parse
from aggregator.rules.query.index_conditions import admits
from aggregator.rules.rule import RuleSet, judge, rule_of
from tests.support.queries import NOW, Made

TEXTS = {
    "English": "The kettle is on, and tea is drunk in the data centre of the old town while it rains. " * 60,
    "German": "Der Kessel zischt, und im größten Rechenzentrum der Altstadt trinkt man grünen Tee. " * 62,
    "Chinese": "水壶烧开了，老城区的数据中心里，人们在下雨时喝绿茶。" * 75,
}
WHEN = (
    r"title:/\bsponsored\b/ OR tag:advertisement", "category:Sport AND NOT text:chess", "age:>30d",
    '(title:AI OR text:"machine learning") AND language:en', "/crypto(currency)?|bitcoin/", "tea* -kettle",
    "host:example.com", "source:other", '"data centre" OR 数据中心', "words:<30",
)  # fmt: skip


def article(text: str) -> Article:
    """One of about 5 KB."""
    return Article(
        id="1",
        source="Example news",
        title=text[:60],
        link="https://example.org/2026/tea",
        authors=("Jane Doe",),
        tags=("food", "tea"),
        published=NOW - timedelta(days=3),
        summary=f"<p>{text[:200]}</p>",
        content="".join(f"<p>{text[n : n + 500]}</p>" for n in range(0, len(text), 500)),
    )


def least(work: Callable[[], object], turns: int = 20) -> float:
    """The least processor time of some turns, in microseconds."""
    times = []
    for _ in range(turns):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1e6


def measured(text: str) -> tuple[float, float, float]:
    """Folding, then twenty rules, then a thousand saved feeds, of one article."""
    found = article(text)

    def folded() -> ArticleFacts:
        facts = ArticleFacts(found)
        for field in ("title", "author", "tag", "text"):
            _ = facts.words(field).each
        return facts

    rules = RuleSet([rule_of(name=f"{n}", when=WHEN[n % 10], then={"tag": [f"t{n}"]}) for n in range(20)])
    saved = [parse(f'(title:word{n} OR text:"some words {n}") AND age:<{n + 1}d') for n in range(1_000)]
    facts = folded()
    whole = least(lambda: judge(rules, folded(), NOW))
    alone = least(folded)
    queries = least(lambda: [query.matches(facts, NOW) for query in saved])
    return alone, whole - alone, queries / 1_000


def equal(cases: int) -> str:
    """Asks `cases` random queries of narrowed and of all articles."""
    matching = narrowed = total = 0
    start = time.process_time()
    for seed in range(cases):
        made_here = Made(Random(seed))
        query = parse(made_here.query())
        articles = [made_here.facts() for _ in range(8)]
        few = [facts for facts in articles if admits(query.narrowing(NOW), facts)]
        found = [facts for facts in articles if query.matches(facts, NOW)]
        if [facts for facts in few if query.matches(facts, NOW)] != found:
            raise SystemExit(f"seed {seed}: the narrowed answer of {query.text!r} is another")
        matching, narrowed, total = matching + len(found), narrowed + len(few), total + len(articles)
    seconds = time.process_time() - start
    return f"{cases:,} queries: {matching:,} matches, {narrowed:,} of {total:,} asked, {seconds:.0f} s: all equal"


def main() -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=0)
    cases = parser.parse_args().cases
    if cases:
        print(equal(cases))
        return
    for name, text in TEXTS.items():
        folding, rules, queries = measured(text)
        print(
            f"{name}: folding {folding:.0f} µs, 20 rules {rules:.0f} µs, 1,000 saved feeds {queries:.1f} ms"
        )


if __name__ == "__main__":
    main()
