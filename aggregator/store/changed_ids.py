"""Finds articles of a document that are stored already under other ids. Pure.

Feeds change their ids: a plugin removes the guids, `http:` becomes `https:`, a site moves to another host.
The articles are the same, and must not be published again. Two articles count as the same if they share a
mark: an address (in any spelling) together with a title, text or date. A mark that several articles share
decides nothing: a weekly post that always links to one page is a new article each week. In doubt, they are
two articles.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from aggregator.model.article import Article
from aggregator.model.struct import Struct
from aggregator.normalise.tracking import without_tracking
from aggregator.store.edits import words

__all__ = ["Identity", "digest_of_link", "host_of", "matched", "normalised_addresses"]

_LONG = 100
_SOME = 20
_WEB = re.compile(r"https?://", re.IGNORECASE | re.ASCII)

Mark = tuple[str, ...]
_Marks = tuple[frozenset[Mark], frozenset[Mark]]
_Value = TypeVar("_Value")


class Identity(Struct, frozen=True):
    """The data that identify an article: the article, and its id and link in normalised spelling ("" for
    none).
    """

    article: Article
    id_place: str = ""
    link_place: str = ""

    @classmethod
    def of(cls, article: Article, hosts: Collection[str] = (), *, host: str = "*") -> Identity:
        """Returns the identity of an article; each of `hosts` is replaced by `host`."""
        return cls(article, *normalised_addresses(article.id, article.link, hosts, host))

    @property
    def addresses(self) -> frozenset[str]:
        """Returns its addresses; empty if it has none."""
        return frozenset(filter(None, (self.id_place, self.link_place)))

    def marks(self, shared: Collection[str] = (), dates: Collection[str] = ()) -> _Marks:
        """Returns the marks that decide first, and those that decide if none of the first does.

        - `shared`: addresses that several articles have; they count only together with title and date.
        - `dates`: dates that several articles have; they count only together with other facts.
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
        """Returns digests of all `marks`, which reveal nothing of the article."""
        sure, likely = self.marks(shared)
        return frozenset(map(_digest, sure | likely))

    @property
    def digest(self) -> str:
        """Returns the digest of the mark that another article is least likely to have; "" without a title."""
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
    """Returns the digest of a link, by which a person may name an erased article; it differs from all
    marks.
    """
    return _digest(("link", link))


def matched(new: Sequence[Identity], old: Sequence[Identity], is_gone: Sequence[bool]) -> dict[int, int]:
    """Returns which of `new` is which of `old`, by index; each at most once.

    `is_gone`: for each of `old`, whether the document no longer has it. One that it still has is another
    article.
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
    """Returns the marks of a new article; if it has an address, only marks with the address count."""
    return (frozenset(mark for mark in sure if mark[0]) if new.addresses else sure), likely


def _pairs(new: Mapping[int, frozenset[Mark]], old: Mapping[int, frozenset[Mark]]) -> dict[int, int]:
    """Returns pairs that share a mark which no other article has, and share no mark with a third one."""
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
    """Returns the values that are in several of these groups."""
    counts = Counter(value for group in groups for value in group)
    return {value for value, count in counts.items() if count > 1}


def _date(article: Article) -> str:
    """Returns the source's date of publication, "" if there is none; in seconds, because RSS has no
    fractions.
    """
    return article.published.replace(microsecond=0).isoformat() if article.published else ""


def host_of(address: str) -> str:
    """Returns the host of an address in the form that `Identity.of` compares; "" for none."""
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def normalised_addresses(
    id_: str, link: str | None, hosts: Collection[str] = (), host: str = "*"
) -> tuple[str, str]:
    """Returns an article's id and link in normalised spelling; "" for one that is not an address."""
    link = link or ""
    by_id = _place(id_, hosts, host) if id_ == link or _WEB.match(id_) else ""
    return by_id, by_id if id_ == link else _place(link, hosts, host)


def _place(address: str, hosts: Collection[str], host: str) -> str:
    """Returns an address without the parts that vary: scheme, `www.`, port, last slash, tracking."""
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
