"""Who sends a request, how many connections a client has, and whether `Host` is valid.

A request that a proxy on this machine forwards comes from a loopback address too. Proxies add many headers
(`Forwarded`, `Via`, `X-Forwarded-Host`, `CF-Connecting-IP` …), and new ones appear: so the headers that
clients send by themselves are listed here, and any other header is a sign of a proxy.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from aggregator.config.serving import Network

__all__ = ["ConnectionCounts", "client_key", "host_mistake", "is_direct"]

_Headers = Iterable[tuple[bytes, bytes]]

_SENT_BY_CLIENTS = re.compile(
    rb"accept|accept-(?:charset|encoding|language)|authorization|cache-control|connection|content-length|cookie"
    rb"|dnt|host|if-(?:match|modified-since|none-match|range|unmodified-since)|keep-alive|pragma|priority|purpose"
    rb"|range|referer|sec-[a-z0-9-]+|te|upgrade-insecure-requests|user-agent"
    rb"|traceparent|tracestate|x-prometheus-scrape-timeout-seconds"
)
"""The headers of Prometheus and other metrics readers, command-line tools and browsers."""

# RFC 3986 §3.2.2, without the sub-delims of a reg-name: no host's name has them.
_HOST = re.compile(
    rb"(?:\[(?P<ip6>[0-9A-Fa-f:.]+)\]|(?P<name>(?:[0-9A-Za-z._~-]|%[0-9A-Fa-f]{2})*))(?::[0-9]*)?"
)

_IP6_OF_ONE_CLIENT_BITS = 64


def host_mistake(headers: _Headers, http_version: str) -> str | None:
    """Why the `Host` of a request is answered with 400, None if it is valid (RFC 9112 §3.2).

    HTTP/1.1 needs exactly one `Host`, which may be empty; HTTP/1.0 may have one.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1:
        return "The request has more than one Host header."
    if not hosts:
        return None if http_version in ("0.9", "1.0") else "The request has no Host header."
    return None if _HOST.fullmatch(hosts[0].strip(b" \t")) else "The Host header names no host."


def is_direct(address: str, headers: _Headers) -> bool:
    """Whether a client on this machine sent it without a proxy: from and to a loopback address."""
    client = _parsed(address)
    if client is None or not client.is_loopback:
        return False
    host = b""
    for name, value in headers:
        if not _SENT_BY_CLIENTS.fullmatch(name):
            return False
        if name == b"host":
            host = value.strip(b" \t")
    return _is_loopback_host(host)


def _is_loopback_host(host: bytes) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = (match["ip6"] or match["name"] or b"").decode("ascii").lower().removesuffix(".")
    found = _parsed(name)
    if found is not None:
        return found.is_loopback
    return name in ("", "localhost") or name.endswith(".localhost")


class ConnectionCounts:
    """Counts open connections, in total and by client; addresses of `proxies` count for the total only."""

    def __init__(self, max_connections: int, max_per_client: int, proxies: Sequence[Network] = ()) -> None:
        self._max_connections = max_connections
        self._max_per_client = max_per_client
        self._proxies = proxies
        self._open: Counter[str] = Counter()
        self._total = 0

    def enter(self, address: str) -> bool:
        """Counts a new connection from this address; False, and not counted, when a limit is reached."""
        key = client_key(address)
        is_bounded = not self._is_proxy(address)
        if self._total >= self._max_connections or (is_bounded and self._open[key] >= self._max_per_client):
            return False
        self._open[key] += 1
        self._total += 1
        return True

    def leave(self, address: str) -> None:
        """Records that a counted connection is closed."""
        key = client_key(address)
        self._total -= 1
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def _is_proxy(self, address: str) -> bool:
        found = _parsed(address)
        return found is not None and any(found in network for network in self._proxies)


def client_key(address: str) -> str:
    """The key of a client: its address; for IPv6 the first 64 bits."""
    found = _parsed(address)
    if isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        return str(ipaddress.ip_network((found, _IP6_OF_ONE_CLIENT_BITS), strict=False))
    return str(found or address)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address without its zone; an IPv4-mapped IPv6 address becomes IPv4."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
