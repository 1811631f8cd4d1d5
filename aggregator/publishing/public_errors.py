"""Errors of polls as they are published: fixed sentences, never texts of a server or document.

The store has the whole error, perhaps with addresses, paths and the beginning of a document; `aggregator
sources` shows it to the owner.
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
    errors.DnsError: "its host name has no address",
    errors.NoNetwork: "the network does not reach it",
    errors.ConnectError: "no server answers at its address",
    errors.ProxyError: "the proxy refuses the request",
    errors.TlsError: "its certificate was refused",
    errors.TimedOut: "it did not answer in time",
    errors.BrokenExchange: "its answer was cut off",
    errors.TooLarge: "its answer is too large",
    errors.TooManyRedirects: "it redirects too often",
    errors.ChallengePage: "its protection against bots refuses the request",
}
_BY_ADVICE = {kind.advice: sentence for kind, sentence in _SENTENCES.items()}
_PUBLIC_ADVICE = frozenset((*_BY_ADVICE, errors.Gone.advice, errors.Later.advice))


def public_error(error: str | None, advice: str | None) -> str | None:
    """Returns a sentence for the error of a source's last poll; None if there was no error."""
    if error is None:
        return None
    if match := _STATUS.search(error):
        return f"the server answered {match[1] or match[2]}"
    if advice in _BY_ADVICE:
        return _BY_ADVICE[advice]
    return "its answer is not a feed" if "not a feed" in error else "its last poll failed"


def public_advice(advice: str | None) -> str | None:
    """Returns the advice if it is a fixed sentence; others may contain addresses, paths or what was read."""
    return advice if advice in _PUBLIC_ADVICE else None
