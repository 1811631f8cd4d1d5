"""Decides which addresses of sources may be published: none with a key or login, none of private hosts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache

from aggregator.config.load import Config, Source
from aggregator.model.article import Article, Origin
from aggregator.model.struct import replace
from aggregator.normalise.links import WEB
from aggregator.normalise.secrets_in_addresses import RULES, carries, host_of, is_publishable, secrets_of
from aggregator.publishing.sources_not_loaded import names_shown
from aggregator.store import Store

__all__ = ["PublicAddresses", "public_addresses_of"]


class PublicAddresses:
    """Decides which addresses of sources may be published; `moves`: where some sources have moved to.

    It is applied when articles are rendered, so that it holds for stored articles too. `mark` changes when
    other addresses are published: then everything is rendered again, full archives included. An article whose
    source was removed does not name its feed's address.

    `addresses_of` returns the address of a source that is not in the config but in the store, and where it
    has moved to; None for any other. It is not sent to other processes, because it uses this process's store:
    they call `ask`.
    """

    def __init__(
        self,
        config: Config,
        moves: Mapping[str, str],
        addresses_of: Callable[[str], tuple[str, str | None] | None] = lambda _: None,
    ) -> None:
        self.ask(addresses_of)
        instances = frozenset(filter(None, (host_of(one.url) for one in config.fetch.rsshub)))
        self._instances = instances
        self._names = frozenset(s.name for s in config.sources)
        self._public = frozenset(s.name for s in config.sources if s.has_public_address)
        # Only sources that have secrets, because there may be ten thousand sources.
        self._secrets = {
            s.name: found for s in config.sources if (found := s.secrets | secrets_of(moves.get(s.name)))
        }
        self._hosts = {
            s.name: instances | {host_of(s.url) or ""}
            for s in config.sources
            if not WEB.intersection(s.kind_of.schemes)
        }
        private = sorted(s.name for s in config.sources if s.private)
        facts = repr((RULES, sorted(instances), private)).encode("utf-8", "surrogatepass")
        self.mark = hashlib.blake2b(facts, digest_size=8).hexdigest()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_further"}

    def ask(self, addresses_of: Callable[[str], tuple[str, str | None] | None]) -> None:
        """Sets the function that returns addresses of sources in the store."""
        self._further = lru_cache(maxsize=10_000)(addresses_of)

    def shown(self, article: Article) -> Article:
        """Returns the article as it may be published."""
        name = article.source
        is_public, secrets = name in self._public, self._secrets.get(name, frozenset())
        if name not in self._names and (addresses := self._further(name)) is not None:
            is_public, secrets = True, secrets_of(*addresses)
        origin = _shown(article.origin, is_public, secrets, self._hosts.get(name, self._instances))
        return article if origin is article.origin else replace(article, origin=origin)

    def address(self, source: Source, moved_to: str | None) -> str | None:
        """Returns the address at which anyone can follow a source; None if it needs a key, login or
        program.
        """
        url = moved_to or source.url
        return url if url and not source.is_bound and self._allows(source, url) else None

    def site(self, source: Source, link: str | None) -> str | None:
        """Returns the web site of a source; None if its address contains a part of our request, such as a
        key.
        """
        return None if carries(link, self._secrets.get(source.name, frozenset())) else link

    def _allows(self, source: Source, url: str) -> bool:
        return source.name in self._public and is_publishable(url)


def public_addresses_of(config: Config, store: Store) -> PublicAddresses:
    """Returns the decisions for a config and the sources of its store."""
    return PublicAddresses(
        config, store.sources.moves(names_shown(store, config)), store.sources_outside_config.addresses
    )


@lru_cache(maxsize=4_096)  # most entries of a feed have the same origin
def _shown(origin: Origin, is_public: bool, secrets: frozenset[str], hosts: frozenset[str]) -> Origin:
    self_link = origin.self_link
    if not (is_public and is_publishable(self_link, secrets, is_own_word=origin.names_itself)):
        self_link = None
    found_id = None if carries(origin.id, secrets) or host_of(origin.id) in hosts else origin.id
    link = None if carries(origin.link, secrets) or host_of(origin.link) in hosts else origin.link
    if (self_link, found_id, link) == (origin.self_link, origin.id, origin.link):
        return origin
    return replace(
        origin,
        id=found_id,
        link=link,
        self_link=self_link,
        names_itself=bool(self_link) and origin.names_itself,
    )
