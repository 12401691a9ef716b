"""Activated interactive shells in a terminal: venvs come and go, and the launchers stay in front. Real shells, real venvs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.shells import HOOKED, SHELLS, Shell, furnish, opened, probe
from tests.support.terminal import Terminal
from tests.support.world import CANARY, USER, World


@pytest.fixture
def own(world: World) -> World:
    return furnish(world)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, own: World) -> Iterator[Shell]:
    yield from opened(request.param, own)


@pytest.fixture(params=HOOKED)
def hooked(request: pytest.FixtureRequest, own: World) -> Iterator[Shell]:
    yield from opened(request.param, own)


WAYS: dict[str, Callable[[Shell], str]] = {
    "typed": lambda shell: "pip x",
    "in a subshell": lambda shell: "fish --no-config -c 'pip x'" if shell.name == "fish" else "(pip x)",
    "in a substitution": lambda shell: "echo (pip x)" if shell.name == "fish" else 'echo "$(pip x)"',
    "by a script": lambda shell: "sh -c 'pip x'",
    "by xargs": lambda shell: "echo x | xargs pip",
    "by make": lambda shell: "printf 'all:\\n\\t@pip x\\n' > Makefile; make -s",
    "by env": lambda shell: "env pip x",
}


@pytest.mark.parametrize("way", WAYS)
def test_an_activated_venv_is_reached_through_the_launcher(way: str, hooked: Shell) -> None:
    if way == "by make":
        machine.skip_without(machine.lacks_programs("make"))
    hooked.type(hooked.activate)
    assert hooked.type(WAYS[way](hooked)) == "base by launcher"
    hooked.type(hooked.source)
    assert hooked.type(WAYS[way](hooked)) == "venv by launcher"
    hooked.type("deactivate")
    assert hooked.type(WAYS[way](hooked)) == "base by launcher"


def test_typing_after_a_venv_in_the_same_line(shell: Shell) -> None:
    shell.type(shell.activate)

    assert shell.type(f"{shell.source} && pip x" if shell.name != "fish" else f"{shell.source}; and pip x") == "venv by launcher"
    assert shell.type("deactivate; pip x") == "base by launcher"


def test_activation_inside_a_venv_survives_its_end(shell: Shell) -> None:
    shell.type(shell.source)
    shell.type(shell.activate)
    assert shell.type("pip x") == "venv by launcher"
    shell.type("deactivate")

    assert shell.type("pip x") == "base by launcher"


def test_nested_shells_do_not_make_path_longer(hooked: Shell) -> None:
    show = "string join : $PATH" if hooked.name == "fish" else 'printf "%s\\n" "$PATH"'
    hooked.type(hooked.activate)
    before = hooked.type(show)
    inner = " ".join(SHELLS[hooked.name][0])
    script = f"{hooked.activate}; {show}; pip x".replace("'", "'\\''")
    nested = hooked.type(f"{inner} -c '{script}'").split("\n")

    assert nested[-1] == "base by launcher"
    entries = nested[-2].split(":")
    assert set(entries) <= set(before.split(":"))
    assert len(entries) == len(set(entries))


def test_a_tool_that_appears_with_a_venv_gets_its_launcher(hooked: Shell, own: World) -> None:
    """On a fresh Debian there is no pip until a venv brings one."""
    probe(own.cwd / ".venv" / "bin", "uv", "venv")
    hooked.type(hooked.activate)
    hooked.type(hooked.source)

    assert hooked.type("uv x") == "venv by launcher"
    assert hooked.type("sh -c 'uv x'") == "venv by launcher"


def test_a_tool_that_a_launcher_waits_for_is_served_in_the_line_that_brings_it(shell: Shell, own: World) -> None:
    """As `shim install --all` and `install.sh --system` write them."""
    probe(own.cwd / ".venv" / "bin", "uv", "venv")
    shutil.copy(own.prefix / "shims" / "pip", own.prefix / "shims" / "uv")
    shell.type(shell.activate)

    assert shell.type("uv x; echo $status" if shell.name == "fish" else "uv x; echo $?").endswith("\n127")
    assert shell.type(f"{shell.source}; uv x") == "venv by launcher"
    assert shell.type("deactivate; uv x || echo gone").endswith("gone")


def test_a_tool_that_is_not_there_is_not_found(hooked: Shell) -> None:
    hooked.type(hooked.activate)
    there = hooked.type("command -v uv || echo missing") if hooked.name != "fish" else hooked.type("command -sq uv; or echo missing")

    assert there == "missing"


def test_deactivate_takes_everything_back(shell: Shell) -> None:
    listings = {
        "bash": "set | grep -v -e ^_= -e ^BASH_LINENO= -e ^LINENO= -e ^RANDOM= -e ^SECONDS= -e ^EPOCH -e ^SRANDOM= -e ^PIPESTATUS -e ^BASH_COMMAND -e ^FUNCNAME -e ^HISTCMD -e ^BASHPID",
        "zsh": "typeset -f; print -l $precmd_functions; typeset +m '_shim*'; echo $PATH",
        "fish": "functions -a | grep -i shim; set -n | grep -i shim; string join : $PATH",
    }
    show = listings.get(shell.name, "set | grep -e ^_shim -e ^PATH=")
    before = shell.type(show)
    shell.type(shell.activate)
    assert shell.type("pip x") == "base by launcher"
    shell.type("shim deactivate")

    assert shell.type(show) == before
    assert shell.type("pip x").strip() == "base"


def test_an_alias_and_a_function_of_the_users_own_go_before_ours(hooked: Shell) -> None:
    define = "function pip; echo mine; command pip x; end" if hooked.name == "fish" else "pip() { echo mine; command pip x; }"
    hooked.type(define)
    hooked.type(hooked.activate)
    assert hooked.type("pip") == "mine\nbase by launcher"
    if hooked.name != "fish":
        hooked.type("unset -f pip; alias pip='pip x y'")
        hooked.type(hooked.activate)
        assert hooked.type("pip") == "base by launcher"
        hooked.type("shim deactivate")
        assert hooked.type("alias pip") in ("alias pip='pip x y'", "pip='pip x y'")


def test_prompt_commands_of_others_stay_and_see_the_status(own: World) -> None:
    for line, show in (
        ("PROMPT_COMMAND='seen=$?;'", "declare -p PROMPT_COMMAND"),
        ("PROMPT_COMMAND=('seen=$?')", "declare -p PROMPT_COMMAND"),
    ):
        with Terminal(SHELLS["bash"][0], own.environ, str(own.cwd)) as terminal:
            shell = Shell("bash", terminal, own)
            shell.type(line)
            before = shell.type(show)
            shell.type(shell.activate)
            shell.type(shell.activate)
            assert shell.type(show).count("_shim_prompt") == 1
            shell.type("shim deactivate")
            assert shell.type(show) == before

    with Terminal(SHELLS["bash"][0], own.environ, str(own.cwd)) as terminal:
        shell = Shell("bash", terminal, own)
        shell.type(shell.activate)
        shell.type('PROMPT_COMMAND="seen=$?;$PROMPT_COMMAND"')  # as direnv does it
        assert shell.type("shim deactivate") == ""
        assert shell.type("echo $PROMPT_COMMAND") == "seen=0"


def test_a_function_that_the_user_defines_later_stays(hooked: Shell) -> None:
    """rc files go on after our lines, and a machine's rc file comes before the user's."""
    hooked.type(hooked.activate)
    hooked.type("function pip; echo mine; end" if hooked.name == "fish" else "pip() { echo mine; }")
    for line in (hooked.source, "deactivate", hooked.activate, "shim deactivate"):
        hooked.type(line)
        assert hooked.type("pip") == "mine", line


@pytest.mark.parametrize("shell", [name for name in SHELLS if name != "fish"], indirect=True)
def test_a_shell_that_ends_on_errors_ends_on_its_own_only(shell: Shell) -> None:
    shell.type("set -eu")
    shell.type(shell.activate)
    # Typed alone: the status of a line counts at the prompt.
    shell.terminal.press("! true\n")
    shell.terminal.press("false && true\n")

    assert shell.type("pip x") == "base by launcher"
    shell.type("kept=$PATH; unset PATH; :")
    assert shell.type("PATH=$kept; echo there") == "there"


def test_an_exported_prompt_command_is_no_error_in_a_shell_without_us(own: World) -> None:
    with Terminal(SHELLS["bash"][0], own.environ, str(own.cwd)) as terminal:
        shell = Shell("bash", terminal, own)
        shell.type("export PROMPT_COMMAND='seen=$?'")
        shell.type(shell.activate)
        inner = shell.type("echo 'echo seen $seen' | bash --norc --noprofile -i 2>&1 | cat")

    assert "seen 0" in inner
    assert "not found" not in inner


@pytest.mark.parametrize(
    ("name", "options", "show"),
    [
        ("bash", "set -o posix; PROMPT_COMMAND=(a b); a() { :; }; b() { :; }", 'echo "${PROMPT_COMMAND[@]}"'),
        (
            "zsh",
            "setopt ksh_arrays warn_create_global sh_word_split; precmd_functions=(a b); a() { :; }; b() { :; }",
            "echo ${precmd_functions[@]}",
        ),
    ],
)
def test_options_of_the_users_choice_do_not_make_it_talk(name: str, options: str, show: str, own: World) -> None:
    machine.skip_without(machine.lacks_programs(name))
    with Terminal(SHELLS[name][0], own.environ, str(own.cwd)) as terminal:
        shell = Shell(name, terminal, own)
        shell.type(options)
        said = shell.type(shell.activate) + shell.type(f"{shell.source}; _shim_prompt")
        assert shell.type("pip x") == "venv by launcher"
        said += shell.type("deactivate; shim deactivate")

        assert said == ""
        assert shell.type(show) == "a b"


def test_after_an_uninstall_open_shells_go_on(hooked: Shell, own: World) -> None:
    hooked.type(hooked.activate)
    shutil.rmtree(own.prefix)

    assert hooked.type("pip x").strip() == "base"
    hooked.type(hooked.source)
    assert hooked.type("pip x").strip() == "venv"


def test_a_private_package_is_installed_in_a_venv_by_typing_what_everybody_types(shell: Shell, own: World, index: PrivateIndex) -> None:
    shutil.rmtree(own.cwd / ".venv")
    tool = toolchains.pip("newest")
    vault = own.folder / "vault"
    vault.mkdir(mode=0o700)
    (vault / "secret").write_text(CANARY + "\n")
    (vault / "secret").chmod(0o600)
    own.vaults.append(vault)
    own.configure(
        f"[[index]]\nname = 'corp'\nurl = 'http://{index.netloc}/simple/'\nusername = '{USER}'\nfile = {{ password = '{vault}/secret' }}\n"
    )
    shell.type(shell.activate)
    shell.type(f"{tool.python} -m venv {own.cwd}/.venv")
    shell.type(shell.source)
    output = shell.type(
        f"pip install --disable-pip-version-check -i http://{index.netloc}/simple/ corp-lib && .venv/bin/python -c 'import corp_lib; print(corp_lib.VALUE)'"
    )

    assert output.endswith("\n1"), output
    assert list((own.cwd / ".venv" / "lib").glob("python3*/site-packages/corp_lib.py"))


#: Shell -> what a user's rc file has of completion, before our lines or after them, and a `shim` that shows what was completed.
COMPLETING = {
    "bash": ("bash", "", "", "shim() { printf '<%s>' \"$@\"; }"),
    "bash with options": ("bash", "set -eu; set -o posix", "", "shim() { printf '<%s>' \"$@\"; }"),
    "zsh": ("zsh", "autoload -Uz compinit; compinit -D -u", "", "shim() { printf '<%s>' \"$@\" }"),
    "zsh, compinit later": ("zsh", "", "autoload -Uz compinit; compinit -D -u", "shim() { printf '<%s>' \"$@\" }"),
    "fish": ("fish", "", "", "function shim; printf '<%s>' $argv; end"),
}


@pytest.mark.parametrize("case", COMPLETING)
def test_tab_completes_a_verb_an_index_and_an_option(case: str, own: World) -> None:
    name, before, after, show = COMPLETING[case]
    machine.skip_without(machine.lacks_programs(name))
    own.configure('[[index]]\nname = "corp-packages"\nurl = "https://pypi.corp.example/simple/"\n')
    with Terminal(SHELLS[name][0], own.environ, str(own.cwd)) as terminal:
        shell = Shell(name, terminal, own)
        for line in (before, shell.activate, after, show):
            shell.type(line or "true")
        for typed, rest in (("shim logi", "n"), ("cor", "p-packages"), ("--sto", "re"), ("mem", "ory")):
            terminal.press(typed)
            terminal.until(typed[-1])  # zsh takes a Tab that was typed before it reads for a letter
            terminal.press("\t")
            terminal.until(rest)
        terminal.press("\n")
        said = terminal.until("<memory>")

    assert "<login><corp-packages><--store><memory>" in said
