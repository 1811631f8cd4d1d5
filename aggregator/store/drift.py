"""Which articles of a document are kept already under other ids: pure.

Feeds change their ids: a plugin drops the guids, `http:` becomes `https:`, a site moves to another host. The
articles are the same, and must not be published again. Two articles may be the same that share a mark: an
address, spelled alike, with a title, text or date. What several have in common decides nothing: a weekly
post that always links to one page is another article each week. In doubt they are two.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from aggregator.model.article import Article
from aggregator.normalise.tracking import without_tracking
from aggregator.store.edits import words

__all__ = ["Identity", "digest_of_link", "host_of", "joined", "places"]

_LONG = 100
_SOME = 20
_WEB = re.compile(r"https?://", re.IGNORECASE | re.ASCII)

Mark = tuple[str, ...]
_Marks = tuple[frozenset[Mark], frozenset[Mark]]
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an article is known by: its two addresses as their spellings have them in common, "" for none."""

    article: Article
    id_place: str = ""
    link_place: str = ""

    @classmethod
    def of(cls, article: Article, hosts: Collection[str] = (), *, host: str = "*") -> Identity:
        """The identity of an article; each of `hosts` is written as `host`."""
        return cls(article, *places(article.id, article.link, hosts, host))

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses, none for an article that has none."""
        return frozenset(filter(None, (self.id_place, self.link_place)))

    def marks(self, shared: Collection[str] = (), dates: Collection[str] = ()) -> _Marks:
        """The marks that decide first, and those that decide where no such one does.

        `shared`: addresses that several articles have, which count with title and date alone. `dates`: those
        that several have, which count with other facts alone.
        """
        title, text = words(self.article)
        date = _date(self.article)
        sure, likely = set[Mark](), set[Mark]()
        if (title or text) and (date or len(text) >= _SOME):
            sure.add(("", title, text, date))
        for place in self.addresses:
            if date:
                sure.add((place, "title and date", title, date))
            elif text:
                sure.add((place, "title and text", title, text))
            if place in shared:
                continue
            if date and date not in dates:
                likely.add((place, "date", date))
            elif title and not date:
                likely.add((place, "title", title))
            if text:
                likely.add((place, "text", text, "" if len(text) >= _LONG else date))
        if self.id_place and self.id_place not in shared:
            facts = {"title": title, "text": text, "date": "" if date in dates else date}
            likely |= {(self.id_place, "id", name, fact) for name, fact in facts.items() if fact}
        return frozenset(sure), frozenset(likely)

    def digests(self, shared: Collection[str] = ()) -> frozenset[str]:
        """All `marks`, each as a short text from which nothing of the article can be read."""
        sure, likely = self.marks(shared)
        return frozenset(map(_digest, sure | likely))

    @property
    def digest(self) -> str:
        """The digest of the one mark that is the least likely to be another article's; "" without a title."""
        title, text = words(self.article)
        place, date = self.link_place or self.id_place, _date(self.article)
        if place and date:
            return _digest((place, "title and date", title, date))
        marks, _ = self.marks()
        return _digest(min(marks)) if marks and (title or text) else ""


def _digest(mark: Mark) -> str:
    text = "\x1f".join(mark).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def digest_of_link(link: str) -> str:
    """A link as such a digest, by which a person may name an article; no mark is like it."""
    return _digest(("link", link))


def joined(new: Sequence[Identity], old: Sequence[Identity], is_gone: Sequence[bool]) -> dict[int, int]:
    """Which of `new` is which of `old`, by their indexes; each of both at most once.

    `is_gone`: whether the document holds each of `old` no longer. One that it still holds is another article.
    """
    shared = _several(each.addresses for each in new) | _several(each.addresses for each in old)
    dates = _several([_date(each.article)] for each in new) | _several([_date(each.article)] for each in old)
    left_new = {n: _its_own(each, *each.marks(shared, dates)) for n, each in enumerate(new)}
    left_old = {o: each.marks(shared, dates) for o, each in enumerate(old) if is_gone[o]}
    found: dict[int, int] = {}
    for step in range(2):
        by_new = {n: marks[step] for n, marks in left_new.items()}
        by_old = {o: marks[step] for o, marks in left_old.items()}
        for n, o in _pairs(by_new, by_old).items():
            found[n] = o
            del left_new[n], left_old[o]
    return found


def _its_own(new: Identity, sure: frozenset[Mark], likely: frozenset[Mark]) -> _Marks:
    """The marks of a new article: one that has an address is not known without it."""
    return (frozenset(mark for mark in sure if mark[0]) if new.addresses else sure), likely


def _pairs(new: Mapping[int, frozenset[Mark]], old: Mapping[int, frozenset[Mark]]) -> dict[int, int]:
    """Those that share a mark of theirs alone, and share none with a third."""
    of_new, of_old = _owners(new), _owners(old)
    pairs = {
        (news[0], olds[0])
        for mark, news in of_new.items()
        if len(news) == len(olds := of_old.get(mark, [])) == 1
    }
    many_new, many_old = _several([n] for n, _ in pairs), _several([o] for _, o in pairs)
    return {n: o for n, o in pairs if n not in many_new and o not in many_old}


def _owners(marks: Mapping[int, frozenset[Mark]]) -> dict[Mark, list[int]]:
    owners = defaultdict[Mark, list[int]](list)
    for each, theirs in marks.items():
        for mark in theirs:
            owners[mark].append(each)
    return owners


def _several(groups: Iterable[Collection[_Value]]) -> set[_Value]:
    """The values that are in several of these groups."""
    counts = Counter(value for group in groups for value in group)
    return {value for value, count in counts.items() if count > 1}


def _date(article: Article) -> str:
    """When the source says that it was published, "" for no date; to the second, as RSS has no fractions."""
    return article.published.replace(microsecond=0).isoformat() if article.published else ""


def host_of(address: str) -> str:
    """The host of an address, as `Identity.of` compares hosts; "" for none."""
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def places(id_: str, link: str | None, hosts: Collection[str] = (), host: str = "*") -> tuple[str, str]:
    """An article's id and its link as all their spellings have them in common; "" for what is no address."""
    link = link or ""
    by_id = _place(id_, hosts, host) if id_ == link or _WEB.match(id_) else ""
    return by_id, by_id if id_ == link else _place(link, hosts, host)


def _place(address: str, hosts: Collection[str], host: str) -> str:
    """An address without what is spelled now so, now so: scheme, `www.`, port, last slash, tracking."""
    if not _WEB.match(address):
        return address
    try:
        parts = urlsplit(without_tracking(address))
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return address
    where = host_of(address)
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    path = unquote(parts.path).rstrip("/")
    return f"{host if where in hosts else where}{port}{path}{query}{fragment}"
