"""Which addresses may be reached: every way of writing a forbidden one is refused at connect time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from ipaddress import ip_address

import pytest

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, Fetcher
from aggregator.fetch.guard import Guard, refusal
from tests.conftest import NOW, Answer, Server

HANG = 60.0
PUBLIC = "93.184.215.14"
ZONE = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "loopback.attacker.example": ["127.0.0.1"],
    "mixed.attacker.example": [PUBLIC, "127.0.0.1"],
    "mapped.attacker.example": ["::ffff:127.0.0.1"],
    "nat64.attacker.example": ["64:ff9b::7f00:1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata.attacker.example": ["::ffff:169.254.169.254"],
    "public.example": [PUBLIC],
    "dns64.example": ["64:ff9b::5db8:d70e"],
    "private.dns64.example": ["64:ff9b::5db8:d70e", "64:ff9b::a01:203"],
    "local.dns64.example": ["64:ff9b:1::5db8:d70e"],
    "intranet.example": ["10.1.2.3"],
    "nas.lan": ["192.168.1.9"],
    "other.lan.attacker.example": ["192.168.1.9"],
    "nonsense.example": ["not an address"],
    "empty.example": [],
}


def resolve(host: str) -> Sequence[str]:
    """A resolver of ours."""
    if host not in ZONE:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return ZONE[host]


LOOPBACK = [
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "017700000001"),
    *("0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "0177.0.0.01", "127.0x0.1", "0", "0.0.0.0", "0x0"),
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2001:0:7f00:1::]"),
    *("localhost", "LOCALHOST", "localhost.", "loopback.attacker.example", "mixed.attacker.example"),
    *("mapped.attacker.example", "nat64.attacker.example", "user:secret@127.0.0.1"),
]
METADATA = [
    *("169.254.169.254", "169.254.43518", "169.16689662", "2852039166", "0xa9fea9fe", "025177524776"),
    *("0251.0376.0251.0376", "0xa9.0xfe.0xa9.0xfe", "0xa9.254.0251.254", "[::169.254.169.254]"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::169.254.169.254]", "[2002:a9fe:a9fe::]"),
    *("[fd00:ec2::254]", "[fd20:ce::254]", "[fe80::a9fe:a9fe]", "168.63.129.16", "100.100.100.200"),
    *("192.0.0.192", "metadata.google.internal", "metadata.attacker.example"),
]
ELSEWHERE = [
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "239.255.255.250"),
    *("240.0.0.1", "255.255.255.255", "192.88.99.1", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]"),
    *("[3fff::1]", "[4000::1]", "intranet.example", "nas.lan"),
    *("[64:ff9b::10.0.0.1]", "[64:ff9b::c0a8:1]", "[64:ff9b::100.64.0.1]", "private.dns64.example"),
    # The prefix for local use (RFC 8215) leads wherever its network wants, whatever is written inside.
    *(f"[64:ff9b:1::{PUBLIC}]", "[64:ff9b:1:ffff::1]", "local.dns64.example"),
]


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A fetcher as it comes, on a resolver of ours; it never gets as far as to connect."""
    made = Fetcher(Fetch(deadline=timedelta(seconds=HANG)), "Aggregator/test", resolve)
    yield made
    made.close()


@pytest.mark.parametrize("host", [*LOOPBACK, *METADATA, *ELSEWHERE])
def test_an_address_that_is_not_public_is_refused_however_it_is_written(
    server: Server, fetcher: Fetcher, host: str
) -> None:
    """Decimal, hex, octal, short, full-width, mapped, translated, tunnelled, or behind a name; at once."""
    port = server.url.rpartition(":")[2]
    begun = time.monotonic()
    with pytest.raises(errors.BlockedAddress, match=r"not public.*fetch\.allow") as caught:
        fetcher.fetch(Source(name="x", url=f"http://{host}:{port}/"), {}, NOW)
    assert time.monotonic() - begun < HANG
    assert "secret" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize(
    "host", ["１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "１６９.254.169.254", "ⓛocalhost"]
)
def test_hosts_with_digits_of_other_scripts_are_refused(server: Server, fetcher: Fetcher, host: str) -> None:
    """Whether IDNA maps them to digits or refuses them, nothing is connected to."""
    with pytest.raises((errors.BlockedAddress, errors.BadAddress)):
        fetcher.fetch(Source(name="x", url=f"http://{host}:{server.url.rpartition(':')[2]}/"), {}, NOW)
    assert server.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "public.example",
        "dns64.example",
        PUBLIC,
        "[2606:4700::1111]",
        f"[::ffff:{PUBLIC}]",
        f"[64:ff9b::{PUBLIC}]",
    ],
)
def test_a_public_address_may_be_reached(host: str) -> None:
    """Also through NAT64, where every IPv4 host of the world is behind its prefix."""
    assert Guard((), resolve).addresses(host, 1)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("unknown.example", "not known"),
        ("empty.example", "no address"),
        ("nonsense.example", "not an address"),
    ],
)
def test_a_name_without_a_usable_address_is_an_error(host: str, says: str) -> None:
    """No resolver's exception leaves the room."""
    with pytest.raises(errors.DnsError, match=says):
        Guard((), resolve).addresses(host, 1)


@pytest.mark.parametrize(
    ("allow", "hosts", "others"),
    [
        ("127.0.0.1", ["127.1", "localhost", "[::ffff:127.0.0.1]"], ["127.0.0.2", "nas.lan"]),
        ("192.168.0.0/16", ["192.168.1.9", "nas.lan"], ["10.0.0.1", "intranet.example"]),
        ("Intranet.Example", ["intranet.example"], ["10.1.2.3", "nas.lan"]),
        ("*.lan", ["nas.lan"], ["192.168.1.9", "other.lan.attacker.example", "intranet.example"]),
        ("[::1]", ["[::1]"], ["127.0.0.1", "localhost"]),
    ],
)
def test_the_config_lets_named_hosts_and_networks_through(
    allow: str, hosts: list[str], others: list[str]
) -> None:
    """Exactly what it names: a host allows its addresses for itself alone."""
    zone = {**ZONE, "localhost": ["127.0.0.1"] if allow == "127.0.0.1" else ZONE["localhost"]}
    guard = Guard(Fetch(allow=(allow,)).allow, zone.__getitem__)
    for host in hosts:
        assert guard.addresses(host.strip("[]"), 1)
    for host in others:
        with pytest.raises(errors.BlockedAddress):
            guard.addresses(host, 1)


def test_a_redirect_to_an_address_that_is_not_public_is_refused(server: Server) -> None:
    """The first host is allowed by name; where it sends us is not."""
    port = server.url.rpartition(":")[2]
    server.pages["/a"] = Answer(302, {"Location": f"http://127.0.0.1:{port}/secret"})
    server.pages["/secret"] = Answer(200, {}, b"secret")
    fetcher = Fetcher(Fetch(allow=("feeds.example",)), "Aggregator/test", lambda host: ["127.0.0.1"])
    with pytest.raises(errors.BlockedAddress):
        fetcher.fetch(Source(name="x", url=f"http://feeds.example:{port}/a"), {}, NOW)
    fetcher.close()
    assert [request.path for request in server.requests] == ["/a"]


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(server: Server) -> None:
    """DNS rebinding: a resolver that gives a sound address first and loopback afterwards."""
    answers = [["127.0.0.2"], ["127.0.0.1"]]
    asked: list[str] = []

    def rebinds(host: str) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    # 127.0.0.2, where nobody listens, represents the public address.
    fetcher = Fetcher(Fetch(allow=("127.0.0.2",)), "Aggregator/test", rebinds)
    source = Source(name="x", url=f"http://rebind.example:{server.url.rpartition(':')[2]}/")
    with pytest.raises(errors.ConnectError):
        fetcher.fetch(source, {}, NOW)
    assert asked == ["rebind.example"]
    with pytest.raises(errors.BlockedAddress):
        fetcher.fetch(source, {}, NOW)
    fetcher.close()
    assert server.requests == []


def test_host_and_path_stay_those_of_the_name(server: Server) -> None:
    """Connecting to an address of our choice changes nothing that the server sees."""
    port = server.url.rpartition(":")[2]
    server.pages["/feed?x=1"] = Answer(200, {}, b"<rss/>")
    fetcher = Fetcher(Fetch(allow=("*.example",)), "Aggregator/test", lambda host: ["127.0.0.1"])
    fetched = fetcher.fetch(Source(name="x", url=f"http://feeds.example:{port}/feed?x=1"), {}, NOW)
    fetcher.close()
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].url == f"http://feeds.example:{port}/feed?x=1"
    assert server.requests[0].headers["Host"] == f"feeds.example:{port}"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("10.0.0.1", "private"),
        ("169.254.169.254", "link-local"),
        ("224.0.0.1", "multicast"),
        ("2002:7f00:1::", "a 6to4 address"),
        ("8.8.8.8", None),
    ],
)
def test_the_refusal_names_the_kind_of_address(address: str, kind: str | None) -> None:
    """What a user reads beside the advice."""
    assert refusal(ip_address(address)) == kind
