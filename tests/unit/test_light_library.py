"""What `shim.core` has of `enum`, `contextlib`, `functools` and `importlib` does as the library does: each fact is asked of both."""

from __future__ import annotations

import contextlib
import enum
import functools
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shim.core import contextlib as our_contextlib
from shim.core import enum as our_enum
from shim.core import functools as our_functools
from shim.core import importing, regex
from tests.support.toolchains import ROOT


def colours(library: Any) -> Any:
    class Colour(library.Enum):
        """Colours."""

        RED = ("r", 1)
        BLUE = "b"

        def first(self) -> str:
            return self.value[0]

    return Colour


ENUM_FACTS: dict[str, Callable[[Any], Any]] = {
    "in order": lambda colour: [(member.name, member.value) for member in colour],
    "how many": len,
    "methods": lambda colour: colour.RED.first(),
    "one of each": lambda colour: colour.RED is colour.RED,
    "equal": lambda colour: (colour.RED == colour.RED, colour.RED == colour.BLUE, colour.BLUE == "b"),
    "a key": lambda colour: {colour.RED: 1, colour.BLUE: 2}[colour.BLUE],
    "shown": lambda colour: (str(colour.RED), f"{colour.BLUE}", repr(colour.BLUE)),
    "kind": lambda colour: isinstance(colour.RED, colour),
    "true": lambda colour: bool(colour.RED),
}


@pytest.mark.parametrize("fact", ENUM_FACTS)
def test_members_are_as_the_librarys(fact: str) -> None:
    assert ENUM_FACTS[fact](colours(our_enum)) == ENUM_FACTS[fact](colours(enum))


def managed(library: Any, body: Callable[[], object], *, swallows: tuple[type[BaseException], ...]) -> list[str]:
    """Return what happens around a body, and what leaves it."""
    told: list[str] = []

    @library.contextmanager
    def around(name: str, *, more: str = "") -> Iterator[str]:
        told.append(f"begin {name}{more}")
        try:
            yield name
        except swallows:
            told.append("swallowed")
        finally:
            told.append("end")

    try:
        with around("x", more="y") as given:
            told.append(given)
            body()
    except BaseException as error:  # noqa: BLE001 (each of them is told)
        told.append(type(error).__name__)
    return told


def fail(kind: type[BaseException]) -> Callable[[], object]:
    def body() -> object:
        raise kind

    return body


@pytest.mark.parametrize("swallows", [(), (ValueError,), (StopIteration, KeyError)], ids=str)
@pytest.mark.parametrize("body", [lambda: None, *map(fail, (ValueError, KeyError, StopIteration, KeyboardInterrupt, GeneratorExit))])
def test_a_with_ends_as_the_librarys(body: Callable[[], object], swallows: tuple[type[BaseException], ...]) -> None:
    assert managed(our_contextlib, body, swallows=swallows) == managed(contextlib, body, swallows=swallows)


@pytest.mark.parametrize("raised", [None, OSError, FileNotFoundError, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("kinds", [(), (OSError,), (ValueError, OSError)])
def test_suppressing_is_the_librarys(raised: type[BaseException] | None, kinds: tuple[type[BaseException], ...]) -> None:
    def outcome(library: Any) -> str:
        try:
            with library.suppress(*kinds):
                if raised:
                    raise raised
        except BaseException as error:  # noqa: BLE001 (each of them is told)
            return type(error).__name__
        return "nothing"

    assert outcome(our_contextlib) == outcome(contextlib)


CALLS = [((1,), {}), ((2,), {}), ((1,), {}), ((3,), {}), ((2,), {}), ((1,), {"b": 1}), ((1,), {"b": 2}), ((1,), {"b": 1}), ((1,), {}), ((9,), {})]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_results_are_kept_as_the_library_keeps_them(size: int) -> None:
    def asked_of(library: Any) -> list[Any]:
        asked: list[Any] = []

        @library.lru_cache(maxsize=size)
        def work(a: int, b: int = 0) -> int:
            asked.append((a, b))
            if a == 9:
                raise ValueError
            return a + b

        results: list[Any] = []
        for positional, named in [*CALLS, *CALLS]:
            try:
                results.append(work(*positional, **named))
            except ValueError:
                results.append("error")
        work.cache_clear()
        work(1)
        return [asked, results]

    assert asked_of(our_functools) == asked_of(functools)


def test_all_results_are_kept_without_a_size() -> None:
    asked: list[int] = []
    work = our_functools.cache(asked.append)

    for number in (*range(200), *range(200)):
        work(number)

    assert asked == [*range(200)]


def test_a_module_is_imported_by_its_name() -> None:
    assert importing.import_module("xml.dom") is importlib.import_module("xml.dom")
    with pytest.raises(ImportError):
        importing.import_module("xml.no_such_module")


def test_patterns_are_the_librarys_and_come_with_the_first_use() -> None:
    assert regex.search is re.search
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from shim.core import regex; before = 're' in sys.modules;"
        "print(before, regex.fullmatch('a+', 'aa')[0], 're' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-IS", "-c", script, str(ROOT)], capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["False", "aa", "True"]
