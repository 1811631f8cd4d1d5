"""Kind `rsshub`: a route of RSSHub, `rsshub://cls/depth/1000`, fetched from the config's instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from typing import Any

from aggregator import errors
from aggregator.adapters.feed.document import KIND as FEED
from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.model.retrieved import Fetched, NotModified, Validators
from aggregator.model.struct import replace

# The instance that responded last, for each list of instances.
_answered: dict[tuple[str, ...], str] = {}


def _check(source: RetrievedSource, setting: Callable[[str], Any]) -> None:
    if not setting("rsshub"):
        raise errors.BadAddress(
            "no instance of RSSHub is known", url=source.address, advice="name some in fetch.rsshub"
        )


def retrieve(source: RetrievedSource, validators: Validators, transport: Transport) -> Fetched | NotModified:
    """Fetches from the first instance that has the route. Raises FetchError if none has.

    The one that responded last for this source, else for any, is asked first. Validators are only sent to the
    instance that returned them. A permanent redirect of an instance does not change the source's address.
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
    """The access code for an instance with a key: a hash of the path and the key, or "".

    It is sent instead of the key, and is valid for this one route only.
    """
    if key is None:
        return ""
    path = route.partition("?")[0].partition("#")[0]
    wanted = f"{path}{key.get_secret_value()}".encode()
    return f"code={md5(wanted, usedforsecurity=False).hexdigest()}"


def _of_all(failed: Sequence[errors.FetchError], address: str) -> errors.FetchError:
    """The error for all instances: one that asks us to come later is preferred to one that says what is
    wrong.
    """
    worst = next((error for error in failed if isinstance(error, errors.Later)), failed[0])
    if len(failed) > 1:
        reasons = "; ".join(f"{error.url}: {error.reason}" for error in failed)
        worst.reason = f"none of {len(failed)} instances gave it: {reasons}"
    worst.url = address
    return worst


KIND = Kind(read=FEED.read, schemes=("rsshub",), retrieve=retrieve, check=_check)
