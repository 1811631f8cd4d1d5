"""A prefix in a bucket; the only module that sends requests to an object store, with obstore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from aggregator import __version__
from aggregator.config.load import Config
from aggregator.errors import ObjectStoreError
from aggregator.object_store.endpoint import Endpoint
from aggregator.object_store.error_messages import failure

if TYPE_CHECKING:
    from obstore import GetResult, PutMode
    from obstore.store import ClientConfig, RetryConfig

__all__ = ["LARGE_BYTES", "Bucket", "BucketObject", "Conflict", "ObjectBody"]

REQUEST_SECONDS = 45
RETRY_SECONDS = 30
"""Requests are repeated within this time; with the last one, an operation ends within 75 s."""
LARGE_BYTES = 8 * 1024 * 1024
"""A larger file is uploaded and downloaded in parts of this size: copies of recordings may have 200 MB."""
MAX_BYTES = 256 * 1024 * 1024
_RETRIES: RetryConfig = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=RETRY_SECONDS),
    "backoff": {
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=5),
        "base": 3,
    },
}


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object as the store lists it; `etag` is "" if the store gives none."""

    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class ObjectBody:
    """An object with its bytes, its headers and its metadata."""

    body: bytes
    etag: str
    attributes: Mapping[str, str]


class Conflict(Exception):
    """The object is not in the expected state: it exists, does not exist, or has changed."""


class Bucket:
    """Objects below a prefix, by the rest of their keys. Every method may raise ObjectStoreError.

    Safe to use from several threads. Requests are repeated, with increasing waits, for half a minute.
    """

    def __init__(self, config: Config, endpoint: Endpoint) -> None:
        from obstore.store import S3Store

        assert config.bucket is not None, "the output goes to a bucket"
        self._place = config.bucket
        self._host = endpoint.host
        client: ClientConfig = {
            "allow_http": endpoint.is_plain,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=REQUEST_SECONDS),
            "user_agent": f"aggregator/{__version__}",
        }
        if proxy := config.fetch.proxy.get_secret_value():
            client["proxy_url"] = proxy
        try:
            if config.fetch.tls_ca is not None:
                client["root_certificate"] = config.fetch.tls_ca.read_bytes()
            self._store = S3Store(
                self._place.bucket,
                prefix=self._place.prefix or None,
                client_options=client,
                retry_config=_RETRIES,
                # An empty value is refused, and without one the environment counts.
                config={"aws_endpoint_url_s3": endpoint.url} if endpoint.url else None,
            )
        except Exception as error:  # the library's own tree, and ValueErrors of several kinds
            raise ObjectStoreError(
                f"{self._place}: a variable AWS_… of the environment, or fetch.proxy or fetch.tls_ca, has a "
                "value that cannot be used; correct it"
            ) from error

    def __str__(self) -> str:
        return str(self._place)

    def get(self, key: str, *, unlike: str = "") -> ObjectBody | None:
        """An object; None if it does not exist. Raises Conflict if it still has the ETag `unlike`."""
        got = self._get(key, {"if_none_match": unlike} if unlike else {})
        if got is None:
            return None
        if got.meta["size"] > MAX_BYTES:
            raise ObjectStoreError(f"{self._place}: {key!r} is larger than anything we put there; delete it")
        return ObjectBody(self._bytes(got), got.meta["e_tag"] or "", _attributes(got))

    def _bytes(self, got: GetResult) -> bytes:
        import obstore

        try:
            return bytes(got.bytes())
        except (obstore.exceptions.BaseError, OSError) as error:
            self._fail(error)

    def attributes(self, key: str) -> tuple[BucketObject, Mapping[str, str]] | None:
        """An object without its bytes, and its headers and metadata; None if it does not exist."""
        got = self._get(key, {"head": True})
        return None if got is None else (_found(got.meta["size"], got.meta["e_tag"]), _attributes(got))

    def _get(self, key: str, options: Mapping[str, object]) -> GetResult | None:
        import obstore

        try:
            return obstore.get(self._store, key, options=options)  # type: ignore[arg-type]
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                self._fail(error)
            return None
        except (obstore.exceptions.NotModifiedError, obstore.exceptions.PreconditionError) as error:
            raise Conflict(key) from error
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._fail(error)

    def put(self, key: str, body: bytes, attributes: Mapping[str, str], expected: str | None) -> str:
        """Replaces the object with the ETag `expected`; None: the object must not exist.

        Returns the new ETag. Raises Conflict if the object is in another state.
        """
        import obstore

        mode: PutMode = "create" if expected is None else {"e_tag": expected}
        try:
            # In one request: an upload in parts has no conditions.
            done = obstore.put(
                self._store, key, body, attributes={**attributes}, mode=mode, use_multipart=False
            )
        except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError) as error:
            raise Conflict(key) from error
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._fail(error)
        return done["e_tag"] or ""

    def put_large(self, key: str, place: Path, attributes: Mapping[str, str]) -> str:
        """Uploads a file in parts and without conditions; returns the new ETag."""
        import obstore

        try:
            done = obstore.put(
                self._store,
                key,
                place,
                attributes={**attributes},
                use_multipart=True,
                chunk_size=LARGE_BYTES,
                max_concurrency=2,
            )
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._fail(error)
        return done["e_tag"] or ""

    def parts(self, key: str, etag: str, size: int) -> Iterator[bytes]:
        """The bytes of an object in parts. Raises Conflict if it does not exist, or has changed."""
        for start in range(0, size, LARGE_BYTES):
            ends = (start, min(start + LARGE_BYTES, size))
            got = self._get(key, {"range": ends, **({"if_match": etag} if etag else {})})
            if got is None:
                raise Conflict(key)
            yield self._bytes(got)

    def find(self, key: str) -> BucketObject | None:
        """The object with a key; None if it does not exist."""
        import obstore

        try:
            meta = obstore.head(self._store, key)
        except FileNotFoundError:
            return None
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._fail(error)
        return _found(meta["size"], meta["e_tag"])

    def list(self) -> dict[str, BucketObject]:
        """Every object below the prefix, by its key."""
        import obstore

        try:
            return {
                meta["path"]: _found(meta["size"], meta["e_tag"])
                for some in obstore.list(self._store)
                for meta in some
            }
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._fail(error)

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects; missing objects are not errors."""
        import obstore

        try:
            with suppress(FileNotFoundError):
                obstore.delete(self._store, list_of(keys))
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> NoReturn:
        # Not `from error`: its text may contain keys, and a traceback would show it.
        raise failure(error, self._place, self._host) from None


list_of = list  # `list` is a method above


def _found(size: int, etag: str | None) -> BucketObject:
    return BucketObject(size, etag or "")


def _attributes(got: GetResult) -> dict[str, str]:
    return {str(name): value for name, value in got.attributes.items()}
