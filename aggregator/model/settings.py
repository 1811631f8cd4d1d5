"""What every table of settings is built on: the config's own, and the options of a kind of source."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of settings: frozen; an unknown key is an error, and values keep their types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
