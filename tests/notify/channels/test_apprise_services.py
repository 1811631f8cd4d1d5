"""Everything else by Apprise: a real plugin, to a server on loopback."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from aggregator.config.load import Config, Notify
from aggregator.errors import DeliveryError
from aggregator.notify.channels import channel
from aggregator.notify.channels.protocol import Outside
from aggregator.notify.notice import ArticleNotice, Notice
from aggregator.store import OutboxMessage
from tests.conftest import NOW, Answer, Server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise, as it is imported


def send(to: str) -> None:
    """A notice of many articles, by the channel of its rule."""
    rule = Notify.model_validate({"name": "n", "to": f"apprise:{to}", "when": "title:tea"})
    outside = Outside(config=Config(notify=(rule,)), fetcher=lambda: pytest.fail("it asks nothing of ours"))
    way = channel(rule.channel, outside)
    assert way is not None
    assert way.place("n").startswith("n (")
    assert "secret" not in way.place("n")
    articles = tuple(
        ArticleNotice(id=f"{n}", title=f"Tea & <b> {n}", summary="@everyone" + "茶" * 300) for n in range(30)
    )
    notice = Notice(name="n", made=NOW.isoformat(), articles=articles)
    message = OutboxMessage(
        id="1", channel="apprise", target="n", payload=notice.payload(), queued=NOW, due=NOW + timedelta(0)
    )
    way.send(message, NOW)


def test_a_service_gets_plain_text_that_it_takes(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Not more than most take; one that fails is reported, and nothing of its address is logged."""
    place = server.url.removeprefix("http://")
    server.pages["/secret"] = Answer(200)
    with caplog.at_level(logging.INFO):
        send(f"json://{place}/secret")
        said = json.loads(server.requests[0].body)
        assert said["title"] == "n: 30 new articles"
        assert said["message"].startswith("Tea & <b> 0")
        assert len(said["message"]) <= 3_500
        assert "@everyone" not in said["message"]
        server.pages["/secret"] = Answer(500)
        with pytest.raises(DeliveryError, match="did not accept it"):
            send(f"json://{place}/secret")
    assert "secret" not in caplog.text


def test_an_address_that_apprise_does_not_know_is_reported() -> None:
    """Without the address itself."""
    with pytest.raises(DeliveryError, match="does not know") as raised:
        send("nothing://secret")
    assert "secret" not in str(raised.value)
