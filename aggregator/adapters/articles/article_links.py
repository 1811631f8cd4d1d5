"""The address of an article on the site of its folder: its link, and its cover image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from aggregator.adapters.articles.options import Options
from aggregator.adapters.articles.permalinks import Post, UnknownPart, filled, filled_by_name
from aggregator.adapters.articles.tags import Site
from aggregator.model.article import Article
from aggregator.model.resource import Resource
from aggregator.normalise.links import resolve

__all__ = ["cover_of", "has_own_address", "link_of", "on_site", "post_of", "site_of"]

_ROOTS = ("_posts", "_drafts", "content")
_OWN = ("permalink", "url")
_COVERS = (
    *(
        "headimg",
        "cover",
        "image",
        "images",
        "banner",
        "thumbnail",
        "photos",
        "featured_image",
        "featuredImage",
    ),
    *(
        "feature_image",
        "featureimage",
        "cover_image",
        "coverImage",
        "og_image",
        "hero",
        "header",
        "index_img",
    ),
    *("banner_img", "top_img", "img", "social_image", "preview"),
)
# Cover images in a table: as in PaperMod, jekyll-seo-tag, Minimal Mistakes and Chirpy.
_PARTS = ("image", "path", "url", "src", "teaser", "overlay_image", "og_image")
_IMAGE = re.compile(r"[^\s<>\"]{1,1000}\.(?:jpe?g|png|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)
_WRITTEN = re.compile(
    r"\s*([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T\s]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)


def link_of(article: Article, keys: Mapping[str, Any], resource: Resource, options: Options) -> str | None:
    """The address of an article on its site; None if nothing defines it. Raises UnknownPart.

    A file's own address (`permalink`, `url`) is preferred, and may be a pattern.
    """
    if not options.link:
        return None
    own = next((found for key in _OWN if (found := _text(keys, key))), "")
    if not own and not options.permalink:
        return None
    post = post_of(article, keys, resource)
    if not own:
        return on_site(filled(options.permalink, post, options.generator), options)
    return on_site(
        filled(own, post, options.generator) if re.search(r"(?:^|[/-]):[a-z]", own) else own, options
    )


def site_of(article: Article, keys: Mapping[str, Any], options: Options) -> Site:
    """The parts of the site that tags in a post may need."""

    def post(path: str) -> str | None:
        if not (options.link and options.permalink):
            return None
        try:
            return on_site(filled_by_name(options.permalink, path, options.generator), options)
        except UnknownPart:
            return None

    def path(of_site: str) -> str:
        if not options.link or resolve(of_site) is not None:
            return of_site
        return on_site(of_site, options) or of_site

    own = {"title": article.title, **({"url": article.link} if article.link else {})}
    return Site(post=post, path=path, link=options.link, keys={**keys, **own})


def has_own_address(keys: Mapping[str, Any]) -> bool:
    """Whether a file itself says its address on the site."""
    return any(_text(keys, key) for key in (*_OWN, "slug"))


def post_of(article: Article, keys: Mapping[str, Any], resource: Resource) -> Post:
    """The values for a permalink pattern."""
    written = next((found for key in ("date", "publishDate", "pubDate") if (found := _text(keys, key))), "")
    return Post(
        path=_path(resource),
        title=article.title,
        written=_as_written(written) or article.published,
        published=article.published,
        categories=article.categories,
        keys=keys,
    )


def on_site(path: str, options: Options) -> str | None:
    """The address of a path of the site; a path starts at the site's root."""
    begin = urlsplit(options.link).path
    inside = path[len(begin) :] if len(begin) > 1 and path.startswith(begin) else path.lstrip("/")
    return resolve(f"./{inside}", options.link)


def cover_of(
    keys: Mapping[str, Any], resource: Resource, link: str | None, options: Options
) -> tuple[str | None, bool]:
    """The lead image that a file names by an address of its site, and whether it names one.

    A path that begins with `.`, and a path in a page bundle, is relative to the article; others to the site.
    """
    for key in _COVERS:
        for found, is_beside in _images(keys.get(key)):
            if absolute := resolve(found):
                return absolute, True
            name = resource.name.rpartition("/")[2]
            if (
                is_beside
                or found.startswith(".")
                or (name.startswith("index.") and not found.startswith("/"))
            ):
                return resolve(found, link or options.link), True
            return (on_site(found, options) if options.link else resolve(found, link)), True
    return None, False


def _images(value: Any) -> list[tuple[str, bool]]:
    """Addresses of images in a value, each with whether it is marked as relative to the article."""
    if isinstance(value, list):
        return [each for item in value[:1] for each in _images(item)]
    if isinstance(value, Mapping):
        is_beside = value.get("relative") is True
        return [(each, is_beside) for part in _PARTS for each, _ in _images(value.get(part))]
    text = value.strip() if isinstance(value, str) else ""
    return [(text, False)] if _IMAGE.fullmatch(text) else []


def _path(resource: Resource) -> str:
    """The file's path as its generator sees it: a source may be a folder inside `_posts` or `content`."""
    parts = resource.name.split("/")
    if any(root in parts for root in _ROOTS) or not resource.url.startswith("file:"):
        return resource.name
    whole = unquote(urlsplit(resource.url).path).split("/")
    at = max((len(whole) - 1 - whole[::-1].index(root) for root in _ROOTS if root in whole), default=-1)
    return "/".join(whole[at:]) if at >= 0 else resource.name


def _as_written(text: str) -> datetime | None:
    """The day and time as written, without applying the zone that follows."""
    found = _WRITTEN.match(text)
    try:
        return datetime(*(int(part or 0) for part in found.groups())) if found else None  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def _text(keys: Mapping[str, Any], key: str) -> str:
    found = keys.get(key)
    return found.strip() if isinstance(found, str) else ""
