"""A subscription list against what is followed already: which sources to add, and what is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggregator.article import Problem
from aggregator.config import Source
from aggregator.opml import MAX_NAME, Subscription, SubscriptionList, without_login

__all__ = ["Plan", "followed", "followed_as", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The `[[sources]]` to add, and why each of the others is not."""

    new: tuple[Mapping[str, object], ...]
    problems: tuple[Problem, ...] = ()


def plan(found: SubscriptionList, sources: Sequence[Source]) -> Plan:
    """What of a list is not followed yet, as `[[sources]]` with names that no other has.

    Two addresses are the same feed when they differ in nothing but http and https, the case of the host, a
    default port, a fragment or a slash at the end. A feed without a title is named after its host.
    """
    taken = {source.name for source in sources}
    known = {_key(source.url): source.name for source in sources if source.url}
    new: list[Mapping[str, object]] = []
    problems: list[Problem] = [*found.problems]
    for subscription in found.subscriptions:
        key = _key(subscription.url)
        if (name := known.get(key)) is not None:
            problems.append(Problem(text=f"is followed already, as {name!r}", where=subscription.url))
            continue
        name = _unlike(subscription.title or urlsplit(subscription.url).hostname or "feed", taken)
        taken.add(name)
        known[key] = name
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
    """The name of the source that follows this address, as `plan` compares them; None when none does."""
    key = _key(url)
    return next((source.name for source in sources if source.url and _key(source.url) == key), None)


def followed(sources: Sequence[Source]) -> SubscriptionList:
    """The feeds among the sources, in their order; the others, and what may not leave, are told."""
    subscriptions = []
    problems = []
    for source in sources:
        if source.kind != "feed" or source.url is None or not source.url.startswith(("http:", "https:")):
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


def _key(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "").rstrip(".")
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    path = parts.path.rstrip("/")
    return f"{place}{path}?{parts.query}" if parts.query else f"{place}{path}"


def _unlike(name: str, taken: set[str]) -> str:
    """The name, numbered when another has it."""
    name = name[:MAX_NAME]
    number = 2
    candidate = name
    while candidate in taken:
        suffix = f" ({number})"
        candidate = name[: MAX_NAME - len(suffix)] + suffix
        number += 1
    return candidate
