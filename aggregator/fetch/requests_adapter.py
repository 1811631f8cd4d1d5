"""requests' transport over guarded connections: requests through proxies, POSTs, and unusual addresses.

`_new_conn` makes every connection (see `fetch.connection`), which requests and urllib3 do not do by
themselves. Other GETs are made by `fetch.direct`.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import GzipDecoder, GzipDecoderState

from aggregator import errors
from aggregator.fetch.connection import (
    MAX_IDLE_SECONDS,
    HttpAnswer,
    Verify,
    connect,
    exchange,
    tls_context,
    unreachable,
    words_of,
)

__all__ = ["Adapter", "is_cut_short", "response_of"]

# urllib3 logs a traceback for each odd header of a server, and messages about its pools.
logging.getLogger("urllib3").setLevel(logging.ERROR)

if TYPE_CHECKING:
    _AnyConnection = HTTPConnection
else:
    _AnyConnection = object


class _Guarded(_AnyConnection):
    """Connects to checked addresses only, and is reused only while it has been idle for a short time."""

    _used: float | None = None

    def _new_conn(self) -> socket.socket:
        host = self._dns_host
        if self.proxy is None:
            found = exchange.guard.addresses(host, exchange.patience())
        else:
            # The proxy is the user's own choice; the target was checked before (see HttpFetcher).
            found = exchange.guard.resolved(host, exchange.patience())
        try:
            return connect(found, self.port, self.socket_options or ())
        except (OSError, errors.TimedOut) as failure:
            raise self._unreachable(failure) from failure

    def _unreachable(self, failure: Exception) -> errors.FetchError:
        found = unreachable(failure)
        if self.proxy is not None and not isinstance(found, errors.NoNetwork):
            return errors.ProxyError(f"the proxy is unreachable: {words_of(failure)}")
        return found

    @property
    def is_connected(self) -> bool:
        is_fresh = self._used is None or time.monotonic() - self._used < MAX_IDLE_SECONDS
        return is_fresh and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange.is_on_kept_connection = self._used is not None
        self._used = time.monotonic()
        super().request(*args, **kwargs)

    def response_class(self, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # type: ignore[override]
        self._answer = HttpAnswer(*args, **kwargs)
        return self._answer

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        except HTTPError:
            # urllib3 refuses two lengths only after http.client has released the socket: it would stay open.
            self._answer.close()
            raise

    def close(self) -> None:
        self._used = None
        super().close()


class _HTTPConnection(_Guarded, HTTPConnection):
    pass


class _HTTPSConnection(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection

    def _validate_conn(self, conn: Any) -> None:
        # The original warns for each unverified connection, which `tls_verify = false` asked for.
        if conn.is_closed:
            conn.connect()


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class Adapter(requests.adapters.HTTPAdapter):
    """requests' transport over guarded connections; cookies of responses are ignored."""

    def __init__(self, pools: int, verify: Verify = True) -> None:
        self._verify = verify
        super().__init__(pool_connections=pools, pool_maxsize=pools, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        if proxy not in self.proxy_manager:
            if proxy.startswith("https:"):
                proxy_kwargs["proxy_ssl_context"] = self._context
            manager = super().proxy_manager_for(proxy, **proxy_kwargs)
            manager.pool_classes_by_scheme = _POOLS
        return self.proxy_manager[proxy]

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Like the original; without a proxy it saves parsing the address three more times."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        host, tls = self.build_connection_pool_key_attributes(request, verify, cert)
        return self.poolmanager.connection_from_host(**host, pool_kwargs=tls)

    def request_url(self, request: Any, proxies: Any) -> str:
        return super().request_url(request, proxies) if proxies else request.path_url

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Does nothing: the context has the authorities. The original reads their file each time."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Like the original, without reading cookies into a jar that is never used."""
        return _response(resp, req.url or "")

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return tls_context(self._verify)


def response_of(answer: HttpAnswer, url: str, pool: Any, connection: Any) -> requests.Response:
    """The response whose status and headers `fetch.direct` received; its body is not read yet.

    urllib3 returns the connection to the pool once the body was read, and closes it otherwise.
    """
    headers = HTTPHeaderDict(answer.msg.items())
    found = HTTPResponse(
        body=answer,
        headers=headers,
        status=answer.status,
        version=answer.version,
        reason=answer.reason,
        preload_content=False,
        decode_content=False,
        original_response=answer,
        pool=pool,
        connection=connection,
        request_method="GET",
    )
    return _response(found, url)


def _response(answer: Any, url: str) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.raw = answer
    response.reason = answer.reason
    response.url = url
    return response


def is_cut_short(answer: Any) -> bool:
    """Whether a compressed body ended too early, for a urllib3 response that was read to its end.

    urllib3 reports it for zstd only (measured, 2.8): for gzip, deflate and br it returns what was received.
    """
    return answer._has_decoded_content and answer._decoder is not None and not _is_finished(answer._decoder)


def _is_finished(decoder: Any) -> bool:
    if inner := getattr(decoder, "_decoders", None):
        return all(_is_finished(each) for each in inner)
    if isinstance(decoder, GzipDecoder) and decoder._state != GzipDecoderState.FIRST_MEMBER:
        return True  # after a complete member there is usually only a stray byte
    stream = decoder._obj
    return bool(stream.is_finished() if hasattr(stream, "is_finished") else stream.eof)
