"""The data for the pages of the whole site: every category and every source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from aggregator.config.load import Config, PageSettings, Source
from aggregator.model.struct import Struct, field, replace
from aggregator.normalise.secrets_in_addresses import without_keys
from aggregator.publishing.calendar_months import months_of
from aggregator.publishing.copies_in_articles import copies_of
from aggregator.publishing.member_pictures import MemberPictures
from aggregator.publishing.outputs import FeedOutput, items_with
from aggregator.publishing.public_addresses import PublicAddresses
from aggregator.publishing.public_errors import public_advice, public_error
from aggregator.schedule.health import SourceHealth, judge
from aggregator.store import ALL, OF_SOURCE, Store, StoredArticle
from aggregator.writers.channel import FollowedSource, OutputFormat, Overview, Section
from aggregator.writers.page_look import PageLook

NEWEST = 3
SHOWN = 24
"""How many categories are shown with their newest articles; the others only by name and number.

A page with entries of a thousand categories is of no use, and making it took ten times as long as a feed.
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SectionCache(Struct):
    """A cache that a publication leaves for the next one in the same process.

    - `look`: the look of the sections.
    - `sections`: by category, each with the feed's generation that it shows, and whether with newest
      articles.
    - `folder_times`: the times of folders in which every file was as it should be.
    """

    look: str = ""
    folder_times: dict[str, tuple[int, int]] = field(default_factory=dict)
    sections: dict[str, tuple[tuple[int, bool], Section]] = field(default_factory=dict)

    def hold_to(self, look: str) -> None:
        """Deletes sections that were made with another look."""
        if self.look != look:
            self.look, self.sections = look, {}


def overview(
    *,
    outputs: Sequence[FeedOutput],
    sources: Sequence[Source],
    store: Store,
    config: Config,
    seen: datetime | None,
    shown: Collection[str] | None,
    further: int,
    files: tuple[str, ...],
    formats: tuple[OutputFormat, ...],
    version: str,
    disclosure: PublicAddresses,
    cache: SectionCache,
    look: PageLook,
    faces: MemberPictures,
) -> Overview:
    """Returns the whole site: the sections of these outputs, and these sources (empty if they are not
    needed).

    - `seen`: the newest poll of any source, against which the health of sources is judged.
    - `shown`: the names of the sources; None if the store has no others.
    - `further`: the number of other sources.
    """
    site = config.site
    # Feeds of single sources are on the page of members.
    feeds = [output for output in outputs if output.feed.kind != "source"]
    sections = _sections(feeds, store, cache) if feeds else ()
    everything = next((output for output in feeds if output.feed.name == ALL), None)
    return Overview(
        title=site.title,
        description=site.description,
        link=f"{site.url.rstrip('/')}/" if site.url else "",
        updated=max((section.updated for section in sections), default=_EPOCH),
        sections=sections,
        followed=_followed(store, sources, seen, disclosure, config.publish.pages, shown, faces)
        if sources
        else (),
        further=further,
        seen=seen,
        files=files,
        formats=formats,
        language=site.language,
        image=site.image,
        generator_version=version,
        search="search" if config.serve.search else "",
        look=look,
        months=months_of(everything, store, site.timezone) if look.calendar and everything else (),
    )


def _sections(outputs: Sequence[FeedOutput], store: Store, cache: SectionCache) -> tuple[Section, ...]:
    latest = sorted(outputs, key=lambda output: (output.feed.name != ALL, -_moment(output)))
    shown = {output.feed.name for output in latest[: SHOWN + 1]}
    old, cache.sections = cache.sections, {}
    changed = []
    for output in outputs:
        name, mark = output.feed.name, (output.feed.generation, output.feed.name in shown)
        known = old.get(name)
        if known is not None and known[0] == mark:
            cache.sections[name] = known
        else:
            changed.append(output)
    newest = store.feeds.newest_few([o.feed.name for o in changed if o.feed.name in shown], NEWEST)
    for output in changed:
        name = output.feed.name
        section = _section(output, newest.get(name, ()), store)
        cache.sections[name] = ((output.feed.generation, name in shown), section)
    return tuple(cache.sections[output.feed.name][1] for output in outputs)


def _moment(output: FeedOutput) -> float:
    return output.feed.changed.timestamp()


def _section(output: FeedOutput, kept: Sequence[StoredArticle], store: Store) -> Section:
    feed = output.feed
    newest = items_with(output, kept, {}, copies_of(kept, store, output.config))
    return Section(
        category=None if feed.name == ALL else feed.name,
        title=output.title,
        description=output.description,
        folder=output.folder,
        files=output.files,
        total=feed.total,
        updated=max((item.updated for item in newest), default=feed.changed.replace(microsecond=0)),
        newest=newest,
        link=output.url,
        name=output.settings.title or "",
    )


def _followed(
    store: Store,
    followed: Sequence[Source],
    seen: datetime | None,
    disclosure: PublicAddresses,
    pages: PageSettings,
    names: Collection[str] | None,
    faces: MemberPictures,
) -> tuple[FollowedSource, ...]:
    """Returns the sources, in their order; `names`: their names, None if the store has no others."""
    healths = {health.name: health for health in store.sources.health(names)}
    sites = store.sources.sites(names)
    of_feeds = store.sources.faces(names) if pages.members else {}
    own = {feed.name: feed.folder or "" for feed in store.feeds.all()} if pages.sources else {}
    made = []
    for source in followed:
        if (health := healths.get(source.name)) is None:
            continue
        url = disclosure.address(source, health.moved_to)
        face, face_file = faces.shown(source, disclosure.site(source, of_feeds.get(source.name)))
        made.append(
            FollowedSource(
                health=_public(judge(health, seen or _EPOCH), url),
                categories=source.categories,
                url=url,
                link=disclosure.site(source, sites.get(source.name)),
                published=health.schedule.published,
                page=own.get(OF_SOURCE + source.name, ""),
                face=face,
                face_file=face_file,
            )
        )
    return tuple(made)


def _public(found: SourceHealth, url: str | None) -> SourceHealth:
    """Returns the health of a source as it is published; `url`: where anyone can follow it, None for
    nowhere.
    """
    return replace(
        found,
        # An OPML list may use the addresses of feeds as their names.
        name=without_keys(found.name) if "://" in found.name else found.name,
        address=url or "",
        moved_to=found.moved_to and url,
        error=public_error(found.error, found.advice),
        advice=public_advice(found.advice),
    )
