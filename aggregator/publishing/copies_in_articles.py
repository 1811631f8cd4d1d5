"""Replaces addresses of pictures in articles by those of our copies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from aggregator.config.load import Config
from aggregator.model.article import Article
from aggregator.model.media_copies import NO_COPIES, Copies
from aggregator.model.struct import Struct, field
from aggregator.store import Store, StoredArticle

__all__ = ["NONE_SHOWN", "ShownCopies", "address_of_copies", "copies_of", "copies_shown"]


class ShownCopies(Struct, frozen=True):
    """The copies of pictures that some articles show, by the numbers of the articles' revisions.

    `base`: the public address of the output folder.
    """

    base: str = ""
    by_revision: Mapping[int, Copies] = field(default_factory=dict)

    def key(self, revision: int) -> str:
        """Returns a key that changes with the copies that an article shows; "" for no copies."""
        if not (found := self.by_revision.get(revision)):
            return ""
        facts = repr(sorted((address, copy and copy.hash) for address, copy in found.items()))
        return f" {hashlib.blake2b(facts.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"

    def shown(self, article: Article, revision: int) -> Article:
        """Returns an article, as it is in this revision, with the addresses of its copies."""
        if not (found := self.by_revision.get(revision, NO_COPIES)):
            return article
        from aggregator.media.references import with_copies

        return with_copies(article, found, self.base)


NONE_SHOWN = ShownCopies()


def address_of_copies(config: Config) -> str:
    """Returns the public address of the output folder, ending in "/"; "" if there are no copies."""
    return f"{config.site.url.rstrip('/')}/" if config.publish.media and config.site.url else ""


def copies_of(kept: Iterable[StoredArticle], store: Store, config: Config) -> ShownCopies:
    """Returns the copies of pictures that these articles show, if the config asks for copies."""
    return copies_shown(kept, store, address_of_copies(config))


def copies_shown(kept: Iterable[StoredArticle], store: Store, base: str) -> ShownCopies:
    """Like `copies_of`, by the public address of the output folder; "" for no copies."""
    return ShownCopies(base, store.media.of([each.revision for each in kept])) if base else NONE_SHOWN
