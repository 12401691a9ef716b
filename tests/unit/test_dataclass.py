"""Our `dataclass` is the library's, as far as it goes: each fact is asked of both."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from shim.core import dataclass as ours


def make(library: Any, **options: bool) -> tuple[type, type]:
    """Return a class of every kind of field, and one that adds to it."""

    @library.dataclass(frozen=True, slots=True)
    class Base:
        name: str
        secret: str = library.field(default="s", repr=False)
        note: int = library.field(default=0, compare=False)
        served: Callable[[int], int] = abs
        last: str = library.field(default="", kw_only=True)

    @library.dataclass(slots=True, **options)
    class Derived(Base if options.get("frozen") else object):  # type: ignore[misc]
        made: list[str] = library.field(default_factory=list)
        plain: tuple[str, ...] = ()

    return Base, Derived


FACTS: dict[str, Callable[[Any], Any]] = {
    "repr": lambda base: repr(base("a", "b")).rpartition(".")[2],
    "equal": lambda base: (base("a") == base("a"), base("a") == base("b"), base("a") == "a"),
    "not compared": lambda base: base("a", note=1) == base("a", note=2),
    "hash": lambda base: len({base("a"), base("a", note=1), base("b")}),
    "defaults": lambda base: [getattr(base("a"), name) for name in ("secret", "note", "last")],
    "a function stays one": lambda base: base("a").served(-1),
    "by name": lambda base: base(name="a", last="z").last,
    "unhashable": lambda base: hash(base("a", [])),
    "nothing said": lambda base: base(),
    "too much": lambda base: base("a", "b", 1, abs, "z"),
    "twice": lambda base: base("a", name="b"),
    "a stranger": lambda base: base("a", stranger=1),
    "changed": lambda base: setattr(base("a"), "name", "b"),
    "deleted": lambda base: delattr(base("a"), "name"),
}


@pytest.mark.parametrize("fact", FACTS)
def test_it_does_as_the_library_does(fact: str) -> None:
    assert outcome(FACTS[fact], make(ours)[0]) == outcome(FACTS[fact], make(dataclasses)[0])


def outcome(ask: Callable[[Any], Any], base: type) -> Any:
    try:
        return ask(base)
    except (TypeError, AttributeError) as error:
        return AttributeError if isinstance(error, AttributeError) else TypeError


@pytest.mark.parametrize("library", [ours, dataclasses])
def test_fields_copies_and_what_is_made(library: Any) -> None:
    base, derived = make(library, frozen=True)
    one = derived("a", plain=("x",))

    assert [field.name for field in library.fields(base)] == [
        "name", "secret", "note", "served", "last",
    ]  # fmt: skip
    assert library.replace(one, name="b") == derived("b", plain=("x",))
    assert derived("a").made is not derived("a").made


@pytest.mark.parametrize("library", [ours, dataclasses])
def test_what_is_not_frozen_changes_and_has_no_hash(library: Any) -> None:
    _, derived = make(library)
    one = derived()
    one.plain = ("x",)

    assert one == derived([], ("x",))
    with pytest.raises(TypeError):
        hash(one)
