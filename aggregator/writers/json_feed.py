"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from aggregator.model.article import Article, Enclosure
from aggregator.model.media_copies import ORIGINALS
from aggregator.normalise.text import plain_value
from aggregator.writers.channel import Channel, Item
from aggregator.writers.extension_elements import enclosures
from aggregator.writers.extra_metadata import PersonAddress, person_addresses
from aggregator.writers.head_links import hubs
from aggregator.writers.moments import iso
from aggregator.writers.xml_text import address, body, language_tag, line, lines, permanent_id

__all__ = ["JsonFeed"]

_MAX_SUMMARY = 1000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


class JsonFeed:
    """Writes `feed.json`."""

    file_name = "feed.json"
    media_type = "application/feed+json"
    label = "JSON Feed"
    accepts = ("application/json",)
    preference = 3

    def render(self, channel: Channel) -> bytes:
        """Returns a JSON Feed, with a line for each member and each item; members without a value are left
        out.

        The feed itself has no authors, because readers would use them for items without authors.
        """
        feed_url = address(channel.self_links.get(self.file_name))
        image = address(channel.image)
        feed = _known(
            {
                "version": "https://jsonfeed.org/version/1.1",
                "title": line(channel.title) or line(channel.id),
                "home_page_url": address(channel.link),
                "feed_url": feed_url,
                "description": line(channel.description),
                **_older(channel),
                "icon": image,
                "favicon": image,
                "language": language_tag(channel.language),
                # Readers subscribe to a feed_url: without one a hub is of no use.
                "hubs": [{"type": "WebSub", "url": hub} for hub in hubs(channel)] if feed_url else None,
            }
        )
        members = [f"{_json(name)}: {_json(value)}" for name, value in feed.items()]
        items = ",\n".join(item.part("json", _written) for item in channel.items)
        members.append(f'"items": [\n{items}\n]' if items else '"items": []')
        return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def _older(channel: Channel) -> dict[str, object]:
    """Returns the reference to older entries: a JSON Feed, or (as an extension) a document of another
    format.
    """
    archived, folder = channel.archived_as(JsonFeed.file_name), channel.chain.older
    if archived is None or folder is None:
        return {}
    url = f"{folder}{archived.file_name}"
    if archived.file_name == JsonFeed.file_name:
        return {"next_url": url}
    about = "https://www.rfc-editor.org/rfc/rfc5005"
    return {"_archive": {"about": about, "url": url, "mime_type": archived.media_type}}


def _written(item: Item) -> str:
    return _json(_item(item))


def _item(item: Item) -> dict[str, object]:
    article = item.article
    url = address(article.link)
    content, summary = body(article.content), body(article.summary)
    people = person_addresses(article)
    return _known(
        {
            "id": line(item.id),
            "url": url,
            "external_url": _external(article, url),
            "title": line(article.title),
            "summary": plain_value(summary, "xhtml", _MAX_SUMMARY) if content else None,
            "image": address(article.headimg),
            "date_published": iso(item.published),
            "date_modified": iso(item.updated),
            "authors": [_author(name, people.get(("author", name))) for name in lines(article.authors)],
            "tags": lines(article.categories + article.tags),
            "language": language_tag(article.extra.get("language")) or language_tag(article.origin.language),
            "attachments": [_attachment(enclosure) for enclosure in enclosures(article)],
            "_source": _source(item),
            "_story": {"also_in": also} if (also := _also_in(item)) else None,
            "_originals": _originals(article),
        }
    ) | {"content_html": content or summary}  # one of the contents is required, even if it is empty


def _author(name: str, found: PersonAddress | None) -> dict[str, str]:
    """Returns an author; `url` may be a mailto: link (JSON Feed 1.1, authors)."""
    if found is None:
        return {"name": name}
    return {"name": name, "url": found.uri or f"mailto:{found.email}"}


def _external(article: Article, url: str | None) -> str | None:
    """Returns the address that a link blog's entry is about: its first rel="related" link to another page."""
    links = article.extra.get("links")
    for link in links if isinstance(links, list | tuple) else ():
        if isinstance(link, Mapping) and link.get("rel") == "related":
            related = address(link.get("href"))
            if related and related != url:
                return related
    return None


def _attachment(enclosure: Enclosure) -> dict[str, object]:
    duration = enclosure.duration
    return _known(
        {
            "url": enclosure.url,
            "mime_type": enclosure.type or "application/octet-stream",  # required
            "title": enclosure.title,
            "size_in_bytes": enclosure.length,
            "duration_in_seconds": _seconds(duration) if duration is not None else None,
        }
    )


def _seconds(duration: timedelta) -> int | float:
    seconds = max(0.0, duration.total_seconds())
    return int(seconds) if seconds.is_integer() else seconds


def _source(item: Item) -> dict[str, object]:
    """Returns the feed that the entry came from, like atom:source; an extension, so its name has an
    underscore.
    """
    origin = item.article.origin
    url, feed_url = address(origin.link), address(origin.self_link)
    origin_id = permanent_id(origin.id) or feed_url or url
    title = line(origin.title)
    if not (origin_id or title):
        return {}
    return _known(
        {
            "id": origin_id,
            "title": title,
            "url": url,
            "feed_url": feed_url,
            "updated": (origin.updated or item.updated).isoformat(),
        }
    )


def _originals(article: Article) -> dict[str, object]:
    """Returns the original addresses of copied images and attachments; an extension."""
    found = article.extra.get(ORIGINALS)
    if not isinstance(found, Mapping):
        return {}
    image, files = found.get("image"), found.get("enclosures")
    urls = [address(url) for url in files if isinstance(url, str)] if isinstance(files, list | tuple) else []
    image_url = address(image) if isinstance(image, str) else None
    return _known({"image": image_url, "attachments": [url for url in urls if url]})


def _also_in(item: Item) -> list[dict[str, object]]:
    """Returns other sources' articles about the same story; an extension."""
    return [
        _known({"url": url, "title": line(each.title), "source": line(each.source)})
        for each in item.also_in
        if (url := address(each.link))
    ]


def _known(members: Mapping[str, object]) -> dict[str, object]:
    """Returns the members that have a value; 0 counts as one."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}


def _json(value: object) -> str:
    return _encode(value)
