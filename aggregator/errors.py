"""Every error that leaves the package, in one tree.

    AggregatorError
    ├── ConfigError           a setting is wrong: file, key and what would be right
    ├── QueryError            a query cannot be read: where, why, and what would be right
    ├── StoreError            the store cannot be opened, read or written
    │   ├── DamagedStore      it holds what no version of this program wrote
    │   ├── TookTooLong       what was asked of it took longer than it may
    │   ├── StoreInUse        another process is at work with it
    │   └── LeaseLost         another worker polls what this one polled
    ├── BackupError           a backup cannot be made, read or restored
    ├── ListenError           the address to serve at cannot be listened on
    ├── WriteError            an output cannot be rendered or written
    │   ├── ObjectStoreError  the object store cannot be used
    │   │   └── BucketInUse   another program publishes there
    │   └── TemplateMistake   a template of the user's is wrong: its file, line and mistake
    ├── DeliveryError         a receiver did not accept a message
    └── SourceError           one source failed; the others go on
        ├── FetchError        its document could not be fetched
        │   ├── BadAddress    its address, or the target of its redirect, cannot be fetched
        │   ├── BlockedAddress  its host has an address that the config does not allow
        │   ├── Disallowed    robots.txt forbids fetching it
        │   ├── DnsError      the name of its host has no address
        │   ├── NoNetwork     no route: this machine is offline, or the host is cut off
        │   ├── ConnectError  no server accepts connections at its address
        │   ├── ProxyError    the proxy refused the request
        │   ├── TlsError      its certificate or its TLS was refused
        │   ├── TimedOut      silent for too long, or slower than the whole fetch may take
        │   ├── BrokenExchange  the answer is incomplete or not HTTP
        │   ├── TooLarge      the body, once decompressed, exceeds the limit
        │   ├── TooManyRedirects
        │   └── HttpStatus    the server answered with an error
        │       ├── Gone      410: it is removed permanently
        │       ├── Later     429 or 503: the server asks for a later request
        │       └── ChallengePage  its bot protection sent a page instead
        └── ReadError         its document could not be read
            ├── NotAFeed      not a feed: says what it is, and which feeds it links to
            └── FrontMatterError  a file of front matter: file, line and reason

Each `SourceError` has `source` (its name in the config, "" when read without one), `url` (the requested
address, "" when unknown), `reason` (what happened), `advice` (what to change, one sentence, "" if the reason
says it) and its class's `label`: short, stable, one for each class, for counts and logs. Further attributes
of a ReadError are sent from a worker's process if its class annotates them (`feeds: tuple[str, ...]`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar

# user:password@ in an address (RFC 3986 §3.2.1), to the last @: a password may hold one.
_LOGIN = re.compile(r"(?<=//)[^\s/?#]*@")


class AggregatorError(Exception):
    """Anything that this package raises on purpose."""


class ConfigError(AggregatorError):
    """Mistakes in the config, all of them: `mistakes` is a tuple of one-line texts."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class QueryError(AggregatorError):
    """A query cannot be read: `reason` says why and what would be right.

    `position` is the character of `query` where the mistake is, from 1; None for the whole. `about`: what
    kind of mistake it is, for messages in other languages: "unclosed", "field", "value", "length", "regex",
    or "" for any other.
    """

    def __init__(self, reason: str, query: str, position: int | None = None, about: str = "") -> None:
        place = ""
        if position is not None:
            near = repr(query[position - 1 : position + 19]).replace("\\\\", "\\")
            place = f"at character {position} ({near}): "
        super().__init__(f"{place}{reason}")
        self.reason = reason
        self.query = query
        self.position = position
        self.about = about


class StoreError(AggregatorError):
    """The store cannot be opened, read or written."""


class DamagedStore(StoreError):
    """The store holds what no version of this program wrote; its message says what to do, and what is lost.

    `place` is the file, or what of it could not be read; `cause` what was found there; `advice` is ""
    for a file.
    """

    def __init__(self, place: str, cause: object, advice: str = "") -> None:
        self.cause = cause
        advice = advice or (
            "restore the store from a backup, "
            "or move it away together with its -wal and -shm files: the next fetch makes a new one, in which "
            "articles keep their ids, but what sources no longer list, earlier versions and archives are lost"
        )
        super().__init__(f"{place} cannot be used: it is damaged ({cause}); {advice}")


class TookTooLong(StoreError):
    """A query of the store took longer than its limit."""


class StoreInUse(StoreError):
    """Another process is at work with the store; its message says which, and since when."""


class LeaseLost(StoreError):
    """Another worker polls the sources of `shard` now: what this one would save is out of date."""

    def __init__(self, shard: int) -> None:
        super().__init__(f"another worker has claimed shard {shard} meanwhile; it polls its sources again")
        self.shard = shard


class BackupError(AggregatorError):
    """A backup cannot be made, read or restored; its message says what to change."""


class ListenError(AggregatorError):
    """The address to serve at cannot be listened on."""


class WriteError(AggregatorError):
    """An output cannot be rendered or written."""


class ObjectStoreError(WriteError):
    """The object store that the output goes to cannot be used; its message says what to change.

    `is_passing`: it may be over by itself, so that it is tried again. No key of the store is in it.
    """

    def __init__(self, reason: str, *, is_passing: bool = False) -> None:
        super().__init__(reason)
        self.is_passing = is_passing


class BucketInUse(ObjectStoreError):
    """Another program publishes into the same place of the object store, now or instead of this one."""


class DeliveryError(AggregatorError):
    """A receiver did not accept a message; the text says why, without addresses that may be secret.

    `wait`: how long the receiver asks us to wait, or None. `is_refusal`: it refused this message;
    `is_final`: it refuses all further messages.
    """

    def __init__(
        self,
        reason: str,
        *,
        wait: timedelta | None = None,
        is_refusal: bool = False,
        is_final: bool = False,
    ) -> None:
        super().__init__(_LOGIN.sub("", reason))
        self.wait = wait
        self.is_refusal = is_refusal
        self.is_final = is_final


class TemplateMistake(WriteError):
    """A page cannot be rendered by the site's own template; its message begins with the file and line."""


class SourceError(AggregatorError):
    """One source failed; says which, where, and what to change. Logins in addresses are removed."""

    label: ClassVar[str] = "source"
    advice: str = ""

    def __init__(self, reason: str, *, source: str = "", url: str = "", advice: str | None = None) -> None:
        reason = _LOGIN.sub("", reason)
        super().__init__(reason)
        self.reason = reason
        self.source = source
        self.url = _LOGIN.sub("", url)
        if advice is not None:
            self.advice = advice

    @property
    def message(self) -> str:
        """The event in words, and what to change."""
        return f"{self.reason}; {self.advice}" if self.advice else self.reason

    def __str__(self) -> str:
        place = self.source or _LOGIN.sub("", self.url)
        return f"{place}: {self.message}" if place else self.message


class FetchError(SourceError):
    """The source's bytes could not be had."""

    label = "fetch"
    advice = "check the address or path of the source, and who may read it"


class BadAddress(FetchError):
    """The address, or the target of its redirect, cannot be fetched."""

    label = "address"
    advice = "correct the source's address"


class BlockedAddress(FetchError):
    """The host has an address that is not public, and not in fetch.allow."""

    label = "blocked"
    advice = "if it is yours and meant, add its host or network to fetch.allow"


class Disallowed(FetchError):
    """The publisher's robots.txt does not let us fetch a page (RFC 9309)."""

    label = "robots"
    advice = "ask the publisher, or set robots = false if the site is yours"


class DnsError(FetchError):
    """The host's name leads to no address."""

    label = "dns"
    advice = "check the host's name in the address, and this machine's resolver"


class NoNetwork(FetchError):
    """No network leads to the host, or none to a resolver that knows it: mostly this machine's own affair.

    ENETUNREACH, ENETDOWN or EADDRNOTAVAIL at every address of the host; EAI_AGAIN from the resolver, which
    is also given when the name servers of that one domain do not answer.
    """

    label = "network"
    advice = "check this machine's network; if others are reached, the host or its name servers are cut off"


class ConnectError(FetchError):
    """Nothing answers at the address."""

    label = "connect"
    advice = "check host and port, or wait until the server is back"


class ProxyError(FetchError):
    """The proxy cannot be reached, or does not let us through."""

    label = "proxy"
    advice = "check the proxy of this source, or fetch.proxy"


class TlsError(FetchError):
    """The certificate or the TLS of the server was refused."""

    label = "tls"
    advice = "tell the publisher; for a certificate of your own, name its authority's file in tls_ca"


class TimedOut(FetchError):
    """The server was silent for too long, or the whole fetch took longer than it may."""

    label = "timeout"
    advice = "raise fetch.timeout or fetch.deadline if the server is always this slow"


class BrokenExchange(FetchError):
    """The answer is incomplete, contradicts itself or is not HTTP."""

    label = "protocol"
    advice = "wait; if it stays, tell the publisher"


class TooLarge(FetchError):
    """The body, once decompressed, exceeds the limit."""

    label = "too large"
    advice = "raise fetch.max_bytes if it is sound"


class TooManyRedirects(FetchError):
    """The redirects form a loop or exceed the limit."""

    label = "redirects"
    advice = "give the address where a browser ends up"


class HttpStatus(FetchError):
    """The server answered with a status that carries no document.

    `status` is that number; `retry_after` how long it asks us to stay away, None when it does not
    (RFC 9110 §10.2.3: on any status).
    """

    label = "http"

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        retry_after: timedelta | None = None,
        source: str = "",
        url: str = "",
        advice: str | None = None,
    ) -> None:
        super().__init__(reason, source=source, url=url, advice=advice)
        self.status = status
        self.retry_after = retry_after


class Gone(HttpStatus):
    """410: the publisher says that the document will not come back (RFC 9110 §15.5.11)."""

    label = "gone"
    advice = "remove the source, or give its new address"


class Later(HttpStatus):
    """429 or 503: the server asks for a later request; this does not count as a failure of the source."""

    label = "later"
    advice = "nothing needs doing; lengthen the source's interval if it stays"


class ChallengePage(HttpStatus):
    """A protection in front of the server asks for proof of a human."""

    label = "challenge"
    advice = "ask the publisher to let feed readers pass, or set the source's cookie or user_agent"


class ReadError(SourceError):
    """The source's bytes could not be read."""

    label = "unreadable"


class NotAFeed(ReadError):
    """The document is something else; `feeds` are the addresses of feeds that it links to."""

    label = "not a feed"
    feeds: tuple[str, ...]

    def __init__(self, reason: str, *, feeds: tuple[str, ...] = (), source: str = "", url: str = "") -> None:
        super().__init__(reason, source=source, url=url)
        self.feeds = feeds


class FrontMatterError(ReadError):
    """A file of front matter that cannot be read; `line` counts from 1."""

    label = "front matter"
    line: int

    def __init__(self, reason: str, *, line: int, source: str = "", url: str = "") -> None:
        super().__init__(f"line {line}: {reason}", source=source, url=url)
        self.line = line
