"""The options of a source of kind `articles`."""

from __future__ import annotations

import re

from pydantic import field_validator, model_validator

from aggregator.adapters.articles.permalinks import Generator
from aggregator.model.settings import Settings
from aggregator.normalise.links import resolve


class Options(Settings):
    """Which files of a folder are published, and the address of its site.

    - `drafts`: also drafts and other files that their generator would not publish.
    - `future`: also articles with a date in the future, at once; else they are published on that date.
    - `link`: the address of the site that the folder is the source of, "" when there is none. Relative
      addresses in a file are made absolute with it.
    - `permalink`: how the site's generator makes the path of an article, as in the generator's own
      settings: a pattern, or the name of one of Jekyll's. "": only files with an address of their own have
      a link.
    - `generator`: the generator of the pattern; None: guessed from the pattern.
    """

    drafts: bool = False
    future: bool = False
    link: str = ""
    permalink: str = ""
    generator: Generator | None = None

    @field_validator("link")
    @classmethod
    def _is_address(cls, value: str) -> str:
        address = value.strip()
        if not address:
            return ""
        if resolve(address) is None or re.search(r"[?#]", address):
            raise ValueError(f"{value!r} is not an address; write it like 'https://blog.example/'")
        return address.rstrip("/") + "/"

    @model_validator(mode="after")
    def _has_site(self) -> Options:
        if self.permalink and not self.link:
            raise ValueError("permalink needs the address of the site, as link")
        return self
