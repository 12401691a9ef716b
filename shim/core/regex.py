"""`re`, imported when something of it is first used.

It costs as much as a whole start of an interpreter, with `enum`, `functools` and `collections`, and
most commands whose way is found anew need no pattern.

Sources: PEP 562 (a module's `__getattr__`).
"""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        import re

        value = globals()[name] = getattr(re, name)
        return value
