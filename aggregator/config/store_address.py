"""The address of a store: an SQLite file, or a database on a server."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from aggregator.config.local_path import local_path

__all__ = ["DatabaseAddress", "StoreAddress", "is_there", "permissions", "store_address"]

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SECRETS = frozenset(("password", "passfile", "sslpassword"))


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database on a server, such as `postgresql://user@host/name`; printed without its password.

    `url` is the whole address, which may contain a password.
    """

    url: str = field(repr=False)

    @property
    def scheme(self) -> str:
        """The part before `://`, in lower case."""
        return self.url.partition("://")[0].lower()

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        login, at, host = parts.netloc.rpartition("@")
        user = login.partition(":")[0]
        folder = next((value for key, value in parse_qsl(parts.query) if key == "host"), "")
        return f"{self.scheme}://{user}{at}{host or folder}{parts.path}"

    def __repr__(self) -> str:
        return f"DatabaseAddress({str(self)!r})"


StoreAddress = Path | DatabaseAddress


def store_address(text: str, *, is_hidden: bool = False) -> StoreAddress:
    """Parses a path or an address; with `is_hidden` it comes from the environment and may contain a password.

    Raises ValueError, which says what would be right and does not repeat the text.
    """
    if not text or "\0" in text:
        raise ValueError('write a path in quotes, such as "var/aggregator.db"')
    if not _ADDRESS.match(text):
        return local_path(text)
    try:
        parts = urlsplit(text)
        login = parts.netloc.rpartition("@")[0]
        has_password = ":" in login or any(key.lower() in _SECRETS for key, _ in parse_qsl(parts.query))
        name = parts.path.strip("/")
        is_clear = text.count("@") < 2
    except ValueError:
        raise ValueError('write an address such as "postgresql://user@host/aggregator"') from None
    if not is_clear or "@" in name:
        raise ValueError("write special characters of user and password as %40 for @, %2F for /, %3A for :")
    if parts.scheme in ("sqlite", "file"):
        raise ValueError('write only the path of the file, such as "var/aggregator.db"')
    if has_password and not is_hidden:
        raise ValueError(
            "write it without the password, which does not belong in a config: put it into ~/.pgpass, "
            'or the whole address into an environment variable, store = { env = "NAME" }'
        )
    if not name:
        raise ValueError('name a database in the address, such as "postgresql://user@host/aggregator"')
    return DatabaseAddress(text)


def is_there(address: StoreAddress) -> bool:
    """Whether a store may exist: the file exists, or it is on a server, which is not contacted."""
    return address.exists() if isinstance(address, Path) else True


def permissions(store: StoreAddress) -> int:
    """The permission bits of a store's file; 0 if there is none, or it cannot be read."""
    if not isinstance(store, Path):
        return 0
    try:
        return stat.S_IMODE(store.stat().st_mode)
    except OSError:
        return 0
