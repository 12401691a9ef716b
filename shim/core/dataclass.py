"""The part of `dataclasses` that is used here, with the same meaning, for less than a tenth of its
cost.

The library compiles up to nine methods for each class when a module is imported, and imports
`inspect`. That was a third of all the instructions of a command whose way is found anew. A checker
of types sees the library itself. There are no slots: they would need a second class.

Sources: CPython `Lib/dataclasses.py`, 3.11 to 3.14.
"""

from __future__ import annotations

from shim.core.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
else:
    MISSING = object()

    class FrozenInstanceError(AttributeError):
        """A field of a frozen instance was assigned to."""

    class _Field(NamedTuple):
        name: str = ""
        default: object = MISSING
        default_factory: object = None
        repr: bool = True
        compare: bool = True
        kw_only: bool = False

    def field(**said):
        """Return what a class says of one of its fields."""
        return _Field(**said)

    def fields(cls):
        """Return the fields of a class or an instance, in order."""
        return (*cls._fields.values(),)

    def replace(instance, /, **changes):
        """Return a copy of an instance with other values in some fields."""
        return type(instance)(**{**vars(instance), **changes})

    def dataclass(*, frozen=False, slots=False, eq=True):  # noqa: ARG001 (as the library spells it)
        """Return a decorator that gives a class its fields, and the methods that it has not."""
        wanted = ["__init__", "__repr__"] + ["__eq__", "__hash__"] * eq
        wanted += ["__setattr__", "__delattr__"] * frozen

        def give(cls):
            cls._fields = _read_fields(cls)
            cls._defaults = {
                name: one.default for name, one in cls._fields.items() if not one.default_factory
            }
            own = {**vars(cls)}
            for name in wanted:
                if name not in own:
                    setattr(cls, name, getattr(_Methods, name))
            if eq and not frozen:
                cls.__hash__ = None
            return cls

        return give

    def _read_fields(cls):
        """Return all fields by name, the bases' first. A default stays a plain attribute."""
        found = {}
        for base in reversed(cls.__mro__[1:]):
            found |= vars(base).get("_fields", {})
        for name in cls.__annotations__:
            said = vars(cls).get(name, MISSING)
            is_field = isinstance(said, _Field)
            one = said._replace(name=name) if is_field else _Field(name, said)
            found[name] = one
            if one.default is not MISSING:
                setattr(cls, name, one.default)
            elif is_field:
                delattr(cls, name)
        return found

    class _Methods:
        """What every class gets."""

        def __init__(self, *positional, **named):
            every = self._fields
            names = [name for name, one in every.items() if not one.kw_only]
            given = dict(zip(names, positional, strict=False)) | named
            values = self._defaults | given
            for name, one in every.items():
                if one.default_factory and name not in given:
                    values[name] = one.default_factory()
            is_whole = len(given) == len(positional) + len(named) and len(values) == len(every)
            if not is_whole or MISSING in values.values():
                missing = [name for name, value in values.items() if value is MISSING]
                raise TypeError(f"{type(self).__qualname__} takes {[*every]}; missing: {missing}")
            vars(self).update(values)

        def __repr__(self):
            shown = [name for name, one in self._fields.items() if one.repr]
            inner = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
            return f"{type(self).__qualname__}({inner})"

        def __eq__(self, other):
            return (
                _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented
            )

        def __hash__(self):
            return hash(_compared(self))

        def __setattr__(self, name, _):
            raise FrozenInstanceError(f"cannot assign to field {name!r}")

        def __delattr__(self, name):
            raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _compared(instance):
        return (
            *(getattr(instance, name) for name, one in instance._fields.items() if one.compare),
        )


__all__ = ["FrozenInstanceError", "dataclass", "field", "fields", "replace"]
