"""Delivery records: the same command again takes the hot path, and whatever changes leads back to the long way.

What leads back is one thing at a time: a file, a variable, the clock, the target, our own code.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.hotpath import replay
from tests.support import toolchains
from tests.support.long_way import MARK, is_hot, plans, warm_up
from tests.support.world import CANARY, USER, World


@pytest.fixture
def own(world: World, index: PrivateIndex, watched_prefix: Path) -> World:
    """An installation that says when it goes the long way, and a token with an end for the index."""
    world.prefix = watched_prefix
    program = world.folder / "config" / "give-secret"
    program.write_text(f"#!/bin/sh\necho called >>{world.folder}/calls\necho {CANARY}\n")
    program.chmod(0o700)
    world.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nmax-age = '1h'\ncommand = {{ argv = ['{program}'] }}\n"
    )
    return world


TOOLS = {"pip": "newest", "pip-old": "23.2.1", "uv": "newest"}


@pytest.fixture(params=TOOLS)
def command(request: pytest.FixtureRequest, own: World, index: PrivateIndex) -> list[str]:
    label = request.param
    url = f"http://{index.netloc}/simple/"
    if label == "uv":
        own.use(toolchains.uv())
        own.environ["UV_DEFAULT_INDEX"] = url
        return ["uv", "pip", "install", "--target", str(own.folder / "installed"), "corp-lib"]
    own.use(toolchains.pip(TOOLS[label]))
    own.environ["PIP_INDEX_URL"] = url
    return ["pip", "install", "--upgrade", "--target", str(own.folder / "installed"), "corp-lib"]


def test_the_second_run_is_replayed_with_the_credential(own: World, command: list[str], index: PrivateIndex) -> None:
    warm_up(own, command)
    shutil.rmtree(own.folder / "installed")
    index.requests.clear()

    assert is_hot(own, command)
    assert any(user == USER and status == 200 for _, user, status in index.requests)
    assert (own.folder / "calls").read_text().count("called") == 1


def test_an_index_that_came_by_use_as_is_replayed_until_the_user_names_one(own: World, command: list[str], index: PrivateIndex) -> None:
    url = own.environ.pop("UV_DEFAULT_INDEX" if command[0] == "uv" else "PIP_INDEX_URL")
    own.environ["PIP_CONFIG_FILE"] = os.devnull
    own.config.write_text(own.config.read_text() + "use-as = 'default'\n")
    warm_up(own, command)
    index.requests.clear()

    assert is_hot(own, [*command[:-1], "corp-build"])
    assert any(user == USER and status == 200 for _, user, status in index.requests)
    assert not is_hot(own, command, **{"UV_INDEX" if command[0] == "uv" else "PIP_EXTRA_INDEX_URL": url})
    own.config.write_text(own.config.read_text().replace("'default'", "'extra'"))
    assert MARK in own.run(*command).stderr


def test_other_package_names_share_the_record(own: World, command: list[str]) -> None:
    warm_up(own, command)

    assert is_hot(own, [*command[:-1], "corp-build"])


def test_a_record_holds_no_secret(own: World, command: list[str]) -> None:
    warm_up(own, command)

    assert plans(own)
    for plan in plans(own):
        assert CANARY not in plan.read_text()
        assert plan.stat().st_mode & 0o777 == 0o600


def long_ways(world: World, *commands: str) -> list[bool]:
    """Return of each command whether it went the long way, whatever became of it."""
    return [MARK in world.run(*command.split()).stderr for command in commands]


def test_the_verb_is_no_package_name_where_an_option_stands_before_it(own: World, index: PrivateIndex) -> None:
    own.use(toolchains.pip("newest"))
    own.environ["PIP_INDEX_URL"] = f"http://{index.netloc}/simple/"
    shown = "pip --log log show corp-lib"

    assert long_ways(own, shown, shown, "pip --log log download corp-lib") == [True, False, True]
    assert list(own.cwd.glob("corp_lib-*")), "with the credential that it takes"


@pytest.mark.parametrize("verb", ["pip compile", "tool upgrade"])
def test_what_is_no_package_name_is_another_command(own: World, verb: str) -> None:
    """The argument of `uv pip compile` is a file, that of `uv tool upgrade` a tool with indexes of its own."""
    own.use(toolchains.uv())
    own.environ["UV_OFFLINE"] = ""
    first = f"uv {verb} first"

    assert long_ways(own, first, first, f"uv {verb} other") == [True, False, True]


def test_a_file_that_changes_while_a_plan_is_made_from_it_makes_no_record(own: World, command: list[str]) -> None:
    """A login may take minutes, in which people go on editing."""
    file = own.cwd / "requirements.txt"
    file.write_text("corp-lib\n")
    (own.folder / "config" / "give-secret").write_text(f"#!/bin/sh\necho 'corp-lib  # edited' >'{file}'\necho {CANARY}\n")
    words = [*command[:-1], "-r", "requirements.txt"]

    assert [is_hot(own, words) for _ in range(3)] == [False, False, True]


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def expire(world: World) -> None:
    (token,) = (world.folder / "runtime" / "shim" / "tokens").glob("*.token")
    lines = [f"expires_at={time.time() + 200}" if line.startswith("expires_at=") else line for line in token.read_text().split("\n")]
    token.write_text("\n".join(lines))


def rewrite(path: Path) -> None:
    """Write other text into the same file, of the same size and with the same time, as `cp -p` or `rsync --inplace` may do."""
    before = path.stat()
    path.write_text(path.read_text().replace("'1h'", "'2h'"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_size, before.st_ino, before.st_mtime_ns)


#: What may happen between two runs, and leads back to the long way.
CHANGES: dict[str, Callable[[World], object]] = {
    "our configuration was written again in its place, its time put back": lambda world: rewrite(world.config),
    "our configuration changed": lambda world: world.config.write_text(world.config.read_text() + "\n# changed\n"),
    "the token nears its end": expire,
    "the token is gone": lambda world: [token.unlink() for token in (world.folder / "runtime" / "shim" / "tokens").glob("*.token")],
    "the token can be read by others": lambda world: [
        token.chmod(0o644) for token in (world.folder / "runtime" / "shim" / "tokens").glob("*.token")
    ],
    "the record can be written by others": lambda world: [plan.chmod(0o622) for plan in plans(world)],
    "the record is cut short": lambda world: [plan.write_text(plan.read_text()[:-30]) for plan in plans(world)],
    "the folder of records is open": lambda world: (world.folder / "runtime" / "shim" / "tokens" / "plans").chmod(0o755),
    "a variable of the tool's appeared": lambda world: world.environ.update({"PIP_TIMEOUT": "30", "UV_HTTP_TIMEOUT": "30"}),
    "a variable changed its case": lambda world: world.environ.update({"PIP_extra_index_url": "", "UV_INDEX": ""}),
    "the configuration moved": lambda world: world.environ.update(
        {"XDG_CONFIG_HOME": str(shutil.copytree(world.folder / "config", world.folder / "config" / "moved"))}
    ),
    "a token is wanted anew": lambda world: world.environ.update({"SHIM_REFRESH": "1"}),
    "our code changed": lambda world: [os.utime(path) for path in world.prefix.glob("venv/lib/python3*/site-packages/shim/hotpath/replay.py")],
}
PIP_CHANGES = {
    "a pip.conf appeared": lambda world: write(world.folder / "xdg" / "pip" / "pip.conf", "[global]\ntimeout = 20\n"),
    "a netrc appeared": lambda world: write(world.folder / "home" / ".netrc", "machine other.example login x password y\n"),
}
UV_CHANGES = {
    "a uv.toml appeared in a parent folder": lambda world: write(world.folder / "uv.toml"),
    "a pyproject.toml appeared": lambda world: write(world.cwd / "pyproject.toml", "[tool.uv]\n"),
    "a user's uv.toml appeared": lambda world: write(world.folder / "config" / "uv" / "uv.toml"),
    "a store of uv's own appeared": lambda world: write(world.folder / "data" / "uv" / "credentials" / "credentials.toml"),
}


#: (tool, what changes): a change that has nothing to do with the tool is tried with one of them.
CASES = [("pip", change) for change in (*CHANGES, *PIP_CHANGES)] + [("uv", change) for change in UV_CHANGES]


@pytest.mark.parametrize(("command", "change"), CASES, indirect=["command"])
def test_whatever_changes_leads_back_to_the_long_way(change: str, own: World, command: list[str]) -> None:
    if "store" in change:
        own.environ["UV_NO_SYSTEM_CONFIG"] = "1"  # channel `store` is taken, which reads uv's own
    warm_up(own, command)
    {**CHANGES, **PIP_CHANGES, **UV_CHANGES}[change](own)

    assert not is_hot(own, command)


def split(text: str) -> Iterator[list[str]]:
    """Yield what a record goes by, one thing each: a line may name many that are absent, missing, or folders."""
    for line in text.split("\n")[1:-1]:
        kind, *fields = line.split(replay.FIELD)
        yield from ([kind, field] for field in fields) if kind in ("absent", "missing", "folder") else [[kind, *fields]]


@pytest.mark.parametrize("command", ["pip", "uv"], indirect=True)
def test_each_single_thing_that_a_plan_was_made_from_counts(own: World, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file, missing file, variable, word, folder and moment that a real record names, changed one after the other."""
    warm_up(own, command)
    (plan,) = plans(own)
    (code,) = own.prefix.glob("venv/lib/python3*/site-packages/shim/hotpath/replay.py")
    monkeypatch.setattr(replay, "__file__", str(code))
    monkeypatch.chdir(own.cwd)
    target = str(toolchains.uv().path if command[0] == "uv" else toolchains.pip("newest").path)
    lines = [*split(plan.read_text())]
    seen = {name: value for kind, name, *rest in lines if kind == "variable" for value in rest}
    environ = {**own.environ, **seen}

    def is_found(argv: list[str] = command[1:], now: float | None = None, **changed: str | None) -> bool:
        variables = {name: value for name, value in {**environ, **changed}.items() if value is not None}
        return replay.find_plan(command[0], target, argv, variables, now or time.time()) is not None

    assert is_found()
    now = time.time()
    found = {f"the clock is {seconds} s off": is_found(now=now + seconds) for seconds in (3400, -7200)}
    for kind, *fields in lines:
        if kind == "variable":
            found[f"{fields[0]} is another"] = is_found(**{fields[0]: "other"})
            found[f"{fields[0]} is gone"] = is_found(**{fields[0]: None})
        elif kind == "absent":
            found[f"{fields[0]} is there"] = is_found(**{fields[0]: ""})
        elif kind in ("word", "name"):
            words = [*command[1:]]
            words[int(fields[0])] = "--other"
            found[f"word {words}"] = is_found(words)
        elif kind in ("file", "folder", "missing") and fields[0].startswith(str(own.folder)) and not os.path.islink(fields[0]):
            with changed_path(Path(fields[0]), kind, plan):
                found[f"{kind} {fields[0]}"] = is_found()
    found |= {f"{prefix}NEW appeared": is_found(**{prefix + "NEW": ""}) for prefix in replay.PREFIXES}

    assert [what for what, is_there in found.items() if is_there] == []
    assert is_found()
    assert len(found) > 40


@contextmanager
def changed_path(path: Path, kind: str, plan: Path) -> Iterator[None]:
    """Change one path while it lasts: make what is missing, take a folder away, touch a file, whose new state then goes into the record."""
    if kind == "missing":
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        yield
        path.unlink()
        for folder in made[1:]:
            folder.rmdir()
    elif kind == "folder":
        path.rename(f"{path}.away")
        yield
        Path(f"{path}.away").rename(path)
    else:
        before = replay.describe_file(str(path))
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))
        yield
        text, after = plan.read_text(), replay.describe_file(str(path))
        plan.write_text(text.replace(f"{path}{replay.FIELD}{before}", f"{path}{replay.FIELD}{after}"))


def test_another_folder_is_another_command(own: World, command: list[str]) -> None:
    warm_up(own, command)
    (own.cwd / "below").mkdir()
    result = own.run("sh", "-c", 'cd below && exec "$@"', "sh", *command)

    assert MARK in result.stderr


def test_another_option_is_another_command(own: World, command: list[str]) -> None:
    warm_up(own, command)
    words = [*command[:-1], "--no-deps", command[-1]]

    assert not is_hot(own, words)


def test_a_changed_requirements_file_is_read_again(own: World, command: list[str]) -> None:
    (own.cwd / "more").mkdir()
    (own.cwd / "more" / "inner.txt").write_text("corp-lib\n")
    (own.cwd / "requirements.txt").write_text("-r more/inner.txt\n")
    words = [*command[:-1], "-r", "requirements.txt"]
    warm_up(own, words)
    (own.cwd / "more" / "inner.txt").write_text("corp-lib  # the same\n")

    assert not is_hot(own, words)


def test_a_secret_in_argv_or_environment_makes_no_record(own: World, index: PrivateIndex) -> None:
    own.use(toolchains.pip("newest"))
    own.config.unlink()
    url = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
    for environ, option in (({"PIP_INDEX_URL": url}, []), ({}, ["-i", url])):
        for _ in range(3):
            assert not is_hot(
                own, ["pip", "install", "--upgrade", "--target", str(own.folder / "installed"), *option, "corp-lib"], **environ
            )


@pytest.mark.parametrize("command", ["pip", "uv"], indirect=True)
def test_an_upgraded_tool_is_looked_at_again(own: World, command: list[str]) -> None:
    """The site-packages folder of the target's environment changes with every installation in it."""
    shared = toolchains.uv() if command[0] == "uv" else toolchains.pip("newest")
    tool = toolchains.own_copy(shared, own.folder / "tool")
    own.use(tool)
    warm_up(own, command)
    (site,) = (tool.bin.parent / "lib").glob("python3*/site-packages")
    (site / "appeared.txt").write_text("")
    (site / "appeared.txt").unlink()

    assert not is_hot(own, command)


def test_a_public_command_is_replayed_too(own: World) -> None:
    own.use(toolchains.pip("newest"))
    own.config.unlink()
    words = ["pip", "download", "--no-index", "--find-links", "/nonexistent", "--no-deps", "nobody-has-this"]
    results = [own.run(*words, PIP_CONFIG_FILE=os.devnull) for _ in range(2)]

    assert [MARK in result.stderr for result in results] == [True, False]
    assert {result.returncode for result in results} == {1}
