"""Maps exceptions of requests, urllib3 and ssl to FetchErrors; no other module does.

It is imported when there is one to be mapped (`map_errors`), as it imports requests.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib

import requests.exceptions as vendor
import urllib3.exceptions as wire

from aggregator import errors

VENDORS = (
    *(vendor.RequestException, wire.HTTPError, http.client.HTTPException),
    *(OSError, ValueError, zlib.error),
)
"""Every exception that a request through requests can raise; each is mapped by `classify`."""

# The first line that matches any exception in the chain decides; specific ones come before general ones.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], type[errors.FetchError]], ...] = (
    ((vendor.InvalidProxyURL, wire.ProxySchemeUnknown, wire.ProxySchemeUnsupported), errors.ProxyError),
    ((vendor.ProxyError, wire.ProxyError), errors.ProxyError),
    ((vendor.SSLError, wire.SSLError, ssl.SSLError), errors.TlsError),
    ((wire.NameResolutionError, socket.gaierror), errors.DnsError),
    ((wire.NewConnectionError,), errors.ConnectError),
    ((vendor.Timeout, wire.TimeoutError, TimeoutError), errors.TimedOut),
    (
        (
            *(vendor.InvalidURL, vendor.MissingSchema, vendor.InvalidSchema, vendor.URLRequired),
            *(wire.LocationValueError, http.client.InvalidURL),
        ),
        errors.BadAddress,
    ),
    ((vendor.TooManyRedirects,), errors.TooManyRedirects),
    (VENDORS, errors.BrokenExchange),
)
_OPENINGS = {
    errors.ProxyError: "the proxy failed",
    errors.TlsError: "TLS failed",
    errors.DnsError: "its host is not known",
    errors.ConnectError: "unreachable",
    errors.TimedOut: "no answer in time",
    errors.BadAddress: "not an address that can be fetched",
    errors.TooManyRedirects: "it redirects too often",
    errors.BrokenExchange: "the exchange broke off",
}
_NAMED_DIFFERENTLY = 62  # X509_V_ERR_HOSTNAME_MISMATCH


def classify(error: BaseException) -> errors.FetchError:
    """The FetchError for a library's exception, with the message of its innermost cause."""
    chain = _chain(error)
    for fault in chain:
        if isinstance(fault, errors.FetchError):
            return fault
        if isinstance(fault, ssl.SSLCertVerificationError):
            return _refused_certificate(fault)
    kind = next(
        (kind for types, kind in _KINDS if any(isinstance(fault, types) for fault in chain)),
        errors.BrokenExchange,
    )
    return kind(f"{_OPENINGS[kind]}: {_words(chain)}")


def _refused_certificate(fault: ssl.SSLCertVerificationError) -> errors.TlsError:
    named = fault.verify_code == _NAMED_DIFFERENTLY
    advice = "check the host's name in the address, or tell the publisher" if named else None
    words = (fault.verify_message or str(fault)).rstrip(".")
    return errors.TlsError(f"its TLS certificate was refused: {words}", advice=advice)


def _chain(error: BaseException) -> list[BaseException]:
    """An exception and its causes, outermost first: some libraries store causes in `args`."""
    chain: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(chain) < 20:
        fault = waiting.pop(0)
        if isinstance(fault, BaseException) and fault not in chain:
            chain.append(fault)
            waiting += [*fault.args, getattr(fault, "reason", None), fault.__cause__, fault.__context__]
    return chain


def _words(chain: list[BaseException]) -> str:
    """The innermost message, without the object addresses that urllib3 adds."""
    for fault in reversed(chain):
        if isinstance(fault, OSError) and fault.strerror:
            return fault.strerror
        if (text := str(fault)) and " object at 0x" not in text:
            return text[:200]
    return type(chain[-1]).__name__
