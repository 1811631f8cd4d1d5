"""Web pages that list entries, read with CSS selectors; missing selectors are proposed."""

from __future__ import annotations

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from aggregator.adapters.kinds import Kind
from aggregator.adapters.page import fields as page_fields
from aggregator.adapters.page import html_tree as page_tree
from aggregator.adapters.page import selector_proposal as page_proposal
from aggregator.adapters.page.html_tree import WebPage
from aggregator.adapters.page.options import ListPageOptions, Part
from aggregator.adapters.page.selectors import what_matches
from aggregator.errors import ReadError
from aggregator.model.article import Finding, Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Person, Text
from aggregator.model.resource import Resource

MAX_ITEMS = 1_000
MAX_MARKUP = 20_000_000
_MAX_EXAMPLE = 100


def read(resource: Resource, options: ListPageOptions) -> Feed:
    """The entries of a page that lists them, as found. Raises ReadError if a first page has none.

    The matches of every selector are among the feed's findings; proposed selectors are reported as a problem.
    """
    page = page_tree.parse(resource)
    feed = Feed(info=_info(page), version="html", problems=list(page.problems))
    item, parts = options.item, options.parts
    if item is None or not {"title", "link"} <= parts.keys():
        proposal = page_proposal.propose(page, item)
        if proposal is not None:
            wanted = proposal.parts if not parts else {n: proposal.parts[n] for n in ("title", "link")}
            item, parts = proposal.item, {**wanted, **parts}
            feed.problems.append(_proposed(options, item, parts))
    try:
        _read_items(page, item, parts, feed)
    except ReadError as error:
        if resource.number == 0:
            raise
        feed.problems.append(Problem(text=error.message, where=resource.url))
    _follow(page, options, resource.number, feed)
    return feed


def _info(page: WebPage) -> FeedInfo:
    return FeedInfo(
        title=Text(page.title, "text") if page.title else None,
        links=[Link(href=page.url)],
        language=page.language,
        base=page.base,
    )


def _proposed(options: ListPageOptions, item: str, parts: Mapping[str, Part]) -> Problem:
    given = [name for name in ("item", *options.parts) if getattr(options, name) is not None]
    what = "selectors" if not given else "the other selectors"
    return Problem(text=f"{what} were proposed; keep them in the config: {as_toml(item, parts)}")


def as_toml(item: str, parts: Mapping[str, Part]) -> str:
    """Selectors as a line of a source's config."""
    fields = {"item": _quoted(item), **{name: _toml(part) for name, part in parts.items()}}
    return "options = { " + ", ".join(f"{name} = {written}" for name, written in fields.items()) + " }"


def _toml(part: Part) -> str:
    if part == Part(selector=part.selector, attribute=part.attribute):
        return _quoted(part.short)
    parts = {name: value for name, value in part.model_dump().items() if value}
    return "{ " + ", ".join(f"{name} = {_quoted(value)}" for name, value in parts.items()) + " }"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _read_items(page: WebPage, item: str | None, parts: Mapping[str, Part], feed: Feed) -> None:
    if item is None:
        raise ReadError(
            f"no list of entries was recognised on the page{_emptiness(page)}",
            url=page.url,
            advice="give the options item and title (docs/sources.md)",
        )
    items = page.select(item)
    if not items:
        raise ReadError(
            f'item = "{item}" matched nothing{_emptiness(page)}; {what_matches([page.tree], item)}',
            url=page.url,
            advice="correct the selector",
        )
    if len(items) > MAX_ITEMS:
        text = f"{len(items)} items; only the first {MAX_ITEMS} are read"
        feed.problems.append(Problem(text=text))
        items = items[:MAX_ITEMS]
    _make_entries(page, items, parts, feed)
    feed.findings = [
        Finding(name="item", selector=item, count=len(items), of=len(items), example=_first(items))
    ]
    feed.findings += [_finding(items, name, part) for name, part in parts.items()]
    missed = [f for f in feed.findings if not f.count]
    misses = [
        f'{f.name} = "{f.selector}" matched in none of {f.of} items; '
        + what_matches(items, parts[f.name].selector)
        for f in missed
    ]
    if not feed.entries:
        raise ReadError(
            f'none of the {len(items)} items of "{item}" has a title or a link; {"; ".join(misses)}',
            url=page.url,
            advice="correct the selectors",
        )
    feed.problems += (Problem(text=text) for text in misses)


def _emptiness(page: WebPage) -> str:
    """A note if the page is filled by a script, which is not run here."""
    body = page.tree.body
    few = body is None or len(page_fields.text(body)) < 200
    return ", which has almost no text: it seems to be filled in by a script in the browser" if few else ""


def _make_entries(page: WebPage, items: list[LexborNode], parts: Mapping[str, Part], feed: Feed) -> None:
    bare, taken = 0, 0
    for item in items:
        entry = _entry(page, item, parts, feed.problems)
        if entry is None:
            bare += 1
            continue
        feed.entries.append(entry)
        taken += len(entry.title.value if entry.title else "") + len(
            entry.summary.value if entry.summary else ""
        )
        if taken > MAX_MARKUP:  # items inside items repeat each other's text
            feed.problems.append(Problem(text=f"only the first {len(feed.entries)} items are read: too long"))
            break
    if bare:
        feed.problems.append(
            Problem(text=f"{bare} of {len(items)} items have neither title nor link; left out")
        )


def _entry(
    page: WebPage, item: LexborNode, parts: Mapping[str, Part], problems: list[Problem]
) -> Entry | None:
    """The entry in one item; None if it has neither title nor link."""
    entry = Entry(base=page.base, language=page.language)
    for name, part in parts.items():
        if name in ("title", "summary"):
            setattr(entry, name, _text(item, name, part))
        elif name == "author":
            names = [*page_fields.values(item, name, part)] or ([part.default] if part.default else [])
            entry.authors = [Person(name=each) for each in dict.fromkeys(names)]
        elif name == "categories":
            names = [*page_fields.values(item, name, part)] or ([part.default] if part.default else [])
            entry.categories = [Category(term=each) for each in dict.fromkeys(names)]
    if "image" in parts and (address := page_fields.value(item, "image", parts["image"])):
        entry.thumbnails = [address]
    if "link" in parts and (href := page.resolve(page_fields.value(item, "link", parts["link"]))):
        entry.links = [Link(href=href)]
    if entry.title is None and not entry.links:
        return None
    if "date" in parts:
        entry.published, written = page_fields.moment(item, parts["date"])
        if written and entry.published is None:
            text = f"date {written[:100]!r} is not in the format {parts['date'].format!r}, taken for missing"
            where = entry.links[0].href if entry.links else ""
            problems.append(Problem(text=text, where=where))
    return entry


def _text(item: LexborNode, name: str, part: Part) -> Text | None:
    if markup := page_fields.markup(item, name, part):
        return Text(markup, "xhtml")
    value = page_fields.value(item, name, part)
    return Text(value, "text") if value else None


def _first(items: list[LexborNode]) -> str:
    return page_fields.text(items[0])[:_MAX_EXAMPLE]


def _finding(items: list[LexborNode], name: str, part: Part) -> Finding:
    found = [value for item in items if (value := next(page_fields.values(item, name, part), ""))]
    example = found[0][:_MAX_EXAMPLE] if found else ""
    return Finding(name=name, selector=part.short, count=len(found), of=len(items), example=example)


def _follow(page: WebPage, options: ListPageOptions, number: int, feed: Feed) -> None:
    """Adds the next page of the list to `feed.more`, within the limit of the options."""
    if number + 1 >= options.pages:
        return
    root = page.tree.root
    assert root is not None, "HTML always has a root"
    if further := page.resolve(page_fields.value(root, "link", options.next)):
        feed.more = [further]
    elif number == 0:
        there = what_matches([page.tree], options.next.selector)
        feed.problems.append(Problem(text=f'next = "{options.next.short}" leads to no further page; {there}'))


def _read(resource: Resource, options: ListPageOptions) -> Feed:
    return read(resource, options)


KIND = Kind(read=_read, options=ListPageOptions, is_scraped=True)
