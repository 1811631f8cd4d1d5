"""The channels and their registry: a channel is one file and one line of `CHANNELS`.

A message in the outbox names its channel and a target; the channel finds the target's address and secrets in
the config, so that neither is in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from aggregator.notify.channels.protocol import DeliveryChannel, Outside

__all__ = ["CHANNELS", "channel"]

CHANNELS: Mapping[str, str] = {
    "apprise": "aggregator.notify.channels.apprise_services:AppriseServices",
    "digest": "aggregator.notify.channels.digest_mail:DigestMail",
    "mail": "aggregator.notify.channels.mail:Mail",
    "mastodon": "aggregator.notify.channels.mastodon:Statuses",
    "webhook": "aggregator.notify.channels.webhook:Webhooks",
    "websub": "aggregator.notify.channels.websub:Hubs",
}
"""Channel name -> its class as `module:class`; imported when something is sent."""


def channel(name: str, outside: Outside) -> DeliveryChannel | None:
    """The channel with this name; None if this version has none."""
    if name not in CHANNELS:
        return None
    module, _, kind = CHANNELS[name].partition(":")
    made: DeliveryChannel = getattr(import_module(module), kind)(outside)
    return made
