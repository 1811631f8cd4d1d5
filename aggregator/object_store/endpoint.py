"""The address of the object store, from the environment, and whether it may be reached."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from aggregator.config.load import Config
from aggregator.errors import BlockedAddress, FetchError, ObjectStoreError
from aggregator.fetch.guard import Guard

__all__ = ["Endpoint", "endpoint_of"]

_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""The first of them that is set counts."""

_LOOPBACK = "127.0.0.0/8", "::1"
_LOOKUP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server of the object store: `url` "" is AWS itself; `is_plain`: without TLS."""

    url: str = ""
    host: str = "the store of AWS"
    is_plain: bool = False


def endpoint_of(config: Config, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint from the environment, checked.

    It must use https, except on this machine. A private address must be in `fetch.allow`, except this
    machine's own; then it may be without TLS, which such networks seldom have. Raises ObjectStoreError.
    """
    if importlib.util.find_spec("obstore") is None:
        raise ObjectStoreError(
            f"{config.bucket}: object stores need an extra that is not installed; install "
            "'aggregator-republisher[s3]'"
        )
    name = next((name for name in _VARIABLES if environment.get(name)), None)
    if name is None:
        return Endpoint()
    url = environment[name].strip()
    parts = _parts(url)
    if parts is None or not parts.hostname or parts.scheme not in ("http", "https"):
        raise ObjectStoreError(f'{name}: write an address, such as "https://s3.example.org"')
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ObjectStoreError(
            f"{name}: write the address alone; keys belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    host = parts.hostname
    is_plain = parts.scheme == "http"
    own = Guard((*config.fetch.allow, *_LOOPBACK))
    try:
        found = own.addresses(host, _LOOKUP_SECONDS)
    except BlockedAddress as error:
        raise ObjectStoreError(f"{name}: {error.reason}; {error.advice}") from error
    except FetchError as error:
        raise ObjectStoreError(f"{name}: {error.reason}; {error.advice}", is_passing=True) from error
    if is_plain and not (own.is_own(host) or all(map(own.is_own, found))):
        raise ObjectStoreError(
            f"{name}: {host} is asked without TLS; write https://, which is needed for all but this machine "
            "and what fetch.allow has"
        )
    return Endpoint(url.rstrip("/"), host, is_plain)


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
