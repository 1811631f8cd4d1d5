"""Publishing: the same store gives the same bytes, whatever came before and in any process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import WriteError
from aggregator.model.article import Enclosure
from aggregator.publishing.publish import publish
from aggregator.writers.channel import Channel
from tests.conftest import NOW
from tests.support.channels import ARTICLE
from tests.support.examples import examples
from tests.support.planet import Planet, article

PROGRAM = """
import sys
from pathlib import Path
from aggregator.config.load import Config, Publish, SiteSettings, Source
from aggregator.publishing.publish import publish
from aggregator.store import Store
from aggregator.writers import SITE_WRITERS, WRITERS
home = Path(sys.argv[1])
source = Source(name="news", url="https://news.example/feed", categories=("World",))
site, how = SiteSettings(title="Planet", url="https://planet.example"), Publish(compress=("gzip", "br"))
config = Config(store=home / "store.db", output=home / "feeds", entries_per_feed=5, sources=(source,),
                site=site, publish=how)
store = Store(config.store)
assert not publish(store=store, config=config, writers=WRITERS, site_writers=SITE_WRITERS, version="1").errors
store.close()
"""


def test_two_processes_of_different_seeds_locales_and_zones_write_the_same_bytes(tmp_path: Path) -> None:
    """Every format that there is, archives, compressed forms and the site's own documents."""
    planet = Planet(tmp_path / "first")
    rich = {"extra": {**ARTICLE.extra, "thr:count": "1", "itunes:episode": "2"}, "tags": ("ß", "İ", "a", "b")}
    planet.add(*(article(n, categories=("World", f"c{n % 3}"), **rich) for n in range(23)))
    planet.store.close()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    outputs = []
    for name, surroundings in (
        ("first", {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu"}),
        ("second", {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "America/St_Johns", "LANG": "tr_TR"}),
    ):
        home = tmp_path / name
        subprocess.run([sys.executable, "-c", PROGRAM, home], check=True, env={**os.environ, **surroundings})
        outputs.append({p.relative_to(home): p.read_bytes() for p in home.glob("feeds/**/*") if p.is_file()})
    assert len(outputs[0]) > 30
    assert outputs[0] == outputs[1]


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("save"), st.lists(st.integers(0, 30), max_size=12, unique=True), st.text(max_size=5)
        ),
        st.tuples(st.just("prune"), st.integers(3, 12)),
        st.tuples(st.just("publish")),
    ),
    max_size=8,
)


@given(STEPS, st.sampled_from(["", "https://planet.example"]))
@settings(max_examples=examples(8), deadline=None)
def test_the_output_depends_only_on_the_store(steps: list[tuple[Any, ...]], url: str) -> None:
    """Any history of saving, editing, pruning and publishing.

    What lies in the folder is what one publication into an empty one writes; full archives never changed;
    no article that is kept is missing from feed and archives together.
    """
    with tempfile.TemporaryDirectory() as folder:
        planet = Planet(Path(folder), url=url, entries_per_feed=3)
        planet.configure(archives=("atom", "json"))
        full: dict[str, bytes] = {}
        for day, (step, *how) in enumerate([*steps, ("publish",)]):
            now = NOW + timedelta(days=day)
            if step == "save":
                made = [article(n, title=how[1], categories=("World", f"c{n % 2}")) for n in how[0]]
                planet.add(*made, now=now)
            elif step == "prune":
                planet.prune(how[0])
            else:
                planet.publish()
                files = planet.files()
                assert full.items() <= files.items()
                full = {name: body for name, body in files.items() if is_full(planet, name)}
        files = planet.files()
        planet.configure(output=Path(folder, "again"))
        planet.publish(everything=True)
        assert planet.files() == files
        for outlet in planet.store.feeds.all():
            documents = [
                body
                for name, body in files.items()
                if name.startswith(f"{outlet.folder}/") and name.endswith("feed.json")
            ]
            written = {item["id"] for body in documents for item in json.loads(body)["items"]}
            assert {kept.uid for kept in planet.store.feeds.newest(outlet.name, 99)} <= written
        planet.store.close()


def is_full(planet: Planet, name: str) -> bool:
    """Whether this file is one of a full archive."""
    folder, *rest = name.split("/")
    if rest[0] != "archive":
        return False
    (category,) = (feed.name for feed in planet.store.feeds.all() if feed.folder == folder)
    return int(rest[1]) <= planet.store.archives.count(category, "")[0]


def test_compressed_forms_are_written_with_files_and_go_with_them(tmp_path: Path) -> None:
    """Beside each large file of each folder; gone when the config wants them no more."""
    planet = Planet(tmp_path)
    planet.configure(compress=("gzip", "br"))
    planet.add(*(article(n, enclosures=(Enclosure(url=f"https://news.example/{n}.mp3"),)) for n in range(12)))
    planet.publish()
    large = {
        name for name, body in planet.files().items() if len(body) >= 1024 and name.endswith(("xml", "json"))
    }
    assert {"World/rss.xml", "World/archive/1/atom.xml"} <= large
    compressed = {name for name in planet.files() if name.endswith((".gz", ".br"))}
    assert compressed == {name + suffix for name in large for suffix in (".gz", ".br")}
    planet.configure(compress=("br",))
    planet.publish()
    assert {n for n in planet.files() if n.endswith((".gz", ".br"))} == {name + ".br" for name in large}
    planet.configure(compress=("br",), formats=("json",))
    planet.publish()
    assert {Path(name).name for name in planet.files()} == {"feed.json", "feed.json.br"}
    planet.store.close()


def test_only_what_was_damaged_is_rendered(tmp_path: Path) -> None:
    """Whichever process left it so; archives are looked at too."""
    planet = Planet(tmp_path)
    planet.add(*(article(n, categories=("World", f"c{n % 3}")) for n in range(12)))
    planet.publish()
    before = planet.files()
    assert planet.publish().rendered == 0
    (planet.config.output / "c1/rss.xml").unlink()
    shutil.rmtree(planet.config.output / "World/archive")
    assert planet.publish().rendered == 2
    assert planet.files() == before
    (planet.config.output / "World/archive/1/atom.xml").write_bytes(b"")
    shutil.rmtree(planet.config.output / "c2")
    assert planet.publish().rendered == 2
    assert planet.files() == before
    assert planet.publish().rendered == 0
    planet.store.close()


def test_a_category_may_differ_from_the_others(tmp_path: Path) -> None:
    """Its number of entries alone decides what its archives hold."""
    planet = Planet(tmp_path)
    world = {"entries": 2, "title": "The world", "language": "de"}
    planet.configure(archives=("json",), categories={"World": world})
    planet.add(*map(article, range(7)))
    planet.publish()
    files = planet.files()
    feed, everything = (json.loads(files[f"{folder}/feed.json"]) for folder in ("World", "all"))
    assert (feed["title"], feed["language"], len(feed["items"])) == ("The world", "de", 2)
    assert (everything["title"], len(everything["items"])) == ("Planet", 5)
    assert len(json.loads(files["World/archive/1/feed.json"])["items"]) == 2
    assert len(json.loads(files["all/archive/1/feed.json"])["items"]) == 2
    planet.store.close()


def test_a_category_without_formats_has_no_folder(tmp_path: Path) -> None:
    """No folder is made for it, and nothing is looked for again and again."""
    planet = Planet(tmp_path)
    planet.configure(categories={"World": {"formats": ()}})
    planet.add(article(1))
    planet.publish()
    assert {name.split("/")[0] for name in planet.files()} == {"all"}
    assert planet.publish().rendered == 0
    planet.store.close()


class Failing:
    """A writer that cannot write one category."""

    file_name = "rss.xml"

    def render(self, channel: Channel) -> bytes:
        """Everything but `World`."""
        if channel.category == "World":
            raise WriteError("no")
        return b"<rss/>"


def test_one_feed_that_cannot_be_rendered_stops_no_other(tmp_path: Path) -> None:
    """It is reported and stays stale; the others are in place."""
    planet = Planet(tmp_path)
    planet.add(article(1))
    published = publish(store=planet.store, config=planet.config, writers={"rss": Failing()}, version="1")
    assert [str(error) for error in published.errors] == ["no"]
    assert [*planet.files()] == ["all/rss.xml"]
    assert [feed.name for feed in planet.store.feeds.all() if feed.is_stale] == ["World"]
    planet.store.close()


def test_an_output_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """An error of ours, with the path."""
    planet = Planet(tmp_path)
    (tmp_path / "feeds").write_text("in the way")
    with pytest.raises(WriteError, match="feeds: it cannot be made"):
        planet.publish()
    planet.store.close()
