"""Rules and saved feeds decide what is shown, for stored articles too, and can be undone."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.app import feed_membership
from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher, run_once
from aggregator.config.load import load
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.model.verdict import Judged, Rewriting, Verdict
from aggregator.rules.query import ArticleFacts
from aggregator.rules.rule import RuleSet, judge
from aggregator.store import StoredArticle
from aggregator.store.stored_article import JUDGED
from tests.conftest import Answer, Server
from tests.support.site import Site

TITLES = ("Green tea", "Sponsored: a kettle", "Chess results", "Tea and chess", "Weather", "Trains", "Coffee")


def document(*titles: str) -> bytes:
    """An RSS feed of these titles, the first the newest."""
    items = "".join(
        f"<item><guid>urn:x:{title.replace(' ', '')}</guid><title>{title}</title>"
        f"<link>https://news.example/{n}?utm_source=feed</link><description>About {title}.</description>"
        f"<pubDate>Fri, {28 - n} Aug 2026 10:00:00 GMT</pubDate></item>"
        for n, title in enumerate(titles)
    )
    return f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>".encode()


@pytest.fixture
def polled(site: Site, server: Server) -> Site:
    """A site whose one source was polled, and published without any rule; two entries a document."""
    server.pages["/a"] = Answer(body=document(*TITLES))
    site.configure({"name": "a", "url": f"{server.url}/a", "categories": ["World"]}, entries_per_feed=2)
    site.run("fetch")
    return site


def choose(site: Site, text: str) -> None:
    """Publishes with these rules and saved feeds besides."""
    plain = site.file.read_text().partition("\n# chosen")[0]
    site.file.write_text(f"{plain}\n# chosen\n{text}")
    result = site.run("publish")
    assert result.exit_code == 0, result.output


def shown(site: Site, folder: str = "all") -> set[str]:
    """The titles in all documents of a feed, archives included."""
    found = set()
    for name, body in site.files().items():
        if name.startswith(f"{folder}/") and name.endswith("atom.xml"):
            found |= {title for title in TITLES if f">{title}</title>" in body.decode()}
    return found


DROP = '[[rules]]\nname = "No adverts"\nwhen = "title:sponsored"\nthen = "drop"\n'


def test_a_rule_drops_what_is_stored_and_is_undone_to_the_byte(polled: Site) -> None:
    """From archives too; the very same files are there again without the rule, but for the start page."""
    before = polled.files()
    assert shown(polled) == set(TITLES)
    choose(polled, DROP)
    assert shown(polled) == shown(polled, "World") == {*TITLES} - {"Sponsored: a kettle"}
    choose(polled, "")
    after = polled.files()
    assert {n for n in before if n.endswith((".xml", ".json"))} == {
        n for n in after if n.endswith((".xml", ".json"))
    }
    assert {n: after[n] for n in before if n.endswith(".xml")} == {
        n: b for n, b in before.items() if n.endswith(".xml")
    }


def test_a_rule_decides_about_new_articles_at_once(polled: Site, server: Server) -> None:
    """They are kept all the same."""
    choose(polled, DROP)
    server.pages["/a"] = Answer(body=document("Sponsored: a car", *TITLES))
    polled.run("fetch", "--force")
    assert b"Sponsored" not in b"".join(polled.files().values())
    with closing(sqlite3.connect(polled.home / "var" / "aggregator.db")) as direct, direct:
        assert direct.execute("select count(*) from articles").fetchone() == (8,)


def test_a_saved_feed_is_published_like_a_category(polled: Site) -> None:
    """From what is stored, with archives and in all formats; empty once it is gone from the config."""
    choose(polled, '[[feeds]]\nname = "Tea time"\nquery = "tea OR coffee OR kettle"\ntitle = "Tea"\n')
    assert shown(polled, "Tea-time") == {"Green tea", "Sponsored: a kettle", "Tea and chess", "Coffee"}
    assert {"Tea-time/rss.xml", "Tea-time/feed.json", "Tea-time/archive/1/atom.xml"} <= polled.files().keys()
    assert b"<title>Tea</title>" in polled.files()["Tea-time/atom.xml"]
    choose(polled, "")
    assert shown(polled, "Tea-time") == set()


def test_a_feed_that_shows_nothing_any_more_is_not_written_again(polled: Site) -> None:
    """Its archives still know the articles that its query found, but show none of them."""
    choose(polled, '[[feeds]]\nname = "Old"\nquery = "tea OR chess OR weather"\n')
    choose(polled, "")
    assert "Old/archive/1/atom.xml" in polled.files()
    before = generation(polled, "Old")
    choose(polled, "[[rules]]\nname = 'T'\nwhen = 'tea'\nthen = { tag = ['x'] }\n")
    choose(polled, '[[feeds]]\nname = "Other"\nquery = "tea"\n')
    assert generation(polled, "Old") == before


def generation(site: Site, name: str) -> int:
    """How often a feed was to be written."""
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct, direct:
        found: int = direct.execute("SELECT generation FROM feeds WHERE name = ?", (name,)).fetchone()[0]
    return found


def test_an_article_is_filed_elsewhere_and_rewritten_where_it_is_shown(polled: Site) -> None:
    """A changed rewriting reaches articles that are there, archives included."""
    move = 'then = { file-under = ["Games"], remove-from = ["World"] }'
    choose(polled, f'[[rules]]\nname = "Chess"\nwhen = "chess"\n{move}\n')
    assert shown(polled, "Games") == {"Chess results", "Tea and chess"}
    assert shown(polled, "World") == {*TITLES} - {"Chess results", "Tea and chess"}
    assert shown(polled) == set(TITLES)
    rule = '[[rules]]\nname = "Plain links"\nwhen = "title:*"\nthen = { rewrite = { tracking = true } }\n'
    assert b"utm_source" in polled.files()["all/archive/1/atom.xml"]
    choose(polled, rule)
    assert b"utm_source" not in b"".join(b for n, b in polled.files().items() if n.startswith("all/"))
    choose(polled, "")
    assert b"utm_source" in polled.files()["all/archive/1/atom.xml"]


def test_a_feed_caps_what_one_source_gives(polled: Site, server: Server) -> None:
    """It is a selection then, and has no archives; without the cap it is as before."""
    before = polled.files()
    server.pages["/b"] = Answer(body=document("Other news").replace(b"urn:x:", b"urn:y:"))
    source = f'[[sources]]\nname = "b"\nurl = "{server.url}/b"\ncategories = ["World"]\n'
    cap = "[publish.categories.World]\nlimit_per_source = 1\nentries = 3\n"
    choose(polled, source + cap)
    polled.run("fetch", "--force", "b")
    files = polled.files()
    assert files["World/atom.xml"].count(b"<entry") == 2
    assert not [name for name in files if name.startswith("World/archive/")]
    assert "World/archive/1/atom.xml" in before
    choose(polled, "")
    assert shown(polled, "World") >= set(TITLES)


def test_a_saved_feed_is_sorted_by_relevance(polled: Site) -> None:
    """What says most of the query's words goes first, whatever its date."""
    choose(polled, '[[feeds]]\nname = "Both"\nquery = "tea OR chess"\nsort = "relevance"\n')
    body = polled.files()["Both/atom.xml"].decode()
    assert body.index(">Tea and chess<") < body.index(">Green tea<")
    assert not [name for name in polled.files() if name.startswith("Both/archive/")]


RULES = """[[rules]]
name = "No adverts"
when = "title:sponsored"
then = "drop"
[[rules]]
name = "Chess"
when = "title:chess AND age:<9999d"
then = [{ "file-under" = ["Games"] }, { tag = ["chess"] }]
[[rules]]
name = "Undated"
when = "NOT has:date OR seen:>2020"
then = { tag = ["seen"] }
[[feeds]]
name = "Drinks"
query = "title:tea OR title:coffee OR tag:chess"
"""


def chosen(site: Site) -> tuple[dict[str, bytes], list[tuple[object, ...]]]:
    """Everything that was published, and what rules said of each article."""
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as store, store:
        said = store.execute(
            "SELECT articles.id, data FROM articles LEFT JOIN decisions ON article = pk ORDER BY articles.id"
        ).fetchall()
    return {name: body for name, body in site.files().items() if "status" not in name}, said


def test_new_articles_are_judged_where_they_are_read(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same result as where they are saved; there only those whose dates are given there."""
    undated = re.sub(rb"<pubDate>[^<]*</pubDate>", b"", document("Undated tea", "Undated chess"))
    server.pages["/a"] = Answer(body=document(*TITLES))
    server.pages["/b"] = Answer(body=undated.replace(b"urn:x:", b"urn:y:"))
    asked: list[str] = []
    usual = judge

    def counted(rules: RuleSet, facts: ArticleFacts, now: datetime) -> Verdict:
        asked.append(facts.article.title)
        return usual(rules, facts, now)

    monkeypatch.setattr(feed_membership, "judge", counted)
    found = []
    for name in ("ahead", "here"):
        made = Site(tmp_path / name)
        made.configure(
            *({"name": each, "url": f"{server.url}/{each}", "categories": ["World"]} for each in "ab"),
            stories={"find": False},
        )
        with made.file.open("a", encoding="utf-8") as file:
            file.write(f"\n{RULES}")
        if name == "here":
            monkeypatch.setattr(App, "read_polled", App._read)
        now = datetime(2026, 9, 1, 12, tzinfo=UTC)
        with App(load(made.file), now) as app:
            run_once(app, app.config.select(()), now, RunWatcher(), is_over=lambda: True)
        found.append(chosen(made))
        if name == "ahead":
            assert sorted(asked) == ["Undated chess", "Undated tea"]
            asked.clear()
    assert sorted(asked) == sorted([*TITLES, "Undated chess", "Undated tea"])
    assert found[0] == found[1]
    assert len([data for _, data in found[0][1] if data]) == len(TITLES) + 2


@pytest.mark.parametrize(
    "judged",
    [
        Judged(verdict=Verdict(dropped_by="another")),
        Judged(verdict=Verdict(matched=("Chess", "another"))),
        Judged(verdict=Verdict(added={"Own": "Chess"})),
        Judged(verdict=Verdict(tags={"x": "another"})),
        Judged(verdict=Verdict(removed={"World": "another"})),
        Judged(verdict=Verdict(rewritings=(Rewriting(rule="another"),))),
        Judged(verdict=Verdict(), saved=("Own",)),
    ],
)
def test_impossible_verdicts_of_a_worker_are_ignored(tmp_path: Path, judged: Judged) -> None:
    """A process that reads documents may have been taken over by one."""
    file = tmp_path / "aggregator.toml"
    file.write_text(RULES)
    chooser, now = feed_membership.FeedChooser(load(file)), datetime(2026, 9, 1, tzinfo=UTC)
    article = Article(id="1", source="a", title="Chess and tea", categories=("World",), published=now)
    kept = StoredArticle(uid="1", article=article, published=now, updated=now, first_seen=now)
    plain = chooser(kept, now)
    assert plain.feeds == ("", "World", "Games", "Drinks")
    believed = Judged(verdict=Verdict(matched=("Chess",)), saved=("Drinks",))
    for said, by, seen, is_believed in (
        (judged, chooser.mark(now), now, False),
        (believed, chooser.mark(now), now, True),
        (believed, chooser.mark(now - timedelta(seconds=1)), now, False),
        (believed, "other " + now.isoformat(), now, False),
        (believed, chooser.mark(now), now - timedelta(seconds=1), False),
    ):
        one = replace(kept, first_seen=seen, made={JUDGED: (by, said)})
        assert (chooser(one, now) != plain) == is_believed
