"""The common part of the channels of `[[notify]]`: their targets are the names of those tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from datetime import datetime

from aggregator.config.load import Notify
from aggregator.errors import DeliveryError
from aggregator.notify.channels.protocol import DeliveryChannel
from aggregator.notify.notice import Notice
from aggregator.notify.quiet_hours import is_quiet
from aggregator.store import OutboxMessage

__all__ = ["Receivers"]


class Receivers(DeliveryChannel):
    """A channel of notices; `name` is its name among the channels."""

    name = ""

    def targets(self) -> Collection[str]:
        """The names of the enabled notices for this channel."""
        return [rule.name for rule in self._rules if rule.channel == self.name]

    @property
    def _rules(self) -> list[Notify]:
        return [rule for rule in self.outside.config.notify if rule.enabled]

    def send(self, message: OutboxMessage, now: datetime) -> None:
        """Sends a notice. Raises DeliveryError."""
        rule = self._rule(message.target)
        if rule is None:
            raise DeliveryError("the config names no such receiver any more", is_final=True)
        self.tell(rule, Notice.of(message.payload), message, now)

    @abstractmethod
    def tell(self, rule: Notify, notice: Notice, message: OutboxMessage, now: datetime) -> None:
        """Sends a notice to the receiver of a rule. Raises DeliveryError."""

    def subject(self, message: OutboxMessage) -> str:
        """The title of the notice."""
        return Notice.of(message.payload).subject

    def is_resting(self, target: str, now: datetime) -> bool:
        """Whether its quiet hours are now."""
        rule = self._rule(target)
        return rule is not None and is_quiet(rule, self.outside.config.site, now)

    def place(self, target: str) -> str:
        """The host of a webhook, the address of mail, the kind of a service."""
        rule = self._rule(target)
        return target if rule is None else f"{target} ({rule.place})"

    def _rule(self, name: str) -> Notify | None:
        return next((rule for rule in self._rules if rule.name == name), None)
