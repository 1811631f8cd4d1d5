"""Decides which network addresses may be connected to: public ones, and those in fetch.allow.

A feed's address, a redirect or a DNS answer can name a machine in our network: a router, a database, a
cloud's metadata service. Therefore names are resolved here, every address is checked, and the connection is
made to a checked address, never to the name: a DNS answer that changes meanwhile (DNS rebinding) has no
effect.
"""

from __future__ import annotations

import errno
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aggregator import errors

Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host, as text. Raises OSError when it has none."""

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_MAPPED_BY_NAT64 = IPv6Network("64:ff9b::/96")
# `is_global` is not enough: on Python 3.11 it is True for multicast, 6to4, NAT64 and site-local addresses.
_PUBLIC_IPV6 = IPv6Network("2000::/3")
_NOT_FOR_US: tuple[tuple[_Network, str], ...] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("168.63.129.16", "a cloud's own service"),  # Azure's; most others' are link-local
        ("100.64.0.0/10", "shared by a provider's customers"),
        ("192.0.0.0/24", "for protocols"),  # Oracle's cloud has its metadata there
        ("192.88.99.0/24", "a 6to4 relay"),
        ("::/96", "IPv4 inside IPv6"),
        ("::ffff:0:0:0/96", "IPv4 inside IPv6"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
        ("2001::/32", "a Teredo address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fec0::/10", "site-local"),
    )
)
_KINDS = (
    ("is_unspecified", "unspecified"),
    ("is_loopback", "loopback"),
    ("is_link_local", "link-local"),
    ("is_multicast", "multicast"),
)
# A lookup that hangs keeps its thread until the resolver gives up; this bounds how many are started.
_LOOKUPS = threading.BoundedSemaphore(256)


class Guard:
    """Decides where a connection to a host may go. `allow` has addresses, networks, hosts and `*.domain`s."""

    def __init__(self, allow: Sequence[str] = (), resolve: Resolve | None = None) -> None:
        self._resolve = resolve or system_addresses
        self._networks: list[_Network] = []
        self._hosts: set[str] = set()
        self._domains: tuple[str, ...] = ()
        for place in allow:
            try:
                self._networks.append(ip_network(place))
            except ValueError:
                if place.startswith("*."):
                    self._domains += (place[1:],)
                else:
                    self._hosts.add(place)

    def addresses(self, host: str, seconds: float) -> list[str]:
        """All addresses of `host`, each of which may be reached; found within `seconds`.

        If one of them may not be reached, the whole host is refused, as a connection may use any of them.
        Raises BlockedAddress, DnsError, NoNetwork or TimedOut.
        """
        found = self.resolved(host, seconds)
        if not self._names(host):
            for address in found:
                if kind := self._refusal(address):
                    leads = address if address == host else f"{host} leads to {address}, which"
                    raise errors.BlockedAddress(f"{leads} is {kind}, not public")
        return found

    def resolved(self, host: str, seconds: float) -> list[str]:
        """Every address of `host`, unchecked. Raises DnsError, NoNetwork or TimedOut."""
        found = written_address(host) or _within(seconds, self._resolve, host)
        if not found:
            raise errors.DnsError(f"the host {host} has no address")
        return list(dict.fromkeys(found))

    def check_written(self, host: str) -> None:
        """Refuses a host that is written as a forbidden address, without a DNS lookup."""
        if self._names(host):
            return
        for address in written_address(host) or ():
            if kind := self._refusal(address):
                raise errors.BlockedAddress(f"{host} is {kind}, not public")
        if f".{host.rstrip('.').lower()}".endswith(".localhost"):
            raise errors.BlockedAddress(f"{host} is loopback, not public")

    def is_own(self, host: str) -> bool:
        """Whether fetch.allow contains this host, or the address that it is written as."""
        if self._names(host):
            return True
        written = written_address(host) or []
        return any(self._is_allowed(_inner(_parsed(address))) for address in written)

    def _names(self, host: str) -> bool:
        host = host.rstrip(".").lower()
        return host in self._hosts or (bool(self._domains) and host.endswith(self._domains))

    def _is_allowed(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)

    def _refusal(self, text: str) -> str | None:
        address = _parsed(text)
        if self._is_allowed(address) or self._is_allowed(_inner(address)):
            return None
        return refusal(address)


def refusal(address: _Address) -> str | None:
    """Why feeds and redirects may not send us to this address; None for a public one.

    IPv4 inside IPv6 is judged by the IPv4 address: mapped addresses (RFC 4291 §2.5.5.2) and NAT64's
    well-known prefix (RFC 6052, which is every IPv4 host on a network with DNS64). Obsolete forms are always
    refused: 6to4, Teredo, IPv4-compatible, site-local.
    """
    address = _inner(address)
    for test, kind in _KINDS:
        if getattr(address, test):
            return kind
    for network, kind in _NOT_FOR_US:
        if address in network:
            return kind
    if address.is_private:
        return "private"
    if not address.is_global or (isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6):
        return "reserved"
    return None


def _inner(address: _Address) -> _Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _MAPPED_BY_NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _parsed(text: str) -> _Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise errors.DnsError(f"the resolver gave {text[:60]!r}, which is not an address") from error


def written_address(host: str) -> list[str] | None:
    """The address that `host` is written as, in any form that this system accepts (`0x7f.1`, `2130706433`).

    None when it is a name. Makes no DNS request.
    """
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError, ValueError):
        return None
    return [str(sockaddr[0]) for *_, sockaddr in found]


def is_without_network(fault: OSError) -> bool:
    """Whether the system says that it has no route to anywhere, rather than that the host is down.

    EAI_AGAIN has two causes: the resolver cannot be reached, or the domain's name servers fail (SERVFAIL).
    """
    if isinstance(fault, socket.gaierror):
        return fault.errno == socket.EAI_AGAIN
    return fault.errno in (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)


def system_addresses(host: str) -> list[str]:
    """The addresses from this machine's resolver. Raises OSError."""
    return [str(sockaddr[0]) for *_, sockaddr in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _within(seconds: float, resolve: Resolve, host: str) -> Sequence[str]:
    """`getaddrinfo` has no timeout: it runs in a separate thread, which is abandoned when it hangs."""
    answer: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            answer.put(resolve(host))
        except (OSError, ValueError) as error:
            answer.put(error)
        finally:
            _LOOKUPS.release()

    late = errors.TimedOut(
        f"no address of {host} within {seconds:.3g} s", advice="check this machine's resolver"
    )
    if not _LOOKUPS.acquire(timeout=max(seconds, 0)):
        raise late
    # A daemon thread, so that a resolver that hangs does not keep the process from ending.
    threading.Thread(target=look, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise late from None
    if isinstance(found, OSError) and is_without_network(found):
        raise errors.NoNetwork(f"the resolver has no answer for {host} at the moment") from found
    if isinstance(found, Exception):
        raise errors.DnsError(f"the host {host} is not known") from found
    return found
