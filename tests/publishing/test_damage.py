"""Files of the output folder that a power cut, or anybody, emptied, cut short or removed come back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.site import Site, feed

PUBLIC = {"title": "Planet", "url": "https://planet.example/feeds"}


def configure(site: Site, **settings: object) -> None:
    """Two feeds in two categories, archives, compressed forms and every document of the site."""
    site.configure(
        {"name": "A", "url": "file:a.xml", "categories": ["News"]},
        {"name": "B", "url": "file:b.xml", "categories": ["Other"]},
        **{
            "entries_per_feed": 4,
            "publish.formats": ["rss", "atom", "json", "html", "opml"],
            "publish.archives": ["rss", "atom", "json", "html"],
            "publish.compress": ["gzip", "br"],
            **settings,
        },
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose every file is in place."""
    site = Site(tmp_path_factory.mktemp("whole"))
    (site.home / "a.xml").write_bytes(feed("a", *range(1, 15), body="Text " * 80))
    (site.home / "b.xml").write_bytes(feed("b", *range(1, 12), body="Text " * 80))
    configure(site)
    assert site.run("fetch").exit_code == 0
    names = site.files()
    for name in ("News/archive/1/rss.xml.gz", "all/archive/2/feed.json.br", "index.html", "feeds.opml"):
        assert name in names
    return site


@pytest.fixture
def planet(whole: Site, tmp_path: Path) -> Site:
    """Such a site of one's own; its status page names where it is."""
    site = whole.copied(tmp_path)
    assert site.run("publish").exit_code == 0
    return site


def emptied(path: Path) -> None:
    """As a power cut leaves a file whose bytes were not written yet."""
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """A page of it was written, not all."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_by_one(path: Path) -> None:
    """All but its last byte."""
    path.write_bytes(path.read_bytes()[:-1])


def zeroed(path: Path) -> None:
    """Its size was recorded, its bytes were not."""
    path.write_bytes(b"\0" * path.stat().st_size)


def overwritten(path: Path) -> None:
    """By somebody else."""
    path.write_bytes(b"something else")


def removed(path: Path) -> None:
    """Its name was not recorded yet."""
    path.unlink()


def a_folder(path: Path) -> None:
    """An empty one stands in its place."""
    path.unlink()
    path.mkdir()


def a_link(path: Path) -> None:
    """To nothing."""
    path.unlink()
    path.symlink_to("nowhere")


HOW: list[Callable[[Path], None]] = [emptied, cut, cut_by_one, zeroed, overwritten, removed, a_link]
COMMANDS = (("fetch",), ("fetch", "--force"), ("publish",))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_file_comes_back(planet: Site, command: tuple[str, ...]) -> None:
    """All of them at once: feeds, pages, lists, styles, full and open archives, compressed forms."""
    before = planet.files()
    for how in HOW if command == ("publish",) else HOW[len(command) :: 2]:
        for name in before:
            how(planet.output / name)
        assert planet.run(*command).exit_code == 0
        after = planet.files()
        assert after.keys() == before.keys()
        assert after["status.html"].endswith(b"</html>\n")
        # The status page says when sources were polled last.
        differing = {name for name in before if after[name] != before[name]}
        assert differing <= {"status.html", "status.html.gz", "status.html.br"}, how


SINGLE = [
    *(
        "News/rss.xml",
        "News/atom.xml",
        "News/feed.json",
        "News/index.html",
        "all/rss.xml",
        "News/archive/3/rss.xml",
    ),
    *(
        "News/rss.xml.gz",
        "News/feed.json.br",
        "News/archive/1/rss.xml",
        "News/archive/2/feed.json",
        "style.css.gz",
    ),
    *("all/archive/1/atom.xml", "all/archive/3/index.html", "Other/archive/1/rss.xml.br", "index.html.br"),
    *("Other/archive/2/atom.xml.gz", "index.html", "status.html", "style.css", "feeds.opml", "sources.opml"),
]


@pytest.mark.parametrize("share", range(3))
def test_a_single_file_comes_back(planet: Site, share: int) -> None:
    """Each by itself, emptied, cut or removed; no other is touched."""
    for number, name in [*enumerate(SINGLE)][share::3]:
        how = (emptied, cut, removed)[number // 3 % 3]
        before, times = planet.files(), planet.times()
        how(planet.output / name)
        assert planet.run("publish").exit_code == 0
        assert planet.files() == before, name
        untouched = {path for path, time in planet.times().items() if times[path] == time}
        mended = {str(planet.output / (name + suffix)) for suffix in ("", ".gz", ".br")}
        assert set(times) - untouched <= mended, name


def test_a_folder_that_was_removed_comes_back(planet: Site) -> None:
    """With everything that was in it."""
    before = planet.files()
    for folder in ("News", "News/archive", "all/archive/1", "Other/archive/2", ""):
        shutil.rmtree(planet.output / folder)
        assert planet.run("publish").exit_code == 0
        assert planet.files() == before


def test_a_new_article_and_a_damaged_file_at_once(planet: Site) -> None:
    """What would not be rendered for the article alone is mended all the same."""
    before = planet.files()
    for name in ("News/archive/1/rss.xml", "News/rss.xml", "Other/feed.json", "style.css"):
        emptied(planet.output / name)
    (planet.home / "a.xml").write_bytes(feed("a", *range(1, 16), body="Text " * 80))
    assert planet.run("fetch").exit_code == 0
    after = planet.files()
    for name in ("News/archive/1/rss.xml", "Other/feed.json", "style.css"):
        assert after[name] == before[name]
    assert after["News/rss.xml"]
    assert after["News/rss.xml"] != before["News/rss.xml"]


def test_undamaged_files_are_not_rendered_again(planet: Site) -> None:
    """Neither by this process nor by another that checks the same folder."""
    assert "published 0 of 3 feeds, 0 files written" in planet.run("publish").output
    emptied(planet.output / "News/rss.xml")
    assert "published 1 of 3 feeds, 1 file written" in planet.run("publish").output
    assert "published 0 of 3 feeds, 0 files written" in planet.run("publish").output


def test_a_file_that_cannot_be_repaired_is_reported(planet: Site) -> None:
    """And tried again the next time."""
    before = planet.files()
    a_folder(planet.output / "News/rss.xml")
    for _ in range(2):
        result = planet.run("publish")
        assert result.exit_code == 1
        assert "News/rss.xml" in result.output
    (planet.output / "News/rss.xml").rmdir()
    assert planet.run("publish").exit_code == 0
    assert planet.files() == before


@pytest.fixture
def posts(site: Site) -> Site:
    """A site that keeps posts."""
    (site.home / "a.xml").write_bytes(feed("a", 1, 2, 3))
    settings = {"publish.posts.folder": "posts", "publish.posts.generator": "hexo"}
    site.configure({"name": "A", "url": "file:a.xml", "categories": ["News"]}, **settings)
    assert site.run("fetch").exit_code == 0
    assert len(bodies(site)) == 3
    return site


def bodies(site: Site) -> dict[str, bytes]:
    """Every post."""
    return {p.name: p.read_bytes() for p in sorted((site.home / "posts").rglob("*")) if p.is_file()}


def paths(site: Site) -> list[Path]:
    """Where the posts are."""
    return [p for p in sorted((site.home / "posts").rglob("*")) if p.is_file()]


def cut_in_the_front_matter(path: Path) -> None:
    """It does not end."""
    path.write_bytes(path.read_bytes()[:30])


def cut_and_filled(path: Path) -> None:
    """The first half, and nothing for the rest."""
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2] + b"\0" * 10)


def three_bytes(path: Path) -> None:
    """Hardly anything."""
    path.write_bytes(b"---")


POST_DAMAGE = [emptied, cut, cut_by_one, cut_in_the_front_matter, cut_and_filled, three_bytes]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_damaged_post_is_written_again(posts: Site, command: tuple[str, ...]) -> None:
    """An empty file, or one cut short, was not edited by hand."""
    before = bodies(posts)
    for how in POST_DAMAGE:
        for path in paths(posts):
            how(path)
        assert posts.run(*command).exit_code == 0
        assert bodies(posts) == before, how


def test_a_damaged_post_whose_article_changed_is_the_new_one(posts: Site) -> None:
    """It is not taken for somebody else's file."""
    for how in (emptied, cut_in_the_front_matter, three_bytes):
        for path in paths(posts):
            how(path)
        body = f"Edited {how.__name__}"
        (posts.home / "a.xml").write_bytes(feed("a", 1, 2, 3, body=body))
        assert posts.run("fetch", "--force").exit_code == 0
        assert all(body.encode() in each for each in bodies(posts).values())


def test_a_post_that_was_shortened_by_hand_stays(posts: Site) -> None:
    """Until its article changes, as docs/posts.md says."""
    path = paths(posts)[0]
    shorter = path.read_bytes().replace(b"Text", b"T")
    path.write_bytes(shorter)
    for command in COMMANDS:
        assert posts.run(*command).exit_code == 0
        assert path.read_bytes() == shorter


def test_a_post_changed_by_hand_is_reported_as_a_note(posts: Site) -> None:
    """It belongs to the user then."""
    paths(posts)[0].write_text("all mine now, and much longer than anything that ever was in it " * 20)
    (posts.home / "a.xml").write_bytes(feed("a", 1, 2, 3, body="Edited"))
    result = posts.run("fetch", "--force")
    assert result.exit_code == 0
    assert "left alone" in result.output
