"""Images, frames and quotations in nh3's output: lazy images get addresses, trackers are removed, players are
safe.

nh3 sees one attribute at a time; what needs two of them (a pixel's width and height, a lazy image's two
addresses, a player's host) is done here, on nh3's output. That is a regular serialisation, with every
attribute quoted and every `<` in text escaped, so that a regex reads it reliably.
"""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urlsplit

from aggregator.normalise.embedded_players import player_address
from aggregator.normalise.images import picture
from aggregator.normalise.links import MAX_CHARACTERS, resolve

__all__ = ["LAZY", "REFUSED", "finish", "is_pixel"]

MAX_SRCSET_CHARACTERS = 20_000
MAX_IMAGES = 20
"""How many images of a body are examined to find its lead image."""

_LAZY_SOURCES = (
    "data-src",
    "data-lazy-src",
    "data-original",
    "data-orig-src",
    "data-actualsrc",
    "data-orig-file",
    "data-original-src",
    "data-lazyload",
    "data-lazy",
    "data-echo",
    "data-cfsrc",
    "data-ll-src",
    "data-hi-res-src",
    "data-full-src",
    "data-image-src",
    "data-img-src",
    "data-image",
    "data-img",
    "data-delayed-url",
    "data-raw-src",
    "data-large-file",
    "data-medium-file",
    "data-url",
)
_LAZY_SRCSETS = ("data-srcset", "data-lazy-srcset", "data-lazyload-srcset", "data-original-set")
REFUSED = "data:,"
"""Replaces an embedded image that is too large or of a refused type."""

LAZY = frozenset(_LAZY_SOURCES + _LAZY_SRCSETS)
"""Attributes from which a page's script would fill `src` and `srcset` (lazy loading)."""

_PLAYER_RULES = (
    'sandbox="allow-scripts allow-same-origin allow-popups allow-presentation" '
    'allow="fullscreen; picture-in-picture" '
    'allowfullscreen="" loading="lazy" referrerpolicy="strict-origin-when-cross-origin"'
)
_IMAGE_RULES = ' loading="lazy" referrerpolicy="no-referrer">'

# In lower case, like the texts they are matched with: a regex that ignores case takes three times as long.
_TRACKERS = re.compile(
    r"https?://(?:feeds\.feedburner\.com/~(?:r|ff|a)/|feeds\d*\.feedburner\.com/~|feeds\.feedblitz\.com/~/i/"
    r"|pixel\.wp\.com/|stats\.wordpress\.com/|feeds\.wordpress\.com/1\.0/|pixel\.quantserve\.com/"
    r"|[\w.-]*(?:doubleclick\.net/|scorecardresearch\.com/|\.feedsportal\.com/[^\s]*mf\.gif)"
    r"|(?:www|ssl)\.google-analytics\.com/|(?:da|pi|res\d?|rc)\.feedsportal\.com/"
    r"|blogger\.googleusercontent\.com/tracker/|medium\.com/_/stat|www\.facebook\.com/tr[?/]"
    r"|b\.gatekeeperconsulting|api\.follow\.it/track)"
)
_PLAYER_OR_MAP = re.compile(
    r"https?://[^/]*(?:play|video|tube|media|podcast|audio|music|radio|stream|map|cast|embed)"
    r"|/(?:embed|player|e|v|video|videos|maps?|iframe|widget)(?:[/.?#-]|$)"
)
_BEHIND_THE_SCENES = re.compile(
    r"https?://[^/]*(?:googletagmanager|doubleclick|googlesyndication|amazon-adsystem|recaptcha|facebook\.com/plugins)"
)
_SMALL = re.compile(r"\s*0*[01](?:\.0*)?\s*(?:px)?\s*", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|;)(?:display:none|(?:width|height):0*[01](?:px)?)(?:;|$)", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"data:|.{0,2000}(?:blank|spacer|pixel|placeholder|dummy|lazy|loading|loader|spinner|1px|transparent|1x1|gr[ae]y|empty)[\w-]{0,50}"
    r"\.(?:gif|png|svg|jpe?g|webp)",
    re.IGNORECASE,
)

_ATTRIBUTE = re.compile(r' ([^ ="]+)="([^"]*)"')
_SOURCE = re.compile(r' src="([^\s"][^"]*)"')
_UNUSUAL = re.compile(r' (?:style="|data-|(?:width|height)="\s*0*[01]?[^0-9])')
"""Signs that an image may be a tracking pixel, or loaded lazily."""
_TOUCHED = re.compile(
    r'<(?=[bdiqs])(?:(img|source|(?:blockquote|q|del|ins)(?= ))((?>(?: [^ ="]++="[^"]*+")*))>'
    r'|iframe((?: [^ ="]+="[^"]*")*)>[^<]*(?:<(?!/iframe>)[^<]*)*</iframe>)'
)
_SIDE = re.compile(r' (?:width|height)="([^"]*)"')


def finish(clean: str, bases: tuple[str, ...]) -> tuple[str, str | None]:
    """nh3's output with images, frames, sources and citations corrected, and its first picture's URL.

    `bases`: as for `resolve`.
    """
    finishing = _Finish(bases)
    return _TOUCHED.sub(finishing.element, clean), finishing.picture


class _Finish:
    """One pass; remembers the last image, to remove the copy of a lazy image in its `<noscript>`."""

    __slots__ = ("bases", "images", "last", "last_end", "picture")

    def __init__(self, bases: tuple[str, ...]) -> None:
        self.bases = bases
        self.last = ""
        self.last_end = -1
        self.images = 0
        self.picture: str | None = None

    def element(self, m: re.Match[str]) -> str:
        name, written = m[1], m[2]
        if name == "img":
            return self._image(m, written)
        if name is None:
            return self._player(m[3])
        if "cite=" in written or "srcset=" in written or "data-" in written:
            attributes = _read(written)
            if cite := resolve(attributes.pop("cite", None), *self.bases):
                attributes["cite"] = cite
            if name == "source":
                self._undo_lazy_loading(attributes)
            return f"<{name}{_attributes(attributes)}>"
        return m[0]

    def _player(self, written: str) -> str:
        """Keeps a frame only if it is a known player, with our attributes in place of its own."""
        attributes = _read(written)
        self._undo_lazy_loading(attributes)
        address = player_address(attributes.get("src", ""))
        if address is None:
            return self._link_to_frame(attributes)
        kept = {"src": address}
        kept |= {k: attributes[k] for k in ("title", "width", "height") if k in attributes}
        return f"<iframe{_attributes(kept)} {_PLAYER_RULES}></iframe>"

    def _link_to_frame(self, attributes: dict[str, str]) -> str:
        """A link in place of an unknown player or map; "" in place of any other frame."""
        address = resolve(attributes.get("src"), *self.bases) or ""
        place = address.lower()
        if not _PLAYER_OR_MAP.search(place) or _BEHIND_THE_SCENES.search(place) or is_pixel(attributes):
            return ""
        says = attributes.get("title", "").strip() or urlsplit(address).hostname or address
        return f'<a href="{escape(address)}" rel="noopener noreferrer">{escape(says, quote=False)}</a>'

    def _image(self, m: re.Match[str], written: str) -> str:
        source = _SOURCE.search(written)
        has_set = " srcset=" in written
        sound = _SOUND_SRCSET.search(written) if has_set and len(written) < MAX_CHARACTERS else None
        if source is None or _UNUSUAL.search(written) or (has_set and sound is None):
            attributes = _read(written)
            if "srcset" in attributes or "data-" in written:
                self._undo_lazy_loading(attributes)
                written = _attributes(attributes)
            src = attributes.get("src", "")
            if (not src and not attributes.get("srcset")) or is_pixel(attributes):
                return ""
        else:
            src = unescape(source[1])
            if _TRACKERS.match(src.lower()):
                return ""
            if sound:  # it goes last, as in `_undo_lazy_loading`
                written = _requoted(written[: sound.start()] + written[sound.end() :]) + sound[0]
        if src == REFUSED:
            attributes = _read(written)
            del attributes["src"]
            if "srcset" not in attributes:
                return escape(attributes.get("alt", "").strip(), quote=False)
            src, written = attributes["srcset"].split()[0], _attributes(attributes)
        twin = src == self.last and not m.string[self.last_end : m.start()].strip()
        self.last, self.last_end = src, m.end()
        if twin:
            return ""
        if self.picture is None and self.images < MAX_IMAGES:
            self.images += 1
            self.picture = picture(src, *_SIDE.findall(written))
        return f"<img{written}{_IMAGE_RULES}"

    def _undo_lazy_loading(self, attributes: dict[str, str]) -> None:
        """Moves the addresses of a lazy element to `src` and `srcset`; makes those of `srcset` absolute."""
        lazy = {name: attributes.pop(name) for name in LAZY if name in attributes}
        source = next((lazy[name] for name in _LAZY_SOURCES if name in lazy), None)
        src = attributes.get("src")
        if source and (not src or _PLACEHOLDER.match(src)) and (url := resolve(source, *self.bases)):
            attributes["src"] = url
            if _HIDDEN.search(attributes.get("style", "")):  # a script would show it
                del attributes["style"]
        candidates = next((lazy[name] for name in _LAZY_SRCSETS if name in lazy), None)
        srcset = _srcset(candidates or attributes.get("srcset", ""), self.bases)
        attributes.pop("srcset", None)
        if srcset:
            attributes["srcset"] = srcset


def _read(written: str) -> dict[str, str]:
    found = dict(_ATTRIBUTE.findall(written))
    return {name: unescape(value) for name, value in found.items()} if "&" in written else found


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {k}="{escape(v)}"' for k, v in attributes.items())


def _requoted(written: str) -> str:
    """Attributes as nh3 wrote them, in the form in which `_attributes` writes them."""
    if "'" in written or "<" in written or ">" in written or "&nbsp;" in written:
        return _attributes(_read(written))
    return written


def is_pixel(attributes: dict[str, str]) -> bool:
    """Whether an image is a tracking pixel: one pixel or less, hidden, or at a known tracker's address."""
    return (
        any(_SMALL.fullmatch(attributes.get(side, "")) for side in ("width", "height"))
        or ("style" in attributes and _HIDDEN.search(attributes["style"]) is not None)
        or _TRACKERS.match(attributes.get("src", "").lower()) is not None
    )


_CANDIDATE = re.compile(r"[^\s,]\S*")
_DESCRIPTOR = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?[wxh])?[^,]*,?")
# A srcset that `_srcset` would not change, as most publishers write it.
_IN_PATH = r"[A-Za-z0-9_!$%'()*+./:;=?@~#-]*"
_SOUND = (
    rf"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?(?:/{_IN_PATH}(?:&amp;{_IN_PATH})*)?"
    r"(?: [0-9]+(?:\.[0-9]+)?[wxh])?"
)
_SOUND_SRCSET = re.compile(rf' srcset="{_SOUND}(?:, {_SOUND})*"')


def _srcset(written: str, bases: tuple[str, ...]) -> str:
    """A `srcset` with absolute URLs (HTML §4.8.4.2.2); candidates that are not http(s) are dropped."""
    written = written[:MAX_SRCSET_CHARACTERS]
    candidates = []
    at = 0
    while m := _CANDIDATE.search(written, at):
        url, at, descriptor = m[0], m.end(), None
        if url.endswith(","):
            url = url.rstrip(",")
        elif d := _DESCRIPTOR.match(written, at):
            descriptor, at = d[1], d.end()
        if resolved := resolve(url, *bases):
            candidates.append(f"{resolved} {descriptor}" if descriptor else resolved)
    return ", ".join(candidates)
