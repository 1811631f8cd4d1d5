"""Archives (RFC 5005 §4): the whole history can be walked, and what is full never changes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest
from lxml import etree

from aggregator.config.load import CategoryFeed, SiteSettings
from aggregator.writers.channel import Chain, Channel
from aggregator.writers.rss import Rss
from tests.conformance.documents import check_atom, check_json_feed, check_rss
from tests.conftest import NOW
from tests.support.planet import BASIC, Planet, article

ATOM = "{http://www.w3.org/2005/Atom}"
CHECKS = {"rss.xml": check_rss, "atom.xml": check_atom, "feed.json": check_json_feed}


@pytest.fixture
def planet(tmp_path: Path) -> Iterator[Planet]:
    """One source, feeds of five entries, archives in every format."""
    made = Planet(tmp_path)
    made.configure(archives=tuple(BASIC))
    yield made
    made.store.close()


class Witness:
    """A writer that keeps what it is given, by number; None is the feed."""

    file_name = "seen.txt"

    def __init__(self) -> None:
        self.seen: dict[int | None, Channel] = {}

    def render(self, channel: Channel) -> bytes:
        """A file that differs with every chain."""
        if channel.category is not None:
            self.seen[channel.chain.number] = channel
        return repr(channel.chain).encode()


def _by_json(body: bytes) -> tuple[list[str], str | None]:
    feed = json.loads(body)
    return [item["id"] for item in feed["items"]], feed.get("next_url") or feed.get("_archive", {}).get("url")


def _by_xml(body: bytes) -> tuple[list[str], str | None]:
    root = etree.fromstring(body)
    ids = [n.findtext("guid") or n.findtext(f"{ATOM}id") or "" for n in root.iter(f"{ATOM}entry", "item")]
    links = [link.get("href") for link in root.iter(f"{ATOM}link") if link.get("rel") == "prev-archive"]
    return ids, links[0] if links else None


READ = {"feed.json": _by_json, "atom.xml": _by_xml, "rss.xml": _by_xml}


@pytest.mark.parametrize("url", ["https://planet.example/feeds", ""], ids=["public", "a folder"])
@pytest.mark.parametrize(
    ("formats", "archives", "name", "older"),
    [
        *((BASIC, True, name, "atom.xml") for name in READ),
        *((BASIC, tuple(BASIC), name, name) for name in READ),
        *((BASIC, ("json",), name, "feed.json") for name in READ),
        (("rss",), True, "rss.xml", "rss.xml"),
        (("json",), True, "feed.json", "feed.json"),
        (("rss", "json"), True, "feed.json", "rss.xml"),
    ],
)
def test_a_client_can_follow_all_archives_to_the_oldest_article(
    tmp_path: Path,
    url: str,
    formats: tuple[str, ...],
    archives: bool | tuple[str, ...],
    name: str,
    older: str,
) -> None:
    """From each feed back to the oldest: every article once, newest first, every document conformant."""
    planet = Planet(tmp_path, url=url)
    planet.configure(formats=tuple(formats), archives=archives)
    planet.add(*map(article, range(23)))
    planet.publish()
    base = url or "https://folder.example"
    place: str | None = f"{base}/World/{name}"
    found: list[str] = []
    walked = []
    while place is not None:
        walked.append(place.removeprefix(base))
        body = planet.files()[walked[-1].lstrip("/")]
        written = walked[-1].rpartition("/")[2]
        assert CHECKS[written](body) == []
        ids, link = READ[written](body)
        found += ids
        place = urljoin(place, link) if link else None
    assert found == [f"https://news.example/{n}" for n in reversed(range(23))]
    assert walked == [f"/World/{name}", *(f"/World/archive/{n}/{older}" for n in (4, 3, 2, 1))]
    planet.store.close()


@pytest.mark.parametrize(
    ("number", "documents"),
    [(5, 0), (6, 1), (9, 1), (10, 2), (11, 2), (15, 3)],
    ids=["none beyond", "one beyond", "nearly full", "one full", "one full, one open", "two full"],
)
def test_the_open_archive_is_there_when_it_is_needed(planet: Planet, number: int, documents: int) -> None:
    """When it holds something, and empty when a full one leads to it."""
    planet.add(*map(article, range(number)))
    planet.publish()
    assert len(planet.archives()) == 3 * documents
    for name, body in planet.archives().items():
        assert CHECKS[name.rpartition("/")[2]](body) == []


@pytest.mark.parametrize("url", ["https://planet.example/feeds", ""], ids=["public", "a folder"])
def test_references_between_archives_are_correct(tmp_path: Path, url: str) -> None:
    """References are absolute where the address is known, else relative to the document."""
    planet, witness = Planet(tmp_path, url=url), Witness()
    planet.writers = {"json": witness}
    planet.add(*map(article, range(17)))
    planet.publish()
    base = f"{url}/World/" if url else "../../"
    archive = f"{base}archive/" if url else "../"
    older = f"{url}/World/archive/3/" if url else "archive/3/"
    assert {number: channel.chain for number, channel in witness.seen.items()} == {
        None: Chain(older=older),
        1: Chain(number=1, is_full=True, newer=f"{archive}2/", current=base),
        2: Chain(number=2, is_full=True, older=f"{archive}1/", newer=f"{archive}3/", current=base),
        3: Chain(number=3, older=f"{archive}2/", current=base),
    }
    feed, last = witness.seen[None], witness.seen[3]
    assert (feed.root, last.root, last.id) == ("../", "../../../", feed.id)
    assert last.self_links == ({"seen.txt": f"{url}/World/archive/3/seen.txt"} if url else {})
    assert [item.article.title for item in last.items] == ["Number 11", "Number 10"]
    assert last.updated == last.items[0].updated
    assert (last.generator_version, last.total, feed.total) == ("", 2, 17)
    planet.store.close()


def test_full_archives_never_change(planet: Planet, tmp_path: Path) -> None:
    """After 200 more articles, edits, prunes, another size, and a rebuild into an empty folder."""
    planet.add(*map(article, range(23)))
    planet.publish()
    full = {name: body for name, body in planet.archives().items() if name.split("/")[2] in "123"}
    assert len(full) == 9
    times = {name: (planet.config.output / name).stat().st_mtime_ns for name in full}

    def unchanged() -> bool:
        now = planet.archives()
        return all(now[name] == body for name, body in full.items())

    for start in range(23, 223, 40):
        planet.add(*map(article, range(start, start + 40)))
        planet.publish()
    assert unchanged()
    planet.add(*(article(n, title=f"Edited {n}") for n in range(0, 223, 7)), now=NOW + timedelta(days=1))
    planet.publish()
    assert unchanged()
    planet.prune(100)
    planet.publish()
    assert unchanged()
    planet.configure(entries_per_feed=7)
    planet.publish()
    assert unchanged()
    assert {name: (planet.config.output / name).stat().st_mtime_ns for name in full} == times
    before = planet.files()
    planet.configure(output=tmp_path / "elsewhere")
    planet.publish()
    assert planet.files() == before
    planet.publish(everything=True)
    assert planet.files() == before


def test_an_edit_of_what_is_filed_comes_again_in_the_open_archive(planet: Planet) -> None:
    """Under the same id with a later update: of the two, the newer counts (RFC 5005 §4)."""
    planet.add(*map(article, range(17)))
    planet.publish()
    planet.add(article(2, title="Edited"), now=NOW + timedelta(days=1))
    planet.publish()
    opened, full = (json.loads(planet.files()[f"World/archive/{n}/feed.json"])["items"] for n in (3, 1))
    assert [item["title"] for item in opened] == ["Number 11", "Number 10", "Edited"]
    (before,) = [item for item in full if item["id"] == opened[2]["id"]]
    assert before["title"] == "Number 2"
    assert before["date_modified"] < opened[2]["date_modified"]


def test_a_pruned_article_leaves_the_open_archive_and_stays_in_a_full_one(planet: Planet) -> None:
    """What was published for good is not unpublished."""
    planet.add(*map(article, range(18)))
    planet.publish()
    assert "Number 12" in planet.files()["World/archive/3/feed.json"].decode()
    planet.prune(5)
    planet.publish()
    assert json.loads(planet.files()["World/archive/3/feed.json"])["items"] == []
    assert "Number 0" in planet.files()["World/archive/1/feed.json"].decode()
    assert (
        _by_json(planet.files()["World/feed.json"])[1]
        == "https://planet.example/feeds/World/archive/2/feed.json"
    )


def test_the_open_archive_is_removed_when_nothing_is_left_for_it(planet: Planet) -> None:
    """Without a full one nothing leads to it."""
    planet.add(*map(article, range(8)))
    planet.publish()
    assert planet.archives()
    planet.prune(5)
    planet.publish()
    assert planet.archives() == {}
    assert not (planet.config.output / "World" / "archive").exists()


def test_another_address_or_title_shows_in_full_archives(planet: Planet) -> None:
    """They are the same articles; what is ours in them follows the config."""
    planet.add(*map(article, range(17)))
    planet.publish()
    before = planet.archives()
    planet.configure(site=SiteSettings(title="Other", url="https://other.example"))
    planet.publish()
    assert planet.archives().keys() == before.keys()
    assert all(b"https://other.example/World/archive/" in body for body in planet.archives().values())
    planet.configure(site=SiteSettings(title="Planet", url="https://planet.example/feeds"))
    planet.publish()
    assert planet.archives() == before


def test_another_version_does_not_render_full_archives_again(planet: Planet) -> None:
    """Only `publish --all` renders them anew, and damage the one that was damaged."""

    class AnotherRss(Rss):
        def render(self, channel: Channel) -> bytes:
            return b"as another version had it"

    planet.add(*map(article, range(17)))
    planet.writers = {**BASIC, "rss": AnotherRss()}
    planet.publish()
    planet.writers = BASIC
    planet.store.database.remember("look", "as another version had it")
    (planet.config.output / "World" / "archive" / "2" / "atom.xml").write_bytes(b"")
    planet.publish()
    place = planet.config.output / "World" / "archive" / "1" / "rss.xml"
    assert place.read_bytes() == b"as another version had it"
    assert check_rss((planet.config.output / "World" / "archive" / "2" / "rss.xml").read_bytes()) == []
    planet.publish(everything=True)
    assert check_rss(place.read_bytes()) == []


def test_a_category_has_archives_in_its_own_formats(planet: Planet) -> None:
    """One that is no longer written leaves them too, and no file of others is touched."""
    planet.add(*map(article, range(17)))
    planet.publish()
    theirs = planet.config.output / "World" / "archive" / "1" / "notes.txt"
    theirs.write_text("theirs")
    planet.configure(categories={"World": CategoryFeed(formats=("json",))})
    planet.publish()
    assert sorted(planet.archives()) == [
        "World/archive/1/feed.json",
        "World/archive/1/notes.txt",
        "World/archive/2/feed.json",
        "World/archive/3/feed.json",
    ]
    assert len([name for name in planet.files() if name.startswith("all/archive/")]) == 9
    planet.configure(categories={"World": CategoryFeed(formats=())})
    planet.publish()
    assert [*planet.archives()] == ["World/archive/1/notes.txt"]


def test_an_archive_keeps_the_formats_that_it_was_published_in(planet: Planet) -> None:
    """Where the config does not choose: new ones have one of feeds. What goes from articles goes from all."""
    planet.add(*map(article, range(17)))
    planet.publish()
    planet.configure(archives=True)
    planet.add(*map(article, range(17, 27)))
    planet.publish()
    files = [name.removeprefix("World/archive/") for name in planet.archives()]
    old = [f"{number}/{name}" for number in (1, 2, 3) for name in sorted(CHECKS)]
    assert files == [*old, "4/atom.xml", "5/atom.xml"]
    (planet.config.output / "World" / "archive" / "1" / "rss.xml").write_bytes(b"")
    (planet.config.output / "World" / "archive" / "2" / "rss.xml").unlink()
    planet.publish()
    for name, body in planet.archives().items():
        assert CHECKS[name.rpartition("/")[2]](body) == []
    assert "World/archive/2/rss.xml" not in planet.archives()
    planet.configure(archives=("atom",))
    planet.publish()
    assert [*planet.archives()] == [f"World/archive/{number}/atom.xml" for number in range(1, 6)]
    planet.configure(archives=())
    planet.publish()
    assert [*planet.archives()] == []


def test_switching_archives_off_removes_their_files(planet: Planet) -> None:
    """Other files and folders stay; asked for again, the full ones are the same to the byte."""
    planet.configure(compress=("gzip",))
    planet.add(*map(article, range(17)))
    planet.publish()
    before = planet.archives()
    archive = planet.config.output / "World" / "archive"
    for name in ("2/notes.txt", "notes/rss.xml", "01/rss.xml"):
        (archive / name).parent.mkdir(exist_ok=True)
        (archive / name).write_text("theirs")
    (archive / "1" / ("." + "0" * 16 + ".part")).write_text("ours")
    planet.configure(archives=False)
    planet.add(*map(article, range(17, 40)))
    planet.publish()
    assert {name.removeprefix("World/archive/") for name in planet.archives()} == {
        "2/notes.txt", "notes/rss.xml", "01/rss.xml"
    }  # fmt: skip
    assert planet.store.archives.count("World", "")[0] == 2
    assert "next_url" not in json.loads(planet.files()["World/feed.json"])
    planet.configure(archives=tuple(BASIC))
    planet.publish()
    again = planet.archives()
    assert all(again[name] == body for name, body in before.items() if "/archive/3/" not in name)


def test_a_removed_archive_is_written_again(planet: Planet) -> None:
    """All of them or one."""
    planet.add(*map(article, range(17)))
    planet.publish()
    before = planet.files()
    archive = planet.config.output / "World" / "archive"
    shutil.rmtree(archive)
    assert planet.publish().rendered == 1
    assert planet.files() == before
    shutil.rmtree(archive / "1")
    assert planet.publish().rendered == 1
    assert planet.files() == before


def test_archives_half_written_by_a_killed_process_are_completed(
    planet: Planet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it stopped, the next publication ends where an undisturbed one would have."""
    planet.add(*map(article, range(17)))
    planet.publish()
    whole = planet.files()
    shutil.rmtree(planet.config.output)
    replace = os.replace
    for moment in range(0, len(whole), 2):
        with planet.store.database.transaction() as connection:
            connection.exec_driver_sql("update archives set look = null")
        left = [moment]

        def killed(aside: str, target: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            replace(aside, target)

        monkeypatch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            planet.publish()
        monkeypatch.setattr(os, "replace", replace)
        planet.publish()
        assert planet.files() == whole
        shutil.rmtree(planet.config.output)
