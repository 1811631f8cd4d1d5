"""Writes pages of single articles, such as newsletters and own posts, which have no link of their own.

A page exists as long as a feed or an archive shows its article; its address never changes.
"""

from __future__ import annotations

from contextlib import suppress

from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.publishing.copies_in_articles import ShownCopies, address_of_copies
from aggregator.publishing.feed_folders import WriteResult
from aggregator.publishing.outputs import PAGES, items, page_of, pages_address
from aggregator.publishing.public_addresses import PublicAddresses
from aggregator.publishing.which_articles_have_pages import pages_of
from aggregator.rules.rule import RuleSet
from aggregator.store import Store
from aggregator.store.posts import PostFile
from aggregator.writers.channel import PageWriter
from aggregator.writers.output_files import remove, remove_leftovers, stamp, write_if_changed
from aggregator.writers.page_look import PageLook

__all__ = ["ArticlePageFiles"]

_FOLDER = ""
"""The folder under which the store records written pages; no folder of posts has this name."""

_AT_ONCE = 200


class ArticlePageFiles:
    """Writes and removes pages; without a `writer` there are none.

    - `look`: the look of the pages; `mark` changes with it.
    - `everything`: writes all pages again.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        writer: PageWriter | None,
        mark: str,
        *,
        look: PageLook,
        everything: bool,
    ) -> None:
        self._store = store
        self._config = config
        self._writer = writer
        self._mark = mark
        self._look = look
        self._everything = everything
        self._known = store.posts.written(_FOLDER)
        self._pages = pages = pages_of(config, pages_address(config))
        self._shown = (
            store.articles_with_pages.shown(pages.sources, pages.without) if writer is not None else {}
        )
        base = address_of_copies(config) if self._shown else ""
        found = store.media.of([each.pk for each in self._shown.values()]) if base else {}
        self._copies = ShownCopies(base, found)

    def write(self, disclosure: PublicAddresses, rules: RuleSet, version: str, done: WriteResult) -> None:
        """Writes the pages that feeds are about to link to; one that fails does not stop the others."""
        if self._writer is None:
            return
        place, compress = self._config.output, self._config.publish.compress
        due = {}
        for uid, revision in self._shown.items():
            known = self._known.get(uid)
            mark = f"{self._mark} {revision.mark}{self._copies.key(revision.pk)}"
            is_there = known is not None and known.body_hash == stamp([str(place / known.path)], compress)
            if self._everything or not is_there or known is None or known.mark != mark:
                due[revision.pk] = mark
        if not due:
            return
        changed: dict[str, PostFile | None] = {}
        for kept in self._store.articles_with_pages.some(due):
            item = items([kept], disclosure, rules, pages=self._pages, copies=self._copies)[0]
            path = place / item.page
            try:
                body = self._writer.render_article(
                    item, site=self._config.site.title, root="../", version=version, look=self._look
                )
                if write_if_changed(path, body, compress=compress):
                    done.written.append(path)
            except WriteError as error:
                done.errors.append(error)
                continue
            changed[kept.uid] = PostFile(
                path=item.page,
                body_hash=stamp([str(path)], compress),
                mark=due[kept.revision],
                source=kept.article.source,
                id=kept.article.id,
            )
            if len(changed) >= _AT_ONCE:
                self._store.posts.record(_FOLDER, changed)
                changed = {}
        self._store.posts.record(_FOLDER, changed)

    def remove(self, done: WriteResult) -> None:
        """Removes pages that no feed or archive links to any more."""
        gone: dict[str, PostFile | None] = {}
        folder = self._config.output / PAGES
        try:
            for uid in self._known:
                if uid not in self._shown:
                    remove(self._config.output / page_of(uid))
                    gone[uid] = None
            if gone:
                remove_leftovers(folder, below=False)
        except WriteError as error:
            done.errors.append(error)
        if gone:
            self._store.posts.record(_FOLDER, gone)
            with suppress(OSError):  # it has other files
                folder.rmdir()
