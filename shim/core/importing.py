"""`import_module`, without what importing `importlib` costs.

Sources: CPython `Lib/importlib/__init__.py`, 3.11 to 3.14.
"""

from __future__ import annotations

import sys

from shim.core.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def import_module(name: str) -> ModuleType:
    """Return the module of an absolute name. Raises ImportError."""
    __import__(name)
    return sys.modules[name]
