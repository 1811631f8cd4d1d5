"""Processes that are killed lose no notice, and repeat at most one a kill, under the same id."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.support.notified import NotifiedPlanet
from tests.support.receiving import Mailbox

KILLS = int(os.environ.get("NOTICE_KILLS", "4"))
SEED = int(os.environ.get("NOTICE_SEED", "1"))
DAY = timedelta(days=1)


@pytest.fixture
def mailbox() -> Mailbox:
    """A mail server of one's own."""
    return Mailbox()


def test_nothing_is_lost_and_at_most_one_is_repeated_when_killed_at_any_moment(
    tmp_path: Path, server: Server, mailbox: Mailbox
) -> None:
    """Every second one as the receiver has the request and has not answered; the others at random."""
    planet = NotifiedPlanet(tmp_path, server)
    planet.publish("tea", 1)
    smtp = f"[smtp]\nhost = '127.0.0.1'\nport = {mailbox.port}\nsecurity = 'none'\nsender = 'p@tea.example'"
    mail = {"name": "mail", "to": "mailto:me@example.org", "when": "*:*", "every": "0s"}
    digest = "\n[[digest]]\nname = 'Daily'\nlimit = 200\nto = ['me@example.org']\n"
    planet.configure(planet.webhook(when="*:*"), mail, more=smtp + digest)
    planet.run()
    chance = random.Random(SEED)
    kills = 0
    for n in range(KILLS):
        planet.publish("tea", *range(1, 3 + n))
        process = planet.start(DAY)
        if n % 2:
            planet.hook.told = process.kill
            process.wait(60)
        else:
            time.sleep(chance.uniform(0, 0.6))
            process.kill()
        kills += process.wait() == -9
        planet.hook.told = lambda: None
    for _ in range(4):
        planet.run(DAY)
    mailbox.close()
    wanted = [f"tea {n}" for n in range(2, 2 + KILLS)]
    by_hook = {each: planet.hook.titles(n) for n, each in enumerate(planet.hook.ids)}
    assert sorted(title for titles in by_hook.values() for title in titles) == sorted(wanted)
    for list_id in ("mail", "daily"):
        theirs = [one for one in mailbox.messages if f"<{list_id}." in one["List-Id"]]
        letters = {str(one["Message-ID"]): one.get_body(("plain",)) for one in theirs}
        texts = [one.get_content() for one in letters.values() if one is not None]
        lines = [line for text in texts for line in text.splitlines()]
        assert sorted(set(wanted).intersection(lines)) == sorted(wanted)
        assert sum(line in wanted for line in lines) == len(wanted)
    entries = (planet.site.output / "Daily" / "atom.xml").read_text(encoding="utf-8")
    assert [n for n in range(2, 2 + KILLS) if f"https://tea.example/{n}" not in entries] == []
    mailed = Counter(str(one["Message-ID"]) for one in mailbox.messages)
    repeated = sum(count - 1 for count in (*Counter(planet.hook.ids).values(), *mailed.values()))
    assert repeated <= kills
    assert planet.hook.refused == 0
