"""Decides which feeds an article is in, by the config: its rules, saved feeds, digests and categories."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from functools import cached_property

from aggregator.config.load import Config
from aggregator.config.rules import rule_set
from aggregator.model.verdict import Judged, Verdict
from aggregator.publishing.rule_results import facts_of, written_verdict
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.feeds_of_article import feeds_after_rules, feeds_of
from aggregator.rules.judge_in_worker import serialised
from aggregator.rules.query_set import QuerySet
from aggregator.rules.rule import judge
from aggregator.store import ALL, OF_SOURCE, Placement, StoredArticle
from aggregator.store.stored_article import JUDGED

__all__ = ["FeedChooser"]


class FeedChooser:
    """Decides which feeds an article is in, by the rules, saved feeds and digests of a config.

    - `digest`: equal for configs that decide alike; "" for a config without any of these, and without feeds
      of sources.
    - `of_source`: the beginning of the names of sources' own feeds; None if sources have none.
    - `date_changes`: when time alone changes the result: a date of an article, and how long after it.
    """

    def __init__(self, config: Config) -> None:
        self.rules = rule_set(config.rules, config.feeds)
        self.queries = QuerySet({feed.name: feed.parsed for feed in config.feeds})
        self._own = {each.source: each.name for each in config.digest if each.feed}
        self.of_source = OF_SOURCE if config.publish.pages.sources else None
        chooses = self.rules.rules or self.queries or self._own or self.of_source
        self.digest = self._digest() if chooses else ""
        self._names = {rule.name for rule in self.rules.rules}
        self._filed = {
            name for rule in self.rules.rules for action in rule.actions for name in action.files_under
        }
        asked = (*(rule.when for rule in self.rules.rules), *self.queries.values())
        self.date_changes: frozenset[tuple[str, timedelta]] = frozenset(
            turning for query in asked for turning in query.date_changes
        )

    def _digest(self) -> str:
        from aggregator.rules.query import LANGUAGE_VERSION

        queries = [self.rules.digest, LANGUAGE_VERSION, [[n, q.text] for n, q in self.queries.items()]]
        queries += [sorted(self._own)] if self._own else []
        queries += ["sources"] if self.of_source else []
        return hashlib.blake2b(json.dumps(queries).encode(), digest_size=16).hexdigest()

    def digest_of(self, source: str) -> str | None:
        """Returns the name of the digest whose entries this source has; None if it is no digest.

        Entries of a digest are only in the digest's own feed.
        """
        return self._own.get(source)

    def __call__(self, found: StoredArticle, now: datetime) -> Placement:
        """Returns an article's feeds: `all`, categories, saved feeds in config order, its source's own."""
        if (own := self.digest_of(found.article.source)) is not None:
            # An entry of a digest repeats articles of other feeds, so it is in none of these.
            return Placement(feeds=(own,))
        article = found.article
        if (judged := self._judged_ahead(found, now)) is not None:
            verdict, categories = judged.verdict, judged.verdict.categories(article.categories)
            standing = feeds_after_rules(
                verdict, categories, judged.saved, article.source, of_source=self.of_source
            )
        else:
            facts = facts_of(found)
            verdict = judge(self.rules, facts, now)
            standing = feeds_of(verdict, facts, self.queries, now, of_source=self.of_source)
        ordered = (EVERYTHING, *verdict.categories(article.categories), *self.queries)
        ordered += (f"{self.of_source}{article.source}",) if self.of_source else ()
        names = tuple(
            ALL if name == EVERYTHING else name for name in dict.fromkeys(ordered) if name in standing
        )
        return Placement(feeds=names, decision=written_verdict(verdict, self.rules))

    @cached_property
    def packed(self) -> bytes:
        """The rules and saved feeds as processes that read documents get them; b"" without any."""
        return serialised(self.rules, self.queries) if self.rules.rules or self.queries else b""

    def mark(self, now: datetime) -> str:
        """Names these rules and this moment."""
        return f"{self.digest} {now.isoformat()}"

    def _judged_ahead(self, found: StoredArticle, now: datetime) -> Judged | None:
        """The verdict of the process that read a new article; None if it judged by other rules, or at
        another time.

        That process may have been taken over by a document: it may say of its articles only what these rules
        could say.
        """
        by, judged = found.made.get(JUDGED, ("", None))
        if judged is None or by != self.mark(now) or found.first_seen != now:
            return None
        verdict: Verdict = judged.verdict
        named = {*verdict.matched, *verdict.removed.values(), *verdict.added.values(), *verdict.tags.values()}
        named |= {each.rule for each in verdict.rewritings} | {*filter(None, [verdict.dropped_by])}
        is_ours = named <= self._names and verdict.added.keys() <= self._filed
        return judged if is_ours and self.queries.keys() >= {*judged.saved} else None
