"""Sites with known feed addresses: a table of patterns, which are matched with an address and its page.

An address is matched as "host/path?query": host in lower case without "www.", path without a slash at its
end. A second pattern must match the page's text, if the site has one; its groups are added to the first's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from aggregator.discovery.candidates import Candidate
from aggregator.normalise import links

MAX_ADDRESS_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class _Site:
    """`place` must match an address in full, `page` be found in its page ("" needs none); `feeds` are
    templates of addresses with their titles, filled in with named groups, `scheme` and `host`."""

    place: str
    feeds: Mapping[str, str]
    page: str = ""
    kind: str = "feed"
    options: Mapping[str, Any] = field(default_factory=dict)


_NOT_A_GITHUB_USER = (
    r"(?!(?:about|apps|collections|customer-stories|enterprise|events|explore|features|issues|login|"
    r"marketplace|new|notifications|orgs|pricing|pulls|readme|search|security|settings|site|sponsors|"
    r"topics|trending)(?:/|$))"
)
_OWNER = r"(?P<owner>[A-Za-z0-9][\w.-]*)"
_REPO = rf"{_OWNER}/(?P<repo>[\w.-]+?)(?:\.git)?"
_QA = (
    r"(?P<qa>(?:[a-z.]+\.)?(?:stackexchange|stackoverflow|superuser|serverfault|askubuntu|stackapps)\.com|"
    r"mathoverflow\.net)"
)
_ANY = r"(?P<any>[^/?]+)(?:/.*|\?.*)?"
_YOUTUBE = r"(?:m\.|music\.)?youtube\.com"
_UPLOADS = "https://www.youtube.com/feeds/videos.xml"

_GITLAB = {
    "{scheme}://{host}/{project}/-/releases.atom": "Releases",
    "{scheme}://{host}/{project}/-/tags?format=atom": "Tags",
    "{scheme}://{host}/{project}.atom": "Activity",
}

_TELEGRAM = {
    "item": ".tgme_widget_message_wrap",
    "title": ".tgme_widget_message_text",
    "link": "a.tgme_widget_message_date@href",
    "date": "a.tgme_widget_message_date time@datetime",
    "summary": ".tgme_widget_message_text",
}

SITES = (
    _Site(rf"{_YOUTUBE}/channel/(?P<id>UC[\w-]{{22}})(?:/.*)?", {f"{_UPLOADS}?channel_id={{id}}": "Videos"}),
    _Site(
        rf"{_YOUTUBE}/playlist\?(?:.*&)?list=(?P<id>[\w-]+).*", {f"{_UPLOADS}?playlist_id={{id}}": "Playlist"}
    ),
    _Site(rf"{_YOUTUBE}/user/(?P<user>[\w.-]+)(?:/.*)?", {f"{_UPLOADS}?user={{user}}": "Videos"}),
    # Only what names the page's own channel: ids of other channels are all over the page.
    _Site(
        rf"{_YOUTUBE}/(?:@[^/?]+|c/[^/?]+|watch\?.+|shorts/.+|live/.+|[\w.-]+)(?:/.*)?",
        {f"{_UPLOADS}?channel_id={{id}}": "Videos"},
        page=r"(?:rel=\"canonical\" href=\"https://www\.youtube\.com/channel/|videos\.xml\?channel_id=|"
        r"itemprop=\"(?:channelId|identifier)\" content=\"|\"external(?:Channel)?Id\":\s?\")"
        r"(?P<id>UC[\w-]{22})",
    ),
    _Site(
        rf"{_YOUTUBE}/watch\?.+",
        {f"{_UPLOADS}?channel_id={{id}}": "Videos"},
        page=r"\"channelId\":\s?\"(?P<id>UC[\w-]{22})",
    ),
    _Site(
        rf"github\.com/{_NOT_A_GITHUB_USER}{_REPO}/commits/(?P<path>[^?]+)",
        {"https://github.com/{owner}/{repo}/commits/{path}.atom": "Commits"},
    ),
    _Site(
        rf"github\.com/{_NOT_A_GITHUB_USER}{_REPO}/tags",
        {"https://github.com/{owner}/{repo}/tags.atom": "Tags"},
    ),
    _Site(
        rf"github\.com/{_NOT_A_GITHUB_USER}{_REPO}(?:[/?].*)?",
        {
            "https://github.com/{owner}/{repo}/releases.atom": "Releases",
            "https://github.com/{owner}/{repo}/tags.atom": "Tags",
            "https://github.com/{owner}/{repo}/commits.atom": "Commits",
        },
    ),
    _Site(
        rf"github\.com/{_NOT_A_GITHUB_USER}{_OWNER}(?:\?.*)?", {"https://github.com/{owner}.atom": "Activity"}
    ),
    # GitLab on any host: projects may be in nested groups, and their own pages begin with "/-/".
    _Site(
        r"[\w.-]+/(?P<project>[\w.-]+(?:/[\w.-]+)+?)(?:/-/.*)?",
        _GITLAB,
        page=r"<meta content=\"GitLab\" property=\"og:site_name\"|"
        r"<meta property=\"og:site_name\" content=\"GitLab\"|gon\.gitlab_url",
    ),
    _Site(
        r"gitlab\.com/(?P<project>[\w.-]+(?:/[\w.-]+)+?)(?:/-/.*)?",
        _GITLAB,
    ),
    _Site(
        rf"codeberg\.org/{_REPO}(?:/.*)?",
        {
            "https://codeberg.org/{owner}/{repo}/releases.rss": "Releases",
            "https://codeberg.org/{owner}/{repo}.rss": "Activity",
        },
    ),
    _Site(rf"codeberg\.org/{_OWNER}", {"https://codeberg.org/{owner}.rss": "Activity"}),
    _Site(
        r"(?:[a-z]+\.)?reddit\.com/r/(?P<sub>\w+)/comments/(?P<id>\w+)(?:/.*)?",
        {
            "https://www.reddit.com/r/{sub}/.rss": "r/{sub}",
            "https://www.reddit.com/r/{sub}/comments/{id}/.rss": "Comments",
        },
    ),
    _Site(
        r"(?:[a-z]+\.)?reddit\.com/r/(?P<sub>[\w+]+)(?:/(?:hot|best))?(?:\?.*)?",
        {"https://www.reddit.com/r/{sub}/.rss": "r/{sub}"},
    ),
    _Site(
        r"(?:[a-z]+\.)?reddit\.com/r/(?P<sub>[\w+]+)/(?P<sort>new|top|rising|controversial)(?P<query>\?.*)?",
        {"https://www.reddit.com/r/{sub}/{sort}/.rss{query}": "r/{sub}"},
    ),
    _Site(
        r"(?:[a-z]+\.)?reddit\.com/u(?:ser)?/(?P<user>[\w-]+)(?:/.*)?",
        {
            "https://www.reddit.com/user/{user}/submitted/.rss": "Posts",
            "https://www.reddit.com/user/{user}/.rss": "Posts and comments",
        },
    ),
    _Site(r"bsky\.app/profile/(?P<user>[\w.:-]+)", {"https://bsky.app/profile/{user}/rss": "Posts"}),
    _Site(
        r"[^/?]+/(?:web/)?@(?P<user>\w+)(?:/.*)?",
        {"{scheme}://{host}/@{user}.rss": "Posts"},
        page=r"application/activity\+json|id=[\"']mastodon[\"']",
    ),
    _Site(r"(?P<user>[\w-]+)\.medium\.com(?:/.*)?", {"https://{user}.medium.com/feed": ""}),
    _Site(r"medium\.com/tag/(?P<tag>[\w-]+)(?:/.*)?", {"https://medium.com/feed/tag/{tag}": "{tag}"}),
    _Site(
        r"medium\.com/(?!(?:m|me|search|about|p|plans|membership)(?:/|$))(?P<name>@?[\w.-]+)(?:/.*)?",
        {"https://medium.com/feed/{name}": "{name}"},
    ),
    _Site(_ANY, {"{scheme}://{host}/feed": ""}, page=r"com\.medium\.reader|cdn-client\.medium\.com"),
    _Site(r"substack\.com/@(?P<name>[\w-]+)(?:/.*)?", {"https://{name}.substack.com/feed": ""}),
    _Site(r"(?P<name>[\w-]+)\.substack\.com(?:/.*)?", {"https://{name}.substack.com/feed": ""}),
    _Site(
        _ANY, {"{scheme}://{host}/feed": ""}, page=r"<link rel=\"preconnect\" href=\"https://substackcdn\.com"
    ),
    _Site(
        r"(?:t|telegram)\.me/(?:s/)?(?!(?:s|c|joinchat|addstickers|addemoji|share|proxy|socks|iv|login)(?:[/?]|$))"
        r"(?P<name>[A-Za-z]\w{3,31})(?:[/?].*)?",
        {"https://t.me/s/{name}": "{name}"},
        kind="page",
        options=_TELEGRAM,
    ),
    _Site(
        r"(?:podcasts|itunes)\.apple\.com/.*",
        {"{json}": "Podcast"},
        page=r"\"feedUrl\":\s*(?P<json>\"https?:[^\"\s<>]{1,2000}\")",
    ),
    _Site(r"(?P<blog>[\w-]+)\.blogspot\.[a-z.]+(?:/.*)?", {"https://{host}/feeds/posts/default": ""}),
    _Site(
        _ANY,
        {"{scheme}://{host}/feeds/posts/default": ""},
        page=r"<meta (?:content=['\"]blogger['\"] name=['\"]generator|"
        r"name=['\"]generator['\"] content=['\"]blogger)",
    ),
    _Site(
        r"(?P<blog>[\w-]+)\.tumblr\.com/tagged/(?P<tag>[^/?]+)(?:/.*)?",
        {"https://{blog}.tumblr.com/tagged/{tag}/rss": "{tag}", "https://{blog}.tumblr.com/rss": ""},
    ),
    _Site(r"(?P<blog>[\w-]+)\.tumblr\.com(?:/.*)?", {"https://{blog}.tumblr.com/rss": ""}),
    _Site(
        r"tumblr\.com/(?!(?:tagged|explore|login|register|search|dashboard)(?:/|$))(?:blog/(?:view/)?)?"
        r"(?P<blog>[\w-]+)(?:/.*)?",
        {"https://{blog}.tumblr.com/rss": ""},
    ),
    _Site(
        r"news\.ycombinator\.com(?:/(?:news|newest|front))?(?:\?.*)?",
        {"https://news.ycombinator.com/rss": ""},
    ),
    _Site(rf"{_QA}/questions/tagged/(?P<tag>[^/?]+)(?:[/?].*)?", {"https://{qa}/feeds/tag/{tag}": "{tag}"}),
    _Site(rf"{_QA}/users/(?P<id>\d+)(?:[/?].*)?", {"https://{qa}/feeds/user/{id}": ""}),
    _Site(rf"{_QA}/questions/(?P<id>\d+)(?:[/?].*)?", {"https://{qa}/feeds/question/{id}": ""}),
    _Site(rf"{_QA}(?:/questions)?(?:\?.*)?", {"https://{qa}/feeds": ""}),
    _Site(
        r"(?:export\.)?arxiv\.org/(?:list|archive)/(?P<subject>[a-z-]+(?:\.[A-Za-z-]+)?)(?:/.*)?",
        {
            "https://rss.arxiv.org/atom/{subject}": "{subject}",
            "https://rss.arxiv.org/rss/{subject}": "{subject}",
        },
    ),
    _Site(
        r"pypi\.org/project/(?P<name>[\w.-]+)(?:/.*)?",
        {"https://pypi.org/rss/project/{name}/releases.xml": "{name}"},
    ),
    _Site(
        r"crates\.io/crates/(?P<name>[\w-]+)(?:/.*)?",
        {"https://static.crates.io/rss/crates/{name}.xml": "{name}"},
    ),
    _Site(r"dev\.to/(?P<name>[\w-]+)(?:/.*)?", {"https://dev.to/feed/{name}": "{name}"}),
    _Site(
        r"vimeo\.com/(?P<name>[A-Za-z][\w-]+)(?:/videos)?", {"https://vimeo.com/{name}/videos/rss": "{name}"}
    ),
    _Site(
        r"soundcloud\.com/[\w-]+(?:/.*)?",
        {"https://feeds.soundcloud.com/users/soundcloud:users:{id}/sounds.rss": "Sounds"},
        page=r"soundcloud:(?://)?users:(?P<id>\d+)",
    ),
    _Site(
        r"store\.steampowered\.com/(?:news/)?app/(?P<id>\d+)(?:/.*)?",
        {"https://store.steampowered.com/feeds/news/app/{id}": "News"},
    ),
    # Last, since other sites run on it: its page names the root of its REST interface.
    _Site(r"(?P<name>[\w-]+)\.wordpress\.com(?:/.*)?", {"https://{name}.wordpress.com/feed/": ""}),
    _Site(
        _ANY,
        {"{home}feed/": ""},
        page=r"rel=[\"']https://api\.w\.org/[\"'] href=[\"'](?P<home>https?://[^\"'\s<>?]{1,1000}/)wp-json/",
    ),
)
_COMPILED = tuple((re.compile(s.place), re.compile(s.page) if s.page else None, s) for s in SITES)


def feeds(url: str, page: str = "") -> tuple[Candidate, ...]:
    """The known feeds for `url`, the best first; some need its `page`.

    Empty for an unknown site, and for anything but an http or https address.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
        netloc = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ()
    if parts.scheme not in ("http", "https") or not host or len(url) > MAX_ADDRESS_CHARS:
        return ()
    place = host + parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    for is_there, needed, site in _COMPILED:
        found = is_there.fullmatch(place)
        on_page = needed.search(page) if found and needed else None
        if found is None or (needed and on_page is None):
            continue
        known = {**found.groupdict(""), **(on_page.groupdict("") if on_page else {})}
        known |= {"scheme": parts.scheme, "host": netloc}
        if "json" in known:
            known["json"] = _text(known["json"])
        if made := tuple(_candidates(site, known)):
            return made
    return ()


def _candidates(site: _Site, known: Mapping[str, str]) -> Iterator[Candidate]:
    for template, title in site.feeds.items():
        if url := links.resolve(template.format_map(known)):
            yield Candidate(
                url=url,
                # The path of a feed can only be guessed for a page that matches any site.
                how="path" if site.place == _ANY else "site",
                title=title.format_map(known),
                kind=site.kind,
                options=site.options,
            )


def _text(quoted: str) -> str:
    """A JSON text as written in a page's script or attribute."""
    try:
        return str(json.loads(unescape(quoted)))
    except ValueError:
        return ""
