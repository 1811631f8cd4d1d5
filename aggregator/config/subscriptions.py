"""Compares a subscription list with the existing sources: what to add, and the problems. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.adapters.opml.outlines import MAX_NAME, MAX_PROBLEMS
from aggregator.config.load import Source
from aggregator.model.article import Problem
from aggregator.model.entry import Subscription, SubscriptionList
from aggregator.model.struct import Struct
from aggregator.normalise.links import without_login

__all__ = ["Listed", "Plan", "address_key", "followed", "followed_as", "plan", "unused_name", "with_listed"]


class Plan(Struct, frozen=True, kw_only=True):
    """The `[[sources]]` tables to add, and a problem for each feed that is not added."""

    new: tuple[Mapping[str, object], ...]
    problems: tuple[Problem, ...] = ()


class Listed(Struct, frozen=True, kw_only=True):
    """A feed of a list among the sources: the list's name, and the feed's own name as a source.

    `is_missing`: the list did not contain it at its last reading.
    """

    list: str
    name: str
    subscription: Subscription
    is_missing: bool = False


def with_listed(
    sources: Sequence[Source], listed: Sequence[Listed]
) -> tuple[tuple[Source, ...], Mapping[str, tuple[Problem, ...]]]:
    """The config's sources followed by those that their lists name, and for each list its problems.

    Each feed is followed once: with the config's settings, else with those of the first list. It has the
    list's settings except those for the list's origin: headers, auth, cookie, TLS.
    """
    of_lists = {source.name: source for source in sources}
    known = {address_key(source.url): source.name for source in sources if source.url}
    taken = {source.name for source in sources}
    every = [*sources]
    reported: dict[str, list[Problem]] = {}
    order = {name: number for number, name in enumerate(of_lists)}
    for each in sorted((each for each in listed if each.list in of_lists), key=lambda each: order[each.list]):
        url = each.subscription.url
        problems = reported.setdefault(each.list, [])
        if (name := known.get(address_key(url))) is not None:
            problems.append(Problem(text=f"is followed already, as {name!r}", where=url))
            continue
        if each.name in taken:
            problems.append(Problem(text=f"a source of the config has its name {each.name!r}", where=url))
            continue
        if each.is_missing:
            text = "is missing from the list: it is removed if the next poll does not find it either"
            problems.append(Problem(text=text, where=each.name))
        try:
            every.append(_source(each, of_lists[each.list]))
        except ValueError:
            problems.append(Problem(text="not an address that can be followed: left out", where=url))
            continue
        known[address_key(url)] = each.name
    return tuple(every), {name: _bounded(problems) for name, problems in reported.items()}


def _source(listed: Listed, of_list: Source) -> Source:
    subscription = listed.subscription
    return Source(
        name=listed.name,
        url=subscription.url,
        link=subscription.link,
        categories=tuple(dict.fromkeys((*of_list.categories, *subscription.categories))),
        author=of_list.author,
        timezone=of_list.timezone,
        full_text=of_list.full_text,
        robots=of_list.robots,
        private=of_list.private,
        priority=of_list.priority,
        interval=of_list.interval,
        adaptive=of_list.adaptive,
        enabled=of_list.enabled,
        retention=of_list.retention,
        proxy=of_list.proxy,
        user_agent=of_list.user_agent,
    )


def _bounded(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    return (*problems[:MAX_PROBLEMS], Problem(text=f"and {len(problems) - MAX_PROBLEMS} more"))


def plan(found: SubscriptionList, sources: Sequence[Source]) -> Plan:
    """The feeds of a list that are not followed yet, as `[[sources]]` tables with unique names.

    Two addresses are the same feed when they differ only in http and https, the case of the host, a default
    port, a fragment or a slash at the end. A feed without a title is named after its host.
    """
    taken = {source.name for source in sources}
    known = {address_key(source.url): source.name for source in sources if source.url}
    new: list[Mapping[str, object]] = []
    problems: list[Problem] = [*found.problems]
    for subscription in found.subscriptions:
        of_feed = address_key(subscription.url)
        if (name := known.get(of_feed)) is not None:
            problems.append(Problem(text=f"is followed already, as {name!r}", where=subscription.url))
            continue
        name = unused_name(subscription.title or urlsplit(subscription.url).hostname or "feed", taken)
        taken.add(name)
        known[of_feed] = name
        new.append(
            {
                "name": name,
                "url": subscription.url,
                "categories": [*subscription.categories] or None,
                "link": subscription.link,
            }
        )
    return Plan(new=tuple(new), problems=tuple(problems))


def followed_as(url: str, sources: Sequence[Source]) -> str | None:
    """The name of the source that follows this address, as `plan` compares them; None if there is none."""
    of_feed = address_key(url)
    return next(
        (source.name for source in sources if source.url and address_key(source.url) == of_feed), None
    )


def followed(sources: Sequence[Source]) -> SubscriptionList:
    """The feeds among the sources, in order, for export.

    A problem for each source or login that is left out.
    """
    subscriptions = []
    problems = []
    for source in sources:
        if (
            not source.kind_of.has_public_address
            or source.url is None
            or not source.url.startswith(("http:", "https:"))
        ):
            problems.append(
                Problem(text="no feed with an http or https address: left out", where=source.name)
            )
            continue
        if without_login(source.url) != source.url:
            problems.append(Problem(text="written without the login in its address", where=source.name))
        subscriptions.append(
            Subscription(
                url=source.url, title=source.name, link=source.link or None, categories=source.categories
            )
        )
    return SubscriptionList(subscriptions=tuple(subscriptions), problems=tuple(problems))


@lru_cache(maxsize=4_096)  # an import calls it several times for each feed
def address_key(url: str) -> str:
    """The key of an address: equal for two addresses of the same feed (see `plan`)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "").rstrip(".")
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    path = parts.path.rstrip("/")
    return f"{place}{path}?{parts.query}" if parts.query else f"{place}{path}"


def unused_name(name: str, taken: set[str]) -> str:
    """The name, numbered if another source has it."""
    name = name[:MAX_NAME]
    number = 2
    candidate = name
    while candidate in taken:
        suffix = f" ({number})"
        candidate = name[: MAX_NAME - len(suffix)] + suffix
        number += 1
    return candidate
