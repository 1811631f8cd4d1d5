"""How each feed is published by the config: folder, id, formats and settings; and its channel to render."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from aggregator.config.load import CategoryFeed, Config
from aggregator.config.publishing import FeedChoice
from aggregator.config.rules import SavedFeed, rule_set
from aggregator.model.media_copies import MEDIA
from aggregator.model.struct import Struct, replace
from aggregator.normalise.folder_names import folder_name
from aggregator.publishing.copies_in_articles import NONE_SHOWN, ShownCopies, copies_of
from aggregator.publishing.public_addresses import PublicAddresses
from aggregator.publishing.rule_results import also_in, shown, story_key
from aggregator.publishing.sources_not_loaded import count_not_loaded
from aggregator.publishing.which_articles_have_pages import ArticlePages, pages_of
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.rule import RuleSet
from aggregator.store import ALL, OF_SOURCE, FeedRecord, Store, StoredArticle
from aggregator.writers.channel import Channel, Item, PageWriter, Writer, format_of
from aggregator.writers.page_look import USUAL_LOOK, PageLook

PAGES = "articles"
"""The folder of pages of single articles. A category's folder may have this name too: its files differ."""

_AS_THE_SITE = CategoryFeed()
_NOWHERE = CategoryFeed(formats=())


class FeedOutput(Struct, frozen=True, kw_only=True):
    """The folder, id, formats and settings of one published feed.

    - `folder`, `feed_id`: assigned once; they never change.
    - `writers`: by the names of their formats; `files`: the names of the files that they write.
    - `rules`: how articles are rendered in it.
    - `sources`: how many sources of the config have articles in it.
    - `damaged`: documents that differ from what the last publication wrote: numbers of archives, 0 for the
      feed.
    - `shows_stories`: of several articles of a story it shows one, and lists the others.
    - `pages`: which articles have their own pages; None if there are no such pages.
    - `look`: the look of the pages.
    """

    # There may be thousands, and a publication needs few of them: the rest is computed only when it is used.
    feed: FeedRecord
    folder: str
    feed_id: str
    writers: Mapping[str, Writer]
    files: tuple[str, ...]
    settings: CategoryFeed
    config: Config
    disclosure: PublicAddresses
    rules: RuleSet
    sources: int = 0
    damaged: frozenset[int] = frozenset()
    shows_stories: bool = False
    pages: ArticlePages | None = None
    look: PageLook = USUAL_LOOK

    @property
    def choice(self) -> FeedChoice:
        """Which of its articles it shows, by its settings."""
        return self.config.publish.all if self.feed.name == ALL else self.settings

    @property
    def is_selection(self) -> bool:
        """Whether it shows others than its newest articles; it has no archives then."""
        is_sorted = isinstance(self.settings, SavedFeed) and self.settings.sort != "published"
        return is_sorted or self.choice.limit_per_source is not None

    @property
    def archived(self) -> Mapping[str, Writer]:
        """The formats of its archives: by the config, else one for feed readers and those for people.

        Every feed reader that follows links to archives (RFC 5005) reads Atom and RSS.
        """
        if self.is_selection or not (chosen := self.config.publish.archives):
            return {}
        if isinstance(chosen, tuple):
            return {name: writer for name, writer in self.writers.items() if name in chosen}
        formats = {name: format_of(name, writer) for name, writer in self.writers.items()}
        feeds = [name for name, one in formats.items() if one.is_feed]
        read = min(feeds, key=lambda name: formats[name].preference, default=None)
        return {
            name: writer for name, writer in self.writers.items() if name == read or not formats[name].is_feed
        }

    @property
    def entries(self) -> int:
        """How many of its newest articles the feed shows."""
        return self.settings.entries or self.config.entries_per_feed

    @property
    def url(self) -> str:
        """The public address of its folder; "" if the site has none."""
        return public_url(self.config, self.folder)

    @property
    def title(self) -> str:
        """The title of the feed."""
        site = self.config.site.title
        if self.feed.name == ALL:
            return site
        return self.settings.title or f"{self.name} — {site}"

    @property
    def name(self) -> str:
        """The name of its category, saved feed or source; "" for the feed of everything."""
        return self.feed.name.removeprefix(OF_SOURCE) if self.feed.kind == "source" else self.feed.name

    @property
    def description(self) -> str:
        """The description of the feed."""
        return self.settings.description or self.config.site.description or self.title

    @property
    def language(self) -> str | None:
        """The language of the feed."""
        return self.settings.language or self.config.site.language

    @property
    def image(self) -> str | None:
        """The address of the feed's picture."""
        return self.settings.image or self.config.site.image or None

    def links(self, files: Sequence[str], folder: str = "") -> dict[str, str]:
        """Returns the public address of each of these files, in a subfolder `folder` that ends in "/";
        empty if the site has no address.
        """
        url = self.url
        return {file: f"{url}{folder}{file}" for file in files} if url else {}


def outputs(
    store: Store,
    config: Config,
    writers: Mapping[str, Writer],
    disclosure: PublicAddresses,
    *,
    gives: bool = True,
    look: PageLook = USUAL_LOOK,
) -> list[FeedOutput]:
    """Returns every feed's output. New feeds are assigned their folder and feed id if `gives`, else left
    out.
    """
    feeds = _in_order([feed for feed in store.feeds.all() if gives or feed.folder], config)
    given = _given(feeds, config)
    store.feeds.settle(given)
    usual = _chosen(config.publish.formats, writers)
    categories = config.publish.categories
    saved = {each.name: each for each in config.feeds}
    rules = rule_set(config.rules, config.feeds)
    sources = Counter(name for source in config.sources for name in {ALL, *source.categories})
    sources.update(count_not_loaded(store, config))
    with_stories = config.feeds_with_stories
    pages = pages_of(config, pages_address(config)) if page_writer(config, writers) is not None else None
    has_pages = pages is not None and (pages.sources or store.articles_with_pages.any())
    made = []
    for feed in feeds:
        settings = saved.get(feed.name) if feed.kind == "query" else categories.get(feed.name)
        settings = settings if settings is not None and feed.name else _AS_THE_SITE
        if feed.kind == "source":
            settings = _AS_THE_SITE if config.publish.pages.sources else _NOWHERE
        if not feed.total and feed.name != ALL and not config.publish.empty_categories:
            settings = _NOWHERE
        folder, feed_id = given.get(feed.name) or (feed.folder or "", feed.feed_id or "")
        chosen, files = usual if settings.formats is None else _chosen(settings.formats, writers)
        made.append(
            FeedOutput(
                feed=feed,
                folder=folder,
                feed_id=feed_id,
                writers=chosen,
                files=files,
                settings=settings,
                config=config,
                disclosure=disclosure,
                sources=1 if feed.kind == "source" else sources[feed.name],
                rules=rules,
                shows_stories=feed.name in with_stories,
                pages=pages if has_pages else None,
                look=look,
            )
        )
    return made


def _in_order(feeds: Sequence[FeedRecord], config: Config) -> list[FeedRecord]:
    """Returns the feed of everything, then categories in the order in which sources name them, then the rest.

    The order in which articles arrive is not used, because with several workers it is random.
    """
    names = dict.fromkeys([ALL, *(name for source in config.sources for name in source.categories)])
    places = {name: place for place, name in enumerate(names)}
    return sorted(feeds, key=lambda feed: places.get(feed.name, len(places)))


def _chosen(
    formats: Sequence[str], writers: Mapping[str, Writer]
) -> tuple[Mapping[str, Writer], tuple[str, ...]]:
    chosen = {name: writer for name, writer in writers.items() if name in formats}
    return chosen, tuple(writer.file_name for writer in chosen.values())


def _given(feeds: Sequence[FeedRecord], config: Config) -> dict[str, tuple[str, str]]:
    """Assigns a folder and a feed id to each feed that has none yet."""
    taken = [feed.folder for feed in feeds if feed.folder]
    taken += [MEDIA] if config.publish.media else []
    given = {}
    for feed in feeds:
        if feed.folder is None:
            name = f"source-{feed.name.removeprefix(OF_SOURCE)}" if feed.kind == "source" else feed.name
            folder = "all" if feed.name == ALL else folder_name(name, taken)
            taken.append(folder)
            given[feed.name] = (folder, _feed_id(config, feed.name, folder))
    return given


def public_url(config: Config, folder: str, file_name: str = "") -> str:
    """Returns the public address of a file in a feed's folder; "" if the config has no public address."""
    return f"{config.site.url.rstrip('/')}/{quote(folder)}/{file_name}" if config.site.url else ""


def page_writer(config: Config, writers: Mapping[str, Writer]) -> PageWriter | None:
    """Returns the writer of pages of single articles; None if no such format is chosen."""
    chosen = (writer for name, writer in writers.items() if name in config.all_formats)
    return next((writer for writer in chosen if isinstance(writer, PageWriter)), None)


def pages_address(config: Config) -> str:
    """Returns the public address of the folder with articles' pages; "" if the site has no address."""
    return public_url(config, PAGES)


def page_of(uid: str) -> str:
    """Returns the path of an article's page in the output folder; made from its published id, so it never
    changes.
    """
    return f"{PAGES}/{blake2b(uid.encode('utf-8', 'surrogatepass'), digest_size=12).hexdigest()}.html"


def items(
    kept: Iterable[StoredArticle],
    disclosure: PublicAddresses,
    rules: RuleSet,
    feed: str = ALL,
    others: Mapping[int, Sequence[StoredArticle]] = MappingProxyType({}),
    pages: ArticlePages | None = None,
    copies: ShownCopies = NONE_SHOWN,
) -> tuple[Item, ...]:
    """Returns stored articles as they are published in a feed.

    - `others`: other articles about the same stories, by the number of each article.
    - `pages`: as in `FeedOutput`. An article without a link gets the address of its page as its link.
    """
    made = []
    for k in kept:
        article, key = shown(k, rules, feed or EVERYTHING)
        also = also_in(told, rules, feed or EVERYTHING) if (told := others.get(k.pk)) else ()
        if also or copies.by_revision:
            key += story_key(also) + copies.key(k.revision)
        if (known := k.made.get(key)) is not None:
            made.append(known)
            continue
        page = page_of(k.uid) if pages is not None and pages.has(article) else ""
        if page and pages is not None and pages.at and not article.link:
            article = replace(article, link=f"{pages.at}{page.removeprefix(f'{PAGES}/')}")
        k.made[key] = item = Item(
            id=k.uid,
            article=disclosure.shown(copies.shown(article, k.revision)),
            published=_in_seconds(k.published),
            updated=_in_seconds(k.updated),
            also_in=also,
            page=page,
            is_letter=pages is not None and article.source in pages.letters,
        )
        made.append(item)
    return tuple(made)


def _in_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0) if moment.microsecond else moment


def items_of(output: FeedOutput, kept: Sequence[StoredArticle], store: Store) -> tuple[Item, ...]:
    """Returns articles as they are published in this feed, with others of their stories if it shows these."""
    others = store.stories.others([each.pk for each in kept]) if output.shows_stories else {}
    return items_with(output, kept, others, copies_of(kept, store, output.config))


def items_with(
    output: FeedOutput,
    kept: Iterable[StoredArticle],
    others: Mapping[int, Sequence[StoredArticle]],
    copies: ShownCopies = NONE_SHOWN,
) -> tuple[Item, ...]:
    """Returns articles as they are published in this feed; `others`: those about the same stories, by
    number.
    """
    return items(kept, output.disclosure, output.rules, output.feed.name, others, output.pages, copies)


def channel(output: FeedOutput, showing: tuple[Item, ...], version: str) -> Channel:
    """Returns the channel of this feed with these articles, without links to archives."""
    feed = output.feed
    return Channel(
        id=output.feed_id,
        title=output.title,
        description=output.description,
        category=None if feed.name == ALL else output.name,
        link=output.url,
        self_links=output.links(output.files),
        files=output.files,
        formats=tuple(format_of(name, writer) for name, writer in output.writers.items()),
        archived=tuple(writer.file_name for writer in output.archived.values()),
        updated=max((item.updated for item in showing), default=feed.changed.replace(microsecond=0)),
        items=showing,
        language=output.language,
        image=output.image,
        hubs=output.config.publish.hubs,
        total=feed.total,
        extra=description_of_only_source(showing, output),
        generator_version=version,
        search="../search" if output.config.serve.search else "",
        site=output.config.site.title,
        look=output.look,
    )


def description_of_only_source(shown: Sequence[Item], output: FeedOutput) -> Mapping[str, Any]:
    """Returns what the only source of a category says about itself; nothing if there are several sources."""
    is_one = output.sources <= 1 and len({item.article.source for item in shown}) == 1
    return shown[0].article.origin.extra if is_one else {}


def _feed_id(config: Config, name: str, folder: str) -> str:
    """Returns a feed's id (RFC 4287 §4.2.6): its public address at this time, else a UUID made from its
    name.
    """
    if config.site.url:
        return public_url(config, folder)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{config.site.title}\n{name}").urn
