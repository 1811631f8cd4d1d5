"""Is a document what RSS 2.0 and RFC 4287 say it must be? Knows lxml and nothing of the package under test.

`check_rss` and `check_atom` return one line for each violation, naming the item; none means conformant.
RSS is held to its specification and to the RSS Advisory Board's Best Practices Profile, Atom to every
MUST of RFC 4287 that can be seen in a document; both also to what this project promises on top:
absolute addresses everywhere and ids that do not repeat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.conformance_values import (
    ATOM,
    CONTENT,
    DC,
    IRI,
    LANGUAGE,
    MEDIA,
    MEDIA_TYPE,
    MEDIA_TYPE_AND_MORE,
    URI,
    XHTML_DIV,
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
    rfc3339,
    text_of,
)

_TWICE_READ = re.compile(rb"<(title|category)>[^<]*&(amp|lt|gt);")

# --- RSS 2.0

_ONE, _MAYBE, _ANY = (1, 1), (0, 1), (0, None)
_CHANNEL = {
    **dict.fromkeys(("title", "link", "description"), _ONE),
    **dict.fromkeys("language copyright managingEditor webMaster pubDate lastBuildDate".split(), _MAYBE),  # noqa: SIM905
    **dict.fromkeys(("generator", "docs", "cloud", "ttl", "image"), _MAYBE),
    **dict.fromkeys(("rating", "textInput", "skipHours", "skipDays"), _MAYBE),
    **dict.fromkeys(("category", "item"), _ANY),
}
_ITEM = {
    **dict.fromkeys("title link description author comments enclosure pubDate source".split(), _MAYBE),  # noqa: SIM905
    "guid": _ONE,  # the profile recommends it, this project promises it
    "category": _ANY,
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
        yield from _atom_link(link, where)
    for link in selves:
        if link.get("type") != "application/rss+xml":
            yield f"{where}: atom:link rel='self' has type {link.get('type')!r}"


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
    for category in item.findall("category"):
        yield from attributes(category, where, "domain")
        if not text_of(category):
            yield f"{where}: <category> is empty"
    if "@" not in (item.findtext("author") or "@"):
        yield f"{where}: <author> without an e-mail address"
    for creator in item.findall(DC + "creator"):
        if not text_of(creator):
            yield f"{where}: <dc:creator> is empty"
    yield from _rss_bodies(item, where)
    for media in item.iter(MEDIA + "content", MEDIA + "thumbnail"):
        if media.get("url") is not None:
            yield from address(media.get("url"), where, f"media:{name_of(media)} url")


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


# --- Atom 1.0

_PERSON = {"name": _ONE, "uri": _MAYBE, "email": _MAYBE}
_METADATA = {
    **dict.fromkeys(("author", "category", "contributor", "link"), _ANY),
    **dict.fromkeys(("generator", "icon", "logo", "rights", "subtitle"), _MAYBE),
}
_FEED = {**_METADATA, **dict.fromkeys(("id", "title", "updated"), _ONE), "entry": _ANY}
_SOURCE = {**_METADATA, **dict.fromkeys(("id", "title", "updated"), _MAYBE)}
_ENTRY = {
    **dict.fromkeys(("author", "category", "contributor", "link"), _ANY),
    **dict.fromkeys(("content", "published", "rights", "source", "summary"), _MAYBE),
    **dict.fromkeys(("id", "title", "updated"), _ONE),
}


def check_atom(body: bytes, *, self_link: bool = False) -> list[str]:
    """The violations of RFC 4287; `self_link`: a link rel="self" must be there (§4.1.1 recommends it)."""
    try:
        root = parse(body)
    except Refused as refused:
        return [str(refused)]
    if root.tag != ATOM + "feed":
        return ["document: the root is not atom:feed"]
    found = list(_container(root, "feed", _FEED))
    if self_link and not [n for n in root.findall(ATOM + "link") if n.get("rel") == "self"]:
        found.append("feed: no link rel='self'")
    entries = root.findall(ATOM + "entry")
    feed_has_author = root.find(ATOM + "author") is not None
    for number, entry in enumerate(entries, 1):
        found += _atom_entry(entry, f"entry {number} {text_of(entry.find(ATOM + 'id'))!r}", feed_has_author)
    return found + list(repeats([text_of(entry.find(ATOM + "id")) for entry in entries]))


def _container(node: Node, where: str, limits: Mapping[str, tuple[int, int | None]]) -> Iterator[str]:
    """What feed, entry and source have in common: cardinalities, and each child by its kind."""
    yield from cardinality(node, where, limits, ATOM)
    yield from attributes(node, where, "")
    for child in elements(node):
        name = str(child.tag).removeprefix(ATOM)
        if name in {"title", "subtitle", "summary", "rights"}:
            yield from _text_construct(child, where)
        elif name in {"author", "contributor"}:
            yield from _person(child, where)
        elif name in {"updated", "published"}:
            yield from attributes(child, where, "")
            yield from rfc3339(child, where)
        elif name in {"id", "icon", "logo"}:
            yield from attributes(child, where, "")
            yield from address(child.text, where, f"<{name}>", iri=True)
        elif name == "link":
            yield from _atom_link(child, where)
        elif name == "category":
            yield from attributes(child, where, "scheme label", "term")
            if "scheme" in child.attrib:
                yield from address(child.get("scheme"), where, "category scheme", iri=True)
        elif name == "generator":
            yield from attributes(child, where, "uri version")
    alternates = Counter(
        (link.get("type"), link.get("hreflang"))
        for link in node.findall(ATOM + "link")
        if link.get("rel", "alternate") == "alternate"
    )
    for (media_type, language), number in alternates.items():
        if number > 1:
            yield f"{where}: {number} alternate links of type {media_type} in language {language} (§4.1.1)"


def _atom_entry(entry: Node, where: str, feed_has_author: bool) -> Iterator[str]:
    yield from _container(entry, where, _ENTRY)
    for source in entry.findall(ATOM + "source"):
        yield from _container(source, f"{where} source", _SOURCE)
    authors = entry.findall(ATOM + "author") + entry.findall(f"{ATOM}source/{ATOM}author")
    if not authors and not feed_has_author:
        yield f"{where}: no author here, in its source or in the feed (§4.1.2)"
    content = entry.find(ATOM + "content")
    alternate = [n for n in entry.findall(ATOM + "link") if n.get("rel", "alternate") == "alternate"]
    if content is None and not alternate:
        yield f"{where}: neither content nor an alternate link (§4.1.2)"
    if content is not None:
        yield from _content(content, where, has_summary=entry.find(ATOM + "summary") is not None)


def _content(content: Node, where: str, *, has_summary: bool) -> Iterator[str]:
    """§4.1.3"""
    yield from attributes(content, where, "type src")
    kind = content.get("type", "text")
    if "src" in content.attrib:
        yield from address(content.get("src"), where, "content src", iri=True)
        if text_of(content) or len(content):
            yield f"{where}: content with src is not empty (§4.1.3.2)"
        if kind in {"text", "html", "xhtml"} and "type" in content.attrib:
            yield f"{where}: content with src has type {kind} (§4.1.3.2)"
        if not has_summary:
            yield f"{where}: content with src and no summary (§4.1.2)"
    elif kind in {"text", "html", "xhtml"}:
        yield from _markup(content, kind, where)
    elif not MEDIA_TYPE_AND_MORE.fullmatch(kind) or kind.lower().startswith(("multipart/", "message/")):
        yield f"{where}: content type {kind!r} (§4.1.3.1)"
    elif kind.lower().endswith(("+xml", "/xml")):
        return
    elif len(content):
        yield f"{where}: content of type {kind} has child elements (§4.1.3.3)"
    elif not kind.lower().startswith("text/") and not has_summary:
        yield f"{where}: content in Base64 and no summary (§4.1.2)"


def _text_construct(node: Node, where: str) -> Iterator[str]:
    """§3.1"""
    yield from attributes(node, where, "type")
    kind = node.get("type", "text")
    if kind in {"text", "html", "xhtml"}:
        yield from _markup(node, kind, where)
    else:
        yield f"{where}: <{name_of(node)}> has type {kind!r} (§3.1.1)"


def _markup(node: Node, kind: str, where: str) -> Iterator[str]:
    tags = [child.tag for child in elements(node)]
    if kind != "xhtml" and tags:
        yield f"{where}: <{name_of(node)}> of type {kind} has child elements (§3.1.1)"
    elif kind == "xhtml" and (tags != [XHTML_DIV] or text_of(node)):
        yield f"{where}: <{name_of(node)}> of type xhtml is not one XHTML div (§3.1.1.3)"


def _person(node: Node, where: str) -> Iterator[str]:
    """§3.2"""
    yield from cardinality(node, where, _PERSON, ATOM)
    yield from attributes(node, where, "")
    if not text_of(node.find(ATOM + "name")):
        yield f"{where}: <{name_of(node)}> with an empty name"
    if node.find(ATOM + "uri") is not None:
        yield from address(node.findtext(ATOM + "uri"), where, "person uri", iri=True)
    email = node.findtext(ATOM + "email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        yield f"{where}: e-mail {email!r} (§3.2.3)"


def _atom_link(link: Node, where: str) -> Iterator[str]:
    """§4.2.7"""
    yield from attributes(link, where, "rel type hreflang title length", "href")
    if "href" in link.attrib:
        yield from address(link.get("href"), where, "link", iri=True)
    rel = link.get("rel", "alternate")
    if not (re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=@-]+", rel) or IRI.fullmatch(rel)):
        yield f"{where}: link rel {rel!r}"
    if not MEDIA_TYPE_AND_MORE.fullmatch(link.get("type", "a/b")):
        yield f"{where}: link type {link.get('type')!r} is no media type"
    if not LANGUAGE.fullmatch(link.get("hreflang", "en")):
        yield f"{where}: link hreflang {link.get('hreflang')!r} is no language tag"
    if rel == "enclosure" and not re.fullmatch("[0-9]+", link.get("length", "0")):
        yield f"{where}: enclosure length {link.get('length')!r} is no number of bytes"
