"""Canonical keys of links: equal for links to one page, however they are written.

The key is for comparing, never for following. Left out: scheme, `www`, mobile and AMP forms, tracking
parameters, default ports, index pages, a final slash; query parameters are sorted. Wrappers that name their
destination (Google's redirects, AMP caches, the Wayback Machine) are unwrapped; no address is asked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from aggregator.normalise.links import with_ascii_host
from aggregator.normalise.tracking import without_tracking

__all__ = ["canonical", "fragment", "host_labels", "is_specific"]

_FORM_OF_HOST = re.compile(
    r"^(?:www\d?|m|mobile|amp|touch|wap)\.(?=[^.]+\.[^.]+)|(?<=\.)m\.(?=[^.]+\.[^.]+$)"
)
_FORMS_OF_HOST = ("www", "m.", "mobile.", "amp.", "touch.", "wap.")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]*")
_SAME_SITE = {
    "twitter.com": "x.com",
    "old.reddit.com": "reddit.com",
    "np.reddit.com": "reddit.com",
    "new.reddit.com": "reddit.com",
    "youtube-nocookie.com": "youtube.com",
}
_FORMS = frozenset({"amp", "outputtype", "print", "mobile", "single_page", "singlepage", "isappinstalled"})
_FORMS_BY_VALUE = frozenset(
    {("m", "1"), ("m", "0"), ("view", "mobile"), ("format", "amp"), ("page", "all"), ("showall", "1")}
)
_WRAPPERS = {
    "google.com/url": ("url", "q"),
    "l.facebook.com/l.php": ("u",),
    "lm.facebook.com/l.php": ("u",),
    "l.instagram.com/": ("u",),
    "out.reddit.com/": ("url",),
    "youtube.com/redirect": ("q",),
    "t.umblr.com/redirect": ("z",),
    "redirect.viglink.com/": ("u",),
    "link.zhihu.com/": ("target",),
    "link.juejin.cn/": ("target",),
    "steamcommunity.com/linkfilter/": ("url", "u"),
    "vk.com/away.php": ("to",),
}
_CACHE = re.compile(
    r"(?:google\.[a-z.]{2,6}/amp|bing\.com/amp|bing-amp\.com/c|[a-z0-9-]+\.cdn\.ampproject\.org/[a-z])/(?:s/)?(.+)"
    r"|web\.archive\.org/web/[0-9*]+(?:[a-z]{2}_)?/(.+)"
    r"|go\.theregister\.com/feed/(.+)",
    re.IGNORECASE,
)
_HAS_CACHE = re.compile(r"^(?:google|bing|web\.archive|go\.theregister)|ampproject\.org$")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_AMP = re.compile(r"/amp(?=/|$)|[./-]amp(?=\.html?$|$)", re.IGNORECASE)
_VIDEO = re.compile(r"^youtube\.com/(?:shorts|embed|live|v)/([\w-]{11})$|^youtu\.be/([\w-]{11})$", re.ASCII)
_PREPRINT = re.compile(r"^arxiv\.org/(?:abs|pdf|html)/([\w.-]+?/?[0-9.]+?)(?:v[0-9]+)?(?:\.pdf)?$", re.ASCII)
_NO_PLACE = re.compile(
    r"comments?|respond|disqus_thread|top|content|main|rss|more(?:-[0-9]+)?|new_tab|:~:.*|(?:echobox|link|ref|from)=.*",
    re.IGNORECASE,
)
_SECTION = re.compile(r"[a-z]{1,14}|[a-z]{2}-[a-z]{2}", re.IGNORECASE)
_LONGEST = 4_096


@lru_cache(maxsize=1_024)
def canonical(link: str, depth: int = 3) -> str:
    """The key of a web link, "" for anything else; never raises."""
    if not link or len(link) > _LONGEST:
        return ""
    try:
        parts = urlsplit(without_tracking(with_ascii_host(link.strip())))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return ""
    if host.startswith(_FORMS_OF_HOST) or ".m." in host:
        host = _FORM_OF_HOST.sub("", _FORM_OF_HOST.sub("", host))
    host = _SAME_SITE.get(host, host)
    path = parts.path
    if not _PLAIN_PATH.fullmatch(path):
        path = quote(unquote(path), safe="/!$&'()*+,:;=@~", errors="replace")
    if depth and (inner := _unwrapped(host, path, parts.path, parts.query)):
        return canonical(inner, depth - 1) or _written(host, port, path, parts.query)
    return _written(host, port, path, parts.query)


def _unwrapped(host: str, path: str, raw_path: str, query: str) -> str:
    """The link inside a wrapper, "" if there is none."""
    if names := _WRAPPERS.get(f"{host}{path}"):
        found = dict(parse_qsl(query, max_num_fields=100))
        return next((found[name] for name in names if found.get(name, "").startswith("http")), "")
    if _HAS_CACHE.search(host) and (cached := _CACHE.fullmatch(f"{host}{raw_path}")):
        inner = next(filter(None, cached.groups()))
        inner = inner if inner.startswith(("http://", "https://")) else f"https://{inner}"
        return f"{inner}?{query}" if query else inner
    return ""


def _written(host: str, port: int | None, path: str, query: str) -> str:
    if "." in path:
        path = _INDEX.sub("/", path)
    if "amp" in path.lower():
        path = _AMP.sub("", path)
    if "//" in path:
        path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/")
    kept = sorted(pair for pair in _pairs(query) if pair[0] not in _FORMS and pair not in _FORMS_BY_VALUE)
    place = host if port in {None, 80, 443} else f"{host}:{port}"
    key = f"{place}{path}"
    if video := _VIDEO.match(key):
        return f"youtube.com/watch?v={video[1] or video[2]}"
    if key == "youtube.com/watch":
        kept = [pair for pair in kept if pair[0] == "v"]
    if preprint := _PREPRINT.match(key):
        return f"arxiv.org/abs/{preprint[1]}"
    return key + "".join(f"{'&' if n else '?'}{name}={value}" for n, (name, value) in enumerate(kept))


def _pairs(query: str) -> list[tuple[str, str]]:
    """Names in lower case, values decoded once; empty parameters are left out."""
    found = []
    for parameter in query.split("&")[:100]:
        name, _, value = parameter.partition("=")
        if name:
            found.append((unquote(name).lower(), unquote(value)))
    return found


def fragment(link: str) -> str:
    """The position on the page that a link names, "" for one without a meaning (`#comments`, `#ref=rss`)."""
    _, _, name = without_tracking(link).partition("#")
    return "" if _NO_PLACE.fullmatch(name) else name


def is_specific(key: str) -> bool:
    """Whether a canonical link names one page: not a site's front page, not a section (`/podcast`)."""
    place, _, query = key.partition("?")
    segments = place.split("/")[1:]
    return bool(query) or len(segments) > 1 or (len(segments) == 1 and not _SECTION.fullmatch(segments[0]))


def host_labels(link: str | None) -> tuple[str, ...]:
    """Names that a site's address suggests: `example.com` and `example` for www.example.com."""
    host = canonical(link or "").partition("/")[0].partition(":")[0]
    labels = host.split(".")
    return (
        (host, labels[-2] if len(labels) < 3 or len(labels[-2]) > 3 else labels[-3])
        if len(labels) > 1
        else ()
    )
