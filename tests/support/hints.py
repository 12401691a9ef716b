"""Every hint that the code can print, read from the code itself: a template with `{}` where something is filled in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import shim

PACKAGE = Path(shim.__file__).parent
TESTS = PACKAGE.parent / "tests"
Test = TypeVar("Test")


def follows(*templates: str) -> Callable[[Test], Test]:
    """Mark a test that meets these hints, does what they say, and then sees that it works."""
    return lambda test: test


@cache
def find_followed() -> dict[str, list[str]]:
    """Return template -> the tests that follow it, as they are marked, and the scenes (tests/support/following.py) that play it."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Scene":
                for template in node.args[:1]:
                    if isinstance(template, ast.Constant):
                        found.setdefault(str(template.value), []).append(f"{path.relative_to(TESTS.parent)}:{node.lineno}")
            for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "follows":
                    for template in mark.args:
                        if isinstance(template, ast.Constant):
                            found.setdefault(str(template.value), []).append(f"{path.relative_to(TESTS.parent)}::{node.name}")
    return found


#: Functions that return hints, and module constants that hold some: texts, tuples or dictionaries of texts.
FUNCTIONS = ("hint", "suggest", "nearest", "renewal", "repair_command", "_upgrade", "_command", "_fix")
NAMES = ("HINT", "HINTS", "MENDING", "ACTIVATE", "VENV")


@cache
def collect() -> dict[str, list[str]]:
    """Return template -> the places in the code where it is made."""
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node, line in _expressions(tree):
            for template in _templates(node):
                if any(letter.isalpha() for letter in template.replace("{}", "")):
                    found.setdefault(template, []).append(f"{path.relative_to(PACKAGE.parent)}:{line}")
    return found


def _expressions(tree: ast.AST) -> Iterator[tuple[ast.expr, int]]:
    """Yield what becomes a hint: `hint=`, what is assigned to `hint` or to a constant of NAMES, and the fourth part of a Finding."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            is_finding = isinstance(node.func, ast.Name) and node.func.id == "Finding"
            yield from ((one.value, node.lineno) for one in node.keywords if one.arg == "hint" or (is_finding and one.arg == "command"))
            if is_finding and len(node.args) > 3:
                yield node.args[3], node.lineno
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if any(name == "hint" or any(word in NAMES for word in name.split("_")) for name in names):
                yield node.value, node.lineno
        elif isinstance(node, ast.FunctionDef) and any(word in node.name for word in FUNCTIONS):
            yield from ((one.value, one.lineno) for one in ast.walk(node) if isinstance(one, ast.Return) and one.value)


def _templates(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can come to; none for what is computed elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield _with_holes(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_with_holes(str(part.value)) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*_templates(node.body), *_templates(node.orelse))
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from _templates(one)
    elif isinstance(node, ast.BinOp):
        yield from (f"{left}{right}" for left in list(_templates(node.left)) or ["{}"] for right in list(_templates(node.right)) or ["{}"])
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _templates(value)
    elif isinstance(node, (ast.Tuple, ast.List)):
        for one in node.elts:  # a pair is what is looked for, and the hint about it
            yield from _templates(one.elts[1] if isinstance(one, ast.Tuple) and len(one.elts) == 2 else one)


def _with_holes(text: str) -> str:
    """Return a template of `str.format` with nameless holes."""
    import re

    return re.sub(r"\{[A-Za-z_]*\}", "{}", text)
