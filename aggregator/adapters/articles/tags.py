"""Tags of Hexo, Jekyll and Hugo as HTML: code, quotations, pictures, players, links to other posts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple
from urllib.parse import quote, urlsplit

__all__ = ["BLOCKS", "INLINE", "Code", "Made", "Quote", "Site", "Tag", "arguments"]

_ARGUMENT = re.compile(
    r"""(?:([A-Za-z_][\w-]*)\s*=\s*)?(?:"((?>(?:[^"\\]|\\.)*))"|'((?>(?:[^'\\]|\\.)*))'|`([^`]*+)`|([^\s"'`]++))"""
)
_IMAGE = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)
_ID = re.compile(r"[\w-]{1,100}")
_OPTION = re.compile(
    r"(lang|line_number|highlight|first_line|mark|wrap|tab_replace|caption|language_attr):(.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag as written: `words` are its arguments without a name; `body` is None for a tag without one."""

    name: str
    words: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    def first(self, *names: str) -> str:
        """The first of these arguments that is given, "" without any."""
        return next((self.named[name] for name in names if self.named.get(name)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Facts about the site that tags need: addresses of other posts, of the site, of the article's folder.

    `post` returns the address of a post by the path of its file, None if it is not known; `path` that of a
    path of the site. `link` is the site's own, "" if it is not known; `keys` is the front matter.
    """

    post: Callable[[str], str | None]
    path: Callable[[str], str]
    link: str = ""
    keys: Mapping[str, object] = field(default_factory=dict)


class Made(NamedTuple):
    """HTML; `is_block`: it needs lines of its own."""

    html: str
    is_block: bool = False


class Code(NamedTuple):
    """A block of code, with its language and caption, "" for none."""

    text: str
    language: str = ""
    caption: str = ""


class Quote(NamedTuple):
    """A quotation: its text, which may contain tags, and its author as HTML."""

    text: str
    footer: str = ""


Handler = Callable[[Tag, Site], Made | Code | Quote | None]
"""Renders a tag; None if it cannot be rendered with what is known."""


def arguments(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The arguments of a tag: those without a name in order, and those with one."""
    words: list[str] = []
    named: dict[str, str] = {}
    for found in _ARGUMENT.finditer(text[:10_000]):
        value = next((part for part in found.groups()[1:] if part is not None), "")
        value = re.sub(r"\\(.)", r"\1", value)
        if found[1]:
            named[found[1].lower()] = value.rstrip(",")
        else:
            words.append(value)
    return tuple(words), named


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items() if value)


def _highlight(tag: Tag, _: Site) -> Code:
    return Code(tag.body or "", tag.words[0] if tag.words else tag.first("lang", "language", "lexer"))


def _codeblock(tag: Tag, _: Site) -> Code:
    """Hexo's `codeblock`: `[title] [lang:language] [url] [link text]`."""
    title: list[str] = []
    language = ""
    link: list[str] = []
    for word in tag.words:
        if option := _OPTION.fullmatch(word):
            language = option[2] if option[1] == "lang" else language
        elif link or re.match(r"https?://|/", word):
            link.append(word)
        else:
            title.append(word)
    text = escape(" ".join(title))
    if link:
        words = escape(" ".join(link[1:]) or "link")
        text = f'{text} <a href="{escape(link[0])}">{words}</a>'.strip()
    return Code(tag.body or "", language, text)


def _place(link: str) -> str:
    """The host of a link, or the whole link if it has none."""
    try:
        return urlsplit(link).netloc or link
    except ValueError:  # "http://["
        return link


def _quote(tag: Tag, _: Site) -> Quote:
    """Hexo's `blockquote`: `[author[, source]] [link] [source_link_title]`."""
    at = next((n for n, word in enumerate(tag.words) if re.match(r"https?://|/", word)), len(tag.words))
    footer = escape(" ".join(tag.words[:at]))
    if at < len(tag.words):
        link = tag.words[at]
        title = " ".join(tag.words[at + 1 :]) or _place(link)
        footer = f'{footer} <a href="{escape(link)}">{escape(title)}</a>'.strip()
    return Quote(tag.body or "", footer)


def _image(tag: Tag, _: Site) -> Made | None:
    """Hexo's `img` and `asset_img`: `[class names] address [width] [height] [title text [alt text]]`."""
    at = next((n for n, word in enumerate(tag.words) if _IMAGE.fullmatch(word) or "/" in word), None)
    if at is None:
        return None
    rest = list(tag.words[at + 1 :])
    sizes = []
    while rest and re.fullmatch(r"[0-9]{1,5}(?:px)?", rest[0]):
        sizes.append(rest.pop(0).removesuffix("px"))
    # The title may hold both: "title text 'alt text'".
    texts = re.findall(r"[\"']([^\"']+)[\"']", rest[0]) if rest and re.search("[\"']", rest[0]) else rest
    title, alt = (texts[0] if texts else ""), (texts[-1] if texts else "")
    width, height = (*sizes, "", "")[:2]
    return Made(f"<img{_attributes(src=tag.words[at], alt=alt, title=title, width=width, height=height)}>")


def _figure(tag: Tag, _: Site) -> Made | None:
    """Hugo's `figure`, and the figures of themes of all three generators."""
    source = tag.first("src", "image_path", "url", "file", "path", "link_src", "image")
    source = source or next((word for word in tag.words if _IMAGE.fullmatch(word)), "")
    if not source:
        return None
    texts = [word for word in tag.words if word != source]
    caption = tag.first("caption", "description") or (texts[-1] if texts else "")
    alt = tag.first("alt") or caption or tag.first("title")
    image = f"<img{_attributes(src=source, alt=alt, width=tag.first('width'), height=tag.first('height'))}>"
    if link := tag.first("link", "href"):
        image = f'<a href="{escape(link)}">{image}</a>'
    title, credit = tag.first("title"), escape(tag.first("attr"))
    if credit and (by := tag.first("attrlink")):
        credit = f'<a href="{escape(by)}">{credit}</a>'
    said = " ".join(
        filter(None, (f"<strong>{escape(title)}</strong>" if title else "", escape(caption), credit))
    )
    return Made(
        f"<figure>{image}{f'<figcaption>{said}</figcaption>' if said else ''}</figure>", is_block=True
    )


def _player(address: str, link: str) -> Handler:
    def handler(tag: Tag, _: Site) -> Made | None:
        id_ = tag.first("id", "videoid", "video_id") or (tag.words[0] if tag.words else "")
        if re.match(r"https?://", id_):
            return Made(f'<a href="{escape(id_)}">{escape(id_)}</a>')
        if not _ID.fullmatch(id_):
            return None
        where, page = address.format(quote(id_)), escape(link.format(quote(id_)))
        return Made(f'<iframe src="{escape(where)}"><a href="{page}">{page}</a></iframe>', is_block=True)

    return handler


def _iframe(tag: Tag, _: Site) -> Made | None:
    source = tag.first("src", "url") or (tag.words[0] if tag.words else "")
    return Made(f'<iframe src="{escape(source)}"></iframe>', is_block=True) if source else None


def _media(element: str) -> Handler:
    def handler(tag: Tag, _: Site) -> Made | None:
        source = tag.first("src", "url", "mp3", "mp4", "file") or (tag.words[0] if tag.words else "")
        poster = tag.first("poster") if element == "video" else ""
        return (
            Made(f"<{element}{_attributes(src=source, poster=poster)} controls></{element}>", True)
            if source
            else None
        )

    return handler


def _page_of(pattern: str) -> Handler:
    """A link to a page whose content only a script would show."""

    def handler(tag: Tag, _: Site) -> Made | None:
        words = [word for word in (*tag.words, tag.first("user"), tag.first("id")) if word]
        address = next((word for word in words if re.match(r"https?://", word)), "")
        if not address:
            count = pattern.count("{}")
            if len(words) < count:
                return None
            address = pattern.format(*(quote(word, safe="/") for word in words[:count]))
        return Made(f'<a href="{escape(address)}">{escape(address)}</a>')

    return handler


def _gist(tag: Tag, _: Site) -> Made | None:
    words = [quote(word) for word in tag.words[:2] if "." not in word]  # a word with a dot is a single file
    address = escape("https://gist.github.com/" + "/".join(words))
    return Made(f'<a href="{address}">{address}</a>') if words else None


def _post_url(tag: Tag, site: Site) -> Made | None:
    found = site.post(f"_posts/{tag.words[0].lstrip('/')}.md") if tag.words else None
    return Made(escape(found)) if found else None


def _post_link(tag: Tag, site: Site) -> Made | None:
    """Hexo's `post_link`: `name [title]`."""
    name = tag.words[0].removesuffix(".md") if tag.words else ""
    found = site.post(f"_posts/{name}.md") if name else None
    title = " ".join(tag.words[1:]) or re.sub(r"[-_]+", " ", name.rpartition("/")[2])
    return Made(f'<a href="{escape(found)}">{escape(title)}</a>') if found else None


def _link(tag: Tag, site: Site) -> Made | None:
    """Jekyll's `link path`, and Hexo's `link text url [external] [title]`."""
    if len(tag.words) > 1:
        at = next((n for n, word in enumerate(tag.words) if n and re.match(r"https?://|/", word)), None)
        if at is None:
            return None
        return Made(f'<a href="{escape(tag.words[at])}">{escape(" ".join(tag.words[:at]))}</a>')
    path = tag.words[0] if tag.words else ""
    if not path.endswith((".md", ".markdown")):
        return Made(escape(site.path(path))) if path else None
    found = site.post(path)
    return Made(escape(found)) if found else None


def _asset_path(tag: Tag, _: Site) -> Made | None:
    return Made(escape(tag.words[0])) if tag.words else None


def _asset_link(tag: Tag, _: Site) -> Made | None:
    if not tag.words:
        return None
    title = " ".join(tag.words[1:]) or tag.words[0]
    return Made(f'<a href="{escape(tag.words[0])}">{escape(title)}</a>')


def _reference(tag: Tag, site: Site) -> Made | None:
    """Hugo's `ref` and `relref`."""
    path, mark, place = (tag.first("path") or (tag.words[0] if tag.words else "")).partition("#")
    found = site.post(path.lstrip("/")) if path else ""
    return None if found is None else Made(escape(f"{found}{mark}{place}"))


def _parameter(tag: Tag, site: Site) -> Made | None:
    found = site.keys.get(tag.words[0]) if tag.words else None
    return Made(escape(str(found))) if isinstance(found, str | int | float) else None


def _include(tag: Tag, site: Site) -> Made | None:
    """A theme's file, which is not available.

    But an include named like a figure or a player usually is one.
    """
    name = re.sub(r"\.(?:html|md)$", "", tag.words[0].rpartition("/")[2]).lower() if tag.words else ""
    inner = Tag(name=name, words=tag.words[1:], named=tag.named)
    if name in ("video", "embed") and tag.first("provider"):
        name = tag.first("provider").lower()
    name = next((each for each in ("youtube", "vimeo", "bilibili", "gist") if each in name), name)
    handler = INLINE.get(name) if name != "include" else None
    made = handler(inner, site) if handler is not None else None
    if isinstance(made, Made):
        return made
    return _figure(inner, site) if name else None


def _nothing(_: Tag, __: Site) -> Made:
    return Made("")


_YOUTUBE = _player("https://www.youtube-nocookie.com/embed/{}", "https://www.youtube.com/watch?v={}")
_VIMEO = _player("https://player.vimeo.com/video/{}", "https://vimeo.com/{}")
_BILIBILI = _player("https://player.bilibili.com/player.html?bvid={}", "https://www.bilibili.com/video/{}")

BLOCKS: Mapping[str, Handler] = {
    "highlight": _highlight,
    "codeblock": _codeblock,
    "code": _codeblock,
    "blockquote": _quote,
    "quote": _quote,
    "pullquote": lambda tag, _: Quote(tag.body or ""),
    "centerquote": lambda tag, _: Quote(tag.body or ""),
    "cq": lambda tag, _: Quote(tag.body or ""),
    "mermaid": lambda tag, _: Code(tag.body or "", "mermaid"),
    "comment": _nothing,
    "capture": _nothing,
}
"""Tags that have a body."""

INLINE: Mapping[str, Handler] = {
    "img": _image,
    "asset_img": _image,
    "asset_image": _image,
    "image": _figure,
    "figure": _figure,
    "youtube": _YOUTUBE,
    "vimeo": _VIMEO,
    "bilibili": _BILIBILI,
    "iframe": _iframe,
    "audio": _media("audio"),
    "video": _media("video"),
    "gist": _gist,
    "twitter": _page_of("https://x.com/{}/status/{}"),
    "tweet": _page_of("https://x.com/{}/status/{}"),
    "x": _page_of("https://x.com/{}/status/{}"),
    "instagram": _page_of("https://www.instagram.com/p/{}/"),
    "jsfiddle": _page_of("https://jsfiddle.net/{}/"),
    "codepen": _page_of("https://codepen.io/{}/pen/{}"),
    "post_url": _post_url,
    "post_path": _post_url,
    "post_link": _post_link,
    "link": _link,
    "asset_path": _asset_path,
    "asset_link": _asset_link,
    "ref": _reference,
    "relref": _reference,
    "param": _parameter,
    "include": _include,
    "include_relative": _include,
    "include_cached": _include,
    "assign": _nothing,
    "toc": _nothing,
    "more": _nothing,
    "endraw": _nothing,
}
"""Tags without a body."""
