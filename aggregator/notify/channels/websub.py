"""WebSub: notifies a hub, with one request for each feed.

The specification does not define the form of this request (W3C WebSub §5); what hubs have accepted since
PubSubHubbub 0.3 is `hub.mode=publish` with `hub.url`. Some accept several `hub.url` at once, others then use
only the last, so each feed has a separate request.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from aggregator.errors import SourceError
from aggregator.notify.channels.protocol import DeliveryChannel, Patience, not_taken
from aggregator.store import OutboxMessage


class Hubs(DeliveryChannel):
    """The config's hubs: their addresses are the targets. Tries for about a day."""

    noun = "announcement"
    is_repeated = True
    patience = Patience(attempts=8, refusals=3)

    def targets(self) -> Collection[str]:
        """The addresses of `publish.hubs`."""
        return self.outside.config.publish.hubs

    def send(self, message: OutboxMessage, now: datetime) -> None:
        """Sends one form."""
        try:
            self.outside.fetcher().announce(message.target, self.subject(message), now)
        except SourceError as error:
            raise not_taken(error) from error

    def subject(self, message: OutboxMessage) -> str:
        """The address of the feed."""
        return str(message.payload["topic"])
