"""The result of the rules for one article: plain data, which a store can keep and a command can explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aggregator.model.struct import Struct, field

__all__ = ["Rewriting", "Verdict"]


class Rewriting(Struct, frozen=True, kw_only=True):
    """A rule rewrites the article when it is rendered; `feeds` empty: in every feed."""

    rule: str
    feeds: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """The effects of the rules, each with the name of the rule; feeds are categories, `all`, and saved feeds.

    - `matched`: the rules whose queries matched, in their order.
    - `dropped_by`: the rule that took it out of every feed, None when none did.
    - `removed`: feed -> the rule that took it out of that. `added`: category -> the rule that put it there.
    - `tags`: tag -> the rule that gave it. `rewritings`: what happens where it is rendered.
    - `depends_on_now`: a rule that was asked speaks of now, so that time alone may change this.
    """

    matched: tuple[str, ...] = ()
    dropped_by: str | None = None
    removed: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    rewritings: tuple[Rewriting, ...] = ()
    depends_on_now: bool = False

    def excluded_from(self, feed: str) -> str | None:
        """The rule that removes it from a feed; None if there is none."""
        return self.dropped_by or self.removed.get(feed)

    def categories(self, found: Sequence[str]) -> tuple[str, ...]:
        """Its categories: those that it was `found` with, changed by the rules."""
        if self.dropped_by is not None:
            return ()
        return tuple(name for name in dict.fromkeys((*found, *self.added)) if name not in self.removed)

    def all_tags(self, found: Sequence[str]) -> tuple[str, ...]:
        """Its tags: those that it was `found` with, and those of the rules."""
        return tuple(dict.fromkeys((*found, *self.tags)))


class Judged(Struct, frozen=True, kw_only=True):
    """The verdict on an article in the process that reads it, and the saved feeds whose queries match it."""

    verdict: Verdict
    saved: tuple[str, ...] = ()
