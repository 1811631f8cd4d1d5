"""`rsshub:` addresses: a route of RSSHub, asked of one instance after the other until one answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import md5

from aggregator import errors
from aggregator.config.load import RsshubInstance
from aggregator.fetch.retrieve import Fetched, NotModified, Validators

Get = Callable[[str, Validators, str], Fetched | NotModified]
"""GETs an address, conditionally, with a secret for its query. Raises FetchError."""


class Rsshub:
    """The instances of the config; safe to use from several threads.

    The one that answered last is asked first: for this source, else for any.
    """

    def __init__(self, instances: Sequence[RsshubInstance]) -> None:
        self._instances = {instance.url.rstrip("/"): instance for instance in instances}
        self._healthy = ""
        self._lock = threading.Lock()

    def fetch(self, address: str, validators: Validators, get: Get) -> Fetched | NotModified:
        """What the first instance that has it gives for `rsshub://route`. Raises FetchError when none has.

        Validators count for the instance that gave them. That an instance has moved is nothing that the
        source's address could follow.
        """
        if not self._instances:
            raise errors.BadAddress(
                "no instance of RSSHub is known", url=address, advice="name some in fetch.rsshub"
            )
        route = "/" + address.removeprefix("rsshub:").lstrip("/")
        failed: list[errors.FetchError] = []
        for instance in self._in_turn(validators.get("instance", "")):
            known = validators if validators.get("instance") == instance else {}
            try:
                fetched = get(instance + route, known, _code(self._instances[instance], route))
            except errors.FetchError as error:
                failed.append(error)
                continue
            with self._lock:
                self._healthy = instance
            return replace(
                fetched,
                validators={**fetched.validators, "instance": instance},
                hints=replace(fetched.hints, moved_to=None),
            )
        raise _of_all(failed, address)

    def _in_turn(self, last: str) -> list[str]:
        with self._lock:
            first = [instance for instance in (last, self._healthy) if instance in self._instances]
        return list(dict.fromkeys([*first, *self._instances]))


def _code(instance: RsshubInstance, route: str) -> str:
    """What an instance with an access key asks for: a hash of the key and the path that it sees, or "".

    Sent instead of the key, it opens this one route alone.
    """
    if instance.key is None:
        return ""
    path = route.partition("?")[0].partition("#")[0]
    wanted = f"{path}{instance.key.get_secret_value()}".encode()
    return f"code={md5(wanted, usedforsecurity=False).hexdigest()}"


def _of_all(failed: Sequence[errors.FetchError], address: str) -> errors.FetchError:
    """The failure of the whole: one that asks us to come later counts before one that says what is wrong."""
    worst = next((error for error in failed if isinstance(error, errors.Later)), failed[0])
    if len(failed) > 1:
        told = "; ".join(f"{error.url}: {error.reason}" for error in failed)
        worst.reason = f"none of {len(failed)} instances gave it: {told}"
    worst.url = address
    return worst
