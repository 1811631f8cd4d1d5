"""Where a store is: a file of SQLite's, or a database of a server, by its address."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

__all__ = ["DatabaseAddress", "StoreAddress", "is_there", "permissions", "store_address"]

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SECRETS = frozenset(("password", "passfile", "sslpassword"))


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database on a server, such as `postgresql://user@host/name`; what is shown of it has no password.

    `url` is the whole address, which may hold one.
    """

    url: str = field(repr=False)

    @property
    def scheme(self) -> str:
        """What is before `://`, in lower case."""
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
    """A path or an address as it is written; `is_hidden`: it stands in no file, and may hold a password.

    Raises ValueError, which says what would be right, and does not repeat the text.
    """
    if not text or "\0" in text:
        raise ValueError('write a path in quotes, such as "var/aggregator.db"')
    if not _ADDRESS.match(text):
        return Path(text)
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
        raise ValueError('write the path of the file alone, such as "var/aggregator.db"')
    if has_password and not is_hidden:
        raise ValueError(
            "write it without the password, which belongs into no config: put it into ~/.pgpass, "
            'or the whole address into a variable of the environment, store = { env = "NAME" }'
        )
    if not name:
        raise ValueError('name a database in the address, such as "postgresql://user@host/aggregator"')
    return DatabaseAddress(text)


def is_there(address: StoreAddress) -> bool:
    """Whether there may be a store: a file that is there; of a server that is seen when it is opened."""
    return address.exists() if isinstance(address, Path) else True


def permissions(store: StoreAddress) -> int:
    """The permission bits of a store's file; 0 where there is none, or it cannot be looked at."""
    if not isinstance(store, Path):
        return 0
    try:
        return stat.S_IMODE(store.stat().st_mode)
    except OSError:
        return 0
