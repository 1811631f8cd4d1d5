"""Notices and the mail server in the config: what is right, and what to change where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import Config, checked
from aggregator.config.notifying import signing_key
from aggregator.errors import ConfigError

KEY = "key = 'a key of twenty-four bytes'"
HOOK = f"to = 'https://hook.example/secret'\n{KEY}"


def loaded(text: str) -> Config:
    """The config of this text."""
    return checked(text.encode(), Path("/planet/config/aggregator.toml"), "config")


def mistakes(notice: str, more: str = "") -> str:
    """Returns what is wrong with one notice."""
    with pytest.raises(ConfigError) as raised:
        loaded(f"{more}\n[[notify]]\nname = 'n'\n{notice}")
    return "\n".join(raised.value.mistakes)


@pytest.mark.parametrize(
    ("to", "channel", "place"),
    [
        (f"'https://u:p@hook.example:8443/secret?k=1'\n{KEY}", "webhook", "hook.example"),
        ("'mailto:me+tea%40home@example.org'", "mail", None),
        ("'mailto:me@example.org'", "mail", "me@example.org"),
        ("'apprise:tgram://bot-token/chat'", "apprise", "tgram"),
    ],
)
def test_a_receiver_is_an_address_of_a_known_scheme(to: str, channel: str, place: str | None) -> None:
    """What is shown of it holds no secret."""
    smtp = "[smtp]\nhost = 'localhost'\nsender = 'p@planet.example'"
    text = f"{smtp}\n[[notify]]\nname = 'n'\nto = {to}\nwhen = 'title:tea'"
    if place is None:
        with pytest.raises(ConfigError):
            loaded(text)
        return
    (notice,) = loaded(text).notify
    assert (notice.channel, notice.place) == (channel, place)
    assert "secret" not in repr(notice)


def test_a_receiver_may_be_in_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of services hold keys."""
    monkeypatch.setenv("WHERE_TO", "apprise:ntfy://ntfy.example/topic")
    (notice,) = loaded("[[notify]]\nname = 'n'\nto = { env = 'WHERE_TO' }\non = ['broken']").notify
    assert notice.place == "ntfy"
    assert not notice.wants_articles


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        ("to = 'ftp://x.example/'\nwhen = 'title:tea'", "mailto:you@example.org"),
        ("to = 'mailto:a@b\\r\\nBcc: c@d'\nwhen = 'title:tea'", "mailto:you@example.org"),
        ("to = 'mailto:a%0d%0ab@c.example'\nwhen = 'title:tea'", "mailto:you@example.org"),
        (HOOK, "set when (a query), on (events), sources or categories"),
        ("to = 'https://hook.example/'\nwhen = 'title:tea'", "needs a key"),
        ("to = 'https://hook.example/'\nkey = 'short'\nwhen = 'title:tea'", "whsec_$(openssl rand"),
        ("to = 'https://hook.example/'\nkey = 'whsec_???'\nwhen = 'title:tea'", "whsec_$(openssl rand"),
        (f"{HOOK}\nwhen = 'title:('", "notify[1].when (notice 'n')"),
        (f"{HOOK}\non = ['dead']", "broken"),
        (f"{HOOK}\non = ['back']\nbroken_after = '1h'", "broken_after is about sources that broke"),
        (f"{HOOK}\non = ['broken']\nbroken_after = '1'", "notify[1].broken_after"),
        (f"{HOOK}\nsources = ['nobody']", "no source is named 'nobody'"),
        (f"{HOOK}\nwhen = 'tea'\nquiet = '25:00-07:00'", "22:00-07:00"),
        (f"{HOOK}\nwhen = 'tea'\nquiet = '07:00-07:00'", "22:00-07:00"),
        (f"{HOOK}\nwhen = 'tea'\ntimezone = 'Berlin'", "IANA"),
        (f"{HOOK}\nwhen = 'tea'\nlimit = 0", "limit"),
        (f"{HOOK}\nwhen = 'tea'\nevry = '1h'", "did you mean 'every'"),
        ("to = 'mailto:a@b.example'\nwhen = 'tea'", "[smtp]"),
        (f"{HOOK}\nwhen = 'tea'\n[[notify]]\nname = 'n'\n{HOOK}\nwhen = 'milk'", "a different name"),
    ],
)
def test_each_mistake_says_what_to_change(notice: str, said: str) -> None:
    """With its key; without the address, which may be a secret."""
    found = mistakes(notice)
    assert said in found
    assert "hook.example/secret" not in found


@pytest.mark.parametrize(
    ("smtp", "said"),
    [
        ("host = 'a b'\nsender = 'p@planet.example'", "mail.example.org"),
        ("host = 'm.example'\nsender = 'planet'", "planet@example.org"),
        ("host = 'm.example'\nsender = 'p@planet.example'\nuser = 'u'", "user and password"),
        (
            "host = 'm.example'\nsender = 'p@p.example'\nuser = 'u'\npassword = 'pw'\nsecurity = 'none'",
            "without TLS",
        ),
    ],
)
def test_impossible_settings_of_a_mail_server_are_refused(smtp: str, said: str) -> None:
    """A password is never sent without TLS, and is in no message."""
    with pytest.raises(ConfigError) as raised:
        loaded(f"[smtp]\n{smtp}")
    assert said in str(raised.value)
    assert "pw" not in str(raised.value)


def test_the_port_is_that_of_the_security() -> None:
    """Unless it is given; a file of authorities counts from the home folder."""
    found = loaded("[smtp]\nhost = 'm.example'\nsender = 'p@p.example'\ntls_ca = 'ca.pem'").smtp
    assert found is not None
    assert (found.port_or_default, found.tls_ca) == (587, Path("/planet/ca.pem"))


def test_a_key_is_that_of_standard_webhooks_or_any_text() -> None:
    """The bytes that are signed with."""
    assert signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")[:2] == bytes.fromhex("31f2")
    assert signing_key("plain") == b"plain"
