"""Sanitised HTML of a letter -> the same without what is for its one reader: links to leave, counted ones.

What a link leads to cannot be known without following it. So a link is taken for a personal one when its text
or address speaks of a subscription, or when a part of its address looks like a key; its words stay.
"""

from __future__ import annotations

import re
from html import unescape

from aggregator.normalise.tracking import without_tracking

__all__ = ["is_personal", "without_personal"]

_LINK = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL)
_PICTURE = re.compile(r"<img\b([^>]*)>")
_ADDRESS = re.compile(r'(\s(?:href|src)=")([^"]*)"')
_TAGS = re.compile(r"<[^>]*>")
_SPEAKS = re.compile(
    r"unsubscri|opt[-_ ]?out|manage[-_ ]?(?:your[-_ ]?)?(?:preferences|subscription)|email[-_ ]?preferences|"
    r"update[-_ ]?(?:your[-_ ]?)?preferences|in[-_ ]?(?:your[-_ ]?)?browser|"
    r"abbestell|abmeld|austragen|desabonn|désabonn|désinscri|desinscri|se désinscrire|cancelar suscrip|"
    r"darse de baja|disiscri|annulla iscrizione|afmelden|uitschrijven|avregistrer|отпис|"
    r"取消订阅|退订|取消訂閱|配信停止|購読解除|登録解除",
    re.IGNORECASE,
)
# Twenty letters and digits with both among them, in no word: what a program made. A UUID is one too.
_KEY = re.compile(r"(?=[A-Za-z0-9_=-]*[0-9])(?=[A-Za-z0-9_=-]*[A-Za-z])[A-Za-z0-9_=-]{20,}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_SLUG = re.compile(r"[a-z0-9]{1,15}(?:[-_][a-z0-9]{1,15})+")


def is_personal(url: str, text: str = "") -> bool:
    """Whether an address, or the text that leads to it, seems to be for one reader."""
    if url.lower().startswith("mailto:") or _SPEAKS.search(url) or _SPEAKS.search(text):
        return True
    rest = url.partition("://")[2].partition("/")[2]
    if "@" in rest or _UUID.search(rest):
        return True
    return any(not _SLUG.fullmatch(found[0].lower()) for found in _KEY.finditer(rest))


def without_personal(html: str) -> str:
    """The HTML without personal links; what only counts readers in other links goes from their addresses."""
    return _PICTURE.sub(_picture, _LINK.sub(_link, html))


def _link(found: re.Match[str]) -> str:
    address = _ADDRESS.search(found[1])
    if address is None:
        return found[0]
    url = without_tracking(unescape(address[2]))
    if is_personal(url, unescape(_TAGS.sub("", found[2]))):
        return found[2]
    return found[0].replace(address[0], f'{address[1]}{_escaped(url)}"', 1)


def _picture(found: re.Match[str]) -> str:
    address = _ADDRESS.search(found[1])
    if address is None:
        return found[0]
    url = without_tracking(unescape(address[2]))
    # Pictures are kept under names that programs made; only a query tells one reader from another.
    if _SPEAKS.search(url) or is_personal(f"x://x/{url.partition('?')[2]}"):
        return ""
    return found[0].replace(address[0], f'{address[1]}{_escaped(url)}"', 1)


def _escaped(url: str) -> str:
    return url.replace("&", "&amp;").replace('"', "&#34;").replace("<", "&lt;")
