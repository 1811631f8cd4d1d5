"""The links of a feed document's head: itself, its hubs, the same in other formats, its chain of archives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aggregator.writers.channel import Channel
from aggregator.writers.xml_text import address, percent_encoded

__all__ = ["MEDIA_TYPES", "hubs", "relations"]

MEDIA_TYPES: Mapping[str, str] = {
    "rss.xml": "application/rss+xml",
    "atom.xml": "application/atom+xml",
    "feed.json": "application/feed+json",
}


def relations(channel: Channel, file_name: str) -> Iterator[dict[str, str]]:
    """`href`, `rel` and `type` of each link in the head of `file_name`, a key of `MEDIA_TYPES`.

    Hubs come straight after `self`, the topic that they are subscribed for (WebSub §4), and not without it.
    Those of the chain (RFC 5005 §4) may be relative: archives in a folder that has no public address.
    """
    media_type = MEDIA_TYPES[file_name]
    if own := address(channel.self_links.get(file_name)):
        yield {"href": own, "rel": "self", "type": media_type}
        yield from ({"href": hub, "rel": "hub"} for hub in hubs(channel))
    if page := address(channel.link):
        yield {"href": page, "rel": "alternate", "type": "text/html"}
    for other, its_type in MEDIA_TYPES.items():
        if other != file_name and (href := address(channel.self_links.get(other))):
            yield {"href": href, "rel": "alternate", "type": its_type}
    chain = channel.chain
    is_archive = chain.number is not None
    for rel, folder in (
        ("current", chain.current if is_archive else None),
        ("prev-archive", chain.older),
        ("next-archive", chain.newer if is_archive else None),
    ):
        if folder is not None:
            yield {"href": percent_encoded(folder + file_name), "rel": rel, "type": media_type}


def hubs(channel: Channel) -> list[str]:
    """The addresses of the channel's hubs, each once; a hub is asked over http."""
    found = filter(None, map(address, channel.hubs))
    return [hub for hub in dict.fromkeys(found) if hub.lower().startswith(("http://", "https://"))]
