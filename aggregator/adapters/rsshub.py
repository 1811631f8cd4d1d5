"""Kind `rsshub`: a route of RSSHub, `rsshub://cls/depth/1000`, asked of the config's instances in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import md5
from typing import Any

from aggregator import errors
from aggregator.adapters.feed.document import KIND as FEED
from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.model.retrieved import Fetched, NotModified, Validators

# The instance that answered last, for each list of instances.
_answered: dict[tuple[str, ...], str] = {}


def _check(source: RetrievedSource, setting: Callable[[str], Any]) -> None:
    if not setting("rsshub"):
        raise errors.BadAddress(
            "no instance of RSSHub is known", url=source.address, advice="name some in fetch.rsshub"
        )


def retrieve(source: RetrievedSource, validators: Validators, transport: Transport) -> Fetched | NotModified:
    """What the first instance that has the route gives. Raises FetchError when none has.

    The one that answered last is asked first: for this source, else for any. Validators count for the
    instance that gave them. That an instance has moved is nothing that the source's address could follow.
    """
    _check(source, transport.setting)
    instances: Mapping[str, Any] = {each.url.rstrip("/"): each.key for each in transport.setting("rsshub")}
    route = "/" + source.address.removeprefix("rsshub:").lstrip("/")
    names = tuple(instances)
    first = [str(name) for name in (validators.get("instance"), _answered.get(names)) if name in instances]
    failed: list[errors.FetchError] = []
    for name in dict.fromkeys([*first, *names]):
        known = validators if validators.get("instance") == name else {}
        try:
            fetched = transport.get(name + route, known, secret=_code(instances[name], route))
        except errors.FetchError as error:
            failed.append(error)
            continue
        _answered[names] = name
        return replace(
            fetched,
            validators={**fetched.validators, "instance": name},
            hints=replace(fetched.hints, moved_to=None),
        )
    raise _of_all(failed, source.address)


def _code(key: Any, route: str) -> str:
    """What an instance with an access key asks for: a hash of the path that it sees and the key, or "".

    Sent instead of the key, it opens this one route alone.
    """
    if key is None:
        return ""
    path = route.partition("?")[0].partition("#")[0]
    wanted = f"{path}{key.get_secret_value()}".encode()
    return f"code={md5(wanted, usedforsecurity=False).hexdigest()}"


def _of_all(failed: Sequence[errors.FetchError], address: str) -> errors.FetchError:
    """The failure of the whole: one that asks us to come later counts before one that says what is wrong."""
    worst = next((error for error in failed if isinstance(error, errors.Later)), failed[0])
    if len(failed) > 1:
        reasons = "; ".join(f"{error.url}: {error.reason}" for error in failed)
        worst.reason = f"none of {len(failed)} instances gave it: {reasons}"
    worst.url = address
    return worst


KIND = Kind(read=FEED.read, schemes=("rsshub",), retrieve=retrieve, check=_check)
