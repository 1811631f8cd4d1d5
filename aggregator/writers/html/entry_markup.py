"""An entry on a page, as markup. It is made without templates, which took twice as long.

Every value from outside is escaped and has no invisible characters: it is an `address`, a language tag, or
the result of `tidy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from markupsafe import Markup

from aggregator.model.article import Article, Enclosure
from aggregator.normalise.summaries import beginning
from aggregator.normalise.text import cut, tidy
from aggregator.writers.channel import AlsoIn, Item
from aggregator.writers.html.locale import Locale
from aggregator.writers.moments import iso
from aggregator.writers.xml_text import address, language_tag

__all__ = [
    *("authors", "entry", "facts", "file_facts", "is_playable", "language", "media", "named", "picture"),
    *("source", "teaser", "time", "title", "title_text"),
]

MAX_TEASER, MAX_TITLE, MAX_NAME = 320, 200, 80
_IMAGE = 'alt="" width="160" height="120" loading="lazy" decoding="async" referrerpolicy="no-referrer"'


def entry(item: Item, locale: Locale, root: str = "", *, plays_http: bool = False) -> str:
    """Returns an entry with teaser, files and picture, as markup; `root`: a relative reference to the output
    folder.

    `plays_http`: see `media`.
    """
    article = item.article
    tag, text = language(article), teaser(article)
    image = picture(article.headimg) if article.headimg else None
    of = f' lang="{_escaped(tag)}"' if tag else ""
    said = f'<p class="teaser" dir="auto">{_escaped(text)}</p>\n' if text else ""
    files = media(article, locale, plays_http=plays_http) if article.enclosures else ""
    shown = f'<img src="{_escaped(image)}" {_IMAGE}>\n' if image else ""
    heading, line = _title(item, locale, root), _facts(item, locale)
    return f'<article dir="auto"{of}>\n<h2>{heading}</h2>\n{line}{said}{files}{shown}</article>\n'


def title(item: Item, locale: Locale, root: str) -> Markup:
    """Returns the title of an entry, linked to its page."""
    return Markup(_title(item, locale, root))  # noqa: S704 - all of it is escaped


def _title(item: Item, locale: Locale, root: str) -> str:
    link = f"{root}{item.page}" if item.page else address(item.article.link)
    text = _escaped(title_text(item.article.title, locale))
    return f'<a href="{_escaped(link)}">{text}</a>' if link else text


def facts(item: Item, locale: Locale) -> Markup:
    """Returns the line below a title: source, authors, date, and other sources of the same story."""
    return Markup(_facts(item, locale))  # noqa: S704 - all of it is escaped


def _facts(item: Item, locale: Locale) -> str:
    article = item.article
    names = "".join([f"<span><bdi>{_escaped(name)}</bdi></span>\n" for name in authors(article)])
    also = _also_in(item.also_in, locale) if item.also_in else ""
    named_site = _source(article.origin.title, article.source, article.origin.link)
    return (
        f'<p class="facts">\n{named_site}\n{names}'
        f'<span lang="{locale.tag}">{_time(item.published, locale)}</span>{also}</p>\n'
    )


def source(article: Article) -> Markup:
    """Returns the name of the source, linked to its site; "" if it has no name."""
    return Markup(_source(article.origin.title, article.source, article.origin.link))  # noqa: S704


@lru_cache(maxsize=4_096)  # most entries of a feed have the same source
def _source(title: str, source: str, link: str | None) -> str:
    name, site = _name(title) or _name(source), address(link)
    if not name:
        return ""
    written = f"<bdi>{_escaped(name)}</bdi>"
    return f'<a href="{_escaped(site)}">{written}</a>' if site else written


def named(article: Article) -> str:
    """Returns the name of the source as plain text; "" if it has no name."""
    return _name(article.origin.title) or _name(article.source)


def time(moment: datetime, locale: Locale) -> Markup:
    """Returns a `<time>` element, for people and programs."""
    return Markup(_time(moment, locale))  # noqa: S704 - digits


def _time(moment: datetime, locale: Locale) -> str:
    written = iso(moment) if not moment.microsecond else moment.isoformat(timespec="seconds")
    written = written.replace("+00:00", "Z")
    return f'<time datetime="{written}" dir="ltr">{locale.moment(moment)}</time>'


def media(article: Article, locale: Locale, *, plays_http: bool = False) -> Markup:
    """Returns the enclosures with an address, with players for those that the page's policy allows.

    `plays_http`: also for those at http addresses, if the site itself is at one. On an https page, browsers
    would request https instead, and play nothing if that fails.
    """
    written = []
    for file in article.enclosures:
        url = address(file.url)
        if url is None or url.partition(":")[0].lower() not in {"http", "https"}:
            continue
        written.append('<div class="media">\n')
        if kind := is_playable(file, url, plays_http=plays_http):
            label = _escaped(title_text(article.title, locale))
            written.append(
                f'<{kind} controls preload="none" src="{_escaped(url)}" aria-label="{label}"></{kind}>\n'
            )
        written.append(
            f'<a href="{_escaped(url)}"><span lang="{locale.tag}">{locale.say("download")}</span> '
            f"<bdi>{_escaped(tidy(file_facts(file, locale)))}</bdi></a>\n</div>\n"
        )
    return Markup("".join(written))  # noqa: S704


def is_playable(file: Enclosure, url: str, *, plays_http: bool = False) -> str:
    """Returns "audio" or "video" if a page may play the file from its address, else ""."""
    kind = (file.type or "").partition("/")[0].strip().lower()
    is_allowed = plays_http or url.lower().startswith("https:")
    return kind if kind in {"audio", "video"} and is_allowed else ""


def title_text(text: str, locale: Locale) -> str:
    """Returns a title as pages show it."""
    return cut(tidy(text), MAX_TITLE) or str(locale.say("untitled"))


def picture(url: str | None) -> str | None:
    """Returns the address if the Content-Security-Policy allows an `<img>` to load it, else None."""
    found = address(url) if url else None
    return found if found and found.partition(":")[0].lower() in {"http", "https"} else None


def language(article: Article) -> str | None:
    """Returns the entry's own language, else that of the feed it came from, else None."""
    said = article.extra.get("language") if article.extra else None
    return language_tag(said) or language_tag(article.origin.language)


def teaser(article: Article) -> str:
    """Returns the beginning of an article as plain text; "" if it has no text."""
    return beginning(article.summary, MAX_TEASER) or beginning(article.content, MAX_TEASER)


def _also_in(others: Sequence[AlsoIn], locale: Locale) -> str:
    written = []
    for number, each in enumerate(others, 1):
        if link := address(each.link):
            said, name = _escaped(title_text(each.title, locale)), _escaped(_name(each.source))
            comma = "," if number < len(others) else ""
            written.append(f'<a href="{_escaped(link)}" title="{said}"><bdi>{name}</bdi></a>{comma}\n')
    names = Markup("".join(written))  # noqa: S704
    return f'\n<span lang="{locale.tag}">{locale.say("also_in", names=names)}</span>'


def _escaped(text: str) -> str:
    """Escapes like `markupsafe.escape`, but without creating an object for each text."""
    if "&" in text or "<" in text or ">" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&#34;").replace("'", "&#39;") if '"' in text or "'" in text else text


def _name(text: str) -> str:
    return _short_name(text) if len(text) <= MAX_TITLE else cut(tidy(text), MAX_NAME)


@lru_cache(maxsize=1_024)  # of sources and their authors, who write many entries
def _short_name(text: str) -> str:
    return cut(tidy(text), MAX_NAME)


def authors(article: Article) -> list[str]:
    """Returns the names of the authors, without empty ones, duplicates and the name of the feed."""
    if not article.authors:
        return []
    names = dict.fromkeys(map(_name, article.authors))
    own = _name(article.origin.title)
    return [name for name in names if name and name != own]


def file_facts(file: Enclosure, locale: Locale) -> str:
    """Returns title, type, duration and size of a file as plain text."""
    length = locale.size(file.length) if file.length else ""
    duration = locale.duration(file.duration) if file.duration else ""
    facts = [tidy(file.title or ""), tidy(file.type or ""), duration, length]
    return cut(", ".join(filter(None, facts)), MAX_TITLE)
