"""The sample of docs/notifications.md that checks a webhook's signature, run."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from aggregator.notify.channels.webhook import body_of, signed
from aggregator.notify.notice import Notice
from tests.conftest import NOW

PAGE = Path(__file__).parents[2] / "docs/notifications.md"
BYTES = b"32 bytes, as openssl rand makes."
BASE64 = base64.b64encode(BYTES).decode()
BODY = body_of(Notice(name="Tea \u8336", made=NOW.isoformat()))


def sample() -> Any:
    """The function of the sample."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_signed"]


@pytest.mark.parametrize("key", [f"whsec_{BASE64}", BASE64, "a key of any text, t\u00e9 too"])
def test_the_sample_accepts_what_is_signed_with_a_key_of_either_form(key: str) -> None:
    """And nothing that was changed, or signed with another."""
    headers = signed("0" * 32, NOW, BODY, key)
    assert sample()(key, headers, BODY)
    assert not sample()(key, headers, BODY + b" ")
    assert not sample()(key, {**headers, "webhook-timestamp": "1"}, BODY)
    assert not sample()(f"{key}="[-44:], headers, BODY)


def test_the_recommended_key_works_with_standard_webhooks() -> None:
    """By libraries that decode base64, with the prefix or without."""
    headers = signed("0" * 32, NOW, BODY, f"whsec_{BASE64}")
    assert sample()(f"whsec_{BASE64}", headers, BODY)
    assert not sample()(BASE64, headers, BODY)
    assert "whsec_$(openssl rand -base64 32)" in PAGE.read_text(encoding="utf-8")
