"""`shim doctor` finds what is wrong, names the command that mends it, and never prints a secret; the command does mend it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.hotpath import kernel_keyring
from tests.support import machine, toolchains
from tests.support.bait import Stranger, make_stranger
from tests.support.hints import follows
from tests.support.installation import copy_installation
from tests.support.world import CANARY, USER, World

URL = f"https://{USER}:{CANARY}@pypi.corp.example/simple/"

#: A file -> its text; the last line holds the secret.
CLEAR = {
    "config/pip/pip.conf": f"[global]\nindex-url = {URL}",
    "home/.pip/pip.conf": f"[global]\nextra-index-url =\n    {URL}",
    "config/uv/uv.toml": f'[[index]]\nurl = "{URL}"',
    "cwd/pyproject.toml": f'[[tool.uv.index]]\nname = "corp"\nurl = "{URL}"',
    "cwd/requirements-dev.txt": f"requests\n--index-url {URL}",
    "cwd/uv.lock": f'[[package]]\nsource = {{ registry = "{URL}" }}',
    "cwd/Pipfile": f'[[source]]\nurl = "{URL}"',
    "home/.bashrc": f"# mine\nexport PIP_INDEX_URL={URL}",
    "home/.zshrc": f'export UV_INDEX_CORP_PASSWORD="{CANARY}"',
    "home/.profile": f"export TWINE_PASSWORD={CANARY}",
    "home/.config/fish/config.fish": f"set -gx UV_PUBLISH_TOKEN {CANARY}",
    "home/.pypirc": f"[distutils]\nindex-servers = corp\n[corp]\nrepository = https://pypi.corp.example/upload/\nusername = {USER}\npassword = {CANARY}",
}


def write(world: World, name: str, text: str) -> Path:
    path = world.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    path.chmod(0o600)
    world.vaults.append(path.parent)
    return path


def doctor(world: World, *words: object, **options: object) -> tuple[int, list[dict[str, str]]]:
    result = world.shim("doctor", "--json", *words, **options)
    assert CANARY not in result.stdout + result.stderr
    return result.returncode, json.loads(result.stdout)["findings"]


@pytest.mark.parametrize("name", CLEAR)
def test_a_secret_in_clear_is_found_by_file_and_line(name: str, world: World) -> None:
    path = write(world, name, CLEAR[name])
    status, findings = doctor(world)
    (found,) = [finding for finding in findings if finding["where"].startswith(str(path))]

    assert status == 1
    assert found["where"] == f"{path}:{CLEAR[name].count(chr(10)) + 1}"
    assert "change it at the index as well" in found["text"]
    assert found["command"]


@follows("echo {} >>{}")
@pytest.mark.parametrize(
    ("shell", "file"), [("bash", ".profile"), ("bash", ".bash_profile"), ("zsh", ".zprofile"), ("dash", ".profile"), ("bash", None), ("fish", None)]
)
def test_a_login_shell_that_finds_no_launcher_is_mended_by_the_line(shell: str, file: str | None, world: World) -> None:
    machine.skip_without(machine.lacks_programs(shell))
    path = machine.find_program(shell)
    assert path
    world.configure('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n')
    home = Path(world.environ["HOME"])
    home.mkdir(exist_ok=True)
    if file:
        (home / file).write_text('PATH="$HOME/bin:$PATH"\n')
    said = "a login shell without a terminal"
    found = [finding for finding in doctor(world, "--offline", SHELL=path)[1] if finding["text"].startswith(said)]
    for finding in found:
        world.run("sh", "-c", finding["command"], bare=True)
    after = [finding for finding in doctor(world, "--offline", SHELL=path)[1] if finding["text"].startswith(said)]

    assert [finding["where"] for finding in found] == ([str(home / (file or ".profile"))] if shell != "fish" else [])
    assert after == []


@pytest.mark.parametrize(
    "name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_CORP_PASSWORD", "TWINE_PASSWORD", "UV_PUBLISH_TOKEN"]
)
def test_an_exported_secret_is_found_by_name(name: str, world: World) -> None:
    _, findings = doctor(world, **{name: URL if "URL" in name or name == "UV_INDEX" else CANARY})

    assert [finding["where"] for finding in findings if finding["level"] == "problem" and finding["where"] == name] == [name]


def test_the_password_of_a_proxy_is_no_index_to_log_in_to(world: World) -> None:
    _, findings = doctor(world, PIP_PROXY=URL)

    assert [finding["command"] for finding in findings if finding["where"] == "PIP_PROXY"] == [None]


@pytest.mark.parametrize(
    "text",
    [
        "index-url = https://alice:${CORP_TOKEN}@pypi.corp.example/simple/",
        "index-url = https://alice@pypi.corp.example/simple/",
        "index-url = https://alice:****@pypi.corp.example/simple/",
        "# write to bob@corp.example: http://corp.example:8080/x",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str, world: World) -> None:
    write(world, "config/pip/pip.conf", f"[global]\n{text}")
    _, findings = doctor(world)

    assert [finding for finding in findings if "pip.conf" in finding["where"]] == []


@follows("chmod 600 {}")
@pytest.mark.parametrize("name", [".netrc", ".pypirc"])
def test_a_file_that_others_can_read_is_found(name: str, world: World) -> None:
    path = write(world, f"home/{name}", f"machine x login y password {CANARY}" if name == ".netrc" else "[distutils]")
    assert [finding for finding in doctor(world)[1] if finding["where"] == str(path)] == []
    path.chmod(0o644)
    (found,) = [finding for finding in doctor(world)[1] if finding["where"] == str(path)]
    os.system(found["command"])  # the command that is printed mends it

    assert [finding for finding in doctor(world)[1] if finding["where"] == str(path)] == []


def test_a_machine_without_a_keyring_is_told_where_else_a_secret_may_be(world: World) -> None:
    _, findings = doctor(world)

    command = next(str(finding["command"]) for finding in findings if finding["where"] == "OS keyring")
    store = "memory" if kernel_keyring.problem() is None else "file"
    line = f'store = ["keyring", "{store}"]'
    assert command == f"write {line} at the top of {world.config}"
    world.configure(line + "\n")
    assert "OS keyring" not in [finding["where"] for finding in doctor(world)[1]], "the advice, followed"


def test_a_keyring_that_cannot_even_be_looked_for_is_one_that_is_not_there(world: World) -> None:
    """A backend that was taken away again; the library fails in the same way for a user without name and home, as containers have."""
    world.environ["PYTHON_KEYRING_BACKEND"] = "no.such.Backend"
    found = world.shim("doctor")
    stored = world.shim("login", "https://pypi.corp.example/simple/", "--no-verify", "--password-stdin", input="x\n")

    assert "OS keyring: PYTHON_KEYRING_BACKEND names the keyring backend no.such.Backend" in found.stdout
    assert (found.stderr, stored.returncode) == ("", 74)
    assert stored.stderr.count("error[cannot-store]") == 1


def test_a_shadowed_launcher_is_found(world: World) -> None:
    tool = toolchains.uv()
    world.use(tool)
    well = [finding["where"] for finding in doctor(world)[1] if finding["where"].endswith("/uv")]
    world.environ["PATH"] = f"{tool.bin}:{world.environ['PATH']}"
    shadowed = [finding for finding in doctor_by_path(world) if finding["where"].endswith("/uv")]

    assert well == []
    assert "stands before it on PATH" in shadowed[0]["text"]


def doctor_by_path(world: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(world.run(world.prefix / "shims" / "shim", "doctor", "--json").stdout)["findings"]
    return found


@follows("shim doctor --fix")
def test_fix_repairs_a_launcher(world: World, tmp_path: Path) -> None:
    tool = toolchains.uv()
    world.use(tool)
    shims = tmp_path / "copy" / "shims"
    shims.mkdir(parents=True)
    for name in ("shim", "uv"):
        text = (world.prefix / "shims" / name).read_text()
        (shims / name).write_text(text if name == "shim" else text + "# of another release\n")
        (shims / name).chmod(0o755)
    world.environ["PATH"] = f"{shims}:{tool.bin}:/usr/bin:/bin"
    before = [finding for finding in doctor(world)[1] if finding["where"] == str(shims / "uv")]
    doctor(world, "--fix")
    after = [finding for finding in doctor(world)[1] if finding["where"] == str(shims / "uv")]

    assert "another release" in before[0]["text"]
    assert after == []


@follows("shim login --import {}")
def test_login_import_moves_the_secret_out_of_the_file(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    url = f"http://127.0.0.1:{index.netloc.rpartition(':')[2]}/simple/"
    text = f"[global]\n# ours\nindex-url = {url.replace('://', f'://{USER}:{CANARY}@')}\ntimeout = 10"
    path = write(world, "config/pip/pip.conf", text)
    path.chmod(0o640)
    world.vaults.remove(path.parent)
    result = world.shim("login", "--import", path, "--store", "file")

    assert result.returncode == 0, result.stderr
    assert path.read_text() == text.replace(f":{CANARY}", "") + "\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert CANARY not in result.stdout + result.stderr
    assert "change it at the index as well" in result.stdout
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["pip.conf"]
    assert world.run("pip", "install", "--target", world.folder / "out", "corp-lib").returncode == 0
    assert [finding for finding in doctor(world)[1] if "pip.conf" in finding["where"]] == []


def test_login_import_leaves_a_backup_only_if_asked(world: World, index: PrivateIndex) -> None:
    path = write(world, "config/pip/pip.conf", f"[global]\nindex-url = http://{USER}:{CANARY}@{index.netloc}/simple/")
    world.shim("login", "--import", path, "--store", "file", "--backup")
    backup = path.with_name("pip.conf.bak")

    assert CANARY not in path.read_text()
    assert CANARY in backup.read_text()
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_backup_that_is_there_already_is_named(world: World, index: PrivateIndex) -> None:
    path = write(world, "config/pip/pip.conf", f"[global]\nindex-url = http://{USER}:{CANARY}@{index.netloc}/simple/")
    backup = write(world, "config/pip/pip.conf.bak", "older")
    result = world.shim("login", "--import", path, "--store", "file", "--backup")

    assert (result.returncode, backup.read_text()) == (74, "older\n")
    assert f"(File exists: {backup})" in result.stderr
    assert CANARY in path.read_text()


def test_a_secret_that_the_index_rejects_stays_in_the_file(world: World, index: PrivateIndex) -> None:
    text = f"--index-url http://{USER}:wrong@{index.netloc}/simple/"
    path = write(world, "cwd/requirements.txt", text)
    result = world.shim("login", "--import", path, "--store", "file")

    assert result.returncode == 77
    assert path.read_text() == text + "\n"
    assert "wrong" not in result.stderr


def test_a_pypirc_loses_its_password_line(world: World, index: PrivateIndex) -> None:
    text = (
        f"[distutils]\nindex-servers = corp\n\n[corp]\nrepository = http://{index.netloc}/simple/\nusername = {USER}\npassword = {CANARY}\n"
    )
    path = write(world, "home/.pypirc", text.rstrip("\n"))
    result = world.shim("login", "--import", path, "--store", "file")

    assert result.returncode == 0, result.stderr
    assert path.read_text() == text.replace(f"password = {CANARY}\n", "")


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    with make_stranger(tmp_path / "stranger") as served:
        yield served


@follows("shim doctor --confusion -r requirements.txt")
def test_confusion_finds_a_name_that_two_indexes_have(world: World, index: PrivateIndex, stranger: Stranger) -> None:
    world.use(toolchains.pip("newest"))
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n'
    )
    (world.cwd / "more.txt").write_text("-rmost.txt\n")
    (world.cwd / "most.txt").write_text("Corp_Lib>=1 ; python_version > '3'\n")
    requirements = f"-i http://{index.netloc}/simple/\n--extra-index-url http://{stranger.netloc}/simple/\ncorp-build\n-r more.txt\n"
    (world.cwd / "requirements.txt").write_text(requirements)
    hint = world.shim("doctor", "--confusion").stderr.rpartition("hint: shim doctor ")[2]
    status, findings = doctor(world, *hint.split(), CORP=CANARY)

    assert (status, hint) == (1, "--confusion -r requirements.txt\n")
    assert [finding["where"] for finding in findings] == ["corp-lib"]
    (world.cwd / "more.txt").write_text("corp-sdist\n")
    assert doctor(world, "--confusion", "-r", "requirements.txt", CORP=CANARY) == (0, [])


def test_confusion_names_a_file_that_is_not_there(world: World) -> None:
    result = world.shim("doctor", "--confusion", "-r", "missing.txt")

    assert result.returncode == 64
    assert f"there is no file {world.cwd / 'missing.txt'}" in result.stderr


def test_confusion_without_a_private_index_says_so(world: World) -> None:
    world.use(toolchains.pip("newest"))
    (world.cwd / "requirements.txt").write_text("requests\n")
    result = world.shim("doctor", "--confusion", "-r", "requirements.txt")

    assert result.returncode == 64
    assert "no private index beside another one" in result.stderr


def audit(world: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(world.shim("doctor", "--audit", "--json").stdout)["entries"]
    return found


def test_each_release_of_a_credential_is_written_down(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    url = f"http://{index.netloc}/simple/"
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\ncommand = {{ argv = ["printenv", "CORP"] }}\nmax-age = "12h"\n'
    )
    for number in (1, 2, 3):  # the third one at the latest is replayed
        world.run("pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib", CORP=CANARY)
        entries = audit(world)
        assert len(entries) == number
    world.run("pip", "freeze")
    log = world.folder / "state" / "shim" / "audit" / "audit.jsonl"

    assert len(audit(world)) == 3
    assert {entry["scope"] for entry in entries} == {f"http://{index.netloc}/"}
    assert {entry["source"] for entry in entries} == {"command"}
    assert len({entry["fingerprint"] for entry in entries}) == 1
    assert {entry["target"].rpartition("/")[2] for entry in entries} == {"pip"}
    assert all(entry["outcome"].startswith("delivered by ") and entry["parent"] for entry in entries)
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_the_audit_log_can_be_switched_off(world: World, index: PrivateIndex) -> None:
    world.use(toolchains.pip("newest"))
    url = f"http://{index.netloc}/simple/"
    world.configure(f'audit = "off"\n[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n')
    result = world.run("pip", "install", "--target", world.folder / "out", "-i", url, "corp-lib", CORP=CANARY)

    assert result.returncode == 0
    assert audit(world) == []


def test_a_token_printed_and_a_program_started_are_written_down_too(world: World, index: PrivateIndex) -> None:
    url = f"http://{index.netloc}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nenv = {{ password = "CORP" }}\n')
    printed = world.shim("token", "corp", CORP=CANARY).stdout
    world.shim("exec", "--", "true", CORP=CANARY)
    answered = world.run(world.prefix / "faces" / "keyring", "get", url, USER, CORP=CANARY).stdout

    assert printed == answered == CANARY + "\n"
    assert [(entry["target"].rpartition("/")[2], entry["outcome"]) for entry in audit(world)] == [
        ("shim token", "printed"),
        ("true", "within reach of all it starts"),
        ("keyring get", "answered"),
    ]


#: What doctor says of the pip in a project's .venv, by its release and a variable.
REACH = {
    "asks by itself": ("newest", {}, None),
    "is too old": ("23.0.1", {}, "asks no keyring command"),
    "wants a user name": ("23.1.2", {}, "only for an index URL with a user name"),
    "is kept from it": ("newest", {"PIP_NO_INPUT": "1"}, "PIP_NO_INPUT says no-input"),
    "is told to": ("newest", {"PIP_NO_INPUT": "1", "PIP_KEYRING_PROVIDER": "subprocess"}, None),
    "is told not to": ("newest", {"PIP_KEYRING_PROVIDER": "disabled"}, "says keyring-provider disabled"),
}


@follows("export PIP_KEYRING_PROVIDER=subprocess")
@pytest.mark.parametrize("what", REACH)
def test_a_pip_that_will_not_ask_our_keyring_is_found(what: str, world: World) -> None:
    version, variables, text = REACH[what]
    toolchains.pip_environment(toolchains.pip(version), world.cwd / ".venv")
    del world.environ["PIP_NO_INPUT"]
    world.configure('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n')
    path = f"{world.prefix}/shims:{world.prefix}/faces:/usr/bin:/bin"

    def look(**more: str) -> list[dict[str, str]]:
        found = doctor(world, PATH=path, **{**variables, **more})[1]
        return [one for one in found if one["where"].startswith(str(world.cwd))]

    said = look()
    assert len(said) == (text is not None)
    assert all(text in one["text"] for one in said if text)
    for command in [one["command"] for one in said if one["command"].startswith("export ")]:
        name, _, value = command.removeprefix("export ").partition("=")
        assert look(**{name: value}) == [], "the advice, followed"


def test_a_keyring_that_is_not_on_path_or_not_ours_is_found(world: World) -> None:
    world.configure('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n')
    other = toolchains.program("keyring").bin
    texts = [finding["text"] for finding in doctor(world)[1]]
    assert any("our keyring is not on PATH" in text for text in texts)
    (found,) = [
        finding
        for finding in doctor(world, PATH=f"{world.prefix}/shims:{other}:{world.prefix}/faces:/usr/bin:/bin")[1]
        if finding["where"] == f"{other}/keyring"
    ]
    assert "before our keyring" in found["text"]
    world.configure("")
    assert not any("our keyring" in finding["text"] for finding in doctor(world)[1])


MANAGED = Path("/usr/lib") / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "EXTERNALLY-MANAGED"


@follows("python3 -m venv .venv && . .venv/bin/activate")
@pytest.mark.skipif(not (MANAGED.exists() and Path("/usr/bin/pip").exists()), reason="no pip here that a distribution keeps")
def test_the_advice_about_a_distributions_pip_can_be_followed(world: World) -> None:
    """`/usr/bin/python -m pip install --upgrade pip` is no such file on Debian, and PEP 668 forbids it."""
    world.configure('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\non-failure = "pass"\n')

    def about_pip() -> list[dict[str, str]]:
        return [found for found in doctor(world, "--offline")[1] if found["where"] == "/usr/bin/pip"]

    (found,) = about_pip()
    followed = world.run("sh", "-c", f"{found['command']} && printf %s \"$PATH\"")
    assert followed.returncode == 0, followed.stderr
    world.environ |= {"PATH": followed.stdout, "VIRTUAL_ENV": str(world.cwd / ".venv")}
    assert about_pip() == [], "the advice, followed"
    upgrades = [found["command"] for found in doctor(world, "--offline")[1] if "--upgrade pip" in str(found["command"])]
    assert all(Path(command.split()[0]).exists() for command in upgrades)


def test_a_pip_that_pyenv_offers_for_any_version_is_no_problem(world: World) -> None:
    shims = world.folder / "pyenv" / "shims"
    shims.mkdir(parents=True)
    for name in ("pip3.6", "pip3.7"):
        (shims / name).write_text('#!/usr/bin/env bash\nset -e\nprogram="${0##*/}"\nexec "/opt/pyenv/libexec/pyenv" exec "$program" "$@"\n')
        (shims / name).chmod(0o755)
    world.environ["PATH"] += f":{shims}"

    assert not [found for found in doctor(world, "--offline")[1] if "pip3.6" in found["where"] + found["text"]]


@follows("shim doctor --confusion{}")
def test_requirements_belong_to_confusion_and_the_hint_says_so(world: World) -> None:
    result = world.shim("doctor", "-r", "requirements.txt")

    assert result.returncode == 64
    assert result.stderr.endswith("hint: shim doctor --confusion -r requirements.txt\n")


@follows("sh {} --prefix {}{} --force")
def test_our_own_keyring_package_that_is_gone_is_told_from_a_machine_without_a_keyring(world: World, tmp_path: Path) -> None:
    own = copy_installation(world.prefix, tmp_path / "own")
    (site,) = (own / "venv" / "lib").glob("python3*/site-packages")
    shutil.rmtree(site / "keyring")
    world.environ["PATH"] = f"{own / 'shims'}:/usr/bin:/bin"
    result = world.shim("doctor", "--offline", "--json")
    (found,) = [row for row in json.loads(result.stdout)["findings"] if row["where"] == "OS keyring"]

    assert found["level"] == "problem"
    assert "in clear" not in str(found["command"])
    followed = world.run("sh", "-c", str(found["command"]).replace("--force", "--force --no-modify-path --quiet"), timeout=300)
    assert followed.returncode == 0, (found["command"], followed.stderr)
    assert "shim's own package" not in world.shim("doctor", "--offline").stdout, "the advice, followed"
