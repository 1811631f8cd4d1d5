"""The page of a category, which a browser shows for its folder."""

from __future__ import annotations

from markupsafe import Markup

from aggregator.writers.channel import Channel, Item
from aggregator.writers.html.article import article_page
from aggregator.writers.html.entries import entry
from aggregator.writers.html.parts import PAGE, render

__all__ = ["Html"]


class Html:
    """Writes `index.html` of a category, or of one of its archives."""

    file_name = PAGE
    media_type = "text/html"
    label = "Page"
    accepts = ("application/xhtml+xml",)
    is_feed = False
    preference = 0

    def render(self, channel: Channel) -> bytes:
        """A page without scripts. Its links name files where no public address is configured, so that it
        works from a folder; in an archive the feeds to subscribe to are the current ones.
        """
        chain, page = channel.chain, "" if channel.link else PAGE
        archived = channel.archived_as(PAGE)
        current = (chain.current or "") if chain.number is not None else ""
        return render(
            "category.html",
            channel=channel,
            entries=Markup("".join([_entry(item, channel) for item in channel.items])),  # noqa: S704
            chain=chain,
            page=page,
            archived=page if archived and archived.file_name == PAGE else archived and archived.file_name,
            canonical=channel.self_links.get(PAGE, channel.link).removesuffix(PAGE),
            feeds=[
                (current + one.file_name, one.label, one.media_type)
                for one in channel.formats
                if one.is_feed and one.file_name in channel.files
            ],
        )

    def render_article(self, item: Item, *, site: str, root: str, version: str) -> bytes:
        """The page of an article without a link."""
        return article_page(item, site=site, root=root, version=version)


def _entry(item: Item, channel: Channel) -> Markup:
    root = channel.root if item.page else ""  # where all entries look alike
    return item.part(("page", root), lambda: entry(item, root))
