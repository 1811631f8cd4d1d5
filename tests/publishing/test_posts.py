"""A folder of posts follows the store: written, rewritten, removed; no file of others is touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.config.load import Posts
from aggregator.errors import WriteError
from aggregator.publishing.posts import write_posts
from aggregator.publishing.public_addresses import PublicAddresses
from aggregator.writers import posts as writer
from aggregator.writers.channel import Item
from tests.support.planet import Planet, article
from tests.support.site import Site, feed

FIRST = "News/2024-01-02-a-1.html"


@pytest.fixture
def planet(site: Site) -> Site:
    """A site that follows one feed of three entries and keeps posts."""
    (site.home / "a.xml").write_bytes(feed("a", 1, 2, 3))
    configure(site)
    return site


def configure(site: Site, **posts: object) -> None:
    """The config, with settings of posts."""
    keys = {"folder": "posts", "generator": "hugo", **posts}
    site.configure(
        {"name": "A", "url": "file:a.xml", "categories": ["News"]},
        **{"publish.formats": ["rss"], **{f"publish.posts.{key}": value for key, value in keys.items()}},
    )


def files(site: Site, folder: str = "posts") -> dict[str, str]:
    """Every file in the folder of posts."""
    top = site.home / folder
    return {p.relative_to(top).as_posix(): p.read_text() for p in sorted(top.rglob("*")) if p.is_file()}


def fetch(site: Site, *numbers: int, body: str = "Text") -> None:
    """Polls the feed once more."""
    (site.home / "a.xml").write_bytes(feed("a", *numbers, body=body))
    assert site.run("fetch", "--refetch").exit_code == 0


def test_every_article_has_a_file_and_the_second_publication_touches_none(planet: Site) -> None:
    """Nothing is even looked at as long as nothing changed."""
    planet.run("fetch")
    found = files(planet)
    assert [*found] == [f"News/2024-01-0{n + 1}-a-{n}.html" for n in (1, 2, 3)]
    assert "lastmod: " in found[FIRST]
    stamp = (planet.home / "posts" / FIRST).stat().st_mtime_ns
    (planet.home / "posts" / "News/2024-01-03-a-2.html").unlink()
    result = planet.run("publish")
    assert result.exit_code == 0
    assert len(files(planet)) == 2
    planet.run("publish", "--all")
    assert files(planet) == found
    assert (planet.home / "posts" / FIRST).stat().st_mtime_ns == stamp


def test_an_edit_is_written_to_the_file_that_the_article_first_got(planet: Site) -> None:
    """Its address does not change with its title; the others are left alone."""
    planet.run("fetch")
    before = {path: (planet.home / "posts" / path).stat().st_mtime_ns for path in files(planet)}
    edited = feed("a", 1, 2, 3).replace(b"<title>a 1</title>", b"<title>Another</title>")
    (planet.home / "a.xml").write_bytes(edited)
    planet.run("fetch")
    assert "title: 'Another'" in files(planet)[FIRST]
    after = {path: (planet.home / "posts" / path).stat().st_mtime_ns for path in files(planet)}
    assert {path for path in after if after[path] != before[path]} == {FIRST}


def test_pruned_articles_and_their_empty_folders_go(planet: Site) -> None:
    """What the store lets go leaves the site too; so does a source that the config names no longer."""
    planet.run("fetch")
    (planet.home / "posts" / "mine.md").write_text("mine")
    planet.configure(**{"publish.posts.folder": "posts"})
    assert planet.run("publish").exit_code == 0
    assert files(planet) == {"mine.md": "mine"}
    assert not (planet.home / "posts" / "News").exists()
    configure(planet)
    planet.run("publish")
    assert len(files(planet)) == 4


def test_an_existing_file_stays_and_the_article_gets_another_name(planet: Site) -> None:
    """Only files that the store knows as ours are overwritten."""
    place = planet.home / "posts" / FIRST
    place.parent.mkdir(parents=True)
    place.write_text("---\ntitle: mine\n---\nmine")
    planet.run("fetch")
    found = files(planet)
    assert found[FIRST].endswith("mine")
    others = [path for path in found if path.startswith("News/2024-01-02-a-1-")]
    assert len(others) == 1
    fetch(planet, 1, 2, 3, body="Edited")
    assert "Edited 1" in files(planet)[others[0]]
    assert files(planet)[FIRST].endswith("mine")


def test_a_file_changed_by_hand_is_rewritten_while_it_names_its_article(planet: Site) -> None:
    """A corrected word is lost with the article's next edit; another file stays, and is reported."""
    planet.run("fetch")
    first, second = planet.home / "posts" / FIRST, planet.home / "posts" / "News/2024-01-03-a-2.html"
    first.write_text(first.read_text() + "<p>by hand</p>")
    second.write_text("all mine now")
    (planet.home / "a.xml").write_bytes(feed("a", 1, 2, 3, body="Edited"))
    result = planet.run("fetch")
    assert "changed by hand into something else" in result.output
    assert "by hand" not in first.read_text()
    assert "Edited 1" in first.read_text()
    assert second.read_text() == "all mine now"
    assert "changed by hand" not in planet.run("publish").output


def test_a_removed_file_whose_article_is_edited_comes_back(planet: Site) -> None:
    """Under the name that it has now."""
    planet.run("fetch")
    (planet.home / "posts" / FIRST).unlink()
    fetch(planet, 1, 2, 3, body="Edited")
    assert "Edited 1" in files(planet)[FIRST]


def test_symbolic_links_out_of_the_folder_are_not_written_through(planet: Site) -> None:
    """Neither a folder nor a file that is one."""
    outside = planet.home / "outside"
    outside.mkdir()
    (planet.home / "posts").mkdir()
    (planet.home / "posts" / "News").symlink_to(outside)
    result = planet.run("fetch")
    assert "a symbolic link leads out of the folder of posts" in result.output
    assert [*outside.iterdir()] == []
    (planet.home / "posts" / "News").unlink()
    (outside / "target").write_text("theirs")
    (planet.home / "posts" / "News").mkdir()
    (planet.home / "posts" / FIRST).symlink_to(outside / "target")
    planet.run("publish")
    assert (outside / "target").read_text() == "theirs"
    assert (planet.home / "posts" / FIRST).is_symlink()
    assert len(files(planet)) == 4


def test_a_new_store_recognises_its_post_files(planet: Site) -> None:
    """The same articles get no second files."""
    planet.run("fetch")
    found = files(planet)
    for file in (planet.home / "var").iterdir():
        file.unlink()
    planet.run("fetch")
    assert files(planet) == found


def test_only_the_categories_that_are_asked_for(planet: Site) -> None:
    """Another choice removes what is no longer in it; another generator rewrites what there is."""
    configure(planet, categories=["Other"])
    planet.run("fetch")
    assert files(planet) == {}
    configure(planet, categories=["News"])
    planet.run("publish")
    assert len(files(planet)) == 3
    configure(planet, generator="jekyll")
    planet.run("publish")
    assert all("layout: 'post'" in text for text in files(planet).values())


def test_another_category_is_written_without_moving_the_file(planet: Site) -> None:
    """Where a post is was reported to others."""
    planet.run("fetch")
    text = planet.file.read_text().replace('["News"]', '["Fresh"]')
    planet.file.write_text(text)
    planet.run("publish")
    assert " - Fresh" in files(planet)[FIRST]


def test_equal_titles_on_one_day_are_distinguished(planet: Site) -> None:
    """The first keeps the plain name; file systems that fold case are thought of."""
    body = feed("a", 1, 2).replace(b"Wed, 03 Jan", b"Tue, 02 Jan").replace(b"<title>a 2", b"<title>A 1")
    (planet.home / "a.xml").write_bytes(body.replace(b"Mon, 03", b"Mon, 02"))
    planet.run("fetch")
    found = [*files(planet)]
    assert len(found) == 2
    assert len({path.casefold() for path in found}) == 2
    assert FIRST in found


def test_a_publication_that_was_killed_is_finished_by_the_next(planet: Site) -> None:
    """What was written and not yet remembered is known by what it says of itself."""
    planet.run("fetch")
    found = files(planet)
    with closing(sqlite3.connect(next((planet.home / "var").glob("*.db")))) as connection, connection:
        connection.execute("DELETE FROM posts")
        connection.execute("DELETE FROM settings WHERE name = 'posts'")
    connection.close()
    planet.run("publish")
    assert files(planet) == found


def test_one_changed_article_writes_one_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what changed is rendered."""
    (site.home / "a.xml").write_bytes(feed("a", *range(300)))
    configure(site)
    site.run("fetch")
    rendered: list[str] = []
    render = writer.render

    def counted(item: Item, posts: Posts, place: str) -> bytes:
        rendered.append(item.id)
        return render(item, posts, place)

    monkeypatch.setattr(writer, "render", counted)
    (site.home / "a.xml").write_bytes(feed("a", *range(300)).replace(b"Text 7&", b"Edited 7&"))
    site.run("fetch")
    assert rendered == ["https://a.example/7"]


def test_a_folder_that_cannot_be_written_is_reported(planet: Site) -> None:
    """The feeds are written all the same."""
    (planet.home / "posts").write_text("a file")
    result = planet.run("fetch")
    assert "posts" in result.output
    assert "cannot be" in result.output
    assert (planet.output / "news" / "rss.xml").exists() or (planet.output / "News" / "rss.xml").exists()


def test_an_article_that_no_file_can_hold_is_named_and_the_others_are_written(
    planet: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind of another package may give any value to `extra`."""
    render = writer.render

    def refusing(item: Item, posts: Posts, place: str) -> bytes:
        if item.article.title == "a 2":
            raise WriteError("front matter cannot hold it")
        return render(item, posts, place)

    monkeypatch.setattr(writer, "render", refusing)
    result = planet.run("fetch")
    assert result.exit_code == 1
    assert (
        f"{planet.home / 'posts' / 'News/2024-01-03-a-2.html'}: front matter cannot hold it" in result.stderr
    )
    assert len(files(planet)) == 2


def test_posts_of_a_renamed_source_name_it_at_once(planet: Site) -> None:
    """A store that is rebuilt of posts would not know whose they are."""
    planet.run("fetch")
    assert "\nsource: A\n" in files(planet)[FIRST]
    assert planet.run("rename", "A", "Another").exit_code == 0
    planet.run("publish")
    assert all("\nsource: Another\n" in text for text in files(planet).values())
    assert len(files(planet)) == 3


def test_posts_are_what_a_source_of_articles_reads(planet: Site, tmp_path: Path) -> None:
    """A second planet can follow the first one's folder."""
    planet.run("fetch")
    other = Site(tmp_path / "other")
    other.configure({"name": "Posts", "kind": "articles", "path": str(planet.home / "posts")})
    result = other.run("fetch", "--json")
    assert '"new": 3' in result.output


@pytest.mark.parametrize("is_old", [False, True], ids=["now", "remembered by an earlier version"])
def test_posts_and_store_can_be_moved_together(tmp_path: Path, *, is_old: bool) -> None:
    """The files are ours at the new place too: none is written twice, and those that are pruned go."""
    homes = tmp_path / "here", tmp_path / "there"
    for home in homes:
        if home.name == "there":
            homes[0].rename(home)
        planet = Planet(home)
        posts = Posts(folder=home / "posts")
        if home.name == "here":
            planet.add(*(article(n) for n in range(8)))
        elif is_old:
            with planet.store.database.transaction() as connection:
                connection.exec_driver_sql("UPDATE posts SET folder = ?", (str(home / "posts"),))
        disclosure = PublicAddresses(planet.config, {})
        done = write_posts(store=planet.store, posts=posts, disclosure=disclosure, version="1")
        assert (len(done.written), done.notes) == (8 if home.name == "here" else 0, [])
        if home.name == "there":
            planet.prune(5)
            done = write_posts(store=planet.store, posts=posts, disclosure=disclosure, version="1")
            assert (len(done.removed), len([*posts.folder.rglob("*.html")])) == (3, 5)
        planet.store.close()
