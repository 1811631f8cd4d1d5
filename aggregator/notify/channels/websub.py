"""WebSub: a hub is notified of one feed a request.

The specification leaves the form of that to publisher and hub (W3C WebSub §5); what hubs have taken since
PubSubHubbub 0.3 is `hub.mode=publish` with `hub.url`. Some take several `hub.url` at once, others then hear
only the last, so each feed has a request of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from aggregator.errors import SourceError
from aggregator.notify.channels.channel import DeliveryChannel, Patience, not_taken
from aggregator.store import Outgoing


class Hubs(DeliveryChannel):
    """The hubs of the config: their addresses are the targets. About a day of attempts."""

    noun = "announcement"
    is_repeated = True
    patience = Patience(attempts=8, refusals=3)

    def targets(self) -> Collection[str]:
        """`publish.hubs`."""
        return self.outside.config.publish.hubs

    def send(self, message: Outgoing, now: datetime) -> None:
        """One form."""
        try:
            self.outside.fetcher().announce(message.target, self.subject(message), now)
        except SourceError as error:
            raise not_taken(error) from error

    def subject(self, message: Outgoing) -> str:
        """The address of the feed."""
        return str(message.payload["topic"])
