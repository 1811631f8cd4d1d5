"""A kind as another package would bring it: a scheme of its own, fetched in its own way (RFC 1436)."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.errors import BadAddress, TooLarge
from aggregator.model.entry import Entry, Feed, FeedInfo, Link, Text
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, NotModified, Validators


def retrieve(source: RetrievedSource, validators: Validators, transport: Transport) -> Fetched | NotModified:
    """The menu at `gopher://host/1selector`."""
    parts = urlsplit(source.address)
    if not parts.hostname:
        raise BadAddress("it has no host", url=source.address)
    with transport.errors(), transport.connect(parts.hostname, parts.port or 70) as connection:
        connection.sendall(unquote(parts.path[2:]).encode() + b"\r\n")
        body = b""
        while chunk := connection.recv(64 * 1024):
            body += chunk
            if len(body) > transport.max_bytes:
                raise TooLarge("the menu has no end", url=source.address)
    if validators.get("size") == len(body):
        return NotModified(validators=validators)
    resource = Resource(url=source.address, body=body, content_type="text/gopher-menu")
    return Fetched(resources=(resource,), validators={"size": len(body)})


def read(resource: Resource, options: None) -> Feed:
    """Each item of the menu as an entry."""
    entries = []
    for line in resource.body.decode("utf-8", "replace").splitlines():
        title, _, rest = line[1:].partition("\t")
        selector, *place = rest.split("\t")
        if line[:1] in ("0", "1", "h") and len(place) >= 2:
            link = Link(href=f"https://gopher.example/{place[0]}/{line[0]}{selector}")
            entries.append(Entry(id=f"{place[0]}{selector}", title=Text(title, "text"), links=[link]))
    return Feed(info=FeedInfo(title=Text("A menu", "text")), entries=entries)


KIND = Kind(read=read, schemes=("gopher",), retrieve=retrieve)
