"""How pages look: the part of the config that people who visit them see."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainSerializer

from aggregator.config.values import FilePath
from aggregator.model.settings import Settings

__all__ = ["PageSettings"]


class PageSettings(Settings):
    """How pages look.

    `templates` is a folder of templates that stand in place of ours, absolute once loaded; None for none.
    """

    templates: Annotated[FilePath, PlainSerializer(str)] | None = None
