"""HTTP(S): conditional, bounded GETs; the only user of requests."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from aggregator import errors
from aggregator.config import Fetch
from aggregator.fetch.resource import Fetched, NotModified, Resource, Validators

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
REDIRECTS = frozenset((301, 302, 303, 307, 308))
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpFetcher:
    """Fetches documents over HTTP(S) within the config's bounds; safe to use from several threads.

    Sends nothing that identifies the reader: no cookies, no Referer, no credentials from the
    environment (`trust_env` off, which also saves most of a request's time).
    """

    def __init__(self, settings: Fetch, user_agent: str) -> None:
        self._settings = settings
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers.update(
            {"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
        )
        adapter = requests.adapters.HTTPAdapter(
            pool_connections=settings.workers, pool_maxsize=settings.workers, max_retries=0
        )
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Closes every connection that is kept open."""
        self._session.close()

    def fetch(self, url: str, validators: Validators) -> Fetched | NotModified:
        """GETs `url`, following redirects by hand, conditionally where `validators` stand for the same URL.

        ETag and Last-Modified go back byte for byte, both when both are known (RFC 9110 §13.1). Raises
        FetchError, TooLarge, TooManyRedirects or HttpStatus.
        """
        asked = url
        seen = {url}
        for _ in range(self._settings.max_redirects + 1):
            answer = self._get(url, _conditions(url, validators), asked)
            if answer.status == 304:
                return NotModified(validators={**validators, **_validators(answer.headers)})
            if answer.status in REDIRECTS and (location := answer.headers.get("Location")):
                url = _next_hop(url, location, asked)
                if url in seen:
                    raise errors.TooManyRedirects(f"its redirects form a loop at {url}", url=asked)
                seen.add(url)
                continue
            if answer.status != 200:
                raise errors.HttpStatus(_status_reason(answer.status), status=answer.status, url=asked)
            resource = Resource(url=url, body=answer.body, content_type=answer.headers.get("Content-Type"))
            return Fetched(resources=(resource,), validators={"url": url, **_validators(answer.headers)})
        raise errors.TooManyRedirects(
            f"it redirects more than {self._settings.max_redirects} times; give the address where it ends",
            url=asked,
        )

    def _get(self, url: str, conditions: Mapping[str, str], asked: str) -> _Answer:
        seconds = self._settings.timeout.total_seconds()
        try:
            request = self._session.prepare_request(requests.Request("GET", url, headers=dict(conditions)))
            # Not `session.send`: even when told not to follow, it reads a redirect's whole body.
            adapter = self._session.get_adapter(url)
            with adapter.send(request, stream=True, timeout=seconds, verify=True, proxies={}) as response:
                body = self._body(response, asked) if response.status_code == 200 else b""
                return _Answer(url, response.status_code, response.headers, body)
        except requests.exceptions.Timeout as error:
            raise errors.FetchError(f"no answer within {seconds:g} s", url=asked) from error
        except requests.exceptions.SSLError as error:
            raise errors.FetchError(f"its TLS certificate was refused: {_cause(error)}", url=asked) from error
        except (requests.exceptions.ConnectionError, urllib3.exceptions.NewConnectionError) as error:
            raise errors.FetchError(f"unreachable: {_cause(error)}", url=asked) from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise errors.FetchError(f"the exchange broke off: {_cause(error)}", url=asked) from error
        except (ValueError, OSError, zlib.error) as error:
            raise errors.FetchError(f"the answer cannot be used: {error}", url=asked) from error

    def _body(self, response: requests.Response, asked: str) -> bytes:
        limit = self._settings.max_bytes
        chunks = []
        size = 0
        for chunk in response.iter_content(_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise errors.TooLarge(
                    f"its body exceeds {limit} bytes once decompressed; raise fetch.max_bytes if it is sound",
                    url=asked,
                )
            chunks.append(chunk)
        return b"".join(chunks)


def _conditions(url: str, validators: Validators) -> dict[str, str]:
    if validators.get("url") != url:
        return {}
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
    return {header: validators[key] for header, key in pairs if validators.get(key)}


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    pairs = (("etag", "ETag"), ("last_modified", "Last-Modified"))
    return {key: headers[header] for key, header in pairs if headers.get(header)}


def _next_hop(url: str, location: str, asked: str) -> str:
    # Header bytes reach us as Latin-1; servers that put UTF-8 there mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        target = urljoin(url, location.strip())
        scheme = urlsplit(target).scheme
    except ValueError as error:
        raise errors.FetchError(f"it redirects to {location!r}, which is no address", url=asked) from error
    if scheme not in ("http", "https"):
        raise errors.FetchError(f"it redirects to {location!r}, which is not http or https", url=asked)
    return target


def _status_reason(status: int) -> str:
    known = {
        401: "it asks for a login (401)",
        403: "it refuses us (403)",
        404: "there is nothing at this address (404); look for the feed's new place",
        410: "it is gone for good (410); remove the source",
        429: "it asks us to come less often (429)",
    }
    if status in known:
        return known[status]
    return f"the server has a fault ({status})" if status >= 500 else f"the server answered {status}"


def _cause(error: BaseException) -> str:
    """The innermost reason, without the object addresses that urllib3 puts into its messages."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
