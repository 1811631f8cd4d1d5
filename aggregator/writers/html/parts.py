"""Templates of the HTML pages, and how text, addresses, dates and numbers are shown in them.

Nothing can be left unescaped by mistake: the templates escape all values, after removing
invisible characters (controls, bidi overrides, lone surrogates). Only the body of an article's own page is
markup, sanitised by `article`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any

from aggregator.model.article import Article
from aggregator.normalise.text import cut, summarise, tidy
from aggregator.writers.xml_text import address, language_tag

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["FORM_POLICY", "MAX_QUERY", "PAGE", "POLICY", "human", "macro", "render", "rhythm"]

PAGE = "index.html"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src https: http: data:; media-src https:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy that the pages obey, and state; `frame-ancestors` only a header can."""

FORM_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
"""That of pages with a search form."""

MAX_TEASER, MAX_TITLE, MAX_NAME = 320, 200, 80
MAX_QUERY = 500
"""So many characters of a search are looked for."""
# strftime's month names depend on the locale.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def render(template: str, **facts: Any) -> bytes:
    """The template `template` of `pages/`, filled in, as UTF-8."""
    return _templates().get_template(template).render(facts).encode()


def macro(template: str, name: str) -> Callable[..., str]:
    """A macro of a template of `pages/`; its result is escaped, and other templates insert it as it is."""
    found: Callable[..., str] = getattr(_templates().get_template(template).module, name)
    return found


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aggregator.writers.html", "pages"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=lambda value: tidy(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "PAGE": PAGE,
        "POLICY": POLICY,
        "FORM_POLICY": FORM_POLICY,
        "MAX_QUERY": MAX_QUERY,
    }
    environment.filters |= {
        "address": address,
        "picture": _picture,
        "media": _media,
        "tidy": tidy,
        "names": _names,
        "language": _language,
        "language_tag": language_tag,
        "teaser": _teaser,
        "name": _name,
        "title": _title,
        "human": human,
        "iso": lambda moment: moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "number": lambda number: f"{number:,}",
        "plural": lambda number, one, many: f"{number:,} {one if number == 1 else many}",
    }
    return environment


def human(moment: datetime) -> str:
    """A moment in words, the same in every locale: "22 November 2026, 09:40 UTC"."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"


def _title(text: str) -> str:
    return cut(tidy(text), MAX_TITLE) or "Untitled"


def _name(text: str) -> str:
    return cut(tidy(text), MAX_NAME)


def _names(article: Article) -> list[str]:
    """The authors, without empty ones, repeats, and the name of the feed."""
    names = dict.fromkeys(map(_name, article.authors))
    return [name for name in names if name and name != _name(article.origin.title)]


def _picture(url: str | None) -> str | None:
    """The address if an `<img>` may load it under `POLICY`, else None."""
    found = address(url)
    return found if found and found.partition(":")[0].lower() in {"http", "https"} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Media:
    """A file of an entry: `player` is "audio", "video", or "" for one that is only linked."""

    url: str
    player: str
    facts: str


def _media(article: Article) -> list[_Media]:
    """The enclosures that can be asked for; a player loads from https alone, as `POLICY` says."""
    found = []
    for each in article.enclosures:
        if (url := address(each.url)) is None or url.partition(":")[0].lower() not in {"http", "https"}:
            continue
        kind = (each.type or "").partition("/")[0].strip().lower()
        player = kind if kind in {"audio", "video"} and url.lower().startswith("https:") else ""
        length = _size(each.length) if each.length else ""
        duration = _duration(each.duration) if each.duration else ""
        facts = [tidy(each.title or ""), tidy(each.type or ""), duration, length]
        found.append(_Media(url=url, player=player, facts=cut(", ".join(filter(None, facts)), MAX_TITLE)))
    return found


def _size(length: int) -> str:
    return f"{length / 1_000_000:,.1f} MB" if length >= 1_000_000 else f"{max(length // 1_000, 1)} KB"


def _duration(duration: timedelta) -> str:
    minutes, seconds = divmod(max(round(duration.total_seconds()), 0), 60)
    return f"{minutes:,} min {seconds} s" if minutes else f"{seconds} s"


def _language(article: Article) -> str | None:
    """The entry's own language, else that of the feed it came from, else None."""
    return language_tag(article.extra.get("language")) or language_tag(article.origin.language)


def _teaser(article: Article) -> str:
    """The beginning of an article as plain text, "" when it has none."""
    return unescape(summarise(article.summary, MAX_TEASER) or summarise(article.content, MAX_TEASER))


_DAY = 86_400
_SPANS = (
    (_DAY, "a day"),
    (7 * _DAY, "a week"),
    (30 * _DAY, "30 days"),
    (365 * _DAY, "a year"),
    (3652 * _DAY, "ten years"),
)
BARS, BAR_WIDTH, CHART_HEIGHT = 24, 4, 16


def rhythm(published: Sequence[datetime], seen: datetime) -> tuple[str, int, str] | None:
    """When a source published its newest entries, up to `seen`: (SVG path of bars, entries, span).

    The span is the shortest of a day, a week, 30 days, a year and ten years that holds all of them; later
    dates count as `seen`, earlier ones as the span's first. A bar is a 24th of the span. None without
    dates. Pixels: 96 wide, 16 high.
    """
    if not published:
        return None
    ages = [max((seen - moment).total_seconds(), 0) for moment in published]
    oldest = max(ages)
    span, name = next((s for s in _SPANS if oldest <= s[0]), _SPANS[-1])
    counts = Counter(max(BARS - 1 - int(age * BARS / span), 0) for age in ages)
    most = max(counts.values())
    bars = "".join(
        f"M{number * BAR_WIDTH + BAR_WIDTH // 2} {CHART_HEIGHT}v-{max(CHART_HEIGHT * count // most, 3)}"
        for number, count in sorted(counts.items())
    )
    return bars, len(ages), name
