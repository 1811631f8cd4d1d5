"""What RSS and Atom of one category cost, against feedgen alone in the same run.

    python benchmarks/rendering.py                  a category made here: 50 entries
    python benchmarks/rendering.py --feeds FOLDER   of your own feeds: every *.xml in it, 50 entries a category

feedgen is given what it can write of the same entries: id, title, dates, link, authors, summary, content,
categories and one enclosure, cleaned beforehand, with none of the rest that we write: sources, languages, other
enclosures, elements passed through, and the strict parser that reads each document before it is written.
Ratios count, not seconds: both sides take turns, and the least of the turns is reported.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedgen.feed import FeedGenerator

import aggregator
from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.normalise.xml_characters import legal
from aggregator.writers import WRITERS, Channel, Item, formats
from aggregator.writers.xml_text import address, identifier, line

START = datetime(2026, 1, 1, tzinfo=UTC)
PARAGRAPH = (
    '<p>The kettle &amp; the cup: <a href="https://tea.example/p?a=1&amp;b=2">a link</a>, <em>some</em> stress, '
    "and as many words as a paragraph of a post holds when nobody counts them, or does, and is content.</p>\n"
)


def made_here(number: int) -> Article:
    """One article of two kilobytes, with an enclosure in every fifth."""
    link = f"https://tea.example/{number}?a=1&b=2"
    return Article(
        source="tea",
        id=link,
        title=f"Tea & cake, number {number}",
        link=link,
        published=START + timedelta(hours=number),
        updated=START + timedelta(hours=number),
        authors=("Ann", "Bo"),
        categories=("Drinks",),
        tags=("oolong", "Q&A"),
        headimg=f"https://tea.example/{number}.jpg",
        summary="<p>Hot &amp; sweet</p>",
        content=PARAGRAPH * 8,
        enclosures=(Enclosure(url=f"{link}.mp3", type="audio/mpeg", length=5),) if number % 5 == 0 else (),
        origin=Origin(
            id="tag:tea.example,2026:f",
            title="Tea & leaves",
            link="https://tea.example/",
            self_link="https://tea.example/feed",
        ),
    )


def channels(articles: list[Article]) -> list[Channel]:
    """Categories of 50 entries each."""
    found = []
    for start in range(0, len(articles), 50):
        unique = {a.id: a for a in articles[start : start + 50]}
        items = [
            Item(
                id=a.id if identifier(a.id) else f"urn:x:{start}:{n}",
                article=a,
                published=(a.published or START).replace(microsecond=0),
                updated=(a.updated or a.published or START).replace(microsecond=0),
            )
            for n, a in enumerate(unique.values())
        ]
        found.append(
            Channel(
                id="tag:feeds.example,2026:drinks",
                title="Drinks & more",
                description="All about drinks",
                category="Drinks",
                link="https://feeds.example/drinks/",
                self_links={name: f"https://feeds.example/drinks/{name}" for name in ("rss.xml", "atom.xml")},
                updated=START,
                items=tuple(items),
                formats=formats(),
                language="en",
            )
        )
    return found


def ours(channel: Channel) -> int:
    """Both documents, as they are published; how many bytes."""
    channel = replace(channel, items=tuple(map(replace, channel.items)))  # nothing is left of an earlier turn
    return sum(len(WRITERS[name].render(channel)) for name in ("rss", "atom"))


def feedgen_alone(channel: Channel) -> int:
    """Both documents as feedgen makes them, in one generator: its strongest case."""
    feed = FeedGenerator()
    feed.id(channel.id)
    feed.title(channel.title)
    feed.description(channel.description)
    feed.link(href=channel.link)
    feed.updated(channel.updated)
    for item in channel.items:
        article = item.article
        entry = feed.add_entry(order="append")
        entry.id(item.id)
        entry.title(article.title or item.id)
        entry.published(item.published)
        entry.updated(item.updated)
        entry.link(href=article.link or item.id)
        entry.author([{"name": name} for name in article.authors])
        entry.category([{"term": name} for name in article.categories + article.tags])
        if article.summary:
            entry.summary(article.summary, type="html")
        if article.content:
            entry.content(article.content, type="html")
        for enclosure in article.enclosures[:1]:
            entry.enclosure(enclosure.url, str(enclosure.length or 0), enclosure.type or "audio/mpeg")
    return len(feed.rss_str(pretty=True)) + len(feed.atom_str(pretty=True))


def cleaned(article: Article) -> Article:
    """What feedgen needs so as not to raise."""
    return replace(
        article,
        title=line(article.title),
        link=address(article.link),
        authors=tuple(filter(None, map(line, article.authors))),
        categories=tuple(filter(None, map(line, article.categories))),
        tags=tuple(filter(None, map(line, article.tags))),
        summary=legal(article.summary),
        content=legal(article.content),
        enclosures=tuple(replace(e, url=url) for e in article.enclosures if (url := address(e.url))),
    )


def read(file: Path) -> tuple[Article, ...]:
    """A file's articles; none where it is no feed."""
    try:
        return aggregator.read(file.read_bytes(), url="https://feeds.example/").articles
    except aggregator.errors.AggregatorError:
        return ()


def milliseconds(render: Callable[[Channel], int], over: list[Channel]) -> tuple[float, float]:
    """CPU time and kilobytes a category."""
    gc.collect()
    before = time.process_time()
    size = sum(map(render, over))
    return (time.process_time() - before) / len(over) * 1000, size / len(over) / 1024


def main() -> None:
    """Prints both sides and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=Path, help="a folder of feeds; default: a category made here")
    parser.add_argument("--turns", type=int, default=15)
    arguments = parser.parse_args()
    articles = [made_here(number) for number in range(50)]
    if arguments.feeds:
        articles = [
            cleaned(article) for file in sorted(arguments.feeds.glob("*.xml")) for article in read(file)
        ]
    over = channels(articles)
    turns = [(milliseconds(ours, over), milliseconds(feedgen_alone, over)) for _ in range(arguments.turns)]
    (mine, my_size), (theirs, their_size) = (min(turn[side] for turn in turns) for side in (0, 1))
    print(f"{len(over)} categories, {len(articles)} entries, RSS and Atom, least of {arguments.turns} turns")
    print(f"ours     {mine:6.2f} ms of CPU a category, {my_size:4.0f} KiB")
    print(f"feedgen  {theirs:6.2f} ms of CPU a category, {their_size:4.0f} KiB")
    print(f"ours takes {mine / theirs:.2f} of feedgen's time")


if __name__ == "__main__":
    main()
