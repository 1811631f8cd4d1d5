"""The facts that follow from the settings of a source; without pydantic, for sources of a kept config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aggregator.adapters import kinds
from aggregator.adapters.kinds import Kind
from aggregator.normalise.secrets_in_addresses import secrets_of

__all__ = ["SourceFacts"]


class SourceFacts:
    """The facts of `config.sources.Source`, whose settings these are."""

    if TYPE_CHECKING:  # pydantic would take annotations for further settings
        name: str
        kind: str
        url: str | None
        path: Path | None
        headers: tuple[tuple[str, Any], ...]
        auth: Any
        cookie: Any
        tls_ca: Path | None
        tls_verify: bool
        private: bool
        image: str | None

    @property
    def is_bound(self) -> bool:
        """Whether a setting is used only for the origin of `url`, so that no other address may replace it."""
        own = (self.headers, self.auth, self.cookie, self.tls_ca, not self.tls_verify)
        return any(own) or (self.url is not None and "@" in self.url and "@" in urlsplit(self.url).netloc)

    @property
    def kind_of(self) -> Kind:
        """Its kind. Raises ConfigError if no kind has that name."""
        return kinds.named(self.kind)

    @property
    def has_public_address(self) -> bool:
        """Whether its address may be published, if it contains no key."""
        return self.kind_of.has_public_address and not self.private

    @property
    def secrets(self) -> frozenset[str]:
        """Texts that a published feed must not contain: values of the address's query, and logins."""
        auth = self.auth
        login = (auth.user, auth.password, auth.bearer) if auth else ()
        return secrets_of(self.url) | {secret.get_secret_value() for secret in login if secret}

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password of `auth`, None without both."""
        auth = self.auth
        if auth is None or auth.user is None or auth.password is None:
            return None
        return auth.user.get_secret_value(), auth.password.get_secret_value()

    @property
    def is_local(self) -> bool:
        """Whether it is read from this machine's disk."""
        return self.path is not None or self.address.startswith("file:")

    @property
    def image_file(self) -> Path | None:
        """The path of its picture, None if that has an address or there is none."""
        return None if not self.image or "://" in self.image else Path(self.image)

    @property
    def address(self) -> str:
        """The source's address as text: its URL or path; if it has neither, its kind and name."""
        if self.url is not None:
            return self.url
        return str(self.path) if self.path is not None else f"{self.kind}:{self.name}"
