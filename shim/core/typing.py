"""The names of `typing` and `collections.abc` that are used here, without what they cost to import.

`typing` costs two starts of an interpreter, and each of its `NamedTuple`s compiles one function. At
run time a type says nothing here, so that a name is enough; a checker of types sees the library
itself. `NamedTuple` means what the library's means.

Sources: CPython `Lib/typing.py` and `Lib/collections/__init__.py`, 3.11 to 3.14.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Container,
        Generator,
        Hashable,
        Iterable,
        Iterator,
        Mapping,
        MutableMapping,
        Sequence,
    )
    from types import MappingProxyType
    from typing import (
        IO,
        Any,
        Literal,
        NamedTuple,
        NoReturn,
        Protocol,
        TypedDict,
        TypeVar,
        cast,
    )
else:
    from _collections import _tuplegetter

    class Any:
        """Stands for each type, and for a type of something: `Literal["a"]`, `IO[bytes]`."""

        def __class_getitem__(cls, _):
            return cls

    Callable = Collection = Container = Generator = Hashable = Iterable = Iterator = Any
    Mapping = MutableMapping = Sequence = IO = Literal = NoReturn = Protocol = Any
    MappingProxyType = type(vars(Any))

    class TypedDict(dict):
        """A dictionary."""

    def TypeVar(*_, **__):  # noqa: N802 (as the library spells it)
        """Return what stands for a type."""
        return Any

    def cast(_, value):
        """Return the value."""
        return value

    class NamedTuple(tuple):
        """A tuple whose places have names, in the order of the class's annotations."""

        _fields = ()
        _field_defaults = {}  # noqa: RUF012 (each class has its own)

        def __init_subclass__(cls):
            if NamedTuple not in cls.__bases__:
                return
            cls._fields = cls.__match_args__ = (*cls.__annotations__,)
            own = vars(cls)
            cls._field_defaults = {name: own[name] for name in cls._fields if name in own}
            for place, name in enumerate(cls._fields):
                setattr(cls, name, _tuplegetter(place, None))

        def __new__(cls, *positional, **named):  # noqa: D102 (see the class)
            fields, lacking = cls._fields, len(cls._fields) - len(positional)
            if not named and 0 < lacking <= len(cls._field_defaults):
                positional += (*cls._field_defaults.values(),)[-lacking:]
            elif named or lacking:
                given = dict(zip(fields, positional, strict=False)) | named
                values = cls._field_defaults | given
                is_whole = len(given) == len(positional) + len(named)
                if not is_whole or len(values) != len(fields) or not {*fields}.issuperset(given):
                    raise TypeError(f"{cls.__qualname__} takes {fields}; given: {(*given,)}")
                positional = [values[name] for name in fields]
            return tuple.__new__(cls, positional)

        def _replace(self, /, **changes):
            if stranger := changes.keys() - {*self._fields}:
                raise ValueError(f"{type(self).__qualname__} has no {sorted(stranger)}")
            values = [changes.get(*pair) for pair in zip(self._fields, self, strict=True)]
            return tuple.__new__(type(self), values)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self):
            return (*self,)

        def __repr__(self):
            inner = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__qualname__}({inner})"


__all__ = [
    "IO",
    "TYPE_CHECKING",
    "Any",
    "Callable",
    "Collection",
    "Container",
    "Generator",
    "Hashable",
    "Iterable",
    "Iterator",
    "Literal",
    "Mapping",
    "MappingProxyType",
    "MutableMapping",
    "NamedTuple",
    "NoReturn",
    "Protocol",
    "Sequence",
    "TypeVar",
    "TypedDict",
    "cast",
]
