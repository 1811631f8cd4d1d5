"""The pip command that installs an optional extra for this installation of Aggregator."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import distribution
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from aggregator import DISTRIBUTION


def install_command(extra: str) -> str:
    """The pip command that adds `extra`, from where this installation came (PEP 610's direct_url.json).

    A checkout is named by its path, an archive or repository by its address. An installation from an index is
    named by the distribution's name, which differs from the package's: on the index that name is another
    project.
    """
    origin = _origin()
    url = str(origin.get("url") or "")
    target = f"{DISTRIBUTION}[{extra}]"
    if "dir_info" in origin and url.startswith("file:"):
        path = url2pathname(urlsplit(url).path)
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return f"pip install {editable}{shlex.quote(f'{path}[{extra}]')}"
    if "vcs_info" in origin:
        source = origin["vcs_info"]
        folder = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
        target += f" @ {source['vcs']}+{url}@{source['commit_id']}{folder}"
    elif url:
        target += f" @ {url}"
    return f"pip install {shlex.quote(target)}"


def _origin() -> dict[str, Any]:
    text = distribution(DISTRIBUTION).read_text("direct_url.json")
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}
