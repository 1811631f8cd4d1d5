"""A verdict while it is made: what actions change."""

from __future__ import annotations

from collections.abc import Iterable, Set

from aggregator.rules.query import ArticleFacts
from aggregator.rules.verdict import Rewriting, Verdict

__all__ = ["Draft"]


class Draft:
    """What earlier rules have done to one article, and what the rule that acts now does.

    `facts` has the categories and tags as they are by now. `rule` is the name of the rule that acts, `feeds`
    are those that it is limited to, empty for all. `other_feeds` are those that are no categories.
    """

    def __init__(self, facts: ArticleFacts, other_feeds: Set[str]) -> None:
        self.facts = facts
        self._other_feeds = other_feeds
        self._found = facts.categories
        self._found_tags = facts.tags
        self.rule = ""
        self.feeds: tuple[str, ...] = ()
        self.is_stopped = False
        self._matched: list[str] = []
        self._dropped_by: str | None = None
        self._removed: dict[str, str] = {}
        self._added: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._rewritings: list[Rewriting] = []

    def match(self) -> None:
        """Notes that the query of the rule matched."""
        self._matched.append(self.rule)

    def drop(self) -> None:
        """Takes the article out of the rule's feeds; out of all for a rule without, which ends its way."""
        if self.feeds:
            self.remove_from(self.feeds)
        else:
            self._dropped_by = self.rule
            self.is_stopped = True

    def remove_from(self, feeds: Iterable[str]) -> None:
        """Takes the article out of those of these feeds that it stands in, or may stand in by a query."""
        for name in feeds:
            if name in self.facts.categories or name in self._other_feeds:
                self._removed[name] = self.rule
                self._added.pop(name, None)
        self._label()

    def file_under(self, categories: Iterable[str]) -> None:
        """Puts the article into these categories, also where an earlier rule took it out."""
        for name in categories:
            self._removed.pop(name, None)
            if name not in self._found:
                self._added.setdefault(name, self.rule)
        self._label()

    def tag(self, tags: Iterable[str]) -> None:
        """Gives the article these tags."""
        for name in tags:
            if name not in self.facts.tags:
                self._tags.setdefault(name, self.rule)
        self._label()

    def rewrite(self) -> None:
        """Has the rule's rewriting applied where the article is rendered, in the rule's feeds."""
        self._rewritings.append(Rewriting(rule=self.rule, feeds=self.feeds))

    def stop(self) -> None:
        """Asks no further rule."""
        self.is_stopped = True

    def verdict(self, *, depends_on_now: bool) -> Verdict:
        """What the rules did in the end."""
        return Verdict(
            matched=tuple(self._matched),
            dropped_by=self._dropped_by,
            removed=self._removed,
            added=self._added,
            tags=self._tags,
            rewritings=tuple(self._rewritings),
            depends_on_now=depends_on_now,
        )

    def _label(self) -> None:
        standing = dict.fromkeys((*self._found, *self._added))
        categories = tuple(name for name in standing if name not in self._removed)
        tags = tuple(dict.fromkeys((*self._found_tags, *self._tags)))
        if (categories, tags) != (self.facts.categories, self.facts.tags):
            self.facts = self.facts.labelled(categories, tags)
