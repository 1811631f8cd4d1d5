"""The settings of fetching: limits, politeness, and the User-Agent."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, SecretStr

from aggregator.config.values import (
    Duration,
    FilePath,
    HeaderText,
    Host,
    HttpUrl,
    Place,
    PositiveDuration,
    Proxy,
    Secret,
)
from aggregator.model.settings import Settings

HostCount = Annotated[int, Field(ge=1, le=64)]


class RsshubInstance(Settings):
    """An RSSHub instance; `key` is its access key, None if it needs none."""

    url: HttpUrl
    key: Secret | None = None


def _instance(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class HostPace(Settings):
    """How fast a host and its subdomains together are polled.

    None: the built-in pace of that platform, else `host_gap` and `host_at_once`.
    """

    gap: Duration | None = None
    at_once: HostCount | None = None


class HostPaces(dict[str, HostPace]):
    """The paces of hosts. Never changed, because all settings can be compared and hashed."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _hosts(value: object) -> object:
    for name, table in value.items() if isinstance(value, dict) else ():
        for key, inner in table.items() if isinstance(table, dict) else ():
            if isinstance(inner, dict):
                advice = f'[fetch.hosts."{name}.{key}"]'
                raise ValueError(f"put a host's name into quotes, such as {advice}")  # noqa: TRY004 (pydantic's rule)
    return value


class Fetch(Settings):
    """How sources are fetched: limits, politeness, and the User-Agent.

    `timeout` bounds a silence, `deadline` a whole fetch with all its redirects. `allow` names the addresses,
    networks and hosts that may be reached although they are not public. `proxy` "" means none. `rsshub`: the
    instances that `rsshub:` addresses are fetched from, in this order. `commands`: whether sources of kind
    "exec" may run commands. `hosts`: hosts with another pace than `host_gap` and `host_at_once`.
    """

    timeout: PositiveDuration = timedelta(seconds=20)
    deadline: PositiveDuration = timedelta(minutes=1)
    max_bytes: PositiveInt = 16 * 1024 * 1024
    max_redirects: PositiveInt = 5
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    contact: HeaderText = ""
    allow: tuple[Place, ...] = Field(default=(), strict=False)
    proxy: Proxy = SecretStr("")
    tls_ca: FilePath | None = None
    rsshub: tuple[Annotated[RsshubInstance, BeforeValidator(_instance)], ...] = Field(
        default=(), strict=False
    )
    commands: bool = False
    host_at_once: HostCount = 2
    host_gap: Duration = timedelta(seconds=1)
    hosts: Annotated[dict[Host, HostPace], BeforeValidator(_hosts), AfterValidator(HostPaces)] = HostPaces()
