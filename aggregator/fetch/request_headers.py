"""The headers of a source's requests: its own ones, which may be secret, and logins."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from aggregator.config.load import Source


__all__ = ["own_headers", "set_header"]


def set_header(headers: dict[str, str], name: str, value: str) -> None:
    """Sets a header in place of one whose name differs only in case."""
    for other in [each for each in headers if each.lower() == name.lower()]:
        del headers[other]
    headers[name] = value


def own_headers(source: Source) -> dict[str, str]:
    """Headers that are sent only to the origin of the configured address, and not after a redirect to
    another.
    """
    if not (source.headers or source.cookie or source.auth or "@" in source.address):
        return {}
    headers = {name: _as_header(value.get_secret_value()) for name, value in source.headers}
    if source.cookie:
        headers["Cookie"] = _as_header(source.cookie.get_secret_value())
    parts = urlsplit(source.address)
    auth = source.auth
    if auth and auth.bearer:
        headers["Authorization"] = f"Bearer {_as_header(auth.bearer.get_secret_value())}"
    elif auth and auth.user and auth.password:
        headers["Authorization"] = _basic(auth.user.get_secret_value(), auth.password.get_secret_value())
    elif parts.username is not None:
        headers["Authorization"] = _basic(unquote(parts.username), unquote(parts.password or ""))
    return headers


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _as_header(text: str) -> str:
    """Makes http.client send UTF-8: it encodes headers as Latin-1."""
    return text.encode().decode("latin-1")
