"""Digests of a run: an entry of a feed of their own, and letters; once a day, through kills."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config.store_address import DatabaseAddress
from tests.backup.test_making import site_restored
from tests.cli.test_forget import holding
from tests.conftest import Answer, Server
from tests.support.notified import HOUR, NotifiedPlanet
from tests.support.receiving import Mailbox
from tests.support.site import feed

DAY = timedelta(days=1)
DIGEST = """
[[digest]]
name = "Tea today"
at = "07:00"
timezone = "Europe/Berlin"
category = "Tea"
limit = 3
to = ["me@example.org", "you@example.org"]
unsubscribe = "https://planet.example/leave?list=tea"
"""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server of one's own."""
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def planet(tmp_path: Path, server: Server, mailbox: Mailbox) -> NotifiedPlanet:
    """A planet with a digest, whose source was read before; it is noon in UTC."""
    made = NotifiedPlanet(tmp_path, server)
    made.publish("tea", 1, 2)
    smtp = f"[smtp]\nhost = '127.0.0.1'\nport = {mailbox.port}\nsecurity = 'none'\nsender = 'p@tea.example'\n"
    made.configure(more=smtp + DIGEST)
    made.now = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
    made.run()
    return made


def page(planet: NotifiedPlanet, name: str = "Tea today") -> str:
    """The Atom feed of a name; "" where there is none."""
    file = planet.site.output / name.replace(" ", "-") / "atom.xml"
    found = file if file.exists() else planet.site.output / name / "atom.xml"
    return found.read_text(encoding="utf-8") if found.exists() else ""


def test_a_digest_is_an_entry_of_its_feed_and_a_mail_to_each_receiver(
    planet: NotifiedPlanet, mailbox: Mailbox
) -> None:
    """When it is due, of what came since; not in the feed of everything, and with a way to leave the list."""
    planet.publish("tea", *range(1, 7))
    planet.run()
    assert mailbox.messages == []
    planet.run(17 * HOUR)  # 06:00 UTC, 08:00 in Berlin
    assert sorted(str(each["To"]) for each in mailbox.messages) == ["me@example.org", "you@example.org"]
    message = mailbox.messages[0]
    assert message["Subject"] == "Tea today: 2026-06-01"
    assert message["List-Id"] == '"Tea today" <tea-today.tea.example>'
    assert message["List-Unsubscribe"] == "<https://planet.example/leave?list=tea>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    lines = text.get_content().splitlines()
    assert [line for line in lines if line.startswith("tea ") and "·" not in line] == [
        "tea 6",
        "tea 5",
        "tea 4",
    ]
    assert "and 1 more" in lines
    assert '<h1 style="font-size: 1.3em' in html.get_content()
    assert 'href="https://tea.example/6"' in html.get_content()
    published = page(planet)
    assert "<title>Tea today: 2026-06-01</title>" in published
    assert "2026-06-02T05:00:00" in published
    assert "https://tea.example/6" in published
    assert "Tea today" not in page(planet, "all")
    assert planet.run() == []
    assert len(mailbox.messages) == 2


def test_a_dry_run_and_why_judge_an_entry_as_publication_does(planet: NotifiedPlanet) -> None:
    """It stands in its own feed: no rule or saved feed changes that, also with feeds of sources."""
    planet.publish("tea", *range(1, 7))
    pages = "\n[publish.pages]\nsources = true\n"
    planet.configure(more=DIGEST.replace('to = ["me@example.org", "you@example.org"]', "") + pages)
    planet.run(17 * HOUR)
    rules = "\n[[rules]]\nname = 'No digests'\nwhen = 'title:today'\nthen = 'drop'\n"
    saved = "\n[[feeds]]\nname = 'Today'\nquery = 'title:today'\n"
    for more in ("", rules, saved, rules + saved):
        planet.configure(more=DIGEST.replace('to = ["me@example.org", "you@example.org"]', "") + pages + more)
        changed = json.loads(planet.site.run("rules test", "--changed", "--json").stdout)
        assert (changed["rules"], changed["feeds"]) == ([], [])
        (id_,) = re.findall(r"<entry.*?<id>(.*?)</id>", page(planet), re.DOTALL)
        (why,) = json.loads(planet.site.run("why", id_, "--json").stdout)["articles"]
        assert (why["feeds"], why["pending"], why["matched"]) == (["Tea today"], None, [])
        assert [each["feed"] for each in why["reasons"]] == ["Tea today"]


def test_an_evening_digest_is_named_by_its_day(planet: NotifiedPlanet) -> None:
    """Most of its articles are of that day; its id is made from its time, as always."""
    planet.configure(more=DIGEST.split("to = [")[0].replace("07:00", "20:00"))
    planet.run()
    planet.publish("tea", *range(1, 7))
    planet.run(8 * HOUR)  # 21:00 in Berlin
    assert "<title>Tea today: 2026-06-01</title>" in page(planet)
    assert "2026-06-01T18:00:00" in page(planet)


def test_no_digest_without_articles_and_a_late_one_covers_all_missed_days(
    planet: NotifiedPlanet, mailbox: Mailbox
) -> None:
    """A digest that was not made in time is made once, for the time when it was last due."""
    planet.run(DAY)
    assert mailbox.messages == []
    assert page(planet) == ""
    planet.publish("tea", 1, 2, 3)
    planet.run(3 * DAY + 20 * HOUR)
    assert {str(each["Subject"]) for each in mailbox.messages} == {"Tea today: 2026-06-02 – 2026-06-05"}
    assert page(planet).count("<entry") == 1


def test_a_refused_mail_is_sent_later_with_the_same_message_id(
    planet: NotifiedPlanet, mailbox: Mailbox
) -> None:
    """Each receiver has a message of its own."""
    planet.publish("tea", 1, 2, 3)
    planet.run()
    mailbox.answer = "451 later"
    failed = planet.run(17 * HOUR)
    assert [each.noun for each in failed] == ["digest", "digest"]
    assert all(each.again for each in failed)
    mailbox.answer = "250 taken"
    planet.run()
    assert len({str(each["Message-ID"]) for each in mailbox.messages}) == len(mailbox.messages) == 2


def test_notices_and_digests_are_equal_in_both_databases(
    tmp_path: Path, server: Server, mailbox: Mailbox, place: Path | DatabaseAddress
) -> None:
    """What is new, what waits, what is due, what is forgotten."""
    planet = NotifiedPlanet(tmp_path / "home", server, place)
    planet.publish("tea", 1, 2)
    smtp = f"[smtp]\nhost = '127.0.0.1'\nport = {mailbox.port}\nsecurity = 'none'\nsender = 'p@tea.example'\n"
    on = ["broken", "back"]
    planet.configure(planet.webhook(when="title:tea", on=on), more=smtp + DIGEST)
    planet.now = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
    planet.run()
    planet.publish("tea", 1, 2, 3, 4)
    planet.hook.status = 503
    planet.run()
    assert planet.site.run("forget", "https://tea.example/4").exit_code == 0
    planet.hook.status = 200
    planet.run(17 * HOUR)
    assert planet.hook.titles() == ["tea 3"]
    assert len(mailbox.messages) == 2
    assert "https://tea.example/3" in page(planet)
    assert "https://tea.example/4" not in page(planet)


def test_a_forgotten_article_leaves_digests(planet: NotifiedPlanet, mailbox: Mailbox) -> None:
    """Those that are published, and those that wait to be sent."""
    planet.publish("tea", 1, 2, 3, 4)
    planet.run()
    mailbox.answer = "451 later"
    planet.run(17 * HOUR)
    assert "https://tea.example/4" in page(planet)
    assert planet.site.run("forget", "https://tea.example/4").exit_code == 0
    planet.site.run("publish")
    assert "https://tea.example/4" not in page(planet)
    assert "https://tea.example/3" in page(planet)
    mailbox.answer = "250 taken"
    planet.run()
    assert all(b"tea.example/4" not in raw for raw in mailbox.raw)
    assert len(mailbox.raw) == 2


def test_a_forgotten_article_leaves_digests_whose_rules_rewrote_it(
    planet: NotifiedPlanet, mailbox: Mailbox
) -> None:
    """Its title and its link are others there."""
    then = "{ rewrite = { link = { pattern = 'tea.example/4', with = 'mirror.example/four' } } }"
    with planet.site.file.open("a", encoding="utf-8") as file:
        file.write(f"\n[[rules]]\nname = 'Mirror'\nwhen = '*'\nthen = {then}\n")
    planet.publish("tea", 1, 2, 3, 4)
    planet.run()
    planet.run(17 * HOUR)
    assert "https://mirror.example/four" in page(planet)
    assert planet.site.run("forget", "https://tea.example/4").exit_code == 0
    planet.site.run("publish")
    assert "https://mirror.example/four" not in page(planet)
    assert "https://tea.example/3" in page(planet)


@pytest.mark.parametrize("number", [4, 3], ids=["some are left", "none is left"])
def test_a_forgotten_article_leaves_all_digests_and_their_pages(planet: NotifiedPlanet, number: int) -> None:
    """A digest without any other article is removed with its page."""
    site = planet.site
    changed = {
        'formats = ["atom"]': 'formats = ["rss", "atom", "json", "html"]\n'
        "pages = { sources = true, calendar = true }\nposts = { folder = 'posts', generator = 'hugo' }",
        "archives = false": 'archives = ["rss", "atom", "json", "html"]\n[serve]\nsearch = true',
        "[[sources]]": "[[sources]]\narticle_pages = true",
    }
    lines = site.file.read_text(encoding="utf-8")
    for old, new in changed.items():
        lines = lines.replace(old, new)
    site.file.write_text(lines, encoding="utf-8")
    body = feed("tea", *range(1, number + 1)).replace(b"<title>tea 3<", b"<title>Xylophone 3<")
    planet.server.pages["/tea"] = Answer(body=body)
    planet.run()
    planet.run(17 * HOUR)
    own = [name for name in holding(site, "xylophone") if "/articles/" in name]
    (digest,) = [name for name in own if "Tea today" in (site.home / name).read_text()]
    assert len(own) == 2
    assert site.run("forget", "https://tea.example/3").exit_code == 0
    assert holding(site, "xylophone") == []
    assert (site.home / digest).exists() == (number == 4)
    assert page(planet).count("<entry") == (number == 4)
    assert all(b"tea.example/3" not in body for body in site.files().values())
    planet.run()
    assert holding(site, "xylophone") == []


def test_an_older_backup_forgets_the_article_in_digests_too(planet: NotifiedPlanet) -> None:
    """As soon as it publishes to the same output."""
    planet.publish("tea", 1, 2, 3, 4)
    planet.run()
    planet.run(17 * HOUR)
    planet.site.run("backup", str(planet.site.home / "before.zip"))
    assert planet.site.run("forget", "https://tea.example/4").exit_code == 0
    elsewhere = planet.site.home / "elsewhere"
    assert site_restored(planet.site.home / "before.zip", elsewhere) == 0
    shutil.rmtree(planet.site.home / "var")
    (elsewhere / "var").rename(planet.site.home / "var")
    assert planet.site.run("publish", "--all").exit_code == 0
    assert "https://tea.example/4" not in page(planet)
    assert "https://tea.example/3" in page(planet)


def test_a_rebuilt_store_forgets_it_in_digests_too(planet: NotifiedPlanet) -> None:
    """There the entries of digests name their articles by links alone."""
    lines = planet.site.file.read_text(encoding="utf-8")
    planet.site.file.write_text(lines.replace('formats = ["atom"]', 'formats = ["atom", "html"]'), "utf-8")
    planet.publish("tea", 1, 2, 3, 4)
    planet.run()
    planet.run(17 * HOUR)
    shutil.rmtree(planet.site.home / "var")
    assert planet.site.run("rebuild").exit_code == 0
    assert planet.site.run("publish", "--all").exit_code == 0
    assert any(b"tea.example/4" in body for name, body in planet.site.files().items() if "articles/" in name)
    assert "Tea today" not in page(planet, "all")
    assert planet.site.run("forget", "https://tea.example/4").exit_code == 0
    assert all(b"tea.example/4" not in body for body in planet.site.files().values())
    assert planet.site.run("forget", "https://tea.example/3").exit_code == 0
    assert page(planet).count("<entry") == 0
    assert not (planet.site.output / "articles").exists()
