"""Keys that only Hexo, Hugo or Jekyll read, and keys that control how they treat a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["STEERING", "Flavour", "added", "repeated"]

Flavour = Literal["", "hexo", "hugo", "jekyll"]
"""The generator that front matter is written for, "" for none in particular."""

STEERING = frozenset(
    {
        *(
            "_build",
            "alias",
            "aliases",
            "asset_dir",
            "build",
            "cascade",
            "collection",
            "content",
            "dir",
            "draft",
        ),
        *("disablenunjucks", "excerpt", "excerpt_separator", "expirydate", "ext", "full_source", "headless"),
        *("id", "lang", "layout", "linktitle", "markup", "menu", "menus", "more", "name", "next", "outputs"),
        *("path", "permalink", "previous", "publishdate", "published", "raw", "redirect_from", "redirect_to"),
        *("relative_path", "render_with_liquid", "resources", "site", "sitemap", "slug", "translationkey"),
        *("type", "unpublishdate", "url", "weight", "output", "_content", "_id", "__permalink", "__post"),
    }
)
"""Keys, in lower case, that decide where a page goes, how it is rendered and whether it is shown.

An article comes from another site: its settings for that site must not control this one.
"""


def added(flavour: Flavour, *, updated: str | None, headimg: str | None) -> dict[str, Any]:
    """Keys that repeat a value with a generator's own name; `updated` is the date as written, or None."""
    if updated is None:
        return {}
    if flavour == "hugo":
        return {"lastmod": updated, **({"images": [headimg]} if headimg else {})}
    return {"layout": "post", "last_modified_at": updated} if flavour == "jekyll" else {}


def repeated(keys: Mapping[str, Any], *, updated: str | None, headimg: str | None) -> list[str]:
    """Which of these keys only repeat what `added` writes for a generator."""
    found = []
    for flavour in ("hugo", "jekyll"):
        repeats = added(flavour, updated=updated, headimg=headimg)
        if repeats and all(key in keys and keys[key] == value for key, value in repeats.items()):
            found += [*repeats]
    return found
