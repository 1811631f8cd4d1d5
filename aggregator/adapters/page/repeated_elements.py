"""The repeated elements of a page, and which of them are its list of entries.

Every selector that could name an element is counted. A selector that matches several elements gets a score
for features of a list of entries: many elements, each with a different link under a title, with dates,
headings, texts and pictures, filling much of the page, outside of menus, sidebars and footers.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from urllib.parse import urlsplit

from aggregator.adapters.page.element_list import HEADINGS, NAME, Facts, Outline, OutlineElement, is_date
from aggregator.model.struct import replace

MAX_MEMBERS = 1_000
"""How many elements of a group are examined."""
MIN_TOLD = 60
"""A text beside the title that is at least this long counts as a description of the entry."""
MIN_LINKED = 4
"""A link in a heading with a shorter text is a symbol, not a title."""
UNTITLED = 0.5
_MAX_LINKS = 12

_ITEMS = frozenset(
    "article li div section tr dl dt dd p a h1 h2 h3 h4 h5 td span figure table blockquote ul".split()  # noqa: SIM905
)
_SAID = re.compile(r"post|entry|article|item|card|news|story|blog|result|teaser|row", re.IGNORECASE)
_SLUG = re.compile(r"[^/]*(?:\d|-|_|%)[^/]*|[^/]{12,}")
_DATED_PATH = re.compile(r"/(?:19|20)\d\d/")


@dataclass(slots=True)
class Group:
    """Elements that one selector matches.

    Their positions in the outline, and the link of each, -1 for none.
    """

    selector: str
    members: tuple[int, ...]
    mains: tuple[int, ...] = ()
    score: float = 0.0


def best(outline: Outline) -> Group | None:
    """The group that is most probably a list of entries; None if no group is."""
    by_members: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for selector, numbers in _named(outline).items():
        if len(numbers) > 1:
            by_members[tuple(numbers[:MAX_MEMBERS])].append(selector)
    found: Group | None = None
    for members, selectors in by_members.items():
        group = judged(outline, Group(min(selectors, key=_clumsiness), members))
        if group.score > (found.score if found else 0.0):
            found = group
    return found


def _named(outline: Outline) -> dict[str, list[int]]:
    """Each selector and the elements that it matches."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, element in enumerate(outline.elements):
        if element.tag in _ITEMS:
            for selector in set(_names(outline.elements, element)):
                found[selector].append(number)
    return found


def _names(elements: list[OutlineElement], element: OutlineElement) -> Iterator[str]:
    own = [f"{element.tag}.{name}" for name in element.classes if NAME.fullmatch(name)]
    yield from own
    if element.tag == "article":
        yield element.tag
    for above in _above(elements, elements[element.parent]):
        yield f"{above} > {element.tag}"
        for name in own[:3]:
            yield f"{above} > {name}"


def _above(elements: list[OutlineElement], parent: OutlineElement) -> list[str]:
    """Possible selectors for a parent: by id, by class, else with its own parent."""
    names = [f"#{parent.id}"] if NAME.fullmatch(parent.id) else []
    names += [f"{parent.tag}.{name}" for name in parent.classes[:4] if NAME.fullmatch(name)]
    if not names:
        over = elements[parent.parent]
        if NAME.fullmatch(over.id):
            names = [f"#{over.id} > {parent.tag}"]
        else:
            named = [name for name in over.classes if NAME.fullmatch(name)]
            names = [f"{over.tag}.{name} > {parent.tag}" for name in named[:2]] or [parent.tag]
    return names


def _clumsiness(selector: str) -> tuple[int, bool, bool, int, str]:
    digits = any(c.isdigit() for c in selector.replace("h1", "").replace("h2", "").replace("h3", ""))
    return selector.count(" "), digits, not _SAID.search(selector), len(selector), selector


def judged(outline: Outline, group: Group) -> Group:
    """The group with the links of its members, and its score as a list of entries, 0 for no list."""
    dated = replace(group, mains=tuple(facts(outline, number).dated for number in group.members))
    group.mains = tuple(facts(outline, number).main for number in group.members)
    group.score = _score(outline, group)
    dated.score = _score(outline, dated, is_titled=False)
    return dated if dated.score > group.score else group


def _score(outline: Outline, group: Group, is_titled: bool = True) -> float:
    elements = outline.elements
    count = len(group.members)
    linked = [(number, main) for number, main in zip(group.members, group.mains, strict=True) if main >= 0]
    targets = {elements[main].target for _, main in linked}
    nested = sum(b < a + elements[a].size for a, b in pairwise(group.members))
    if len(linked) < max(2, 0.6 * count) or len(targets) < 0.6 * count or nested > 0.2 * count:
        return 0.0
    titles = [elements[facts(outline, number).heading or main] for number, main in linked]
    members = [elements[number] for number in group.members]

    def share(counted: Iterable[bool]) -> float:
        return sum(counted) / count

    dated = share(m.dates > 0 for m in members)
    headed = share(facts(outline, number).heading > 0 for number in group.members)
    worth = (
        1
        + 1.0 * dated
        + 0.8 * headed
        + 0.5 * share(elements[n].text - t.text > MIN_TOLD for (n, _), t in zip(linked, titles, strict=True))
        + 0.3 * share(m.images > 0 for m in members)
        + 0.4 * share(bool(_SLUG.search(urlsplit(t).path.rstrip("/").rpartition("/")[2])) for t in targets)
        + 0.4 * share(bool(_DATED_PATH.search(t)) for t in targets)
    )
    titling = UNTITLED
    if not is_titled and share(m.images > 0 or m.text > 2 * MIN_TOLD for m in members) < 0.5:
        return 0.0  # the months of an archive
    if is_titled:
        dates = share(is_date(" ".join(t.node.text().split())) for t in titles)
        titling = _title_quality(median(t.text for t in titles)) * (1 - 0.9 * dates)
    aside = share(m.is_aside for m in members)
    cover = min(1.0, sum(m.text for m in members) / max(1, elements[0].text))
    return (
        math.log2(1 + count)
        * worth
        * titling
        * (len(targets) / count)
        * (1 - 0.9 * aside * (1 - 0.5 * dated))  # menus have no dates
        * (1 - 0.6 * _mixed(aside))
        * (1 - 0.7 * share(facts(outline, number).is_several for number, _ in linked))
        * (1 - 0.4 * _mixed(dated))
        * (1 - 0.4 * _mixed(headed))
        * (0.3 + 0.7 * _alike(elements, linked))
        * (0.2 + 0.8 * _even([m.text for m in members]))
        * (0.25 + cover)
    )


def _mixed(share: float) -> float:
    """How far a share is from 0 and from 1: 0 to 1."""
    return 4 * share * (1 - share)


def _even(sizes: Sequence[int]) -> float:
    """How equal sizes are: 1 for all the same; near 0 for the parts of a page's layout."""
    return min(1.0, 2 * math.exp(fmean(math.log(1 + size) for size in sizes)) / (1 + fmean(sizes)))


def _alike(elements: list[OutlineElement], linked: Sequence[tuple[int, int]]) -> float:
    """The share of members with their main link at the most frequent position."""
    places: Counter[tuple[str, ...]] = Counter()
    for number, main in linked:
        path = []
        while main > number:
            path.append(elements[main].tag)
            main = elements[main].parent
        places[tuple(path)] += 1
    return max(places.values()) / len(linked)


def _title_quality(middle: float) -> float:
    for least, quality in ((160, 0.5), (14, 1.0), (9, 0.7), (5, 0.4)):
        if middle >= least:
            return quality
    return 0.1


def facts(outline: Outline, number: int) -> Facts:
    """The facts about an element as an item; computed once, however many groups contain it."""
    known = outline.facts.get(number)
    if known is None:
        known = outline.facts[number] = _facts(outline, number)
    return known


def _facts(outline: Outline, number: int) -> Facts:
    elements = outline.elements
    links = outline.inside(outline.links, number)
    headings = outline.inside(outline.headings, number)
    leading = {heading: inner[0] for heading in headings if (inner := outline.inside(outline.links, heading))}
    above = elements[number].parent
    heading = next(iter(leading or headings), above if elements[above].tag in HEADINGS else 0)
    entries = {elements[link].target for link in leading.values() if elements[link].text > MIN_LINKED}
    return Facts(
        main=_main_link(outline, links, headings, leading),
        dated=next((link for link in links if elements[link].dates), -1),
        heading=heading,
        is_several=len(entries) > 1,
    )


def _main_link(outline: Outline, links: list[int], headings: list[int], leading: dict[int, int]) -> int:
    """The link to the entry: in or around the first heading that has one, else the one with the most text."""
    around = next((link for heading in headings for link in links if outline.holds(link, heading)), -1)
    if leading or around >= 0:
        return next(iter(leading.values()), around)
    elements = outline.elements
    return max(links[:_MAX_LINKS], key=lambda n: (min(elements[n].text, 60), -n), default=-1)
