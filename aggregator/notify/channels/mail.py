"""Notices as mail."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote

from aggregator.config.load import Notify
from aggregator.errors import DeliveryError
from aggregator.notify.channels.notice_receivers import Receivers
from aggregator.notify.mail_messages import list_id, mail_message
from aggregator.notify.notice import Notice
from aggregator.notify.smtp import send_mail
from aggregator.store import OutboxMessage

__all__ = ["Mail"]


class Mail(Receivers):
    """Sends notices by the config's mail server."""

    name = "mail"

    def tell(self, rule: Notify, notice: Notice, message: OutboxMessage, now: datetime) -> None:
        """Sends one mail; its Message-ID is made from the message's id, also when it is sent again."""
        config = self.outside.config
        if config.smtp is None:
            raise DeliveryError("there is no mail server in the config: add a table [smtp]")
        sender = config.smtp.sender
        sent = mail_message(
            message_id=message.id,
            sender=sender,
            sender_name=config.site.title,
            recipient=unquote(rule.address.removeprefix("mailto:")),
            subject=notice.subject,
            made=message.queued,
            text=notice.text(),
            html=notice.html(),
            headers={"List-Id": list_id(rule.name, sender)},
        )
        send_mail(config.smtp, sent)
