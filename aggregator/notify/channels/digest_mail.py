"""Digests as mail."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from aggregator.config.digests import Digest
from aggregator.errors import DeliveryError
from aggregator.notify.channels.protocol import DeliveryChannel, Patience
from aggregator.notify.digest_text import DigestText
from aggregator.notify.mail_messages import list_id, mail_message
from aggregator.notify.smtp import send_mail
from aggregator.store import OutboxMessage

__all__ = ["DigestMail", "inlined"]


class DigestMail(DeliveryChannel):
    """Sends digests by the config's mail server; a target is a digest's name and an address."""

    noun = "digest"
    patience = Patience(age=timedelta(days=6), waiting=20)

    def targets(self) -> Collection[str]:
        """Every address of every enabled digest."""
        return [*self._receivers()]

    def _receivers(self) -> dict[str, tuple[Digest, str]]:
        enabled = (digest for digest in self.outside.config.digest if digest.enabled)
        return {f"{digest.name}: {to}": (digest, to) for digest in enabled for to in digest.to}

    def send(self, message: OutboxMessage, now: datetime) -> None:
        """Sends one mail; its Message-ID is made from the message's id, also when it is sent again."""
        config = self.outside.config
        if (found := self._receivers().get(message.target)) is None:
            raise DeliveryError("the config names no such receiver any more", is_final=True)
        if config.smtp is None:
            raise DeliveryError("there is no mail server in the config: add a table [smtp]")
        digest, to = found
        said, sender = DigestText.of(message.payload), config.smtp.sender
        headers = {"List-Id": list_id(digest.name, sender)}
        if digest.unsubscribe:
            headers["List-Unsubscribe"] = f"<{digest.unsubscribe}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        sent = mail_message(
            message_id=message.id,
            sender=sender,
            sender_name=config.site.title,
            recipient=to,
            subject=said.title,
            made=message.queued,
            text=said.text(digest.unsubscribe or ""),
            html=inlined(said.html(digest.unsubscribe or "")),
            headers=headers,
        )
        send_mail(config.smtp, sent)

    def subject(self, message: OutboxMessage) -> str:
        """The title of the digest."""
        return DigestText.of(message.payload).title


def inlined(html: str) -> str:
    """A page with its styles in its elements, as mail programs need it; requires the extra `notify`.

    Without it the styles stay in the head, which many mail programs also read.
    """
    try:
        import css_inline
    except ImportError:
        return html
    # Nothing is loaded: the page names no style file, and must not.
    return css_inline.CSSInliner(load_remote_stylesheets=False).inline(html)
