"""The settings of the server: addresses, caching, limits."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from aggregator.config.values import Duration, HttpUrl
from aggregator.model.settings import Settings

_MAPPED_BITS = 96
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]*):(?P<port>[0-9]{1,5})")


def split_address(text: str) -> tuple[str, int]:
    """Host ("" for every address of this machine) and port of `HOST:PORT`. Raises ValueError."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise ValueError('write host and port, such as "127.0.0.1:8000", "[::1]:8000" or ":8000"')
    return match["host"].strip("[]"), int(match["port"])


def _address(value: object) -> str:
    text = value if isinstance(value, str) else ""
    split_address(text)
    return text


def _network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return value
    try:
        found = ipaddress.ip_network(value if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise ValueError('write an address or a network, such as "127.0.0.1" or "10.0.0.0/8"') from None
    # IPv4 clients are compared as IPv4-mapped IPv6 addresses.
    first = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    if first is not None and found.prefixlen >= _MAPPED_BITS:
        return ipaddress.ip_network((first, found.prefixlen - _MAPPED_BITS), strict=False)
    return found


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    try:
        is_sound = "@" not in parts.netloc and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError(
            'write the public address of this server, such as "https://planet.example/", without login, '
            "query and fragment"
        )
    return value


PublicUrl = Annotated[HttpUrl, AfterValidator(_public_url)]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network), PlainSerializer(str)
]
ListenAddress = Annotated[str, BeforeValidator(_address)]


class Serve(Settings):
    """The settings of the server; `metrics` None: at `listen`, and only for this machine.

    `url` is the public address of this server, to which hubs report changes (WebSub), "" for none; `websub`:
    whether subscriptions at hubs are made. `search`: whether visitors may search the published articles;
    `search_feeds`: whether they may subscribe to a search.

    `max_age` is how long clients may cache a feed; None: a quarter of `interval`.
    `max_connections_per_client` does not limit the addresses and networks of `proxies`.
    """

    listen: ListenAddress = "127.0.0.1:8000"
    metrics: ListenAddress | None = None
    url: PublicUrl = ""
    websub: bool = True
    max_age: Duration | None = None
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 512
    max_connections_per_client: Annotated[int, Field(ge=1, le=100_000)] = 128
    proxies: tuple[Network, ...] = ()
    access_log: bool = False
    search: bool = False
    search_feeds: bool = True
