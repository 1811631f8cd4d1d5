"""The options of a source of kind `articles`."""

from __future__ import annotations

import re

from pydantic import field_validator, model_validator

from aggregator.adapters.articles.permalinks import Generator
from aggregator.model.settings import Settings
from aggregator.normalise.links import resolve


class Options(Settings):
    """What of a folder is published, and where its site is.

    - `drafts`: also drafts and other files that their generator would not publish.
    - `future`: also articles whose date has not come yet, at once; else they wait for it.
    - `link`: the address of the site that the folder is the source of, "" when there is none. It makes what
      is relative in a file absolute.
    - `permalink`: how the site's generator makes the path of an article, as in the generator's own settings:
      a pattern, or one of Jekyll's names for one. "": only files that say their own address have a link.
    - `generator`: the one that the pattern is for, None: the one that it looks like.
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
            raise ValueError(f"{value!r} is no address; write it such as 'https://blog.example/'")
        return address.rstrip("/") + "/"

    @model_validator(mode="after")
    def _has_site(self) -> Options:
        if self.permalink and not self.link:
            raise ValueError("permalink needs the address of the site, as link")
        return self
