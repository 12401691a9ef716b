"""`contextmanager` and `suppress`, without what importing `contextlib` costs: half of an
interpreter's start, with `collections` and `functools`.

A checker of types sees the library itself. What `contextmanager` makes is no decorator.

Sources: CPython `Lib/contextlib.py`, 3.11 to 3.14.
"""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import contextmanager, suppress
else:

    def contextmanager(function):
        """Return a function whose results are for `with`, made of one that yields once."""

        def make(*positional, **named):
            return _Manager(function(*positional, **named))

        make.__name__, make.__doc__ = function.__name__, function.__doc__
        return make

    class _Manager:
        def __init__(self, generator):
            self._generator = generator

        def __enter__(self):
            return next(self._generator)

        def __exit__(self, _, error, __):
            if error is None:
                if next(self._generator, self) is not self:
                    raise RuntimeError("it yields twice")
                return False
            try:
                self._generator.throw(error)
            except StopIteration as end:
                return end is not error
            except BaseException as raised:
                # Python makes a RuntimeError of a StopIteration that leaves a generator.
                if raised is error or (
                    isinstance(error, StopIteration) and raised.__cause__ is error
                ):
                    return False
                raise
            raise RuntimeError("it yields twice")

    class suppress:  # noqa: N801 (as the library spells it)
        """Goes on after the `with` where one of these errors leaves it."""

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            pass

        def __exit__(self, kind, _, __):
            return kind is not None and issubclass(kind, self._kinds)


__all__ = ["contextmanager", "suppress"]
