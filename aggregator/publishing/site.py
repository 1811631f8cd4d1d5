"""The whole site as its own pages and lists show it: every category, every source that is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aggregator.config.load import Config, Source
from aggregator.publishing.outputs import Outlet, items
from aggregator.schedule import decide as schedule
from aggregator.schedule.health import PollRecord, SourceHealth, judge
from aggregator.store import ALL, Kept, Store
from aggregator.writers.channel import Followed, Overview, Section

NEWEST = 3
SHOWN = 24
"""So many categories are shown with their newest articles, those that changed last; the others by name and
number. Nobody reads a page of a thousand categories' entries, and making it took ten times a feed's time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Recall:
    """What one publication leaves for the next one of the same process: sections that are still right.

    `sections` are by category, each with the generation that it shows and whether with its newest articles,
    all of them in this `look`.
    """

    look: str = ""
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
    version: str,
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
        followed=_followed(store, sources, seen) if sources else (),
        seen=seen,
        files=files,
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
    newest = store.newest_few([o.category.name for o in changed if o.category.name in shown], NEWEST)
    for outlet in changed:
        name = outlet.category.name
        section = _section(outlet, newest.get(name, ()))
        recall.sections[name] = ((outlet.category.generation, name in shown), section)
    return tuple(recall.sections[outlet.category.name][1] for outlet in outlets)


def _moment(outlet: Outlet) -> float:
    return outlet.category.changed.timestamp()


def _section(outlet: Outlet, kept: Sequence[Kept]) -> Section:
    category, newest = outlet.category, items(kept)
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


def _followed(store: Store, followed: Sequence[Source], seen: datetime | None) -> tuple[Followed, ...]:
    """The sources, in their order."""
    healths = {health.name: health for health in store.health()}
    sites = store.sites()
    return tuple(
        Followed(
            health=_public(judge(health, seen or _EPOCH), source),
            categories=source.categories,
            url=_subscribable(source, health),
            link=sites.get(source.name),
            published=schedule.PollState.remembered(health.schedule).published,
        )
        for source in followed
        if (health := healths.get(source.name)) is not None
    )


def _subscribable(source: Source, health: PollRecord) -> str | None:
    """Where anybody can follow the source; None for what needs a login, headers or certificates of ours."""
    is_web = source.url is not None and source.url.startswith(("http://", "https://"))
    if source.kind != "feed" or source.is_bound or not is_web:
        return None
    return health.moved_to or source.url


def _public(found: SourceHealth, source: Source) -> SourceHealth:
    """The health of a source, without what is nobody else's: logins, mailboxes, places on this machine."""
    address = source.address
    host = ""
    if source.kind == "mail" and not source.is_local:
        host = urlsplit(address).hostname or ""
    elif not source.is_local and "@" not in address:
        return found
    secret = address if host or source.is_local else f"{urlsplit(address).netloc.rpartition('@')[0]}@"

    def told(text: str | None) -> str | None:
        return text and text.replace(secret, "").replace(host or secret, "")

    return replace(
        found,
        address=told(found.address) or "",
        moved_to=told(found.moved_to),
        error=told(found.error),
        advice=told(found.advice),
    )
