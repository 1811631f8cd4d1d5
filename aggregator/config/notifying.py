"""The settings of notices: who is notified of which events, when, and the mail server."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import time, timedelta
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from aggregator.config.article_filter import ArticleFilter
from aggregator.config.values import Duration, FilePath, Secret, TimeZone, plain_secret
from aggregator.model.settings import Settings
from aggregator.normalise.secrets_in_addresses import host_of

__all__ = ["Event", "Notify", "Smtp", "notice_mistakes", "quiet_times", "signing_key"]

Event = Literal["broken", "silent", "moved", "back", "gone"]
"""Events of a source: states of `schedule.health`, "moved", and "back" from broken, silent or gone."""

MIN_KEY_BYTES = 24
"""The minimum of the Standard Webhooks specification."""

_SCHEMES = {"https": "webhook", "http": "webhook", "mailto": "mail", "apprise": "apprise"}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_KEY_PREFIX = "whsec_"
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


def _receiver(value: object) -> str:
    text = plain_secret(value)
    scheme, _, rest = text.partition(":")
    if scheme == "mailto" and _ADDRESS.fullmatch(unquote(rest)):
        return text
    if scheme == "apprise" and "://" in rest:
        return text
    try:
        if scheme in ("https", "http") and urlsplit(text).hostname and not re.search(r"\s", text):
            return text
    except ValueError:
        pass
    raise ValueError(
        'write "https://…" for a webhook, "mailto:you@example.org" for mail, "apprise:" and an address of '
        'Apprise for another service, or { env = "NAME" } for a variable that holds one of them'
    )


def _mail_address(value: object) -> str:
    if isinstance(value, str) and _ADDRESS.fullmatch(value):
        return value
    raise ValueError('write a mail address in ASCII, such as "planet@example.org"')


def _host(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", value):
        return value
    raise ValueError('write the name of the server, such as "mail.example.org"')


def _key(value: object) -> str:
    text = plain_secret(value)
    if len(signing_key(text)) < MIN_KEY_BYTES:
        raise ValueError(
            f"write a key of {MIN_KEY_BYTES} bytes or more, such as what "
            "'echo whsec_$(openssl rand -base64 32)' prints"
        )
    return text


def _quiet(value: object) -> str:
    if isinstance(value, str) and _SPAN.fullmatch(value) and len(set(value.split("-"))) == 2:
        return value
    raise ValueError('write two times of day, such as "22:00-07:00"')


Receiver = Annotated[SecretStr, BeforeValidator(_receiver)]
MailAddress = Annotated[str, BeforeValidator(_mail_address)]
MailHost = Annotated[str, BeforeValidator(_host)]
SigningKey = Annotated[SecretStr, BeforeValidator(_key)]
QuietTimes = Annotated[str, BeforeValidator(_quiet)]


def signing_key(text: str) -> bytes:
    """The bytes of a Standard Webhooks key (`whsec_` and base64).

    Any other text is used as its UTF-8 bytes.
    """
    if text.startswith(_KEY_PREFIX):
        try:
            return base64.b64decode(text.removeprefix(_KEY_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return b""
    return text.encode()


def quiet_times(text: str) -> tuple[time, time]:
    """When quiet time begins and ends, as times of day."""
    begins, _, ends = text.partition("-")
    return time.fromisoformat(begins), time.fromisoformat(ends)


class Smtp(Settings):
    """The `[smtp]` table: the server that sends our mail, and the sender's address.

    `port` None is 465 for "tls", 587 for "starttls" and 25 for "none". `tls_ca`: a file of certificate
    authorities (PEM) in place of the public ones.
    """

    host: MailHost
    sender: MailAddress
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Secret | None = None
    password: Secret | None = None
    tls_ca: FilePath | None = None

    @model_validator(mode="after")
    def _login(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("set both user and password, or neither")
        if self.user is not None and self.security == "none":
            raise ValueError('a password is not sent without TLS: set security = "starttls" or "tls"')
        return self

    @property
    def port_or_default(self) -> int:
        """The port to connect to."""
        return self.port or _PORTS[self.security]


class Notify(ArticleFilter):
    """One `[[notify]]` table: what is sent to one receiver.

    `to` is an address: https (a webhook, which is signed with `key`), mailto, or apprise. `when` is a query:
    new articles that match are sent. `on`: events of sources; `broken_after`: how long no poll of a source
    has succeeded when it is reported as broken (None: a week). `sources` and `categories` limit both; without
    `when` and `on`, all new articles of these are sent. `every`: at most one notice in this time; what
    happens meanwhile is in the next one. `quiet`: no notice between these times of day in `timezone`; None
    means the site's. `limit`: how many articles and sources a notice lists; further ones are counted.
    """

    to: Receiver
    key: SigningKey | None = None
    on: tuple[Event, ...] = Field(default=(), strict=False)
    broken_after: Duration | None = None
    every: Duration = timedelta(minutes=5)
    quiet: QuietTimes | None = None
    timezone: TimeZone | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.when or self.on or self.sources or self.categories):
            raise ValueError("nothing to notify of: set when (a query), on (events), sources or categories")
        if self.broken_after is not None and "broken" not in self.on:
            raise ValueError('broken_after is about sources that broke: add "broken" to on, or remove it')
        if (self.channel == "webhook") != (self.key is not None):
            raise ValueError("a webhook needs a key to sign its messages; other receivers must have none")
        return self

    @property
    def channel(self) -> str:
        """The name of the channel that sends it."""
        return _SCHEMES[self.address.partition(":")[0]]

    @property
    def address(self) -> str:
        """The receiver's address: a secret, as many services have keys in their addresses."""
        return self.to.get_secret_value()

    @property
    def place(self) -> str:
        """The receiver without secrets: the host of an address, or the scheme of a service."""
        rest = self.address.partition(":")[2]
        if self.channel == "mail":
            return unquote(rest)
        if self.channel == "webhook":
            return host_of(self.address) or ""
        return rest.partition("://")[0]

    @property
    def wants_articles(self) -> bool:
        """Whether new articles are sent."""
        return self.when is not None or not self.on


def notice_mistakes(
    notices: Sequence[Notify], smtp: Smtp | None, sources: Collection[str] | None
) -> Iterator[str]:
    """Mistakes in notices: no mail server, or unknown sources. `sources` None: a list may add any name."""
    for n, each in enumerate(notices, 1):
        notice = f"(notice {each.name!r})"
        if each.channel == "mail" and smtp is None:
            yield f"notify[{n}].to {notice}: mail needs a table [smtp] (docs/notifications.md)"
        yield from each.unknown_sources(f"notify[{n}]", sources)
