"""Recognises bot protection: pages that a browser must solve, sent in place of a feed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

STATUSES = frozenset((202, 401, 403, 405, 429, 503))
"""The statuses of such pages; with any other status only a header decides."""

MAX_BYTES = 32 * 1024
"""How many bytes of a body are searched: the marks are in the page's head."""

_HEADERS = (
    ("cf-mitigated", "challenge", "Cloudflare"),
    ("x-vercel-mitigated", "challenge", "Vercel"),
    ("x-amzn-waf-action", "c", "AWS WAF"),  # `challenge` or `captcha`
    ("x-datadome", "", "DataDome"),
)
_MARKS = (
    (b"/cdn-cgi/challenge-platform/", "Cloudflare"),
    (b"<title>just a moment...", "Cloudflare"),
    (b"cf-browser-verification", "Cloudflare"),
    (b"_incapsula_resource", "Imperva"),
    (b"/.within.website/x/cmd/anubis/", "Anubis"),
    (b"ddos-guard", "DDoS-Guard"),
    (b"sucuri_cloudproxy_js", "Sucuri"),
    (b"captcha-delivery.com", "DataDome"),
    (b"px-captcha", "HUMAN"),
    (b"awswafintegration", "AWS WAF"),
    (b"www.google.com/recaptcha/", "reCAPTCHA"),
    (b"hcaptcha.com/1/api.js", "hCaptcha"),
)


def challenger(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """The name of the bot protection that answered, None for an ordinary response; `body` may be only its
    beginning.
    """
    for name, value, who in _HEADERS:
        if name in headers and headers[name].strip().lower().startswith(value):
            return who
    if status not in STATUSES or "html" not in headers.get("Content-Type", "").lower():
        return None
    page = body[:MAX_BYTES].lower()
    return next((who for mark, who in _MARKS if mark in page), None)
