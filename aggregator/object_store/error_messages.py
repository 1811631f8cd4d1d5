"""Explains an object store's errors: what to change, without secrets. Pure.

The library's messages repeat addresses and whole responses, which may contain keys and signatures: only the
error code and the status are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from aggregator.errors import ObjectStoreError

__all__ = ["failure"]

_CODE = re.compile(r"<Code>\s*([A-Za-z]{1,60})\s*</Code>")
_STATUS = re.compile(r"status(?: code)?: (\d{3})\b")
_KIND = re.compile(r"\bkind: (Connect|Request|Timeout|Interrupted|Decode|Unknown)\b")
_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_WRONG_REGION = (
    "the bucket is in another region",
    "set AWS_REGION to the bucket's region, or AWS_ENDPOINT_URL to the store's address",
)
_RIGHTS = (
    "let them list, read, write and delete below the prefix (s3:ListBucket, s3:GetObject, s3:PutObject, "
    "s3:DeleteObject)"
)
_UNKNOWN_REQUEST = (
    "use a store with conditional writes (If-Match, If-None-Match); AWS_DISABLE_BULK_DELETE=true does "
    "without deleting many objects at once"
)
_WRONG_KEYS = ("the store does not know the keys, or the secret is another", f"correct {_KEYS}")
_OLD_TOKEN = ("the token has expired or is not valid", "renew AWS_SESSION_TOKEN and the keys it belongs to")
_BUSY = ("the store asks to come later", "nothing needs doing unless it stays")

_OF_CODE: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "make it, or correct the config's output"),
    "InvalidBucketName": ("the store takes no such name", "correct the config's output"),
    "AccessDenied": ("the keys do not allow it", _RIGHTS),
    "AllAccessDisabled": ("the bucket is switched off", "ask the store's operator"),
    "InvalidAccessKeyId": _WRONG_KEYS,
    "SignatureDoesNotMatch": _WRONG_KEYS,
    "InvalidToken": _OLD_TOKEN,
    "ExpiredToken": _OLD_TOKEN,
    "TokenRefreshRequired": _OLD_TOKEN,
    "RequestTimeTooSkewed": (
        "this machine's clock and the store's differ by more than the store allows",
        "set the clock, best by NTP",
    ),
    "RequestExpired": ("the request came too late", "set the clock, best by NTP"),
    "PermanentRedirect": _WRONG_REGION,
    "TemporaryRedirect": _WRONG_REGION,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "IllegalLocationConstraintException": _WRONG_REGION,
    "NotImplemented": ("the store does not know a request that is needed", _UNKNOWN_REQUEST),
    "QuotaExceeded": ("the store is full", "free some space there"),
    "XMinioStorageFull": ("the store is full", "free some space there"),
    "EntityTooLarge": ("a file is larger than the store takes", "lower entries_per_feed"),
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
    "Busy": _BUSY,
    "InternalError": ("the store failed", "nothing needs doing unless it stays"),
    "RequestTimeout": ("the request took too long", "look at the network between here and the store"),
}
_PASSING = frozenset(("SlowDown", "ServiceUnavailable", "Busy", "InternalError", "RequestTimeout"))


def failure(error: Exception, place: object, endpoint: str) -> ObjectStoreError:
    """The error as ours: `place` is our address in the store, `endpoint` its host."""
    reason, advice, is_passing = _meaning(str(error), endpoint)
    return ObjectStoreError(f"{place}: {reason}; {advice}", is_passing=is_passing)


def _meaning(text: str, endpoint: str) -> tuple[str, str, bool]:
    code = found[1] if (found := _CODE.search(text)) else ""
    if code in _OF_CODE:
        reason, advice = _OF_CODE[code]
        return reason, advice, code in _PASSING
    if "/latest/" in text or "metadata" in text or "credential" in text.lower():
        return "no keys are set", f"set {_KEYS} in the environment", False
    status = int(found[1]) if (found := _STATUS.search(text)) else 0
    named = f" ({code})" if code else ""
    if status in (401, 403):
        reason, advice = _OF_CODE["AccessDenied"]
        return f"{reason}{named}", advice, False
    if status in (408, 429) or status >= 500:
        reason = "the store asks to come later" if status in (429, 503) else "the store failed"
        return f"{reason} (status {status}{named})", "nothing needs doing unless it stays", True
    if status in (301, 302, 307) or "Received redirect" in text:
        return *_WRONG_REGION, False
    if status == 404:
        return *_OF_CODE["NoSuchBucket"], False
    if status:
        return f"the store refuses it (status {status}{named})", "look at the store's own log", False
    if "certificate" in text.lower():
        advice = "correct it; for a certificate of your own, name its authority's file in fetch.tls_ca"
        return f"the certificate of {endpoint} was refused", advice, False
    kind = found[1] if (found := _KIND.search(text)) else ""
    check = "look at AWS_ENDPOINT_URL, and at the network between here and the store"
    if kind == "Connect":
        return f"nothing answers at {endpoint}", check, True
    if kind == "Timeout" or "timed out" in text:
        return f"{endpoint} was silent for too long", check, True
    return f"the exchange with {endpoint} broke off", check, True
