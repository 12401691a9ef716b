"""Our `NamedTuple` is the library's, as far as it goes: each fact is asked of both."""

from __future__ import annotations

import copy
import typing
from collections.abc import Callable
from typing import Any

import pytest

from shim.core import typing as ours


def make(library: Any) -> Any:
    """Return a class with a place that has to be given, and places that have values."""

    class Place(library.NamedTuple):
        host: str
        port: int = 443
        names: tuple[str, ...] = ()

        @property
        def shown(self) -> str:
            return f"{self.host}:{self.port}"

        def __str__(self) -> str:
            return self.shown

    return Place


def matched(value: Any, kind: Any) -> Any:
    match value:
        case kind(host, port):
            return host, port


FACTS: dict[str, Callable[[Any], Any]] = {
    "by place": lambda place: tuple(place("a", 1, ("b",))),
    "by name": lambda place: tuple(place(port=1, host="a")),
    "mixed": lambda place: tuple(place("a", names=("b",))),
    "read": lambda place: [place("a").host, place("a").port, place("a").names, place("a")[1]],
    "repr": lambda place: repr(place("a")).rpartition(".")[2],
    "str": lambda place: str(place("a")),
    "fields": lambda place: (place._fields, place._field_defaults, place.__match_args__),
    "as a dictionary": lambda place: place("a")._asdict(),
    "replaced": lambda place: tuple(place("a")._replace(port=1)),
    "replaced by a stranger": lambda place: place("a")._replace(stranger=1),
    "equal": lambda place: (place("a") == ("a", 443, ()), place("a") == place("b")),
    "hash": lambda place: len({place("a"), place("a", 443), place("b")}),
    "unpacked": lambda place: [*place("a")],
    "matched": lambda place: matched(place("a", 1), place),
    "copied": lambda place: copy.copy(place("a")) == place("a"),
    "truth": lambda place: bool(place("")),
    "changed": lambda place: setattr(place("a"), "host", "b"),
    "nothing said": lambda place: place(),
    "too much": lambda place: place("a", 1, (), "z"),
    "twice": lambda place: place("a", host="b"),
    "a stranger": lambda place: place("a", stranger=1),
    "a child": lambda place: tuple(type("Child", (place,), {})("a", port=1)),
}


@pytest.mark.parametrize("fact", FACTS)
def test_it_does_as_the_library_does(fact: str) -> None:
    assert outcome(FACTS[fact], make(ours)) == outcome(FACTS[fact], make(typing))


def outcome(ask: Callable[[Any], Any], kind: Any) -> Any:
    try:
        return ask(kind)
    except AttributeError:
        return AttributeError
    except (TypeError, ValueError):  # a stranger is either, depending on Python's release
        return TypeError


def test_names_of_types_can_be_written_as_the_library_has_them() -> None:
    assert ours.cast(int, "1") == "1"
    for alias in (ours.Literal["a", "b"], ours.IO[bytes], ours.Protocol, dict[str, ours.Any]):
        assert alias | None  # as aliases are made when a module is imported
