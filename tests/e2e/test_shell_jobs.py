"""Typed tools as jobs of a shell, shells that let nobody at their prompt, and leaving: what is typed reaches the launcher all the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import machine
from tests.support.shells import HOOKED, SHELLS, Shell, furnish, opened, probe
from tests.support.world import World

#: Shell -> how others take the prompt for themselves after us, or keep it from us before.
TAKEN = {
    "bash": "PROMPT_COMMAND=",
    "bash, array": "PROMPT_COMMAND=(true)",
    "zsh": "precmd_functions=() preexec_functions=()",
    "dash": "true",
    "busybox": "true",
}
KEPT = {"text": "readonly PROMPT_COMMAND=true", "array": "declare -ar PROMPT_COMMAND=(true)", "exported": "declare -rx PROMPT_COMMAND="}


@pytest.fixture
def own(world: World) -> World:
    return furnish(world)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, own: World) -> Iterator[Shell]:
    yield from opened(request.param, own)


@pytest.fixture(params=HOOKED)
def hooked(request: pytest.FixtureRequest, own: World) -> Iterator[Shell]:
    yield from opened(request.param, own)


@pytest.fixture
def bash(own: World) -> Iterator[Shell]:
    yield from opened("bash", own)


def write_pip(own: World, text: str) -> None:
    (own.folder / "base" / "pip").write_text(f"#!/bin/sh\n{text}\n")


def test_a_stopped_tool_is_a_job_by_its_name(hooked: Shell, own: World) -> None:
    write_pip(own, "echo rea''dy; exec sleep 60")
    hooked.type(hooked.activate)
    hooked.terminal.start("pip install 'a b'", "ready")
    hooked.terminal.press("\x1a")
    stopped = hooked.terminal.until("topped" if hooked.name != "zsh" else "suspended")
    listed = hooked.type("jobs")
    ended = hooked.type("kill -KILL %pip; echo status $status" if hooked.name == "fish" else "kill -KILL %pip; echo status $?")

    assert "_shim" not in (stopped + listed).lower()
    assert "pip install" in listed
    assert hooked.name == "fish" or ended.endswith("status 0"), ended  # fish knows jobs by number only


@machine.endpoints(machine.lacks_programs("ps"))
@pytest.mark.parametrize("line", ["pip x &", "pip install 'a b' >/dev/null 2>&1 & "])
def test_what_the_shell_calls_the_last_process_is_the_tool(line: str, hooked: Shell, own: World) -> None:
    write_pip(own, "exec sleep 60")
    hooked.type(hooked.activate)
    last, status = ("$last_pid", "$status") if hooked.name == "fish" else ("$!", "$?")
    hooked.terminal.press(f"{line}\n")  # alone on its line
    hooked.type(f"""sh -c 'until [ "$(ps -o args= -p $0)" = "sleep 60" ]; do sleep 0.1; done' {last}""")
    said = hooked.type(f"kill {last}; wait {last}; echo ended {status}")

    assert "ended 143" in said or hooked.name == "fish"  # which waits for no job that was ended


#: What is more than one command, or cannot be told from it, after a line that was one.
FOLLOWED = ["(pip x; echo go''es on) &", " (pip x; echo go''es on) &", "pip $(pip x; echo go''es on >&2) &", "pip x | { cat; echo go''es on; } &", "pip x && echo go''es on &"]


@pytest.mark.parametrize("line", FOLLOWED)
def test_what_follows_a_tool_in_the_background_is_done(line: str, bash: Shell, own: World) -> None:
    write_pip(own, "true")
    bash.type(f"HISTCONTROL=ignorespace; {bash.activate}")
    bash.terminal.press("pip x &\n")
    bash.type("wait")

    bash.terminal.press(f"{line}\n")
    bash.terminal.until("goes on")


@machine.endpoints(machine.lacks_programs("ps", "pgrep"))
def test_bash_has_a_way_to_the_process_of_the_tool(bash: Shell, own: World) -> None:
    """docs/start.md says so."""
    write_pip(own, "exec sleep 61")
    bash.type(bash.activate)
    direct = bash.type("command pip x & sleep 1; ps -o args= -p $!; kill $!; wait $!; echo $?")
    by_job = bash.type("pip x & sleep 1; group=$(jobs -p); pgrep -c -g $group; kill %pip; wait $!; echo $?; while pgrep -g $group >/dev/null; do sleep 0.1; done")

    assert [line for line in direct.splitlines() if line in ("sleep 61", "143")] == ["sleep 61", "143"]
    assert [line for line in by_job.splitlines() if line.isdigit()] == ["2", "143"]


@pytest.mark.parametrize("words", ["", "a 'b  c' '' \"d'e\" '$f' 'g>=1' '*' \\\\", "'é ü' -- $'h\\ni'"])
@pytest.mark.parametrize("hooked", ["bash", "zsh"], indirect=True)
def test_the_tool_gets_each_word_as_it_was_typed(words: str, hooked: Shell, own: World) -> None:
    write_pip(own, 'printf "<%s>" "$@"; exit 7')
    bare = hooked.type(f"{own.folder}/base/pip {words}; echo $?")
    hooked.type(hooked.activate)

    assert hooked.type(f"pip {words}; echo $?") == bare
    assert hooked.type(f"true && pip {words} | cat; (pip {words}; echo $?)") == bare.rpartition(">")[0] + ">" + bare


@pytest.mark.parametrize("hooked", ["bash", "zsh"], indirect=True)
def test_an_alias_that_came_later_is_applied_once(hooked: Shell, own: World) -> None:
    write_pip(own, 'echo "$@"')
    hooked.type(hooked.activate)
    hooked.type("alias pip='pip --once'")
    hooked.terminal.press("pip alone\n")
    hooked.terminal.until("--once alone")

    assert hooked.type("pip x") == "--once x"
    assert hooked.type("pip x") == "--once x"


@pytest.mark.parametrize("hooked", ["bash", "zsh"], indirect=True)
def test_an_interrupted_tool_is_the_launchers_again_at_the_next_prompt(hooked: Shell, own: World) -> None:
    write_pip(own, "echo rea''dy; exec sleep 60")
    hooked.type(hooked.activate)
    hooked.terminal.start("pip install", "ready")
    hooked.terminal.press("\x03")
    hooked.terminal.until("^C")

    assert hooked.type(f"{hooked.source} && pip x") == "venv by launcher"


def test_a_tool_that_a_tool_installed_gets_its_launcher(hooked: Shell, own: World) -> None:
    """PATH is the same as before."""
    probe(own.folder / "new", "uv", "new")
    write_pip(own, f"cp {own.folder}/new/uv {own.folder}/base/uv")
    hooked.type(hooked.activate)
    hooked.type("pip install uv")

    assert hooked.type("sh -c 'uv x'") == "new by launcher"


@pytest.mark.parametrize("case", TAKEN)
def test_where_nobody_asks_us_at_the_prompt_the_typed_tool_sees_to_path(case: str, own: World) -> None:
    for shell in opened(case.partition(",")[0], own):
        shell.type(shell.activate)
        shell.type(TAKEN[case])
        shell.type(shell.source)
        doctor = shell.type("shim doctor 2>&1")
        assert shell.type("pip x") == "venv by launcher"
        assert shell.type("sh -c 'pip x'") == "venv by launcher"
        assert "stands before it on PATH" not in doctor
        assert shell.type("deactivate; pip x") == "base by launcher"


@pytest.mark.parametrize("case", KEPT)
def test_a_prompt_command_that_nobody_may_change_is_left_alone(case: str, bash: Shell) -> None:
    bash.type(KEPT[case])
    before = bash.type("declare -p PROMPT_COMMAND")
    assert bash.type(bash.activate) == ""
    assert bash.type(bash.source) == ""
    assert bash.type("pip x") == "venv by launcher"
    assert bash.type("sh -c 'pip x'") == "venv by launcher"
    assert bash.type("deactivate; shim deactivate") == ""
    assert bash.type("declare -p PROMPT_COMMAND") == before


def test_a_prompt_command_that_became_readonly_makes_no_noise(bash: Shell) -> None:
    bash.type(bash.activate)
    bash.type("readonly PROMPT_COMMAND")
    assert bash.type(f"{bash.activate}; {bash.source}; pip x") == "venv by launcher"

    assert bash.type("shim deactivate") == ""
    assert bash.type("pip x").strip() == "venv"


@pytest.mark.parametrize("order", ["in a venv", "before a venv"])
def test_who_left_inside_of_a_venv_stays_away_when_the_venv_ends(order: str, shell: Shell, own: World) -> None:
    show = "string join : $PATH" if shell.name == "fish" else 'printf "%s\\n" "$PATH"'
    before = shell.type(show)
    for line in (shell.source, shell.activate) if order == "in a venv" else (shell.activate, shell.source):
        shell.type(line)
    assert shell.type("pip x") == "venv by launcher"
    assert shell.type("shim deactivate") == ""
    assert shell.type("pip x").strip() == "venv"
    shell.type("deactivate")

    assert shell.type(show) == before
    assert shell.type("pip x").strip() == "base"


@pytest.mark.parametrize("hooked", ["bash", "zsh"], indirect=True)
def test_a_tool_without_a_launcher_is_served_where_launchers_may_not_be_written(hooked: Shell, own: World) -> None:
    """As root's installation is to other users; root itself may write everywhere, so the launcher is taken away again."""
    probe(own.folder / "base", "uv", "base")
    hooked.type(hooked.activate)
    (own.prefix / "shims" / "uv").unlink()

    assert hooked.type("uv x") == "base by launcher"


def test_after_an_uninstall_the_functions_reach_the_tool(shell: Shell, own: World) -> None:
    shell.type(shell.activate)
    shutil.rmtree(own.prefix)

    assert shell.type("pip x").strip() == "base"
    assert not Path(own.prefix).exists()
