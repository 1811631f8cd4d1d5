"""Pages that ask for proof of a human are distinguished from the server's own words."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from aggregator.fetch.bot_protection import challenger

HTML = {"Content-Type": "text/html; charset=UTF-8"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "who"),
    [
        (403, {"CF-Mitigated": "challenge"}, b"", "Cloudflare"),
        (200, {"cf-mitigated": "challenge"}, b"", "Cloudflare"),
        (403, HTML, b"<html><title>Just a moment...</title>", "Cloudflare"),
        (503, HTML, b'<script src="/cdn-cgi/challenge-platform/h/b"></script>', "Cloudflare"),
        (429, {"X-Vercel-Mitigated": "challenge"}, b"", "Vercel"),
        (405, {"x-amzn-waf-action": "captcha"}, b"", "AWS WAF"),
        (403, HTML, b'<iframe src="/_Incapsula_Resource?x">', "Imperva"),
        (401, HTML, b'<script src="/.within.website/x/cmd/anubis/static/js/main.mjs">', "Anubis"),
        (403, HTML, b"<html>Forbidden</html>", None),
        (403, {"Content-Type": "text/plain"}, b"/cdn-cgi/challenge-platform/", None),
        (404, HTML, b"/cdn-cgi/challenge-platform/", None),
        (200, HTML, b"/cdn-cgi/challenge-platform/", None),
        (403, {}, b"", None),
    ],
)
def test_a_bot_challenge_is_recognised_by_header_or_markup(
    status: int, headers: dict[str, str], body: bytes, who: str | None
) -> None:
    """Only where such pages come: an article about them is no challenge."""
    assert challenger(status, CaseInsensitiveDict(headers), body) == who
