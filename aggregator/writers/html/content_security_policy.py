"""The Content-Security-Policy of the pages."""

from __future__ import annotations

__all__ = ["FORM_POLICY", "POLICY", "policy_of"]

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; media-src https:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy in the pages; `frame-ancestors` can only be in a header."""

FORM_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
"""The Content-Security-Policy of pages with a search form."""


def policy_of(*, has_search: bool, has_script: bool, plays_http: bool) -> str:
    """Returns the policy of a site's pages; `has_script`: scripts from files of the site are allowed, no
    others.

    `plays_http` allows media from http addresses too.
    """
    policy = FORM_POLICY if has_search else POLICY
    policy = policy.replace("media-src https:", "media-src https: http:") if plays_http else policy
    return f"{policy}; script-src 'self'" if has_script else policy
