"""What strangers may read of a poll that failed: sentences of ours, never what a server or a document said.

The store keeps the whole error, with the beginning of what is no feed, addresses and paths;
`aggregator sources` shows it to the owner.
"""

from __future__ import annotations

import re

from aggregator import errors

__all__ = ["public_advice", "public_error"]

_STATUS = re.compile(r"\(([1-5][0-9]{2})\)|\banswered ([1-5][0-9]{2})\b")

_SENTENCES: dict[type[errors.SourceError], str] = {
    errors.BadAddress: "its address cannot be fetched",
    errors.BlockedAddress: "its address may not be fetched",
    errors.Disallowed: "robots.txt does not let us fetch it",
    errors.DnsError: "its host's name leads to no address",
    errors.NoNetwork: "no network leads there",
    errors.ConnectError: "nobody answers at its address",
    errors.ProxyError: "the proxy does not let us through",
    errors.TlsError: "its certificate was refused",
    errors.TimedOut: "it was silent for too long",
    errors.BrokenExchange: "its answer broke off",
    errors.TooLarge: "what it answers is too large",
    errors.TooManyRedirects: "it redirects too often",
    errors.ChallengePage: "a protection in front of it does not let us through",
}
_BY_ADVICE = {kind.advice: sentence for kind, sentence in _SENTENCES.items()}
_PUBLIC_ADVICE = frozenset((*_BY_ADVICE, errors.Gone.advice, errors.Later.advice))


def public_error(error: str | None, advice: str | None) -> str | None:
    """A sentence for the error of a source's last poll; None where there was none."""
    if error is None:
        return None
    if match := _STATUS.search(error):
        return f"the server answered {match[1] or match[2]}"
    if advice in _BY_ADVICE:
        return _BY_ADVICE[advice]
    return "what it answers is no feed" if "not a feed" in error else "its last poll failed"


def public_advice(advice: str | None) -> str | None:
    """The advice where it is one of the standing ones; others may name addresses, paths or what was read."""
    return advice if advice in _PUBLIC_ADVICE else None
