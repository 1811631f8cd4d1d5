"""Feed or single article -> Reading: makes articles of everything that an adapter found."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any, Literal

from aggregator.model.article import FACE, Article, Document, Enclosure, Origin, Problem
from aggregator.model.entry import ArticleDocument, Entry, Feed, FeedInfo, IdentityKind, Link, Text
from aggregator.model.reading import Reading
from aggregator.model.struct import replace
from aggregator.normalise import dates, extra_metadata, html, hub_links
from aggregator.normalise.anchors import Owner
from aggregator.normalise.enclosures import enclosures, further_pictures
from aggregator.normalise.extension_elements import harmless, of_the_feed
from aggregator.normalise.identity import fingerprint, identify
from aggregator.normalise.images import lead_image
from aggregator.normalise.links import FOLLOWED, WEB, resolve, with_ascii_host, without_login
from aggregator.normalise.plain_text import as_html
from aggregator.normalise.secrets_in_addresses import carries, host_of, is_publishable, secrets_of
from aggregator.normalise.summaries import summarise
from aggregator.normalise.text import cut, is_html, people, plain, plain_name, tidy, without_markup
from aggregator.normalise.xml_base import make_absolute

__all__ = ["articles"]

MAX_TAGS = 100
MAX_MADE_TITLE = 80
LONG_SUMMARY = 600
_NEW_URL = "itunes:new-feed-url"


def articles(
    found: Feed | ArticleDocument,
    *,
    source: str = "",
    kind: str = "feed",
    url: str = "",
    name: str = "",
    categories: tuple[str, ...] = (),
    author: str | None = None,
    identity: IdentityKind = "guid",
    known: Container[str] | None = None,
    has_public_address: bool = True,
    is_page: bool = False,
    hidden_host: str = "",
) -> Reading:
    """The articles of a document: sanitised, links absolute, dates in UTC, ids unique. Pure; never raises.

    - `source`, `kind`: its name and kind in the config. `url`: the document's; `name`: its path in a
      folder. `categories`: the config's, for every article. `author`: used if neither entry nor feed names
      one.
    - `identity`: the kind that an earlier call returned. `known`: fingerprints of entries to skip; None:
      fingerprints are not computed, for a caller that stores none.
    - `has_public_address`: the feed's own address may be kept and published with its entries.
    - `is_page`: the document is a page for people: a link to a place in it needs its query, which a link of
      a feed does not.
    - `hidden_host`: the feed's id and site are left out if they are on this host, "" for no such host.

    Fills what is missing: a title from the first words of the body (readers show an empty line otherwise), a
    summary from the body, a publication date from the date of change (RFC 4287 §4.2.9 makes it optional).
    """
    if isinstance(found, ArticleDocument):
        # Markdown takes a tenth of all that reading needs to import, and feeds do not need it.
        from aggregator.normalise.single_article import reading_of

        return reading_of(
            found,
            source=source,
            kind=kind,
            place=(url, name),
            categories=categories,
            author=author,
            known=known,
        )
    make_absolute(found, url if is_page else url.partition("?")[0])
    info = _About(found.info, url, has_public_address, is_page, hidden_host)
    links = [_link(entry, info) for entry in found.entries]
    identities = identify(found.entries, links, identity)
    problems = [*found.problems, *identities.problems]
    readers: list[_Reader] = []
    fingerprints: list[str] = []
    unchanged: list[str] = []
    context = repr((source, url, info.origin_without_date, info.bases, info.authors, categories, author))
    for entry, link, id_ in zip(found.entries, links, identities.ids, strict=True):
        if id_ is None:
            continue
        mark = "" if known is None else fingerprint(entry, id_, context)
        if known and mark in known:
            unchanged.append(mark)
            continue
        readers.append(_Reader(entry, link, id_, info, author, source, is_legal=found.is_legal))
        fingerprints.append(mark)
    html.sanitise_checked([body for reader in readers for body in reader.bodies()])
    summaries = [reader.summary.html or summarise(reader.content.html) for reader in readers]
    made = [reader.article(categories, summary) for reader, summary in zip(readers, summaries, strict=True)]
    for reader in readers:
        problems += reader.problems
    hints = dict(found.hints)
    if moved_to := _moved_to(hints.pop(_NEW_URL, ""), url, info.bases):
        hints[_NEW_URL] = moved_to
        problems.append(Problem(text=f"it says that it has moved permanently to {moved_to} ({_NEW_URL})"))
    return Reading(
        document=Document(
            source=source,
            kind=kind,
            title=info.origin.title,
            link=info.origin.link,
            articles=tuple(made),
            problems=tuple(problems),
            findings=tuple(found.findings),
        ),
        fingerprints=tuple(fingerprints),
        known=tuple(unchanged),
        content_hashes=() if known is None else tuple([article.content_hash for article in made]),
        identity=identities.kind,
        hints=hints,
        more=tuple(found.more),
        hub_links=hub_links.in_feed(found.info.links, info.bases),
    )


def _moved_to(written: str, url: str, bases: Sequence[str]) -> str | None:
    """The new address that a feed announces; None if it is the present one."""
    address = resolve(written, *bases)
    address = address and without_login(with_ascii_host(address))
    return None if address == url else address


class _About:
    """The feed's own metadata, prepared once for all its entries."""

    def __init__(
        self,
        info: FeedInfo,
        url: str,
        has_public_address: bool = True,
        is_page: bool = False,
        hidden_host: str = "",
    ) -> None:
        self._secrets = secrets = secrets_of(url)
        self._inherited = frozenset[str]() if is_page else secrets
        place, base = url if is_page else url.partition("?")[0], self.base(info.base)
        self.link = self.alternate(info.links, (base, place))
        # A reference in an entry is relative to these if the entry itself has no base and no link.
        self.bases = tuple(filter(None, (base, self.base(self.link), place)))
        self.persons = info.authors
        self.authors = people(info.authors)
        self._hidden_host = hidden_host
        self_link = resolve(url) if has_public_address and is_publishable(url) else None
        own = next((resolve(i.href, i.base, *self.bases) for i in info.links if i.rel == "self"), None)
        is_own = has_public_address and is_publishable(own, secrets, is_own_word=True)
        self.origin_without_date = Origin(
            id=info.id if self.is_public(info.id) else None,
            title=plain(info.title),
            link=self.link and with_ascii_host(self.link) if self.is_public(self.link) else None,
            self_link=own if is_own else self_link,
            names_itself=is_own and not is_publishable(own),
            language=_said(info.language),
            rights=_said(info.rights),
            extra=self._of_the_feed(info),
        )
        updated = dates.parse(info.updated)
        undated = self.origin_without_date
        self.origin = undated if updated is None else replace(undated, updated=updated)

    def _of_the_feed(self, info: FeedInfo) -> dict[str, Any]:
        """The elements that describe a podcast, and the feed's picture."""
        found: dict[str, Any] = of_the_feed(info.extra, *self.bases) if info.extra else {}
        picture = resolve(info.image, *self.bases) if info.image else None
        if picture and self.is_public(picture):
            found[FACE] = picture
        return found

    def base(self, address: str | None) -> str:
        """A base without the query of our request: a reference such as `#part` would otherwise inherit it."""
        if address and self._inherited and carries(address, self._inherited):
            return address.partition("?")[0]
        return address or ""

    def alternate(self, links: Sequence[Link], bases: Sequence[str | None]) -> str | None:
        """The first alternate that is a page, else the first (RFC 4287 §4.2.7.2)."""
        alternates = [link for link in links if link.rel == "alternate"]
        if len(alternates) > 1:
            alternates.sort(key=lambda link: (link.type or "text/html") not in _PAGES)
        for schemes in (WEB, _PLACES):
            for link in alternates:
                if found := resolve(link.href, self.base(link.base), *bases, schemes=schemes):
                    return found
        return None

    def is_public(self, address: str | None) -> bool:
        """Whether an address, such as that of an entry's own document, repeats no key of our request."""
        if carries(address, self._secrets):
            return False
        return not self._hidden_host or host_of(address) != self._hidden_host


def _said(text: str | None) -> str | None:
    return (tidy(text[:2_000]) or None) if text else None


_PLACES = FOLLOWED - {"urn"}  # not an address; feedparser returns it as a link
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


def _link(entry: Entry, info: _About) -> str | None:
    """The entry's page: its alternate link, else its guid if that is a permalink; never an enclosure."""
    bases = (info.base(entry.base), *info.bases)
    if found := info.alternate(entry.links, bases):
        return found
    # RSS 2.0 `<guid>`: a permalink unless isPermaLink is false; a guid that is not a URL is not a permalink.
    if entry.id and entry.id_is_permalink and "/" in entry.id:
        return resolve(entry.id, *bases)
    return None


_NOTHING = html.HtmlBody()


class _Reader:
    """Makes an article of one entry; `problems` are what was wrong with it."""

    def __init__(
        self,
        entry: Entry,
        link: str | None,
        id_: str,
        info: _About,
        author: str | None,
        source: str,
        *,
        is_legal: bool,
    ) -> None:
        self.source = source
        self.entry = entry
        self.is_legal = is_legal
        self.link = link
        self.id = id_
        self.info = info
        self.author = author
        self.bases = tuple(filter(None, (info.base(entry.base), info.base(link), *info.bases)))
        self.summary = self.content = _NOTHING
        self.texts: dict[str, Text | None] = {}
        self.problems: list[Problem] = []

    def article(self, categories: tuple[str, ...], summary: str) -> Article:
        entry = self.entry
        content = self.content.html
        updated = self._date(entry.updated, "updated")
        published = self._date(entry.published, "published") or updated
        about = self.info if entry.source is None else _About(entry.source, "")
        in_body = (self.content if content else self.summary).picture
        headimg = lead_image(entry.media, entry.thumbnails, in_body, self.bases)
        return Article(
            source=self.source,
            id=self.id,
            title=plain(entry.title) or self._made_title(content or summary),
            # An id that was made from the link must not change.
            link=self.link and with_ascii_host(self.link),
            published=published,
            updated=updated,
            authors=self._authors(about),
            categories=categories,
            tags=self._tags(),
            headimg=headimg,
            summary=summary,
            content=content,
            enclosures=self._enclosures(),
            origin=about.origin,
            extra=self._extra(headimg, about),
        )

    def _problem(self, text: str) -> None:
        self.problems.append(Problem(text=text, where=self.id))

    def _date(self, written: str | None, name: str) -> datetime | None:
        if not written:
            return None
        moment = dates.parse(written)
        if moment is None and written.strip():
            self._problem(f"{name} is not a plausible date, treated as missing: {tidy(written[:100])!r}")
        return moment

    def _made_title(self, body: str) -> str:
        head = body[: 20 * MAX_MADE_TITLE]
        return cut(
            tidy(without_markup(head[: head.rfind("<")] if len(head) < len(body) and "<" in head else head)),
            MAX_MADE_TITLE,
        )

    def _authors(self, about: _About) -> tuple[str, ...]:
        found = people(self.entry.authors) if self.entry.authors else ()
        return found or about.authors or self.info.authors or ((self.author,) if self.author else ())

    def _tags(self) -> tuple[str, ...]:
        tags: dict[str, None] = {}
        for category in self.entry.categories:
            tags[plain_name(category.label or category.term)] = None
        for keywords in self.entry.extra.get("itunes:keywords", ()):
            if isinstance(keywords, str):
                tags |= dict.fromkeys(map(plain_name, keywords[:4_000].split(",")))
        tags.pop("", None)
        return tuple(tags)[:MAX_TAGS]

    def bodies(self) -> tuple[html.HtmlBody, html.HtmlBody]:
        """Summary and content, to be sanitised before `article` is called.

        The longest of the contents is the content. A description that is long, or twice as long as the
        content, is the body, whatever its element (RSS 2.0 has no other); a summary is then made from it.
        """
        short = self.entry.summary
        contents = self.entry.contents
        full = max(contents, key=_length_of) if len(contents) > 1 else contents[0] if contents else None
        if full is not None and (not full.value or full.value.isspace()):
            full = None
        if short is not None and (not short.value or short.value.isspace()):
            short = None
        if short is not None:
            length = len(short.value)
            if full is None:
                if length > LONG_SUMMARY:
                    full, short = short, None
            elif length > LONG_SUMMARY and length > 2 * len(full.value):
                full, short = short, None
            elif short.value == full.value or (length > LONG_SUMMARY and length > 0.9 * len(full.value)):
                short = None
        self.texts = {"title": self.entry.title, "summary": short, "content": full}
        self.content = self._html(full, "")
        self.summary = self._html(short, "s")
        return self.summary, self.content

    def _html(self, text: Text | None, part: Literal["", "s"]) -> html.HtmlBody:
        if text is None:
            return _NOTHING
        if text.type == "text" or (text.type == "unknown" and not is_html(text.value)):
            return html.HtmlBody(as_html(text.value))
        bases = (self.info.base(text.base), *self.bases)
        if reason := html.hazard(text.value):
            self._problem(f"{reason}: kept as plain text")
            return html.HtmlBody(html.sanitise(text.value, *bases))
        owner = Owner(self.source, self.id, self.link, part)
        return html.HtmlBody(raw=text.value, bases=bases, is_legal=self.is_legal, owner=owner)

    def _enclosures(self) -> tuple[Enclosure, ...]:
        if not self.entry.media:
            return ()
        found, lost = enclosures(self.entry, self.bases)
        for written in lost:
            self._problem(f"enclosure has no URL that can be used, left out: {written[:200]!r}")
        return found

    def _extra(self, headimg: str | None, about: _About) -> dict[str, Any]:
        entry = self.entry
        passed_on = entry.extra
        if entry.media or "media:content" in passed_on:
            passed_on = {**passed_on, "media:content": further_pictures(entry.media, headimg, self.bases)}
        found: dict[str, Any] = {**harmless(passed_on, *self.bases)} if passed_on else {}
        if entry.comments and (link := resolve(entry.comments, *self.bases)):
            found["comments_link"] = link
        if language := _said(entry.language):
            found["language"] = language
        if rights := _said(entry.rights):
            found["rights"] = rights
        if entry.contributors and (contributors := people(entry.contributors)):
            found["contributors"] = list(contributors)
        authors = entry.authors or about.persons or self.info.persons
        found |= extra_metadata.of(entry, self.link, self.bases, authors, self.texts, self.info.is_public)
        return found


def _length_of(text: Text) -> int:
    return len(text.value)
