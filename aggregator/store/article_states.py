"""The states of articles in the store."""

from __future__ import annotations

__all__ = ["FORGOTTEN", "FOUND", "PRUNED", "RECALLED", "WITHDRAWN"]

FOUND, WITHDRAWN, PRUNED, FORGOTTEN, RECALLED = "found", "withdrawn", "pruned", "forgotten", "recalled"
"""The states of an article.

- `FOUND`: to be shown.
- `WITHDRAWN`: its file is gone.
- `PRUNED`: too old or too many; only its id is kept, so that it does not come back.
- `FORGOTTEN`: its content was erased on demand; only its id is kept.
- `RECALLED`: it was forgotten, and is stored again as a new article once its source has it.
"""
