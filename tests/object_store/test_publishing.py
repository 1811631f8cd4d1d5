"""Publications into a bucket: the same bytes as in a folder, only changes, in order."""

from __future__ import annotations

import gzip

from click.testing import CliRunner

from aggregator.cli.main import main
from aggregator.object_store.keys import rank
from tests.conftest import Answer
from tests.object_store.conftest import BucketSite
from tests.support.buckets import INVENTORY


def puts(planet: BucketSite) -> list[str]:
    """The files that were put, in their order."""
    return [key.removeprefix("feeds/") for key in planet.store.asked("PUT") if key != INVENTORY]


def test_the_bucket_has_the_bytes_of_a_folder(published: BucketSite) -> None:
    """Every file, and no other."""
    before = published.bodies()
    assert before == published.staged(published.site)
    published.configure(published.site, output="feeds")
    published.site.run("publish", "--all")
    assert before == published.site.files()
    assert "News/archive/1/atom.xml" in before


def test_a_publication_without_changes_is_one_request(published: BucketSite) -> None:
    """A publication without a change is one request."""
    assert published.site.run("publish").exit_code == 0
    assert published.store.requests == [("GET", INVENTORY)]


def test_only_what_changed_is_put(published: BucketSite) -> None:
    """Full archives stay as they are, and times of change say so."""
    before = published.bodies()
    published.serve(*range(1, 10))
    published.site.run("fetch", "--force")
    after = published.bodies()
    assert sorted(puts(published)) == sorted(path for path in after if after[path] != before.get(path))
    assert "News/rss.xml" in puts(published)
    assert "News/archive/1/atom.xml" not in puts(published)


def test_linked_files_are_uploaded_before_feeds(planet: BucketSite) -> None:
    """New files before changed ones; the lists of feeds at the end, and then what is gone is deleted."""
    planet.site.run("fetch")
    assert [rank(path) for path in puts(planet)] == sorted(map(rank, puts(planet)))
    planet.store.requests.clear()
    planet.serve(*range(1, 13))
    planet.configure(planet.site, publish={"formats": ["rss", "atom", "html"]})
    before = planet.bodies()
    planet.site.run("fetch", "--force")
    order = [(rank(path), path in before) for path in puts(planet)]
    assert order == sorted(order)
    assert {each for _, each in order if each} | {each for _, each in order if not each} == {True, False}
    methods = [method for method, key in planet.store.requests if key != INVENTORY]
    assert methods.index("POST") > max(n for n, method in enumerate(methods) if method == "PUT")
    assert "News/feed.json" in before
    assert "News/feed.json" not in planet.bodies()


def test_each_file_has_its_headers(planet: BucketSite) -> None:
    """What our own server sends, and for archives that never change a day."""
    planet.configure(planet.site, publish={"compress": ["gzip"]}, interval="2h")
    planet.site.run("fetch")
    expected = {
        "News/rss.xml": ("application/rss+xml; charset=utf-8", "public, max-age=1800"),
        "News/atom.xml": ("application/atom+xml; charset=utf-8", "public, max-age=1800"),
        "News/feed.json": ("application/feed+json; charset=utf-8", "public, max-age=1800"),
        "News/index.html": ("text/html; charset=utf-8", "no-cache"),
        "News/archive/1/atom.xml": ("application/atom+xml; charset=utf-8", "public, max-age=86400"),
        "News/archive/2/atom.xml": ("application/atom+xml; charset=utf-8", "public, max-age=1800"),
        "style.css": ("text/css; charset=utf-8", "no-cache"),
        "feeds.opml": ("text/x-opml; charset=utf-8", "public, max-age=1800"),
    }
    for path, (media_type, cache) in expected.items():
        headers = planet.objects()[path].headers
        assert (headers["content-type"], headers["cache-control"]) == (media_type, cache), path
        assert "content-encoding" not in headers


def test_a_compressed_form_is_beside_the_plain_one(planet: BucketSite) -> None:
    """At its own address, with the type of what is in it."""
    planet.configure(planet.site, publish={"compress": ["gzip", "br"]})
    planet.site.run("fetch")
    for suffix, encoding in ((".gz", "gzip"), (".br", "br")):
        found = planet.objects()[f"News/rss.xml{suffix}"]
        assert found.headers["content-type"] == "application/rss+xml; charset=utf-8"
        assert found.headers["content-encoding"] == encoding
        if suffix == ".gz":
            assert gzip.decompress(found.body) == planet.bodies()["News/rss.xml"]
    assert planet.bodies() == planet.staged(planet.site)


def test_other_headers_are_put_with_the_same_bytes(published: BucketSite) -> None:
    """When the config says that feeds may be kept for longer."""
    published.configure(published.site, serve={"max_age": "1h"})
    before = published.bodies()
    published.site.run("publish")
    assert "News/rss.xml" in puts(published)
    assert "News/index.html" not in puts(published)
    assert published.bodies() == before
    assert published.objects()["News/rss.xml"].headers["cache-control"].endswith("=3600")


def test_objects_of_others_are_never_touched(planet: BucketSite) -> None:
    """Beside ours, and where one of ours would be: there it is said, and mended once it is gone."""
    others = {"feeds/News/own.txt": b"own", "feeds/favicon.ico": b"icon", "elsewhere/rss.xml": b"<rss/>"}
    for key, body in {**others, "feeds/News/rss.xml": b"theirs"}.items():
        planet.store.put(key, body)
    result = planet.site.run("fetch")
    assert result.exit_code == 1
    assert "'News/rss.xml' is there already and was not put by this program" in result.stderr
    assert planet.bodies()["News/rss.xml"] == b"theirs"
    assert planet.site.run("publish").exit_code == 1
    assert planet.bodies()["News/rss.xml"] == b"theirs"
    planet.store.delete("feeds/News/rss.xml")
    assert planet.site.run("publish").exit_code == 0
    planet.configure(planet.site, publish={"formats": ["atom"]})
    assert planet.site.run("publish").exit_code == 0
    assert "News/rss.xml" not in planet.bodies()
    for key, body in others.items():
        assert planet.store.objects[key].body == body


def test_forgotten_articles_leave_the_bucket_at_once(published: BucketSite) -> None:
    """Every archive too; the record of it is there."""
    assert any(b"a.example/2" in body for body in published.bodies().values())
    result = published.site.run("forget", "https://a.example/2")
    assert result.exit_code == 0, result.output
    assert not any(b"a.example/2" in body for body in published.bodies().values())
    assert b" forgotten " in published.bodies()["forgotten.txt"]


def test_a_takedown_that_cannot_reach_the_bucket_is_repeated_later(published: BucketSite) -> None:
    """It is erased from the store and from the copy, so that no run of ours brings it back."""
    published.store.fault = lambda _method, _key: "503"
    result = published.site.run("forget", "https://a.example/2")
    assert result.exit_code == 1
    assert "the store asks to come later" in " ".join(result.stderr.split())
    assert not any(b"a.example/2" in body for body in published.staged(published.site).values())
    published.store.clear_faults()
    assert published.site.run("publish").exit_code == 0
    assert not any(b"a.example/2" in body for body in published.bodies().values())


def test_files_that_the_user_adds_to_the_copy_are_uploaded(published: BucketSite) -> None:
    """And deleted with them; hidden files and links are left out."""
    staging = published.site.home / "var" / "staging" / "planet+feeds"
    (staging / "robots.txt").write_text("User-agent: *")
    (staging / ".htaccess").write_text("x")
    (staging / "link.txt").symlink_to(published.site.file)
    published.site.run("publish")
    assert puts(published) == ["robots.txt"]
    (staging / "robots.txt").unlink()
    published.site.run("publish")
    assert "robots.txt" not in published.bodies()


def test_a_restored_backup_publishes_into_the_bucket_if_it_is_trusted(published: BucketSite) -> None:
    """Nobody else's config writes with the keys of this machine."""
    backup = published.site.home / "backup.zip"
    assert published.site.run("backup", str(backup)).exit_code == 0
    texts = {}
    for name, options in (("strangers", ()), ("own", ("--trust",))):
        folder = published.site.home / name
        result = CliRunner().invoke(main, ["restore", *options, str(backup), str(folder)])
        assert result.exit_code == 0, result.output
        texts[name] = (folder / "config" / "aggregator.toml").read_text()
        assert ("with this machine's keys" in " ".join(result.output.split())) == (name == "strangers")
    assert 'output = "feeds"' in texts["strangers"]
    assert 'output = "s3://planet/feeds"' in texts["own"]
    assert "KEY" not in texts["own"]


def test_lost_and_changed_objects_are_found_and_uploaded_again(published: BucketSite) -> None:
    """By `verify`, which only reports it, and by `publish --all`."""
    whole = published.bodies()
    assert published.site.run("verify").exit_code == 0
    published.store.delete("feeds/News/archive/1/atom.xml")
    published.store.put("feeds/News/rss.xml", b"changed by hand")
    result = published.site.run("verify")
    assert result.exit_code == 1
    assert "objects of the bucket that are missing or differ from what was uploaded: 2" in result.stdout
    assert published.site.run("publish", "--all").exit_code == 0
    assert published.bodies() == whole
    assert published.site.run("verify").exit_code == 0


def test_hubs_are_notified_only_of_uploaded_feeds(planet: BucketSite) -> None:
    """Not of feeds whose upload failed."""
    planet.configure(planet.site, publish={"hubs": [f"{planet.server.url}/hub"]})
    planet.server.pages["/hub"] = Answer(204)
    planet.store.fault = lambda method, key: "503" if method == "PUT" and key.endswith("rss.xml") else None
    assert planet.site.run("fetch").exit_code == 1
    asked = b"".join(request.body for request in planet.server.requests)
    assert b"rss.xml" not in asked
    planet.store.fault = lambda _method, _key: None
    planet.site.run("fetch", "--force")
    asked = b"".join(request.body for request in planet.server.requests)
    assert b"News%2Frss.xml" in asked
