"""Notices of a run: of what is new and published, once, to a real webhook and a real mail server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Answer, Server
from tests.support.notified import HOUR, NotifiedPlanet
from tests.support.receiving import KEY, Mailbox
from tests.support.site import feed

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def planet(tmp_path: Path, server: Server) -> NotifiedPlanet:
    """A planet of one's own, whose source was read before there were notices."""
    made = NotifiedPlanet(tmp_path, server)
    made.publish("tea", 1, 2)
    made.configure()
    made.run()
    return made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server of one's own."""
    made = Mailbox()
    yield made
    made.close()


def test_a_notice_reports_only_articles_newer_than_itself(planet: NotifiedPlanet) -> None:
    """Not stored articles, not the first poll of a source; new ones once, newest first."""
    planet.configure(planet.webhook(when="title:tea"))
    assert planet.run() == []
    planet.publish("tea", 1, 2, 3, 4)
    (delivery,) = planet.run()
    assert (delivery.error, delivery.target, delivery.subject) == (None, "all", "all: 2 new articles")
    assert delivery.place == "all (127.0.0.1)"
    assert planet.hook.titles() == ["tea 4", "tea 3"]
    said = planet.hook.received[0][1]
    assert said["type"] == "notice"
    assert said["data"]["articles"][0] == {
        "id": "https://tea.example/4",
        "title": "tea 4",
        "link": "https://tea.example/4",
        "source": "tea",
        "published": "2024-01-05T04:00:00+00:00",
        "summary": "Text 4",
    }
    assert planet.run() == []
    planet.publish("milk", 1, 2, 3)
    planet.configure(planet.webhook(when="title:milk"), sources=("tea", "milk"))
    assert planet.run() == []
    planet.publish("milk", 1, 2, 3, 4)
    planet.publish("tea", 1, 2, 3, 4, 5)
    assert [each.subject for each in planet.run()] == ["milk 4"]
    assert planet.hook.refused == 0


def test_the_first_article_of_a_formerly_empty_source_is_reported(planet: NotifiedPlanet) -> None:
    """The source was read before, so it is not a new source."""
    planet.publish("milk")
    planet.configure(planet.webhook(categories=["Milk"]), sources=("tea", "milk"))
    assert planet.run() == []
    planet.publish("milk", 1)
    planet.publish("tea", 1, 2, 3)
    planet.run()
    assert planet.hook.titles() == ["milk 1"]


def test_sources_categories_and_rules_limit_it(planet: NotifiedPlanet) -> None:
    """A saved feed is one of the categories; what rules drop is not sent."""
    more = "\n".join(
        [
            "[[rules]]\nname = 'no 4'\nwhen = 'title:4'\nthen = 'drop'",
            "[[feeds]]\nname = 'Fives'\nquery = 'title:5'",
        ]
    )
    notices = [
        planet.webhook("milk alone", sources=["milk"]),
        planet.webhook("fives", categories=["Fives"]),
        planet.webhook("off", when="title:tea", enabled=False),
    ]
    planet.publish("milk", 1)
    planet.configure(*notices, sources=("tea", "milk"), more=more)
    planet.run()
    planet.publish("tea", 1, 2, 3, 4, 5)
    planet.publish("milk", 1, 4, 6)
    planet.run()
    found = {said["data"]["name"]: planet.hook.titles(n) for n, (_, said) in enumerate(planet.hook.received)}
    assert found == {"milk alone": ["milk 6"], "fives": ["tea 5"]}


def test_a_renamed_source_is_still_reported(planet: NotifiedPlanet) -> None:
    """The notice names it by its new name; its articles are no news, and neither is what it is."""
    planet.configure(planet.webhook(sources=["tea"], categories=["Tee"]))
    planet.run()
    planet.publish("tea", 1, 2, 3)
    assert planet.site.run("rename", "tea", "Tea room").exit_code == 0
    assert "Tea room" in planet.site.file.read_text(encoding="utf-8").partition("[[notify]]")[2]
    doubts = planet.site.run("check").stdout
    assert "no category or saved feed is named 'Tee'; did you mean 'Tea'?" in doubts
    planet.configure(planet.webhook(sources=["Tea room"]))
    text = planet.site.file.read_text(encoding="utf-8")
    planet.site.file.write_text(text.replace('name = "tea"', 'name = "Tea room"'), encoding="utf-8")
    planet.run()
    assert planet.hook.titles() == ["tea 3"]


def test_a_broken_source_is_reported_once_whatever_its_name(planet: NotifiedPlanet) -> None:
    """A rename is no event: neither "broken" again, nor "back"."""
    planet.configure(planet.webhook("health", on=["broken", "back"]))
    planet.run()
    feed = planet.server.pages["/tea"]
    planet.server.pages["/tea"] = Answer(500)
    assert [each.subject for each in planet.run(8 * DAY)] == ["tea is broken"]
    assert planet.site.run("rename", "tea", "Green tea").exit_code == 0
    assert planet.run(DAY) == []
    planet.server.pages["/tea"] = feed
    assert [each.subject for each in planet.run(DAY)] == ["Green tea is back"]


def test_articles_between_two_notices_are_in_the_next_one(planet: NotifiedPlanet) -> None:
    """At most one an hour, and of many articles the newest are listed and the others counted."""
    planet.configure(planet.webhook(when="*:*", every="1h", limit=2))
    planet.run()
    planet.publish("tea", 1, 2, 3)
    planet.run()
    planet.publish("tea", *range(1, 5))
    assert planet.run(10 * MINUTE) == []
    planet.publish("tea", *range(1, 8))
    assert planet.run(10 * MINUTE) == []
    planet.run()
    assert [planet.hook.titles(n) for n in (0, 1)] == [["tea 3"], ["tea 7", "tea 6"]]
    assert planet.hook.received[1][1]["data"]["more_articles"] == 2
    assert planet.hook.received[1][1]["data"]["title"] == "all: 4 new articles"


def test_nothing_is_sent_in_quiet_hours(planet: NotifiedPlanet) -> None:
    """Of the clock of the site's zone, over midnight; what is new then comes when they are over."""
    quiet = planet.webhook(when="*:*", quiet="22:00-07:00")
    planet.configure(quiet)
    text = planet.site.file.read_text(encoding="utf-8")
    planet.site.file.write_text(text.replace("[site]", "[site]\ntimezone = 'Asia/Tokyo'"), encoding="utf-8")
    planet.run()  # 14:00 UTC, 23:00 in Tokyo
    planet.publish("tea", 1, 2, 3)
    assert planet.run() == []
    planet.publish("tea", 1, 2, 3, 4)
    assert planet.run(6 * HOUR) == []
    (delivery,) = planet.run()  # 22:00 UTC, 07:00 in Tokyo
    assert delivery.subject == "all: 2 new articles"


def test_a_receiver_that_is_away_for_a_day_gets_everything(planet: NotifiedPlanet) -> None:
    """Each notice once, in order, under one id; `notify list` shows what waits, without the address."""
    planet.configure(planet.webhook(when="*:*"))
    planet.run()
    planet.hook.status = 502
    for n in range(8):
        planet.publish("tea", *range(1, 4 + n))
        planet.run(3 * HOUR)
    assert planet.hook.received == []
    listed = json.loads(planet.site.run("notify list", "--json").stdout)["waiting"]
    assert len(listed) == 8
    assert {each["place"] for each in listed} == {"all (127.0.0.1)"}
    assert "502" in listed[0]["error"]
    assert planet.hook.path not in planet.site.run("notify list").output
    planet.hook.status = 200
    planet.run(3 * HOUR)
    planet.run(3 * HOUR)
    assert [planet.hook.titles(n) for n in range(8)] == [[f"tea {n}"] for n in range(3, 11)]
    assert len(set(planet.hook.ids)) == len(planet.hook.ids) == 8


def test_a_notice_that_is_never_accepted_is_given_up_and_reported(planet: NotifiedPlanet) -> None:
    """After three days; at once where the receiver is gone, or the config has it no more."""
    planet.configure(planet.webhook(when="*:*"))
    planet.run()
    planet.hook.status = 404
    planet.publish("tea", 1, 2, 3)
    (failed,) = planet.run()
    assert failed.again == planet.now + MINUTE
    (failed,) = planet.run(3 * DAY)
    assert failed.again is None
    planet.hook.status = 410
    planet.publish("tea", 1, 2, 3, 4)
    (gone,) = planet.run()
    assert gone.again is None
    planet.hook.status = 500
    planet.publish("tea", 1, 2, 3, 4, 5)
    planet.run()
    planet.configure(planet.webhook("another", when="*:*"))
    (dropped,) = planet.run()
    assert "names no such receiver" in str(dropped.error)
    assert planet.run(2 * DAY) == []


def test_no_redirect_and_no_private_address_is_followed(planet: NotifiedPlanet) -> None:
    """Neither is asked; no log has more of an address than its host."""
    planet.hook.status, planet.hook.headers = 307, {"Location": f"{planet.server.url}/elsewhere"}
    other = planet.webhook("private", when="*:*", to="http://127.0.0.2:9/secret-hook")
    planet.configure(planet.webhook(when="*:*"), other)
    planet.run()
    planet.publish("tea", 1, 2, 3)
    found = {each.target: each for each in planet.run()}
    assert "redirect" in str(found["all"].error)
    assert "fetch.allow" in str(found["private"].error)
    assert [request.path for request in planet.server.requests if request.path == "/elsewhere"] == []
    said = [f"{each.place} {each.error}" for each in found.values()]
    assert not [line for line in said if "hook" in line or "secret" in line]


def test_changes_of_a_sources_health_are_reported_once(planet: NotifiedPlanet) -> None:
    """Broken after a week, back with the first success; what was broken before the notice is not reported."""
    planet.publish("milk", 1)
    planet.configure(sources=("tea", "milk"))
    planet.run()
    feed = planet.server.pages["/tea"]
    planet.server.pages["/milk"] = Answer(500)
    planet.run(8 * DAY)
    on = ["broken", "silent", "moved", "back", "gone"]
    planet.configure(planet.webhook("health", on=on), sources=("tea", "milk"))
    assert planet.run() == []
    planet.server.pages["/tea"] = Answer(500)
    assert planet.run(DAY) == []
    (told,) = planet.run(7 * DAY)
    assert told.subject == "tea is broken"
    event = planet.hook.received[0][1]["data"]["sources"][0]
    assert (event["event"], event["name"]) == ("broken", "tea")
    assert "500" in event["detail"]
    assert planet.run(DAY) == []
    planet.server.pages["/tea"] = feed
    assert [each.subject for each in planet.run(DAY)] == ["tea is back"]
    planet.server.pages["/tea"] = Answer(410)
    for _ in range(40):
        if planet.run(2 * DAY):
            break
    assert planet.hook.received[-1][1]["data"]["sources"][0]["event"] == "gone"


@pytest.mark.parametrize(("after", "polls"), [("0s", 2), ("6h", 3), ("30d", None)])
def test_how_soon_a_source_is_broken_is_set(planet: NotifiedPlanet, after: str, polls: int | None) -> None:
    """Never by one failure, and never by an answer that asks to come later."""
    planet.configure(planet.webhook("health", on=["broken", "back"], broken_after=after))
    planet.run()
    feed = planet.server.pages["/tea"]
    for answer in (Answer(500), feed, Answer(429)):
        planet.server.pages["/tea"] = answer
        assert planet.run() == []
    planet.server.pages["/tea"] = feed
    assert planet.run() == []
    planet.server.pages["/tea"] = Answer(500)
    heard = [planet.run(2 * HOUR) for _ in range(6)]
    assert [n for n, found in enumerate(heard, 1) if found] == ([] if polls is None else [polls])
    if polls is None:
        assert planet.run(8 * DAY) == []
        planet.run(30 * DAY)
    event = planet.hook.received[0][1]["data"]["sources"][0]
    assert (event["event"], event["name"]) == ("broken", "tea")
    assert event["detail"].startswith("none since 2026-0")
    assert "500" in event["detail"]
    planet.server.pages["/tea"] = feed
    assert [each.subject for each in planet.run(7 * DAY)] == ["tea is back"]


def test_mail_has_headers_that_no_title_breaks_out_of(planet: NotifiedPlanet, mailbox: Mailbox) -> None:
    """Text and HTML, an id that stays, and what programs look for; a server that refuses is asked again."""
    smtp = (
        f'[smtp]\nhost = "127.0.0.1"\nport = {mailbox.port}\nsecurity = "none"\nsender = "p@planet.example"'
    )
    mail = {"name": "By mail", "to": "mailto:me@example.org", "when": "*:*", "every": "0s"}
    planet.configure(mail, more=smtp)
    planet.run()
    title = "Tea &amp; milk&#10;Bcc: all@example.org&#13;&#10;&lt;b&gt; Grüße 茶 " + "long " * 80
    body = f"<rss><channel><item><title>{title}</title><guid>n</guid><link>https://tea.example/n?a=1&amp;b</link>"
    planet.server.pages["/tea"] = Answer(body=f"{body}</item></channel></rss>".encode())
    mailbox.answer = "451 later"
    (failed,) = planet.run()
    assert "451 later" in str(failed.error)
    mailbox.answer = "250 taken"
    (sent,) = planet.run()
    assert (sent.error, sent.place) == (None, "By mail (me@example.org)")
    (message,) = mailbox.messages
    assert mailbox.envelopes == [("p@planet.example", ["me@example.org"])]
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Tea & milk Bcc: all@example.org")
    assert len(message["Subject"]) <= 200
    assert message["From"] == "Planet <p@planet.example>"
    assert message["List-Id"] == '"By mail" <by-mail.planet.example>'
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@planet.example>")
    assert message["Date"].datetime == planet.now - HOUR
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "https://tea.example/n?a=1&b" in text.get_content()
    assert 'href="https://tea.example/n?a=1&amp;b"' in html.get_content()
    assert "<b>" not in html.get_content()
    assert max(map(len, mailbox.raw[0].split(b"\r\n"))) <= 998


def test_a_forgotten_article_leaves_what_waits(planet: NotifiedPlanet) -> None:
    """A takedown holds for notices, too: the others in it stay."""
    planet.configure(planet.webhook(when="*:*"))
    planet.run()
    planet.hook.status = 503
    planet.publish("tea", 1, 2, 3, 4)
    planet.run()
    assert planet.site.run("forget", "https://tea.example/4").exit_code == 0
    planet.hook.status = 200
    planet.run()
    assert planet.hook.titles() == ["tea 3"]
    assert b"tea 4" not in (planet.site.home / "var" / "aggregator.db").read_bytes()


def test_a_notice_can_be_tried(planet: NotifiedPlanet) -> None:
    """What it would say of what is stored, and where to; sent when asked, marked; nothing is remembered."""
    unknown = planet.webhook("other", when="title:nothing", quiet="00:00-23:59", enabled=False)
    planet.configure(planet.webhook(when="title:tea", limit=1), unknown)
    shown = planet.site.run("notify test")
    assert "2 of the 2 articles" in shown.output
    assert "| tea 2" in shown.output
    assert "it is not enabled" in shown.output
    assert planet.hook.path not in shown.output
    assert planet.hook.received == []
    assert planet.site.run("notify test all --send").exit_code == 0
    assert planet.hook.received[0][1]["type"] == "test"
    planet.hook.status = 500
    failed = planet.site.run("notify test all --send --json")
    assert failed.exit_code == 1
    assert "500" in json.loads(failed.stdout)["notices"][0]["error"]
    assert planet.site.run("notify test nobody").exit_code == 2
    assert planet.run() == []
    planet.publish("tea", 1, 2, 3)
    fetched = planet.site.run("fetch", "--force", "--json")
    (told,) = json.loads(fetched.stdout)["notified"]
    assert (told["channel"], told["name"], told["subject"]) == ("webhook", "all", "tea 3")
    assert "500" in told["error"]


def test_events_of_sources_can_be_tried(planet: NotifiedPlanet) -> None:
    """One made-up event of each kind that the notice reports, and no count of articles that it never has."""
    on = ["broken", "silent", "moved", "back", "gone"]
    planet.configure(
        planet.webhook("health", on=on), planet.webhook("both", on=["back"], when="title:tea", limit=1)
    )
    shown = planet.site.run("notify test").output
    assert "This is a test, with made-up events of sources." in shown
    assert "| A made-up source is silent:" in shown
    assert "| A made-up source has moved permanently (to new.example)" in shown
    assert "the newest articles that this notice would have had and made-up events of sources" in shown
    assert shown.count("that arrived last match") == 1
    assert planet.site.run("notify test health --send").exit_code == 0
    (said,) = [said for _, said in planet.hook.received]
    assert said["type"] == "test"
    assert [each["event"] for each in said["data"]["sources"]] == on
    assert said["data"]["articles"] == []
    assert planet.run() == []


def test_the_library_of_standard_webhooks_accepts_what_is_signed(planet: NotifiedPlanet) -> None:
    """With the key as the config has it; nothing that was changed on its way, or with another key."""
    library = pytest.importorskip("standardwebhooks", reason="standardwebhooks is not installed")
    planet.publish("tea", 1, 2, 3)
    planet.server.pages["/tea"] = Answer(body=feed("tea", 1, 2).replace(b"tea 2", "Grüße 茶".encode()))
    planet.configure(planet.webhook(when="*:*", on=["broken"]))
    planet.run()
    assert planet.site.run("notify test all --send").exit_code == 0
    (request,) = [each for each in planet.server.requests if each.path == planet.hook.path]
    headers = dict(request.headers)
    said = library.Webhook(KEY).verify(request.body, headers)
    assert (said["type"], said["data"]["name"]) == ("test", "all")
    changed = {name: "0" * 32 if name.lower() == "webhook-id" else value for name, value in headers.items()}
    other = "whsec_" + base64.b64encode(b"o" * 32).decode()
    for key, body, sent in (
        (KEY, request.body + b" ", headers),
        (KEY, request.body, changed),
        (other, request.body, headers),
    ):
        with pytest.raises(library.WebhookVerificationError):
            library.Webhook(key).verify(body, sent)


def test_a_name_that_no_notice_has_is_explained(planet: NotifiedPlanet) -> None:
    """A digest and a table of posts are named as such; for another the names of notices are listed."""
    digest = "\n[[digest]]\nname = 'Daily'\n"
    posts = "\n[[mastodon]]\nname = 'posts'\nto = 'https://m.example'\ntoken = 'secret'\nwhen = 'tea'\n"
    planet.configure(planet.webhook(when="title:tea"), more=digest + posts)
    for name, said in (
        ("Daily", "'Daily' is a digest, which `notify test` does not try"),
        ("posts", "'posts' is a [[mastodon]] table, which `notify test` does not try"),
        ("Dayly", "no notice is named 'Dayly'; there are '"),
    ):
        result = planet.site.run("notify test", name)
        assert (result.exit_code, said in " ".join(result.output.split())) == (2, True), result.output
    planet.configure(more=digest)
    result = planet.site.run("notify test", "Dayly")
    assert "no notice is named 'Dayly'; the config has no [[notify]]" in " ".join(result.output.split())
