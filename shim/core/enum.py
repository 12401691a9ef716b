"""`Enum` as it is used here, without what importing `enum` costs: two fifths of an interpreter's
start, and for each member as much as a class.

A member has a `name` and a `value`, and is equal to nothing but itself. A checker of types sees the
library itself. There are no aliases, no members by value, and no protection against changes.

Sources: CPython `Lib/enum.py`, 3.11 to 3.14.
"""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enum import Enum
else:

    class _Members(type):
        """What a class of members can do: be gone through, in the order of definition."""

        def __iter__(cls):
            return iter(cls._members)

        def __len__(cls):
            return len(cls._members)

    class Enum(metaclass=_Members):
        """A class whose attributes, other than methods and private ones, become its members."""

        def __init_subclass__(cls):
            cls._members = []
            for name, value in [*vars(cls).items()]:
                if name.isupper():
                    member = object.__new__(cls)
                    member.name, member.value = name, value
                    setattr(cls, name, member)
                    cls._members.append(member)

        def __repr__(self):
            return f"<{self}: {self.value!r}>"

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"


__all__ = ["Enum"]
