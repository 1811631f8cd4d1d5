"""Removes mentions of accounts, groups or channels from texts from outside. Pure."""

from __future__ import annotations

import re

__all__ = ["link_without_mentions", "without_mentions"]

_URL = re.compile(r"https?://[^\s]+", re.IGNORECASE)
# "@all" and also "＠all"; Slack and similar services write "<!channel>" and "<@U1>".
_CALL = re.compile(r"(?<=[@\uff20])(?=[\w-])|(?<=<)(?=[!@#])")
# Mastodon also searches addresses, but not after the characters that are missing here (Account::MENTION_RE).
_IN_LINK = re.compile(r"(?<![=/\w])@")
_OF_ALL = re.compile(r"@(?=everyone|here|channel|all|room)", re.IGNORECASE)


def without_mentions(text: str) -> str:
    """The text with an invisible space in each mention; addresses in it still work."""
    written: list[str] = []
    place = 0
    for found in _URL.finditer(text):
        written += [_CALL.sub("\u200b", text[place : found.start()]), link_without_mentions(found[0])]
        place = found.end()
    return "".join([*written, _CALL.sub("\u200b", text[place:])])


def link_without_mentions(link: str) -> str:
    """The same address with "@" written as %40 if a service could read it as a mention."""
    begin, sep, rest = link.partition("://")
    host, slash, path = rest.partition("/")
    path = _OF_ALL.sub("%40", _IN_LINK.sub("%40", f"{slash}{path}"))
    return f"{begin}{sep}{host}{path}"
