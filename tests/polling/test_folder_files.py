"""Folders of articles over time: drafts, dates to come, files that are gone."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import aggregator
from aggregator.app.app import App
from aggregator.config.load import load
from aggregator.polling.folder_files import SECOND_LOOK, gone
from tests.conftest import NOW
from tests.support.site import Site

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOTES = {"name": "Notes", "kind": "articles", "path": "notes"}


@pytest.mark.parametrize(
    ("known", "present", "missing"),
    [("abcd", "abcd", ""), ("abcd", "abcx", "d"), ("abcd", "ab", "cd"), ("", "a", ""), ("ab", "a", "b")],
)
def test_up_to_half_of_the_files_may_be_withdrawn_at_once(known: str, present: str, missing: str) -> None:
    """A file beside them that is new does not count."""
    found = gone(set(known), set(present), None, NOW)
    assert found.gone == set(missing)
    assert (found.missing_since, found.problem) == (None, None)


def test_more_than_half_of_the_files_are_withdrawn_only_after_a_day() -> None:
    """Reported once, and forgotten when they are back meanwhile."""
    first = gone(set("abc"), set("a"), None, NOW)
    assert (first.gone, first.missing_since) == (frozenset(), NOW)
    assert first.problem is not None
    assert first.problem.text.startswith("2 of 3 files are missing")

    soon = gone(set("abc"), set("a"), NOW, NOW + SECOND_LOOK - timedelta(seconds=1))
    assert (soon.gone, soon.missing_since, soon.problem) == (frozenset(), NOW, None)
    back = gone(set("abc"), set("abc"), NOW, NOW + DAY)
    assert (back.gone, back.missing_since) == (frozenset(), None)
    second = gone(set("abc"), set("a"), NOW, NOW + SECOND_LOOK)
    assert (second.gone, second.missing_since) == (frozenset("bc"), None)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with one folder, `notes`."""
    made = Site(tmp_path)
    (tmp_path / "notes").mkdir()
    made.configure(NOTES)
    return made


def write(site: Site, name: str, *keys: str) -> Path:
    """A file of the folder."""
    file = site.home / "notes" / name
    file.parent.mkdir(exist_ok=True)
    lines = "\n".join([f"title: {Path(name).stem}", *keys])
    file.write_text(f"---\n{lines}\n---\nText\n")
    return file


def poll(site: Site, after: timedelta = timedelta(0), *, refetch: bool = False) -> tuple[str, list[str]]:
    """The titles in the feed after a poll and a publication, sorted, and the problems of the poll."""
    with App(load(site.file), NOW + after) as app:
        (done,) = app.fetch(app.config.sources, NOW + after, refetch=refetch)
        assert done.error is None
        app.publish()
    body = site.files()["all/atom.xml"]
    titles = sorted(article.title for article in aggregator.read(body).articles)
    return " ".join(titles), [str(problem) for problem in done.problems]


def test_a_draft_is_reported_once_and_shown_when_it_is_published(site: Site) -> None:
    """Also one that was published before: it leaves the feeds, and comes back with the id that it had."""
    write(site, "a.md")
    draft = write(site, "b.md", "draft: true")
    titles, problems = poll(site)
    assert titles == "a"
    assert problems == ["b.md: is a draft (draft: true): skipped; the option drafts = true takes such files"]
    assert poll(site, HOUR) == ("a", [])

    draft.write_text(draft.read_text().replace("draft: true\n", ""))
    assert poll(site, 2 * HOUR) == ("a b", [])
    before = {a.title: a.id for a in aggregator.read(site.files()["all/atom.xml"]).articles}
    write(site, "b.md", "published: false")
    titles, problems = poll(site, 3 * HOUR)
    assert (titles, len(problems)) == ("a", 1)
    write(site, "b.md")
    assert poll(site, 4 * HOUR) == ("a b", [])
    assert {a.title: a.id for a in aggregator.read(site.files()["all/atom.xml"]).articles} == before


def test_the_option_takes_drafts_at_the_next_poll(site: Site) -> None:
    """Files that did not change are read again when the options have."""
    write(site, "a.md")
    write(site, "_drafts/b.md")
    assert poll(site)[0] == "a"
    site.configure({**NOTES, "options": {"drafts": True}})
    assert poll(site, HOUR) == ("a b", [])
    site.configure(NOTES)
    assert poll(site, 2 * HOUR)[0] == "a"


def test_an_article_waits_for_its_date(site: Site) -> None:
    """Reported once; it comes when its time does, without a change of the file."""
    write(site, "a.md", "date: 2020-01-01")
    write(site, "b.md", f"date: {NOW + 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    titles, problems = poll(site)
    assert titles == "a"
    assert problems == [
        f"b.md: has a date in the future: it will be published at {NOW + 3 * HOUR:%Y-%m-%d %H:%M} UTC"
    ]
    assert poll(site, HOUR) == ("a", [])
    write(site, "c.md", "date: 2020-01-01")
    assert poll(site, 2 * HOUR) == ("a c", [])
    assert poll(site, 3 * HOUR) == ("a b c", [])
    written = {a.title: a.published for a in aggregator.read(site.files()["all/atom.xml"]).articles}
    assert written["b"] == NOW + 3 * HOUR
    assert poll(site, 4 * HOUR) == ("a b c", [])


def test_an_article_leaves_at_its_expiry_date(site: Site) -> None:
    """Hugo's `expiryDate`; also when everything is read again later."""
    write(site, "a.md")
    write(site, "b.md", f"expiryDate: {NOW + 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}")
    assert poll(site) == ("a b", [])
    assert poll(site, HOUR, refetch=True) == ("a b", [])
    titles, problems = poll(site, 3 * HOUR)
    assert (titles, len(problems)) == ("a", 1)
    assert poll(site, 4 * HOUR) == ("a", [])


def test_future_articles_are_shown_at_once_with_the_option_future(site: Site) -> None:
    """As Hexo does unless its options say otherwise; the date is the poll's."""
    site.configure({**NOTES, "options": {"future": True}})
    write(site, "a.md", "date: 2090-01-01")
    assert poll(site) == ("a", [])


def test_the_article_of_a_file_that_is_gone_leaves_the_feeds(site: Site) -> None:
    """And comes back with the file, under the id that it had."""
    for name in "abc":
        write(site, f"{name}.md")
    assert poll(site) == ("a b c", [])
    before = {a.title: a.id for a in aggregator.read(site.files()["all/atom.xml"]).articles}
    (site.home / "notes" / "b.md").unlink()
    assert poll(site, HOUR) == ("a c", [])
    write(site, "b.md")
    assert poll(site, 2 * HOUR) == ("a b c", [])
    assert {a.title: a.id for a in aggregator.read(site.files()["all/atom.xml"]).articles} == before


def test_a_renamed_file_with_an_id_is_not_gone(site: Site) -> None:
    """However many are renamed at once."""
    for name in "abc":
        write(site, f"{name}.md", f"guid: urn:x:{name}")
    poll(site)
    (site.home / "notes").rename(site.home / "old")
    (site.home / "notes").mkdir()
    (site.home / "old").rename(site.home / "notes" / "moved")
    assert poll(site, HOUR) == ("a b c", [])
    assert poll(site, 3 * DAY) == ("a b c", [])


def test_an_empty_mount_is_reported_and_believed_a_day_later(site: Site) -> None:
    """Also across polls that find nothing new."""
    for name in "abc":
        write(site, f"{name}.md")
    poll(site)
    shutil.move(site.home / "notes", site.home / "elsewhere")
    (site.home / "notes").mkdir()
    titles, problems = poll(site, HOUR)
    assert titles == "a b c"
    assert len(problems) == 1
    assert "3 of 3 files are missing" in problems[0]
    assert poll(site, 2 * HOUR) == ("a b c", [])
    assert poll(site, HOUR + DAY) == ("", [])


def test_a_folder_missing_for_less_than_a_day_withdraws_nothing(site: Site) -> None:
    """The next time that it is missing, a day must pass again."""
    for name in "abc":
        write(site, f"{name}.md")
    poll(site)
    for start in (HOUR, 30 * HOUR):
        shutil.move(site.home / "notes", site.home / "elsewhere")
        (site.home / "notes").mkdir()
        assert len(poll(site, start)[1]) == 1
        (site.home / "notes").rmdir()
        shutil.move(site.home / "elsewhere", site.home / "notes")
        assert poll(site, start + HOUR) == ("a b c", [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_cannot_be_read_is_not_gone(site: Site) -> None:
    """It is reported, and its article stays."""
    write(site, "a.md")
    write(site, "b.md")
    poll(site)
    write(site, "b.md", "tags: [x]").chmod(0)
    titles, problems = poll(site, HOUR)
    assert (titles, len(problems)) == ("a b", 1)


def test_a_problem_of_many_files_is_reported_once(site: Site) -> None:
    """But each draft is named."""
    for name in "abcd":
        (site.home / "notes" / f"{name}.md").write_text("Text\n")
        write(site, f"draft-{name}.md", "draft: true")
    problems = poll(site)[1]
    assert len(problems) == 5
    assert problems[0] == "a.md and 3 further files: no title: taken from the file's name"


@pytest.mark.parametrize(
    "options",
    [
        {"options": {"link": "https://blog.example/"}},
        {"options": {"link": "https://blog.example/", "permalink": "/:year/:month/:title/"}},
        {"timezone": "Asia/Tokyo"},
    ],
)
def test_other_options_are_no_edits_of_what_is_stored(site: Site, options: dict[str, Any]) -> None:
    """The articles are shown as they are read now, under the ids and dates of change that they had."""
    write(site, "a.md", "date: 2026-01-02 03:04:05")
    (site.home / "notes" / "b.md").write_text("---\ntitle: b\n---\n[a](/a) ![](b.png)\n")
    poll(site)
    before = aggregator.read(site.files()["all/atom.xml"]).articles
    site.configure({**NOTES, **options})
    with App(load(site.file), NOW + HOUR) as app:
        (done,) = app.fetch(app.config.sources, NOW + HOUR)
        app.publish()
        assert (done.saved.new, done.saved.changed) == (0, 0)
    after = aggregator.read(site.files()["all/atom.xml"]).articles
    assert {a.id for a in after} == {a.id for a in before}
    assert after != before
    write(site, "b.md")
    with App(load(site.file), NOW + 2 * HOUR) as app:
        (done,) = app.fetch(app.config.sources, NOW + 2 * HOUR)
        assert done.saved.changed == 1
