"""Imports go one way, the first act imports nothing slow, and secrets come out at known places only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import shim
from shim import entry
from shim.cli import VERBS
from shim.cli.doctor.check import CHECKS
from shim.config.schema import render_tables
from shim.core import errors
from shim.credentials.sources import SOURCES
from shim.hotpath import argv_mask
from shim.tools import TOOLS

PACKAGE = Path(shim.__file__).parent
ROOT = PACKAGE.parent
MODULES = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in PACKAGE.rglob("*.py")}

#: Package -> packages it may import from, besides itself. What is not used here is taken out of the table.
ROOMS = {
    "start": "entry",
    "__main__": "cli core",
    "entry": "cli helpers hotpath pipeline",
    "cli": "pipeline helpers routing preflight install delivery credentials tools storage hotpath net config formats core",
    "pipeline": "routing preflight delivery credentials tools storage hotpath config core",
    "helpers": "delivery credentials storage hotpath config core",
    "routing": "preflight delivery credentials tools storage hotpath net config formats core",
    "preflight": "delivery credentials tools storage net config formats core",
    "delivery": "tools hotpath config formats core",
    "credentials": "tools storage net config formats core",
    "install": "tools core",
    "tools": "formats core",
    "storage": "hotpath core",
    "hotpath": "core",
    "net": "core",
    "config": "core",
    "formats": "core",
    "core": "",
}


def imports_of(path: Path) -> set[str]:
    """Return the modules of ours that a module imports, anywhere in it; the package itself counts where it is more than a way in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {module if (module := f"{node.module}.{alias.name}") in KNOWN else node.module for alias in node.names}
    return (found & KNOWN) - {"shim", MODULES[path]}


def room_of(module: str) -> str:
    """Return the package, or the module that lies flat in `shim/`."""
    return module.split(".")[1] if module != "shim" else ""


KNOWN = set(MODULES.values())


@cache
def imports() -> dict[str, set[str]]:
    """Return module -> what it imports; not before a test asks, since each test process reads this file."""
    return {module: imports_of(path) for path, module in MODULES.items()}


def test_each_room_imports_from_the_rooms_below_it_that_the_table_names() -> None:
    arrows: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module, imported in imports().items():
        if module != "shim":
            arrows[room_of(module)] |= {room_of(other) for other in imported} - {room_of(module)}

    assert arrows == {room: set(below.split()) for room, below in ROOMS.items()}


def test_there_is_no_circle_between_rooms_or_inside_one() -> None:
    """Raises graphlib.CycleError, which names it."""
    assert [*TopologicalSorter({room: below.split() for room, below in ROOMS.items()}).static_order()]
    assert [*TopologicalSorter(imports()).static_order()]


#: Modules of which each stands for itself: none imports another one of its group, or what lies in the other one's folder.
GROUPS = {
    "tools": {f"shim.tools.{name}" for name in TOOLS.values()} - {"shim.tools.uv.uvx"},  # uvx is uv under another name
    "sources": {f"shim.credentials.sources.{name}" for name in SOURCES.values()},
    "verbs": {f"shim.cli.{verb.replace('-', '_')}" for verb in VERBS},
    "checks": {f"shim.cli.doctor.{check}" for check in CHECKS},
    "formats": {module for module in KNOWN if module.startswith("shim.formats.")} - {"shim.formats.html_links"},
}


@pytest.mark.parametrize("group", GROUPS)
def test_siblings_do_not_import_each_other(group: str) -> None:
    for one in GROUPS[group]:
        others = GROUPS[group] - {one}
        for module in (module for module in KNOWN if module == one or module.startswith(f"{one}.")):
            taken = {imported for imported in imports()[module] if any(f"{imported}.".startswith(f"{other}.") for other in others)}
            assert not taken, f"{module} imports {taken}"


def test_the_first_act_imports_only_what_a_bare_interpreter_has() -> None:
    program = f"import sys; before = set(sys.modules); sys.path.insert(0, {str(ROOT)!r}); import shim.entry; print(*sorted(set(sys.modules) - before))"
    bare = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)

    assert set(bare.stdout.split()) <= {"shim", "shim.entry", "__future__", *OS}


def test_the_first_act_knows_each_option_that_the_masking_knows() -> None:
    assert {option.encode() for option in entry.SECRET_OPTIONS} == set(argv_mask.SECRET_OPTIONS)


def test_a_replayed_command_imports_only_this_even_if_its_password_is_remembered_by_the_kernel() -> None:
    program = (
        f"import sys; before = set(sys.modules); sys.path.insert(0, {str(ROOT)!r}); import shim.entry, shim.hotpath.replay, shim.hotpath.exec_target\n"
        "import fcntl; from shim.hotpath.sealed_record import digest, read_sealed; digest(b''); read_sealed('nobody', '/nonexistent')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    bare = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)

    ours = {"shim", "shim.entry", "shim.hotpath.replay", "shim.hotpath.exec_target", "shim.hotpath", "shim.hotpath.sealed_record", "shim.hotpath.kernel_keyring"}
    assert set(bare.stdout.split()) <= {*ours, "__future__", "fcntl", "errno", "time", "_ctypes", "_sha256", "_sha2", *OS}


#: What `import os` loads under -S, 1.5 ms in all.
OS = {"os", "os.path", "posixpath", "genericpath", "stat", "_stat", "_collections_abc"}

#: Where a secret may leave its `Secret`, and what for.
REVEAL_SITES = {
    "shim/cli/exec/__init__.py": "fills the memory file with what a dotenv file has",
    "shim/cli/token.py": "prints it, which is what it is for",
    "shim/delivery/__init__.py": "looks at its letters",
    "shim/delivery/masking/encodings.py": "makes the forms that the masker looks for",
    "shim/delivery/masking/policy.py": "tells a token in a variable from a URL",
    "shim/delivery/env.py": "puts it into variables",
    "shim/delivery/handed_pipe.py": "writes into the pipe that stands for a memory file",
    "shim/delivery/netrc.py": "writes netrc entries into the memory file",
    "shim/delivery/seed.py": "writes uv's indexes into the memory file",
    "shim/delivery/store.py": "writes uv's entries into the memory file",
    "shim/hotpath/exec_target.py": "fills the memory file, and the environment of channel env",
    "shim/helpers/agent.py": "answers the container that asks, and reads a token's own end",
    "shim/delivery/answers.py": "writes answers into the memory file",
    "shim/helpers/bazel.py": "answers the program that asks",
    "shim/helpers/docker.py": "answers the program that asks",
    "shim/helpers/git.py": "answers git",
    "shim/helpers/keyring.py": "answers the tool that asks",
    "shim/credentials/oauth/posit_tokens_toml.py": "writes the file of tokens that R and posit-keyring share",
    "shim/net/http_client.py": "makes the Authorization header of our own requests",
    "shim/net/json_api.py": "sends codes and tokens to the server that they are for",
    "shim/pipeline/kept_credentials.py": "finds the record of a token by it",
    "shim/pipeline/plan_cache.py": "checks that a record without secrets comes to the same text",
    "shim/routing/companion.py": "tells the companion about indexes that it has to ask itself",
    "shim/routing/outer.py": "puts a netrc into a memory file for what `shim exec` runs",
    "shim/credentials/sources/ambient.py": "makes a credential of a job's identity",
    "shim/credentials/sources/posit.py": "makes a credential of a shared token",
    "shim/credentials/sources/stored.py": "makes a credential of a stored one",
    "shim/credentials/oauth/device_flow.py": "makes the challenge of its proof key",
    "shim/credentials/jwt.py": "reads what a token says about itself",
    "shim/credentials/oauth/token_session.py": "makes a credential of a token",
    "shim/storage/os_keyring.py": "hands it to the OS keyring",
    "shim/storage/record_format.py": "writes a record",
}


def test_secrets_are_revealed_only_at_known_places() -> None:
    sites = {str(path.relative_to(ROOT)) for path in MODULES if re.search(r"\.reveal\(\)", path.read_text()) and path.name != "model.py"}

    assert sites == set(REVEAL_SITES)


def test_error_codes_are_kebab_case_and_each_belongs_to_one_error() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.ShimError)]
    codes = [error.code for error in classes]

    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert {error.exit_code for error in classes} <= {64, 69, 70, 74, 77, 78, 126, 127}


def between(text: str, name: str) -> str:
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]


def test_the_references_tables_are_the_settings() -> None:
    assert between((ROOT / "docs" / "reference.md").read_text(), "settings").strip() == render_tables().strip()


def test_every_promise_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[^`]+)`", between((ROOT / "docs" / "security.md").read_text(), "promises"))

    assert named
    assert all((ROOT / path).exists() for path in named)


#: Longer than others, and why.
LONG = {
    "shim/hotpath/replay.py": "each module more costs every command a fourteenth of what we add to it",
    "shim/config/schema.py": "a table",
}


def test_files_and_functions_are_of_a_size_to_read() -> None:
    for path in MODULES:
        text = path.read_text()
        assert text.count("\n") <= 400 or str(path.relative_to(ROOT)) in LONG, f"{path} is {text.count(chr(10))} lines long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert (node.end_lineno or 0) - node.lineno <= 60, f"{path}: {node.name} is too long"


@pytest.mark.parametrize(("library", "ours"), [("dataclasses", "dataclass.py"), ("typing", "typing.py")])
def test_classes_of_values_cost_what_ours_cost(library: str, ours: str) -> None:
    """The two libraries were half of all the instructions of a command whose way is found anew."""
    assert [path for path in MODULES if re.search(rf"^\s*(import|from) {library}\b", path.read_text(), re.MULTILINE)] == [
        PACKAGE / "core" / ours  # for a checker of types
    ]


def test_nobody_prints_or_runs_a_shell_by_accident() -> None:
    for path in MODULES:
        assert not re.search(r"shell=True|os\.system\(|verify=False|\beval\(", path.read_text()), path


@pytest.mark.parametrize(("backend", "loaded"), [("null.Keyring", {"null"}), ("fail.Keyring", set())])
def test_one_keyring_backend_is_loaded_where_the_user_says_which(backend: str, loaded: set[str]) -> None:
    program = (
        "import sys; from shim.core.host import Host; from shim.core.model import Endpoint, Origin; from shim.credentials.sources import Query, keyring\n"
        "from shim.core.urls import parse_url; assert 'keyring' not in sys.modules\n"
        "keyring.find(Query(Endpoint(parse_url('https://h.example/simple/'), Origin('argv', 'x')), None, Host({}, '/')))\n"
        "print(*[name.split('.')[2] for name in sys.modules if name.startswith('keyring.backends.')])"
    )
    environ = {"PATH": "/usr/bin:/bin", "PYTHON_KEYRING_BACKEND": f"keyring.backends.{backend}", "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)

    assert set(result.stdout.split()) <= {*loaded, "fail"}
    assert loaded <= set(result.stdout.split())


#: Who opens files to read them in another way than by `shim.core.files`, and why none of these can be a pipe that another one made, or is
#: to be one. All others may have been made by a project, a tool or a person.
OWN_READERS = {
    "shim/storage/private_files.py": "a secret may lie in a pipe (`file`, `--env-file`): it waits for its writer, and says so",
    "shim/install/shells/__init__.py": "our own templates",
    "shim/storage/audit_log.py": "our own log",
    "shim/cli/agent.py": "/proc",
    "shim/install/completion/__init__.py": "our own templates",
    "shim/config/edit.py": "a folder, to write it to the disk",
    "shim/cli/explain_error/__init__.py": "our own table",
    "shim/cli/demo/scenes.py": "the demo's own folder",
    "shim/cli/demo/server.py": "the demo's own folder",
    "shim/cli/demo/watch.py": "/proc, and the demo's own folder",
    "shim/hotpath/exec_target.py": "/proc, a file without a name, and the head of what it becomes",
    "shim/helpers/agent_socket.py": "a folder, to bind a socket in it",
    "shim/delivery/answers.py": "our own memory file",
    "shim/helpers/keyring.py": "/proc",
    "shim/credentials/known_hosts.py": "our own table",
    "shim/hotpath/argv_mask.py": "/proc",
    "shim/hotpath/module_finder.py": "our own compiled modules",
    "shim/install/launchers.py": "our own template",
    "shim/hotpath/replay.py": "records in our own private folder, checked in the same way; and /proc",
    "shim/routing/redirector.py": "/proc",
    "shim/routing/serving.py": "our own memory file",
    "shim/hotpath/sealed_record.py": "a pad in our own private folder",
}


def opens_to_read(call: ast.Call) -> bool:
    """Whether a call opens a file to read it: `open` without a mode that writes, `os.open` with O_RDONLY, and what pathlib and tomllib have."""
    name = ast.unparse(call.func)
    words = [ast.unparse(word) for word in (*call.args[1:], *(one.value for one in call.keywords if one.arg == "mode"))]
    if name in ("os.open", "posix.open", "open_descriptor"):
        return any("O_RDONLY" in word for word in words)
    if name in ("open", "io.open"):
        writes = any(word.strip("'\"") in {kind + more for kind in "wax" for more in ("", "b")} for word in words[:1])
        return not writes and "O_WRONLY" not in ast.unparse(call) and not ast.unparse(call.args[0]).startswith("descriptor")
    return name.startswith("Path(") or name in ("tomllib.load", "json.load")


def test_other_peoples_files_are_read_by_one_module() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in MODULES
        if any(isinstance(node, ast.Call) and opens_to_read(node) for node in ast.walk(ast.parse(path.read_text())))
    }

    assert readers == set(OWN_READERS)


#: Rooms on the way of a command, in which every look at a file is in the record of the command.
WATCHED_ROOMS = frozenset(["tools", "routing", "credentials", "preflight", "delivery", "config", "formats", "storage", "net"])
#: Who looks at files there by itself, and why that is in no record.
OWN_LOOKS = {
    "shim/config/edit.py": "writes the configuration: no command that is wrapped does",
    "shim/config/team_files.py": "the same",
    "shim/credentials/purge.py": "`shim` verbs alone",
    "shim/delivery/memory_file.py": "/proc",
    "shim/delivery/handed_pipe.py": "its own folder, to take it away",
}
LOOKS = re.compile(
    r"os\.(?:l?stat|access|readlink|listdir|scandir|walk"
    r"|path\.(?:l?exists|is(?!abs)\w+|realpath|get\w+|samefile))$"
)


def test_files_are_looked_at_by_one_module() -> None:
    looking = {
        name
        for path in MODULES
        if (name := str(path.relative_to(ROOT))).split("/")[1] in WATCHED_ROOMS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and LOOKS.match(ast.unparse(node.func))
    }

    assert looking == set(OWN_LOOKS)


#: Who asks what the system is, besides `core/platform_features.py`: what every command passes through imports nothing for it.
OWN_QUESTIONS = {"shim/hotpath/exec_target.py", "shim/hotpath/kernel_keyring.py", "shim/hotpath/system_log.py"}
QUESTIONS = re.compile(r"\bsys\.platform\b|\.prctl\(|\.memfd_create\(|hasattr\((?:os|socket|signal|fcntl), ")


def test_one_module_says_what_the_system_has() -> None:
    asking = {str(path.relative_to(ROOT)) for path in MODULES if QUESTIONS.search(path.read_text())}

    assert asking == OWN_QUESTIONS | {"shim/core/platform_features.py"}
