"""Format `gemtext`: a category as a page of the Gemini protocol that its clients can subscribe to."""

from __future__ import annotations

import re

from aggregator.writers.channel import Channel, Item
from aggregator.writers.xml_text import address, line

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Gemtext:
    """Writes `index.gmi`: a heading, and a link line for each entry, its date first."""

    file_name = "index.gmi"
    media_type = "text/gemini"
    label = "Gemini"

    def render(self, channel: Channel) -> bytes:
        """The page as UTF-8: the same channel, the same bytes."""
        lines = [f"# {_text(channel.title)}", ""]
        lines += [_link(item) for item in channel.items]
        archived = channel.archived_as(self.file_name)
        if archived is not None and channel.chain.older is not None:
            lines += ["", f"=> {channel.chain.older}{archived.file_name} Older entries"]
        return "\n".join([*lines, ""]).encode()


def _link(item: Item) -> str:
    title = _text(item.article.title) or item.id
    url = address(item.article.link)
    date = f"{item.published:%Y-%m-%d}"
    return f"=> {url} {date} {title}" if url else f"* {date} {title}"


def _text(text: str) -> str:
    """One line: what a stranger wrote begins no line of its own."""
    return " ".join(_UNSEEN.sub(" ", line(text)).split())


WRITER = Gemtext()
