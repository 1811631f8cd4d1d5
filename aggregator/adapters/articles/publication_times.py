"""Whether, from when and until when a file is published, by its front matter and its path.

The rules of several generators combined: Hexo (`published`, `_drafts`), Hugo (`draft`, `headless`, `build`,
`publishDate`, `expiryDate`, `_index.md`), Jekyll (`published`, `_drafts`), Eleventy (`permalink: false`),
Pelican and WordPress exports (`status`), Zola (`render`), Obsidian (`publish`) and Docusaurus (`unlisted`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aggregator.model.article import Article
from aggregator.normalise.dates import parse as parse_date

__all__ = ["shown_from", "shown_until", "why_not_shown"]

_TRUE = frozenset(("true", "yes", "on", "y", "1"))
_FALSE = frozenset(("false", "no", "off", "n", "0"))

_NEVER_TRUE = (
    "draft",
    "drafts",
    "hidden",
    "hide",
    "private",
    "unlisted",
    "headless",
    "eleventyexcludefromcollections",
)
_NEVER_FALSE = ("published", "publish", "render", "permalink")
_STATUS = frozenset(
    ("draft", "auto-draft", "hidden", "inherit", "pending", "private", "skip", "trash", "unlisted")
)
_FOLDERS = frozenset(("_data", "_includes", "_layouts", "_sass", "_site"))


def why_not_shown(keys: Mapping[str, Any], name: str) -> str:
    """Why a generator would not publish this file, or "".

    `keys` is its front matter as written, `name` its path inside the folder, "" for a single file.
    """
    *folders, file = name.split("/")
    for folder in map(str.lower, folders):
        if folder == "_drafts":
            return "is in a folder _drafts"
        if folder in _FOLDERS:
            return f"is in a folder {folder}, which holds no articles"
    if file.lower().startswith("_index."):
        return "is the page of a section (_index), no article"
    if file.startswith("_"):
        return "has a name that begins with _"
    lower = {key.lower(): value for key, value in keys.items()}
    for key in _NEVER_TRUE:
        if _is(lower.get(key), _TRUE):
            return (
                f"is a draft ({key}: true)"
                if key in ("draft", "drafts")
                else f"is not to be listed ({key}: true)"
            )
    for key in _NEVER_FALSE:
        if _is(lower.get(key), _FALSE):
            return f"is not published ({key}: false)"
    status = lower.get("status")
    if isinstance(status, str) and status.strip().lower() in _STATUS:
        return f"is not published (status: {status.strip().lower()})"
    if lower.get("password") not in (None, "", False):
        return "is protected by a password"
    for key in ("build", "_build"):
        build = lower.get(key)
        if isinstance(build, Mapping) and any(_is_never(build.get(part)) for part in ("render", "list")):
            return f"is not to be listed ({key})"
    return ""


def shown_from(article: Article, keys: Mapping[str, Any]) -> datetime | None:
    """The moment from which on a file is published; None without a date."""
    return _date(keys, "publishdate") or _date(keys, "pubdate") or article.published


def shown_until(keys: Mapping[str, Any]) -> datetime | None:
    """The moment after which a file is no longer published (Hugo's `expiryDate`); None for no end."""
    return _date(keys, "expirydate") or _date(keys, "unpublishdate")


def _is(value: object, words: frozenset[str]) -> bool:
    return isinstance(value, bool | int | str) and str(value).strip().lower() in words


def _is_never(value: object) -> bool:
    return _is(value, _FALSE) or (isinstance(value, str) and value.strip().lower() == "never")


def _date(keys: Mapping[str, Any], name: str) -> datetime | None:
    found = next((value for key, value in keys.items() if key.lower() == name), None)
    return parse_date(found.strip()) if isinstance(found, str) else None
