"""The form of plain data: a `Struct` is like a data class, and cheaper to define, make, copy and send.

Its class is defined in 5 µs instead of 300, and a run defines a hundred before it polls. An article is made
in an eighth of the time, and copied with changes in a twentieth.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace as replace_struct

__all__ = ["Struct", "field", "replace"]

if TYPE_CHECKING:
    from dataclasses import replace  # its arguments are checked
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """Returns a copy of a `Struct` or data class with these changes."""
        is_struct = isinstance(value, Struct)
        return (replace_struct if is_struct else dataclasses.replace)(value, **changes)
