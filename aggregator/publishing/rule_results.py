"""Applies the results of rules to an article that is rendered: categories, tags and rewritten fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aggregator.errors import DamagedStore
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.model.verdict import Rewriting, Verdict
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.rule import RuleSet
from aggregator.store import StoredArticle
from aggregator.writers.channel import AlsoIn

if TYPE_CHECKING:
    from aggregator.rules.query import ArticleFacts

__all__ = [
    "also_in", "facts_of", "read_verdict", "shown", "story_key", "variants", "written_verdict",
]  # fmt: skip

_LOOK = "look"


def written_verdict(verdict: Verdict, rules: RuleSet) -> str | None:
    """Returns a verdict in the form that the store keeps; None for one that changes nothing.

    If the text changes, the article is rendered again.
    """
    said = {
        "matched": verdict.matched,
        "dropped_by": verdict.dropped_by,
        "removed": verdict.removed,
        "added": verdict.added,
        "tags": verdict.tags,
        "rewritings": [[each.rule, each.feeds] for each in verdict.rewritings],
    }
    kept = {name: value for name, value in said.items() if value}
    if not kept:
        return None
    if verdict.rewritings:
        names = {each.rule for each in verdict.rewritings}
        looks = [rule.then for rule in rules.rules if rule.name in names]
        kept[_LOOK] = hashlib.blake2b(json.dumps(looks).encode(), digest_size=8).hexdigest()
    return json.dumps(kept, ensure_ascii=False)


def read_verdict(written: str | None) -> Verdict:
    """Reads the result of `written_verdict`. Raises DamagedStore."""
    if written is None:
        return Verdict()
    try:
        said = json.loads(written)
        return Verdict(
            matched=tuple(said.get("matched", ())),
            dropped_by=said.get("dropped_by"),
            removed=dict(said.get("removed", {})),
            added=dict(said.get("added", {})),
            tags=dict(said.get("tags", {})),
            rewritings=tuple(
                Rewriting(rule=rule, feeds=tuple(feeds)) for rule, feeds in said.get("rewritings", ())
            ),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedStore("what rules decided", error) from error


def facts_of(found: StoredArticle, article: Article | None = None) -> ArticleFacts:
    """Returns what queries see of a stored article as it was found, or of `article`, another form of it."""
    from aggregator.rules.query import ArticleFacts

    return ArticleFacts(
        article or found.article,
        published=found.published,
        updated=found.updated,
        first_seen=found.first_seen,
        is_dated=found.is_dated,
    )


def shown(kept: StoredArticle, rules: RuleSet, feed: str) -> tuple[Article, str]:
    """Returns the article as a feed shows it ("all": the feed of everything), and a key that is equal for
    equal results.
    """
    article = kept.article
    if kept.decision is None:
        return article, f"{kept.revision}"
    verdict = read_verdict(kept.decision)
    article = replace(
        article,
        categories=verdict.categories(article.categories),
        tags=verdict.all_tags(article.tags),
    )
    rewrites = rules.rewrites(verdict, feed)
    variant = ",".join(each.rule for each in verdict.rewritings if not each.feeds or feed in each.feeds)
    return rules.rewritten(article, verdict, feed) if rewrites else article, f"{kept.revision} {variant}"


def variants(kept: StoredArticle, rules: RuleSet) -> tuple[Article, ...]:
    """Returns the different forms in which feeds show an article that rules rewrite; else nothing."""
    verdict = read_verdict(kept.decision)
    named = (name for each in verdict.rewritings for name in each.feeds)
    made = (shown(kept, rules, feed) for feed in dict.fromkeys((EVERYTHING, *named)))
    return tuple({key: article for article, key in made}.values()) if verdict.rewritings else ()


def also_in(others: Iterable[StoredArticle], rules: RuleSet, feed: str) -> tuple[AlsoIn, ...]:
    """Returns the other articles of a story as a feed lists them, without those that rules drop."""
    made = []
    for kept in others:
        if kept.decision is not None and read_verdict(kept.decision).excluded_from(feed):
            continue
        article, _ = shown(kept, rules, feed)
        if article.link:
            source = article.origin.title or article.source
            made.append(AlsoIn(source=source, title=article.title, link=article.link))
    return tuple(made)


def story_key(also: tuple[AlsoIn, ...]) -> str:
    """Returns a key that is equal for equal lists; "" for an empty one."""
    if not also:
        return ""
    said = json.dumps([[each.source, each.title, each.link] for each in also]).encode()
    return f" {hashlib.blake2b(said, digest_size=16).hexdigest()}"
