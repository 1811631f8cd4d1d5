"""Webhooks, signed as Standard Webhooks says (https://www.standardwebhooks.com/): JSON over guarded
connections.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime

from aggregator.config.load import Notify
from aggregator.config.notifying import signing_key
from aggregator.errors import SourceError
from aggregator.notify.channels.notice_receivers import Receivers
from aggregator.notify.channels.protocol import not_taken
from aggregator.notify.notice import Notice
from aggregator.store import OutboxMessage

__all__ = ["Webhooks", "body_of", "signed"]


class Webhooks(Receivers):
    """POSTs JSON to an https address. No redirect is followed; any 2xx status is success."""

    name = "webhook"

    def tell(self, rule: Notify, notice: Notice, message: OutboxMessage, now: datetime) -> None:
        """Sends one request, with the message's id as `webhook-id`, also when it is sent again."""
        body = body_of(notice)
        headers = signed(message.id, now, body, rule.key.get_secret_value() if rule.key else "")
        try:
            self.outside.fetcher().post(rule.address, body, headers, now)
        except SourceError as error:
            raise not_taken(error) from error


def body_of(notice: Notice) -> bytes:
    """The body: type, time and data of a notice, as JSON."""
    said = {
        "type": "test" if notice.is_test else "notice",
        "timestamp": notice.made,
        "data": notice.payload(),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def signed(message_id: str, now: datetime, body: bytes, key: str) -> dict[str, str]:
    """The headers of a webhook: HMAC-SHA256 over id, time of this attempt (Unix seconds) and body."""
    seconds = str(int(now.timestamp()))
    text = b".".join((message_id.encode(), seconds.encode(), body))
    signature = base64.b64encode(hmac.new(signing_key(key), text, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }
