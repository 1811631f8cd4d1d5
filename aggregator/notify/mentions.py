"""Texts of strangers in which no account, group or channel of a service is called. Pure."""

from __future__ import annotations

import re

__all__ = ["link_without_mentions", "without_mentions"]

_URL = re.compile(r"https?://[^\s]+", re.IGNORECASE)
# "@all" as well as "＠all"; Slack and those like it write "<!channel>" and "<@U1>".
_CALL = re.compile(r"(?<=[@\uff20])(?=[\w-])|(?<=<)(?=[!@#])")
# Mastodon looks into addresses, too, but not behind what these lack (Account::MENTION_RE).
_IN_LINK = re.compile(r"(?<![=/\w])@")
_OF_ALL = re.compile(r"@(?=everyone|here|channel|all|room)", re.IGNORECASE)


def without_mentions(text: str) -> str:
    """With an invisible space where something is called; addresses in it lead where they led."""
    written: list[str] = []
    place = 0
    for found in _URL.finditer(text):
        written += [_CALL.sub("\u200b", text[place : found.start()]), link_without_mentions(found[0])]
        place = found.end()
    return "".join([*written, _CALL.sub("\u200b", text[place:])])


def link_without_mentions(link: str) -> str:
    """The same address: "@" is written as %40 where a service could take it for a call."""
    begin, sep, rest = link.partition("://")
    host, slash, path = rest.partition("/")
    path = _OF_ALL.sub("%40", _IN_LINK.sub("%40", f"{slash}{path}"))
    return f"{begin}{sep}{host}{path}"
