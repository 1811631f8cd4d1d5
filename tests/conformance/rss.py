"""RSS 2.0 for `conformance`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.conformance.extensions import extension_faults
from tests.conformance.links import atom_link, feed_links
from tests.conformance.values import (
    ANY,
    ATOM,
    CONTENT,
    DC,
    ITUNES,
    LANGUAGE,
    MAYBE,
    MEDIA,
    MEDIA_TYPE,
    ONE,
    URI,
    Node,
    Refused,
    address,
    attributes,
    cardinality,
    elements,
    name_of,
    parse,
    repeats,
    rfc822,
    text_of,
)

_TWICE_READ = re.compile(rb"<(title|category)>[^<]*&(amp|lt|gt);")
_CHANNEL = {
    **dict.fromkeys(("title", "link", "description"), ONE),
    **dict.fromkeys("language copyright managingEditor webMaster pubDate lastBuildDate".split(), MAYBE),  # noqa: SIM905
    **dict.fromkeys(("generator", "docs", "cloud", "ttl", "image"), MAYBE),
    **dict.fromkeys(("rating", "textInput", "skipHours", "skipDays"), MAYBE),
    **dict.fromkeys(("category", "item"), ANY),
}
_ITEM = {
    **dict.fromkeys("title link description author comments enclosure pubDate source".split(), MAYBE),  # noqa: SIM905
    "guid": ONE,  # the profile recommends it, this project promises it
    "category": ANY,
}


def check_rss(body: bytes, *, self_link: bool = False) -> list[str]:
    """The violations of RSS 2.0 and its profile; `self_link`: an atom:link rel="self" must be there."""
    try:
        root = parse(body)
    except Refused as refused:
        return [str(refused)]
    if root.tag != "rss" or root.get("version") != "2.0":
        return ["document: the root is not <rss version='2.0'>"]
    channels = root.findall("channel")
    if len(channels) != 1 or len(elements(root)) != 1:
        return ["document: <rss> holds other than one <channel>"]
    found = list(_rss_channel(channels[0], self_link))
    items = channels[0].findall("item")
    for number, item in enumerate(items, 1):
        found += _rss_item(item, f"item {number} {text_of(item.find('guid'))!r}")
    found += repeats([text_of(item.find("guid")) for item in items])
    found += extension_faults(root)
    if _TWICE_READ.search(body):
        found.append(
            "document: plain text with &amp; or &lt;, not &#x26; or &#x3C; (profile, Character Data)"
        )
    return found


def _rss_channel(channel: Node, self_link: bool) -> Iterator[str]:
    where = "channel"
    yield from cardinality(channel, where, _CHANNEL, "")
    for name in ("title", "description"):
        if not text_of(channel.find(name)):
            yield f"{where}: <{name}> is empty"
    yield from address(channel.findtext("link"), where, "<link>")
    language = channel.findtext("language")
    if language is not None and not LANGUAGE.fullmatch(language):
        yield f"{where}: <language> {language!r} is no language tag"
    for name in ("lastBuildDate", "pubDate"):
        yield from rfc822(channel.find(name), where)
    for name, kind in (("ttl", r"[0-9]+"), ("docs", URI.pattern)):
        value = channel.findtext(name)
        if value is not None and not re.fullmatch(kind, value):
            yield f"{where}: <{name}> {value!r}"
    selves = [link for link in channel.findall(ATOM + "link") if link.get("rel") == "self"]
    if len(selves) > 1 or (self_link and not selves):
        yield f"{where}: {len(selves)} atom:link rel='self', not 1"
    for link in channel.findall(ATOM + "link"):
        yield from atom_link(link, where, in_head=True)
    yield from feed_links(channel, where)
    for image in channel.findall("image"):
        yield from _rss_image(image, where)
    for picture in channel.iter(ITUNES + "image"):
        yield from address(picture.get("href"), where, "itunes:image href")
    for link in selves:
        if link.get("type") != "application/rss+xml":
            yield f"{where}: atom:link rel='self' has type {link.get('type')!r}"


_IMAGE = {
    **dict.fromkeys(("url", "title", "link"), ONE),
    **dict.fromkeys(("width", "height", "description"), MAYBE),
}


def _rss_image(image: Node, where: str) -> Iterator[str]:
    yield from cardinality(image, f"{where} image", _IMAGE, "")
    for name in ("url", "link"):
        yield from address(image.findtext(name), f"{where} image", f"<{name}>")
    if not text_of(image.find("title")):
        yield f"{where} image: <title> is empty"
    for name, most in (("width", 144), ("height", 400)):
        size = image.findtext(name, "1")
        if not (re.fullmatch("[0-9]+", size) and 1 <= int(size) <= most):
            yield f"{where} image: <{name}> {size!r} is not 1 to {most}"


def _rss_item(item: Node, where: str) -> Iterator[str]:
    yield from cardinality(item, where, _ITEM, "")
    if not (text_of(item.find("title")) or text_of(item.find("description"))):
        yield f"{where}: neither <title> nor <description>"
    for name in ("link", "comments"):
        if item.find(name) is not None:
            yield from address(item.findtext(name), where, f"<{name}>")
    yield from _rss_guid(item, where)
    yield from rfc822(item.find("pubDate"), where)
    for enclosure in item.findall("enclosure"):
        yield from _rss_enclosure(enclosure, where)
    for source in item.findall("source"):
        yield from attributes(source, where, "", "url")
        yield from address(source.get("url"), where, "source url")
    yield from _rss_names(item, where)
    for link in item.findall(ATOM + "link"):
        yield from atom_link(link, where, in_head=False)
    yield from _rss_bodies(item, where)
    for media in item.iter(MEDIA + "content", MEDIA + "thumbnail"):
        if media.get("url") is not None:
            yield from address(media.get("url"), where, f"media:{name_of(media)} url")


def _rss_names(item: Node, where: str) -> Iterator[str]:
    """Categories, people and languages."""
    for category in item.findall("category"):
        yield from attributes(category, where, "domain")
        if not text_of(category):
            yield f"{where}: <category> is empty"
    if "@" not in (item.findtext("author") or "@"):
        yield f"{where}: <author> without an e-mail address"
    for creator in item.findall(DC + "creator"):
        if not text_of(creator):
            yield f"{where}: <dc:creator> is empty"
    for language in item.findall(DC + "language"):
        if not LANGUAGE.fullmatch(text_of(language)):
            yield f"{where}: <dc:language> {text_of(language)!r} is no language tag"


def _rss_enclosure(enclosure: Node, where: str) -> Iterator[str]:
    yield from attributes(enclosure, where, "", "url length type")
    yield from address(enclosure.get("url"), where, "enclosure url", schemes="http https")
    if not re.fullmatch("[0-9]+", enclosure.get("length", "0")):
        yield f"{where}: enclosure length {enclosure.get('length')!r} is no number of bytes"
    if not MEDIA_TYPE.fullmatch(enclosure.get("type", "a/b")):
        yield f"{where}: enclosure type {enclosure.get('type')!r} is no media type"


def _rss_guid(item: Node, where: str) -> Iterator[str]:
    guid = item.find("guid")
    if guid is None:
        return
    yield from attributes(guid, where, "isPermaLink")
    value, permanent = guid.text or "", guid.get("isPermaLink", "true")
    if not value or value != value.strip():
        yield f"{where}: <guid> {value!r} is empty or padded"
    if permanent not in {"true", "false"}:
        yield f"{where}: isPermaLink {permanent!r}"
    elif permanent == "true":
        yield from address(value, where, "<guid> said to be a permalink", schemes="http https", iri=True)
    elif value == item.findtext("link") and value.startswith("http"):
        yield f"{where}: isPermaLink is false, but the guid is the <link>"


def _rss_bodies(item: Node, where: str) -> Iterator[str]:
    order = [str(child.tag) for child in elements(item) if child.tag in {"description", CONTENT}]
    if order.count(CONTENT) > 1:
        yield f"{where}: {order.count(CONTENT)} content:encoded"
    if CONTENT in order and "description" in order and order[0] == CONTENT:
        yield f"{where}: content:encoded before description"
