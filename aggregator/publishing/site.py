"""The whole site as its own pages and lists show it: every category, every source that is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aggregator.config.load import Config, Source
from aggregator.normalise.disclosure import without_keys
from aggregator.publishing.disclosure import Disclosure
from aggregator.publishing.outputs import Outlet, items
from aggregator.publishing.public_errors import public_advice, public_error
from aggregator.schedule.health import SourceHealth, judge
from aggregator.store import ALL, Kept, Store
from aggregator.writers.channel import Followed, OutputFormat, Overview, Section

NEWEST = 3
SHOWN = 24
"""So many categories are shown with their newest articles, those that changed last; the others by name and
number. Nobody reads a page of a thousand categories' entries, and making it took ten times a feed's time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Recall:
    """What one publication leaves for the next one of the same process.

    `sections` that are still right are by category, each with the generation that it shows and whether with
    its newest articles, all of them in this `look`. `folder_times` are those of the folders in which every
    file was as it should be.
    """

    look: str = ""
    folder_times: dict[str, tuple[int, int]] = field(default_factory=dict)
    sections: dict[str, tuple[tuple[int, bool], Section]] = field(default_factory=dict)

    def hold_to(self, look: str) -> None:
        """Forgets what was made in another look."""
        if self.look != look:
            self.look, self.sections = look, {}


def overview(
    *,
    outlets: Sequence[Outlet],
    sources: Sequence[Source],
    store: Store,
    config: Config,
    seen: datetime | None,
    files: tuple[str, ...],
    formats: tuple[OutputFormat, ...],
    version: str,
    disclosure: Disclosure,
    recall: Recall,
) -> Overview:
    """The whole site: the sections of these outlets, and these sources; none where nobody asks for them.

    `seen` is the newest poll of any source, by which sources are judged.
    """
    site = config.site
    sections = _sections(outlets, store, recall) if outlets else ()
    return Overview(
        title=site.title,
        description=site.description,
        link=f"{site.url.rstrip('/')}/" if site.url else "",
        updated=max((section.updated for section in sections), default=_EPOCH),
        sections=sections,
        followed=_followed(store, sources, seen, disclosure) if sources else (),
        seen=seen,
        files=files,
        formats=formats,
        language=site.language,
        image=site.image,
        generator_version=version,
    )


def _sections(outlets: Sequence[Outlet], store: Store, recall: Recall) -> tuple[Section, ...]:
    latest = sorted(outlets, key=lambda outlet: (outlet.category.name != ALL, -_moment(outlet)))
    shown = {outlet.category.name for outlet in latest[: SHOWN + 1]}
    old, recall.sections = recall.sections, {}
    changed = []
    for outlet in outlets:
        name, mark = outlet.category.name, (outlet.category.generation, outlet.category.name in shown)
        known = old.get(name)
        if known is not None and known[0] == mark:
            recall.sections[name] = known
        else:
            changed.append(outlet)
    newest = store.feeds.newest_few([o.category.name for o in changed if o.category.name in shown], NEWEST)
    for outlet in changed:
        name = outlet.category.name
        section = _section(outlet, newest.get(name, ()))
        recall.sections[name] = ((outlet.category.generation, name in shown), section)
    return tuple(recall.sections[outlet.category.name][1] for outlet in outlets)


def _moment(outlet: Outlet) -> float:
    return outlet.category.changed.timestamp()


def _section(outlet: Outlet, kept: Sequence[Kept]) -> Section:
    category, newest = outlet.category, items(kept, outlet.disclosure)
    return Section(
        category=None if category.name == ALL else category.name,
        title=outlet.title,
        description=outlet.description,
        folder=outlet.folder,
        files=outlet.files,
        total=category.total,
        updated=max((item.updated for item in newest), default=category.changed.replace(microsecond=0)),
        newest=newest,
        link=outlet.url,
    )


def _followed(
    store: Store, followed: Sequence[Source], seen: datetime | None, disclosure: Disclosure
) -> tuple[Followed, ...]:
    """The sources, in their order."""
    healths = {health.name: health for health in store.sources.health()}
    sites = store.sources.sites()
    made = []
    for source in followed:
        if (health := healths.get(source.name)) is None:
            continue
        url = disclosure.address(source, health.moved_to)
        made.append(
            Followed(
                health=_public(judge(health, seen or _EPOCH), url),
                categories=source.categories,
                url=url,
                link=disclosure.site(source, sites.get(source.name)),
                published=health.schedule.published,
            )
        )
    return tuple(made)


def _public(found: SourceHealth, url: str | None) -> SourceHealth:
    """The health of a source as strangers may read it; `url`: where they can follow it, None for nowhere."""
    return replace(
        found,
        # A list names its feeds as it likes, also by their addresses.
        name=without_keys(found.name) if "://" in found.name else found.name,
        address=url or "",
        moved_to=found.moved_to and url,
        error=public_error(found.error, found.advice),
        advice=public_advice(found.advice),
    )
