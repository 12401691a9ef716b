"""The code never steers by its own English: a decision hangs on an enum, a type or a field, and a sentence may be put better."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import shim

PACKAGE = Path(shim.__file__).parent
#: Attributes of ours that hold sentences for people.
SENTENCES = ("message", "hint", "why", "why_not", "detail", "notes", "outcome")
#: What looks into a text.
_OF_ENDS = (
    "startswith endswith partition rpartition split rsplit splitlines removeprefix removesuffix"
)
METHODS = (*_OF_ENDS.split(), "find", "rfind", "index", "rindex", "replace", "count")
SEARCHES = ("search", "match", "fullmatch", "findall", "finditer", "sub")
#: Two words of English beside each other.
PROSE = re.compile(r"[a-z] [a-z]")
#: Sentences that others say, and such as stand in files of ours: the module, and the name or text that is compared.
GIVEN = {
    # said by docker's credential helpers
    ("shim/credentials/helper_protocols.py", "DOCKER_NOT_FOUND"),
    ("shim/storage/os_keyring.py", "no encryption"),  # `scheme` of keyrings.alt
    ("shim/config/lines.py", "MARK"),  # a comment in config.toml
    ("shim/credentials/sources/posit.py", "ALONE"),  # the source in a record
}


def find_looks(source: str, constants: frozenset[str] = frozenset()) -> Iterator[tuple[int, str]]:
    """Yield the line and what is compared or searched for: an attribute of SENTENCES, or a sentence.

    `constants` are names of sentences. What is compared with no literal at all is looked up, not read.
    """
    for node in ast.walk(ast.parse(source)):
        subjects, sought = _parts(node)
        for subject in subjects:
            if (
                isinstance(subject, ast.Attribute)
                and subject.attr in SENTENCES
                and (_is_look(node) or any(map(_is_text, sought)))
            ):
                yield node.lineno, f".{subject.attr}"  # type: ignore[attr-defined]
        for one in sought:
            for part in ast.walk(one):
                name = (
                    part.id
                    if isinstance(part, ast.Name)
                    else part.attr
                    if isinstance(part, ast.Attribute)
                    else ""
                )
                if (
                    isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and PROSE.search(part.value)
                ):
                    yield part.lineno, part.value
                elif name in constants:
                    yield part.lineno, name  # type: ignore[attr-defined]


def _parts(node: ast.AST) -> tuple[list[ast.expr], list[ast.expr]]:
    """Return what a node looks into and what it looks for; of a comparison both sides are both."""
    if isinstance(node, ast.Compare) and not all(
        isinstance(one, (ast.Is, ast.IsNot)) for one in node.ops
    ):
        sides = [node.left, *node.comparators]
        return sides, sides
    if _is_look(node) and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return [node.func.value, *node.args], list(node.args)
    if isinstance(node, ast.MatchValue):
        return [], [node.value]
    if isinstance(node, ast.Match):
        return [node.subject], [
            case.pattern.value for case in node.cases if isinstance(case.pattern, ast.MatchValue)
        ]
    return [], []


def _is_look(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in (*METHODS, *SEARCHES)
    )


def _is_text(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node)
    )


def find_constants(source: str) -> Iterator[str]:
    """Yield the names of a module's constants that are sentences, or tuples and sets of some."""
    for node in ast.parse(source).body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        texts = value.elts if isinstance(value, (ast.Tuple, ast.Set, ast.List)) else [value]
        parts = [
            part
            for text in texts
            for part in (text.values if isinstance(text, ast.JoinedStr) else [text])
        ]
        is_prose = any(
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and PROSE.search(part.value)
            for part in parts
        )
        if isinstance(target, ast.Name) and is_prose:
            yield target.id


def read_sources() -> dict[str, tuple[str, frozenset[str]]]:
    """Return module -> its source, and the names in it, its own or imported, that are constants with sentences."""
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in PACKAGE.rglob("*.py")
    }
    sources = {module: path.read_text() for module, path in paths.items()}
    own = {module: set(find_constants(source)) for module, source in sources.items()}
    found = {}
    for module, source in sources.items():
        imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
        taken = {
            one.asname or one.name
            for node in imports
            for one in node.names
            if one.name in own.get(node.module or "", ())
        }
        found[str(paths[module].relative_to(PACKAGE.parent))] = (
            source,
            frozenset(own[module] | taken),
        )
    return found


def test_no_decision_hangs_on_a_sentence_of_ours() -> None:
    found = {
        (name, what, line)
        for name, (source, names) in read_sources().items()
        for line, what in find_looks(source, names)
    }

    assert sorted(one for one in found if one[:2] not in GIVEN) == []
    assert {one[:2] for one in found} >= GIVEN, "an exception that nothing needs any more"


def test_the_search_finds_what_it_is_for() -> None:
    found = [
        'hint = 1 if "failed" in error.message else 2',
        'if refusal.why == "x": pass',
        'what = problem.message.partition(":")[0]',
        "text = error.message.replace(one, other)",
        'if re.search("x", error.hint): pass',
        'if words.startswith("it answers "): pass\nif words.startswith("it answers nobody"): pass',
        "if text in DEFAULTS: pass",
        'match verdict.detail:\n    case "x": pass',
        'match other:\n    case "no such page": pass',
    ]
    not_found = [
        "if error.message not in warned: pass",
        "if error.hint: pass",
        'if name == "pip": pass',
        "if one.message is None: pass",
    ]

    assert [list(find_looks(text, frozenset({"DEFAULTS"}))) == [] for text in found] == [
        False
    ] * len(found)
    assert [list(find_looks(text)) for text in not_found] == [[]] * len(not_found)


def test_the_name_of_a_class_means_one_thing() -> None:
    names = [
        node.name
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]

    assert sorted(name for name in set(names) if names.count(name) > 1) == []
