"""`lru_cache` and `cache`, without what importing `functools` costs: a third of an interpreter's
start, with `collections`.

A checker of types sees the library itself.

Sources: CPython `Lib/functools.py`, 3.11 to 3.14.
"""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cache, lru_cache
else:
    _MISSING = object()

    def lru_cache(*, maxsize):
        """Return a decorator that keeps the results of the `maxsize` last used arguments."""

        def keep(function):
            kept = {}

            def ask(*positional, **named):
                key = (positional, *named.items())
                result = kept.pop(key, _MISSING)
                if result is _MISSING:
                    result = function(*positional, **named)
                kept[key] = result
                if len(kept) > maxsize:
                    for oldest in [*kept][:-maxsize]:  # a copy: other threads ask, too
                        kept.pop(oldest, None)
                return result

            ask.__name__, ask.__doc__ = function.__name__, function.__doc__
            ask.cache_clear = kept.clear
            return ask

        return keep

    def cache(function):
        """Keep all results of a function that is asked few different things."""
        return lru_cache(maxsize=float("inf"))(function)


__all__ = ["cache", "lru_cache"]
