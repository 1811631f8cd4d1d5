"""The base class of all settings: the config's tables, and the options of source kinds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of settings: frozen; an unknown key is an error, and values keep their types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
