"""What Hexo, Hugo and Jekyll want said in words of their own, and the keys by which they are steered."""

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
"""Keys, in lower case, by which a page says where it goes, how it is rendered and whether it is shown.

An article comes from elsewhere: what its own site was told by them does not steer another.
"""


def added(flavour: Flavour, *, updated: str | None, headimg: str | None) -> dict[str, Any]:
    """What is said once more for a generator: `updated` is the date as it is written, None: nothing is."""
    if updated is None:
        return {}
    if flavour == "hugo":
        return {"lastmod": updated, **({"images": [headimg]} if headimg else {})}
    return {"layout": "post", "last_modified_at": updated} if flavour == "jekyll" else {}


def repeated(keys: Mapping[str, Any], *, updated: str | None, headimg: str | None) -> list[str]:
    """Which of these keys say nothing but what `added` says for some generator."""
    found = []
    for flavour in ("hugo", "jekyll"):
        said = added(flavour, updated=updated, headimg=headimg)
        if said and all(key in keys and keys[key] == value for key, value in said.items()):
            found += [*said]
    return found
