"""The links in the head of a feed document: self, hubs, other formats, archives."""

from __future__ import annotations

from collections.abc import Iterator

from aggregator.writers.channel import Channel
from aggregator.writers.xml_text import address, percent_encoded

__all__ = ["hubs", "relations"]


def relations(channel: Channel, file_name: str) -> Iterator[dict[str, str]]:
    """Yields `href`, `rel` and `type` of each link in the head of `file_name`, one of the channel's formats.

    Hubs come directly after `self`, which is the topic of subscriptions (WebSub §4), and never without it.
    Links to archives (RFC 5005 §4) are relative if the folder has no public address.
    """
    media_type = next((one.media_type for one in channel.formats if one.file_name == file_name), "")
    if own := address(channel.self_links.get(file_name)):
        yield {"href": own, "rel": "self", "type": media_type}
        yield from ({"href": hub, "rel": "hub"} for hub in hubs(channel))
    if page := address(channel.link):
        yield {"href": page, "rel": "alternate", "type": "text/html"}
    for other in channel.formats:
        is_alternate = other.is_feed and other.file_name != file_name
        if is_alternate and (href := address(channel.self_links.get(other.file_name))):
            yield {"href": href, "rel": "alternate", "type": other.media_type}
    chain, archived = channel.chain, channel.archived_as(file_name)
    if chain.number is not None and chain.current is not None:
        yield {"href": percent_encoded(chain.current + file_name), "rel": "current", "type": media_type}
    if archived is None:
        return
    for rel, folder in (
        ("prev-archive", chain.older),
        ("next-archive", chain.newer if chain.number is not None else None),
    ):
        if folder is not None:
            href = percent_encoded(folder + archived.file_name)
            yield {"href": href, "rel": rel, "type": archived.media_type}


def hubs(channel: Channel) -> list[str]:
    """Returns the addresses of the channel's hubs, each once; only http and https."""
    found = filter(None, map(address, channel.hubs))
    return [hub for hub in dict.fromkeys(found) if hub.lower().startswith(("http://", "https://"))]
