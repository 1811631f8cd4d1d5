"""The text of a status: a title, a link and hashtags, within the length that its server allows. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.config.load import Mastodon
from aggregator.model.article import Article
from aggregator.normalise.text import cut, plain_value, tidy
from aggregator.notify.mentions import link_without_mentions, without_mentions
from aggregator.notify.notice import MAX_TITLE, is_web
from aggregator.store import Arrival, OutboxMessage, message_id_of

__all__ = ["CHANNEL", "counted", "language_of", "posts_of", "status_text"]

CHANNEL = "mastodon"
MAX_LINK = 2_000
_LEAST_TITLE = 20
_URL = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?![A-Za-z])")


def posts_of(
    rule: Mastodon, shown: Sequence[Article], arrived: Sequence[Arrival], now: datetime, last: datetime | None
) -> list[OutboxMessage]:
    """Messages for articles, in order of publication.

    None is due before `every` has passed since the `last` one. An article without a web address is left out:
    there would be nothing to follow. Ids are made of rule and article.
    """
    due = now if last is None or last > now else max(now, last + rule.every)
    pairs = zip(shown, arrived, strict=True)
    made = []
    for n, (article, arrival) in enumerate(
        sorted(pairs, key=lambda pair: (pair[1].article.published, pair[1].article.pk))
    ):
        if not (article.link and len(article.link) <= MAX_LINK and is_web(article.link)):
            continue
        said = {
            "id": arrival.article.uid,
            "title": plain_value(article.title, "text", MAX_TITLE),
            "link": article.link,
            "tags": [*_hashtags((*rule.tags, *article.tags), len(rule.tags) + rule.article_tags)],
            "language": article.origin.language or "",
        }
        made.append(
            OutboxMessage(
                id=message_id_of(CHANNEL, rule.name, rule.to, arrival.article.uid),
                channel=CHANNEL,
                target=rule.name,
                payload={"articles": [said]},
                queued=now + n * timedelta(microseconds=1),  # their order
                due=due,
            )
        )
    return made


def status_text(said: Mapping[str, Any], max_characters: int, link_characters: int) -> str:
    """The text of a status: title, link and hashtags; the title is cut and hashtags are left out to fit.

    Mentions are removed: a title from outside could otherwise notify accounts. A link counts as the number of
    characters that the server says, whatever its length.
    """
    link = link_without_mentions(str(said.get("link", "")))
    title = without_mentions(tidy(str(said.get("title", ""))))
    tags = [f"#{tag}" for tag in said.get("tags", ()) if isinstance(tag, str)]
    # A server without usable limits is assumed to have the lowest that any server has.
    room = max(max_characters, 100) - link_characters - 2
    while tags and counted(" ".join(tags), link_characters) + 2 + _LEAST_TITLE > room:
        tags.pop()
    if tags:
        room -= counted(" ".join(tags), link_characters) + 2
    while title and (over := counted(title, link_characters) - room) > 0:
        title = cut(title, max(len(title) - over, 1)) if len(title) > over else ""
    return "\n\n".join(filter(None, (title, link, " ".join(tags))))


def counted(text: str, link_characters: int) -> int:
    """An upper bound for a server's count of a text; links count as the server says, if they are shorter.

    Servers count a visible character once; it has at least one code point.
    """
    return sum(max(link_characters - len(found[0]), 0) for found in _URL.finditer(text)) + len(text)


def language_of(said: Mapping[str, Any], *others: str | None) -> str:
    """The language of a status (ISO 639-1): the article's own or the first of others; "" for none."""
    for written in (*others[:1], said.get("language"), *others[1:]):
        if isinstance(written, str) and (match := _LANGUAGE.match(written)) is not None:
            return match[1].lower()
    return ""


def _hashtags(tags: Iterable[str], most: int) -> Iterator[str]:
    """Tags as hashtags: letters, digits and _, words joined in CamelCase, each once, not only digits."""
    seen: set[str] = set()
    for tag in tags:
        words = re.findall(r"\w+", unicodedata.normalize("NFKC", tag[:200]))
        joined = words[0] if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)
        if not joined or len(joined) > 60 or not re.search(r"[^\W\d_]", joined):
            continue
        if joined.casefold() not in seen and len(seen) < most:
            seen.add(joined.casefold())
            yield joined
