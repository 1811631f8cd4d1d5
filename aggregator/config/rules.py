"""The settings of rules and saved feeds, and checks of the names that they use."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from aggregator.config.publishing import CategoryFeed, Publish
from aggregator.config.sources import Source
from aggregator.config.values import Category
from aggregator.errors import QueryError
from aggregator.model.settings import Settings
from aggregator.normalise.folder_names import folder_key, folder_name
from aggregator.normalise.text import cut

if TYPE_CHECKING:
    from aggregator.rules.query import Query
    from aggregator.rules.rule import Rule, RuleSet

# The language of queries is imported only where a query is read: a config without rules needs neither its
# regexes nor an HTML parser.

__all__ = [
    "BRING_CATEGORIES",
    "EXPLAINED",
    "RuleSettings",
    "SavedFeed",
    "StoriesSettings",
    "doubtful_names",
    "rule_set",
    "unknown_names",
]

EXPLAINED = frozenset(("when", "query", "then"))
"""Keys whose error messages show already what was written."""

ALL = "all"
MAX_NAME = 200
MAX_SUGGESTIONS = 20
"""The number of unknown names for which a similar one is suggested: with 1,000 sources each takes 50 ms."""
BRING_CATEGORIES = frozenset(("articles", "exec", "opml"))
"""Kinds of sources that may bring categories which the config does not name."""


def _query(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("write a query in quotes, such as 'title:tea'")  # noqa: TRY004 - pydantic's rule
    from aggregator.rules.query import parse

    try:
        return parse(value).text
    except QueryError as error:
        raise ValueError(str(error)) from error


def _then(value: Any) -> Any:
    from aggregator.rules.actions import parse

    parse(value)
    return value


QueryText = Annotated[str, BeforeValidator(_query)]
Name = Annotated[Category, Field(max_length=MAX_NAME)]


class RuleSettings(Settings):
    """One `[[rules]]` table: the action (`then`) for articles that match a query (`when`).

    `sources` and `categories` limit it; empty means all. `then` is an action, a table of actions with their
    values, or a list of both (docs/choosing.md).
    """

    name: Name
    when: QueryText
    then: Annotated[Any, AfterValidator(_then)]
    sources: tuple[str, ...] = Field(default=(), strict=False)
    categories: tuple[Category, ...] = Field(default=(), strict=False)

    @property
    def rule(self) -> Rule:
        """The settings as a rule."""
        from aggregator.rules.rule import rule_of

        return rule_of(
            name=self.name,
            when=self.when,
            then=self.then,
            sources=self.sources,
            categories=self.categories,
        )


class SavedFeed(CategoryFeed):
    """One `[[feeds]]` table: a feed of all articles that match a query, published like a category's feed.

    `sort`: newest first, best match of the query's words first, or the story with the most sources first.
    """

    name: Name
    query: QueryText
    sort: Literal["published", "relevance", "coverage"] = "published"

    @property
    def parsed(self) -> Query:
        """The parsed query."""
        from aggregator.rules.query import parse

        return parse(self.query)


class StoriesSettings(Settings):
    """The `[stories]` table. `find`: whether new articles are compared with those of other sources."""

    find: bool = True


def rule_set(rules: Iterable[RuleSettings], feeds: Iterable[SavedFeed]) -> RuleSet:
    """The config's rules and saved feeds, ready to be applied."""
    from aggregator.rules.rule import RuleSet

    return RuleSet((settings.rule for settings in rules), (feed.name for feed in feeds))


class _Names:
    """The names that a config defines, and those that its rules and feeds use."""

    def __init__(
        self,
        rules: Sequence[RuleSettings],
        feeds: Sequence[SavedFeed],
        sources: Sequence[Source],
        publish: Publish,
        further: Iterable[str],
    ) -> None:
        self._suggestions = MAX_SUGGESTIONS
        self.rules = [(f"rules[{n}]", settings, settings.rule) for n, settings in enumerate(rules, 1)]
        self.feeds = [(f"feeds[{n}]", feed) for n, feed in enumerate(feeds, 1)]
        self.publish = publish
        self.sources = {source.name for source in sources}
        self.saved = {feed.name for feed in feeds}
        posts = (publish.posts.categories if publish.posts else None) or ()
        of_sources = (name for source in sources for name in source.categories)
        filed = (name for *_, rule in self.rules for action in rule.actions for name in action.files_under)
        self.categories = {*of_sources, *publish.categories, *posts, *further, *filed} - self.saved
        kinds = {source.kind for source in sources}
        self.lists_bring_sources = "opml" in kinds
        self.documents_bring_categories = not kinds.isdisjoint(BRING_CATEGORIES)

    def unknown_sources(self) -> Iterator[str]:
        """A mistake for each use of a source name that the config does not define."""
        for place, settings, _ in self.rules:
            yield from self._unknown(
                f"{place}.sources (rule {settings.name!r})", settings.sources, self.sources
            )
        for place, feed in self.feeds:
            yield from self._unknown(
                f"{place}.priority (feed {feed.name!r})", feed.priority or (), self.sources
            )
        for name, category in self.publish.categories.items():
            place = f"publish.categories.{name}.priority"
            yield from self._unknown(place, category.priority or (), self.sources)
        yield from self._unknown("publish.all.priority", self.publish.all.priority or (), self.sources)

    def unknown_feeds(self) -> Iterator[str]:
        """A mistake for each use of a name that is neither a category nor a saved feed."""
        known = self.categories | self.saved | {ALL}
        what = "category or saved feed"
        for place, settings, rule in self.rules:
            where = f"(rule {settings.name!r})"
            yield from self._unknown(f"{place}.categories {where}", settings.categories, known, what)
            named = [name for action in rule.actions for name in action.feeds]
            yield from self._unknown(f"{place}.then {where}", named, known, what)

    def _unknown(
        self, place: str, names: Iterable[str], known: Collection[str], what: str = "source"
    ) -> Iterator[str]:
        for name in names:
            if name in known:
                continue
            near = []
            if self._suggestions and len(name) <= MAX_NAME:
                self._suggestions -= 1
                near = difflib.get_close_matches(name, known, n=1)
            named = cut(name, MAX_NAME)
            yield f"{place}: no {what} is named {named!r}" + (f"; did you mean {near[0]!r}?" if near else "")

    def misplaced(self) -> Iterator[str]:
        """Mistakes for saved feeds and `all` used where only a category is allowed."""
        queries = self.saved | {ALL}
        for place, settings, rule in self.rules:
            for name in (name for action in rule.actions for name in action.files_under if name in queries):
                filled = (
                    "it contains every article" if name == ALL else "only its query decides what is in it"
                )
                yield f"{place}.then (rule {settings.name!r}): nothing can be filed under {name!r}: {filled}"
            if not all(action.is_of_feeds for action in rule.actions):
                for name in filter(queries.__contains__, settings.categories):
                    yield (
                        f"{place}.categories (rule {settings.name!r}): {name!r} is not a category; only "
                        "drop, keep-only and rewrite can be limited to saved feeds and to all"
                    )

    def colliding(self) -> Iterator[str]:
        """Mistakes for saved feeds that would have the same folder as another feed."""
        folders = {_folder(name): f"the category {name!r}" for name in sorted(self.categories)}
        for place, feed in self.feeds:
            if folder_key(feed.name) == ALL:
                yield f"{place}.name: {feed.name!r} is the feed of everything; choose another name"
                continue
            first = folders.setdefault(_folder(feed.name), f"the saved feed {feed.name!r}")
            if first != f"the saved feed {feed.name!r}":
                yield (
                    f"{place}.name: {feed.name!r} would have the folder of {first} "
                    f"({folder_name(feed.name)}/); choose another name"
                )


def unknown_names(
    rules: Sequence[RuleSettings],
    feeds: Sequence[SavedFeed],
    sources: Sequence[Source],
    publish: Publish,
    further: Iterable[str] = (),
) -> Iterator[str]:
    """Mistakes for names in rules and feeds that are not defined or not allowed, each with its key.

    `further` are categories named elsewhere. If a list may add sources, or documents may add categories,
    unknown ones are not mistakes; `doubtful_names` returns them.
    """
    if not rules and not feeds and not publish.has_priorities:
        return
    names = _Names(rules, feeds, sources, publish, further)
    if not names.lists_bring_sources:
        yield from names.unknown_sources()
    if not names.documents_bring_categories:
        yield from names.unknown_feeds()
    yield from names.misplaced()
    yield from names.colliding()


def doubtful_names(
    rules: Sequence[RuleSettings],
    feeds: Sequence[SavedFeed],
    sources: Sequence[Source],
    publish: Publish,
    further: Iterable[str] = (),
) -> Iterator[str]:
    """Names in rules and feeds that the config does not define, but that a list or a document may add."""
    names = _Names(rules, feeds, sources, publish, further)
    if names.lists_bring_sources:
        yield from (f"{each} (a list may name it)" for each in names.unknown_sources())
    if names.documents_bring_categories:
        yield from (f"{each} (an article may name it)" for each in names.unknown_feeds())


def _folder(name: str) -> str:
    return folder_key(folder_name(name))
