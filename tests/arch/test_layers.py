"""Imports go one way, the first act imports nothing slow, and secrets come out at known places only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import shim
from shim import errors
from shim.setting_keys import render_tables

PACKAGE = Path(shim.__file__).parent
ROOT = PACKAGE.parent
MODULES = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in PACKAGE.rglob("*.py")}

#: Each layer may import itself and those after it. The first prefix that fits names a module's layer.
LAYERS = [
    ("shim.__main__",),
    ("shim.hot", "shim.start"),
    ("shim.commands", "shim.faces.keyring"),
    ("shim.demo", "shim.checks"),
    ("shim.index_states",),
    ("shim.installing", "shim.activate", "shim.complete"),
    ("shim.run",),
    ("shim.unanswered", "shim.refused", "shim.offer", "shim.endings"),
    ("shim.routing.planning", "shim.routing.outer", "shim.routing.starters", "shim.routing.own_strategy"),
    ("shim.supervise", "shim.preflight"),
    ("shim.route", "shim.refusals", "shim.whereabouts", "shim.rootless", "shim.endpoints", "shim.mending"),
    ("shim.laxity",),
    ("shim.recording", "shim.routing.recorded"),
    ("shim.resolve", "shim.delivery", "shim.faces", "shim.verify", "shim.files_probe", "shim.launchers", "shim.observing"),
    ("shim.use_as", "shim.config_edit", "shim.config_lines", "shim.team_files", "shim.routing.inputs", "shim.routing.rewriting"),
    ("shim.routing.serving",),
    ("shim.routing.companion", "shim.routing.asking", "shim.routing.locks", "shim.routing.redirector"),
    ("shim.routing.remembering",),
    ("shim.repeating",),
    ("shim.execute", "shim.audit", "shim.replay", "shim.routing.spawn", "shim.tools", "shim.logins"),
    ("shim.system_log",),
    ("shim.indexes", "shim.sources", "shim.sso", "shim.programs", "shim.obeying", "shim.store", "shim.targets"),
    ("shim.http_client", "shim.http_json", "shim.settings", "shim.routing.mentioned", "shim.private_files", "shim.agent_client", "shim.terminal"),
    ("shim.setting_indexes", "shim.policy", "shim.setting_merge"),
    ("shim.setting_checks", "shim.setting_logins", "shim.routing"),
    ("shim.setting_keys",),
    ("shim.formats",),
    ("shim.verdict", "shim.proxies", "shim.causes"),
    ("shim.model",),
    ("shim.screen",),
    ("shim.repair", "shim.pages"),
    ("shim.host",),
    ("shim.urls",),
    ("shim.errors", "shim.reading", "shim.folding"),
]

#: What crosses a layer on purpose, and why.
EXCEPTIONS = {
    ("shim.policy", "shim.settings"): "what it judges, for type checkers only",
    ("shim.commands", "shim.hot"): "explain masks argv with the same rule as the first act",
    ("shim.recording", "shim.hot"): "no record of a command in whose argv the first act hides something",
    ("shim.demo", "shim.launchers"): "the demo writes launchers of its own",
}


def layer_of(module: str) -> int:
    for number, prefixes in enumerate(LAYERS):
        if any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes):
            return number
    return len(LAYERS)


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = set(MODULES.values())
    return {name for name in found if name in known and name != "shim"}


@pytest.mark.parametrize("path", MODULES, ids=MODULES.values())
def test_imports_go_one_way(path: Path) -> None:
    module = MODULES[path]
    for imported in imports_of(path):
        allowed = any(module.startswith(one) and imported.startswith(other) for one, other in EXCEPTIONS)
        assert allowed or layer_of(module) <= layer_of(imported), f"{module} imports {imported}"


@pytest.mark.parametrize("package", ["tools", "sources", "formats", "commands"])
def test_siblings_do_not_import_each_other(package: str) -> None:
    """One tool may have several files, named after it; uvx is uv under another name."""
    shared = {
        "shim.commands.named_index", "shim.commands.usage", "shim.commands.answer", "shim.commands.setup_fields",
        "shim.commands.setup_ask", "shim.formats.toml", "shim.formats.html_links", "shim.formats.answer_times",
    }
    for path in (PACKAGE / package).glob("*.py"):
        module = MODULES[path]
        if module == f"shim.{package}":
            continue
        for imported in imports_of(path) - shared - {f"shim.{package}"}:
            if imported.startswith(f"shim.{package}."):
                mine, theirs = (name.rpartition(".")[2] for name in (module, imported))
                assert theirs.startswith(mine.rstrip("x")) or mine.startswith(theirs), f"{module} imports {imported}"


def test_the_first_act_imports_only_what_a_bare_interpreter_has() -> None:
    program = f"import sys; before = set(sys.modules); sys.path.insert(0, {str(ROOT)!r}); import shim.hot; print(*sorted(set(sys.modules) - before))"
    bare = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)

    assert set(bare.stdout.split()) <= {"shim", "shim.hot", "__future__", *OS}


def test_a_replayed_command_imports_only_this_even_if_its_password_is_remembered_by_the_kernel() -> None:
    program = (
        f"import sys; before = set(sys.modules); sys.path.insert(0, {str(ROOT)!r}); import shim.hot, shim.replay, shim.execute\n"
        "import fcntl; from shim.store.sealed import digest, read_sealed; digest(b''); read_sealed('nobody', '/nonexistent')\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    bare = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)

    ours = {"shim", "shim.hot", "shim.replay", "shim.execute", "shim.store", "shim.store.sealed", "shim.store.kernel"}
    assert set(bare.stdout.split()) <= {*ours, "__future__", "fcntl", "errno", "time", "_ctypes", "_sha256", "_sha2", *OS}


#: What `import os` loads under -S, 1.5 ms in all.
OS = {"os", "os.path", "posixpath", "genericpath", "stat", "_stat", "_collections_abc"}

#: Where a secret may leave its `Secret`, and what for.
REVEAL_SITES = {
    "shim/commands/exec.py": "fills the memory file with what a dotenv file has",
    "shim/commands/token.py": "prints it, which is what it is for",
    "shim/delivery/__init__.py": "looks at its letters",
    "shim/delivery/forms.py": "makes the forms that the masker looks for",
    "shim/delivery/masking.py": "tells a token in a variable from a URL",
    "shim/delivery/env.py": "puts it into variables",
    "shim/delivery/netrc.py": "writes netrc entries into the memory file",
    "shim/delivery/seed.py": "writes uv's indexes into the memory file",
    "shim/delivery/store.py": "writes uv's entries into the memory file",
    "shim/execute.py": "fills the memory file, and the environment of channel env",
    "shim/faces/agent.py": "answers the container that asks, and reads a token's own end",
    "shim/faces/answers.py": "writes answers into the memory file",
    "shim/faces/bazel.py": "answers the program that asks",
    "shim/faces/docker.py": "answers the program that asks",
    "shim/faces/git.py": "answers git",
    "shim/faces/keyring.py": "answers the tool that asks",
    "shim/formats/ppm_tokens.py": "writes the file of tokens that R and posit-keyring share",
    "shim/http_client.py": "makes the Authorization header of our own requests",
    "shim/http_json.py": "sends codes and tokens to the server that they are for",
    "shim/recording.py": "checks that a record without secrets comes to the same text",
    "shim/routing/companion.py": "tells the companion about indexes that it has to ask itself",
    "shim/routing/outer.py": "puts a netrc into a memory file for what `shim exec` runs",
    "shim/sources/ambient.py": "makes a credential of a job's identity",
    "shim/sources/posit.py": "makes a credential of a shared token",
    "shim/sources/stored.py": "makes a credential of a stored one",
    "shim/sso/device.py": "makes the challenge of its proof key",
    "shim/sso/jwt.py": "reads what a token says about itself",
    "shim/sso/session.py": "makes a credential of a token",
    "shim/store/keys.py": "hands it to the OS keyring",
    "shim/store/records.py": "writes a record",
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


def test_readmes_tables_are_the_settings() -> None:
    assert between((ROOT / "README.md").read_text(), "settings").strip() == render_tables().strip()


def test_every_promise_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[^`]+)`", between((ROOT / "SECURITY.md").read_text(), "promises"))

    assert named
    assert all((ROOT / path).exists() for path in named)


def test_files_and_functions_are_of_a_size_to_read() -> None:
    for path in MODULES:
        text = path.read_text()
        assert text.count("\n") <= 350, f"{path} is {text.count(chr(10))} lines long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert (node.end_lineno or 0) - node.lineno <= 60, f"{path}: {node.name} is too long"


def test_nobody_prints_or_runs_a_shell_by_accident() -> None:
    for path in MODULES:
        assert not re.search(r"shell=True|os\.system\(|verify=False|\beval\(", path.read_text()), path


@pytest.mark.parametrize(("backend", "loaded"), [("null.Keyring", {"null"}), ("fail.Keyring", set())])
def test_one_keyring_backend_is_loaded_where_the_user_says_which(backend: str, loaded: set[str]) -> None:
    program = (
        "import sys; from shim.host import Host; from shim.model import Need, Origin; from shim.sources import Query, keyring\n"
        "from shim.urls import parse_url; assert 'keyring' not in sys.modules\n"
        "keyring.find(Query(Need(parse_url('https://h.example/simple/'), Origin('argv', 'x')), None, Host({}, '/')))\n"
        "print(*[name.split('.')[2] for name in sys.modules if name.startswith('keyring.backends.')])"
    )
    environ = {"PATH": "/usr/bin:/bin", "PYTHON_KEYRING_BACKEND": f"keyring.backends.{backend}", "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)

    assert set(result.stdout.split()) <= {*loaded, "fail"}
    assert loaded <= set(result.stdout.split())


#: Who opens files to read them in another way than by `shim.reading`, and why none of these can be a pipe that another one made, or is
#: to be one. All others may have been made by a project, a tool or a person.
OWN_READERS = {
    "shim/private_files.py": "a secret may lie in a pipe (`file`, `--env-file`): it waits for its writer, and says so",
    "shim/activate/__init__.py": "our own templates",
    "shim/audit.py": "our own log",
    "shim/commands/agent.py": "/proc",
    "shim/complete/__init__.py": "our own templates",
    "shim/config_edit.py": "a folder, to write it to the disk",
    "shim/demo/scenes.py": "the demo's own folder",
    "shim/demo/server.py": "the demo's own folder",
    "shim/demo/watch.py": "/proc, and the demo's own folder",
    "shim/execute.py": "/proc",
    "shim/faces/agent_socket.py": "a folder, to bind a socket in it",
    "shim/faces/answers.py": "our own memory file",
    "shim/faces/keyring.py": "/proc",
    "shim/formats/known_hosts.py": "our own table",
    "shim/hot.py": "/proc",
    "shim/launchers.py": "our own template",
    "shim/replay.py": "records in our own private folder, checked in the same way; and /proc",
    "shim/routing/redirector.py": "/proc",
    "shim/routing/serving.py": "our own memory file",
    "shim/store/approvals.py": "a list in our own private folder",
    "shim/store/recent.py": "a note in our own private folder",
    "shim/store/records.py": "records in our own private folder, checked in the same way",
    "shim/store/sealed.py": "a pad in our own private folder",
}


def opens_to_read(call: ast.Call) -> bool:
    """Whether a call opens a file to read it: `open` without a mode that writes, `os.open` with O_RDONLY, and what pathlib and tomllib have."""
    name = ast.unparse(call.func)
    words = [ast.unparse(word) for word in (*call.args[1:], *(one.value for one in call.keywords if one.arg == "mode"))]
    if name in ("os.open", "posix.open"):
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
