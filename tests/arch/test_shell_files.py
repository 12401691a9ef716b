"""What shells read of ours is for every shell that may read it: dash, busybox, bash from 3.2 on (macOS), and BSD's programs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shim.install.launchers import render_launcher

ROOT = Path(__file__).parents[2]
SHELLS = ROOT / "shim" / "install" / "shells"
#: File -> what the linter takes it for.
FILES = {
    ROOT / "install.sh": "sh",
    ROOT / "shim" / "install" / "launcher.sh": "sh",
    SHELLS / "common.sh": "sh",
    SHELLS / "prompt.sh": "sh",
    SHELLS / "start.sh": "sh",
    SHELLS / "bash.sh": "bash",
    ROOT / "tests" / "run": "bash",
}
#: What the linter says without need, and why.
ALLOWED = {
    "SC1007": "`name= other=` sets both to nothing",
    "SC1087": "brackets behind a name are those of a requirement",
    "SC2043": "a loop over what is put in when it is installed",
    "SC2088": "a tilde that the user wrote into a variable",
    "SC2128": "PROMPT_COMMAND is an array for some and a text for others",
    "SC2154": "variables of the files that are read together",
    "SC2155": "nobody asks for that status",
    "SC2178": "PROMPT_COMMAND, again",
    "SC2239": "the first line is filled in when it is installed",
}
#: What bash 3.2 has not: it came with 4.0 or later.
LATER_BASH = re.compile(r"declare -[Ang]|local -[An]|\bmapfile\b|\breadarray\b|\bcoproc\b|\$\{\w+(?:,,|\^\^|@)|\|&|&>>|;;?&|\[\[ -v |\bwait -n\b|\$EPOCH")
#: What only GNU's programs understand, and what to write instead.
GNU = re.compile(
    r"\bsed (?:-i|-r)|\bstat -c|\bgrep -P|\bsort -V|\bdate -d|\bfind [^|]*-printf|\bxargs -r|\bcp -a\b|\becho -e|\bmktemp -p|\bls --|\bdu -b"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_linter_that_knows_the_shells_has_nothing_to_say(file: Path) -> None:
    command = [Path(sys.executable).parent / "shellcheck", f"--shell={FILES[file]}", "--severity=warning", "--format=gcc"]
    result = subprocess.run([*command, f"--exclude={','.join(ALLOWED)}", file], capture_output=True, text=True, check=False)

    assert result.stdout + result.stderr == ""


@pytest.mark.parametrize("file", [*FILES, SHELLS / "zsh.sh"], ids=lambda file: file.name)
def test_no_program_of_gnus_alone_is_needed(file: Path) -> None:
    assert [line for line in file.read_text().splitlines() if GNU.search(line)] == []


def test_nothing_is_newer_than_bash_3_2() -> None:
    """The bash of macOS. Its sh is one as well, so all but zsh's file counts; `tests/run` is for Debian."""
    for file in FILES:
        lines = file.read_text().splitlines() if file.name != "run" else []
        assert [line for line in lines if LATER_BASH.search(re.sub(r"^\s*#.*", "", line))] == [], file


def test_the_patterns_find_what_they_are_for() -> None:
    assert all(map(LATER_BASH.search, ("declare -A x", "${x,,}", "make |& tee", "mapfile -t x", "case a in a) b ;;& esac")))
    assert all(map(GNU.search, ("sed -i s/a/b/ f", "stat -c %a f", "find . -type f -printf x")))


def test_a_launcher_as_it_is_installed_is_clean_too(tmp_path: Path) -> None:
    launcher = tmp_path / "pip"
    launcher.write_text(render_launcher())
    command = [Path(sys.executable).parent / "shellcheck", "--shell=sh", "--severity=error", launcher]

    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""
