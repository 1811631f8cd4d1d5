"""Sends to all other services by Apprise: chats, phones, push services.

Its plugins make requests themselves, without our guard and our deadlines: only the config names addresses.
Their log messages contain addresses with keys, and are therefore suppressed.
"""

from __future__ import annotations

import logging
from datetime import datetime

from aggregator.config.load import Notify
from aggregator.errors import DeliveryError
from aggregator.normalise.text import cut, tidy
from aggregator.notify.channels.notice_receivers import Receivers
from aggregator.notify.mentions import without_mentions
from aggregator.notify.notice import Notice
from aggregator.store import OutboxMessage

__all__ = ["AppriseServices"]

MAX_TEXT = 3_500
"""Many services take 4,096 characters and refuse more."""


class AppriseServices(Receivers):
    """Sends notices by Apprise."""

    name = "apprise"

    def tell(self, rule: Notify, notice: Notice, message: OutboxMessage, now: datetime) -> None:
        """Sends one plain text message. Services have no message ids: one that was sent when we were killed
        is repeated.
        """
        try:
            import apprise
        except ImportError as error:
            raise DeliveryError(
                "Apprise is not installed; pip install 'aggregator-republisher[notify]'"
            ) from error
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        made = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True))
        if not made.add(rule.address.removeprefix("apprise:")):
            raise DeliveryError("Apprise does not know this address; see its documentation, and correct `to`")
        text = without_mentions(notice.text())
        if len(text) > MAX_TEXT:
            text = text[: MAX_TEXT - 2].rpartition("\n")[0] + "\n…"
        title = cut(without_mentions(tidy(notice.subject)), 200)
        if not made.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT):
            raise DeliveryError("the service did not accept it; Apprise gives no reason")
