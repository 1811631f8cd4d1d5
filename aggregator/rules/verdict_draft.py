"""The draft of a verdict, which actions change."""

from __future__ import annotations

from collections.abc import Iterable, Set

from aggregator.model.verdict import Rewriting, Verdict
from aggregator.rules.query import ArticleFacts

__all__ = ["Draft"]


class Draft:
    """The effects of earlier rules on one article, to which the present rule adds its own.

    `facts` have the categories and tags after the earlier rules. `rule` is the name of the present rule,
    `feeds` are those that it is limited to, empty for all. `other_feeds` are feeds that are not categories.
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
        """Records that the query of the rule matched."""
        self._matched.append(self.rule)

    def drop(self) -> None:
        """Removes the article from the rule's feeds; without such feeds from all, and then no further rule
        applies.
        """
        if self.feeds:
            self.remove_from(self.feeds)
        else:
            self._dropped_by = self.rule
            self.is_stopped = True

    def remove_from(self, feeds: Iterable[str]) -> None:
        """Removes the article from those of these feeds that it is in, or may be in by a query."""
        for name in feeds:
            if name in self.facts.categories or name in self._other_feeds:
                self._removed[name] = self.rule
                self._added.pop(name, None)
        self._label()

    def file_under(self, categories: Iterable[str]) -> None:
        """Puts the article into these categories, even if an earlier rule removed it."""
        for name in categories:
            self._removed.pop(name, None)
            if name not in self._found:
                self._added.setdefault(name, self.rule)
        self._label()

    def tag(self, tags: Iterable[str]) -> None:
        """Adds these tags."""
        for name in tags:
            if name not in self.facts.tags:
                self._tags.setdefault(name, self.rule)
        self._label()

    def rewrite(self) -> None:
        """Applies the rule's rewriting when the article is rendered in the rule's feeds."""
        self._rewritings.append(Rewriting(rule=self.rule, feeds=self.feeds))

    def stop(self) -> None:
        """Applies no further rule."""
        self.is_stopped = True

    def verdict(self, *, depends_on_now: bool) -> Verdict:
        """The result of all rules."""
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
