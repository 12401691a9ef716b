"""What completes `shim` in shells and its manual page are what the parsers say, and `shim names` says nothing that a shell would run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from shim.cli import VERBS
from shim.install.completion import COMPLETIONS, MANUAL, read_template
from tests.support import cli_page, complete, machine
from tests.support.following import Place


def test_the_files_are_what_the_parsers_say() -> None:
    """`python -m tests.support.complete` writes them."""
    for name, text in complete.render().items():
        assert read_template(name) == text, name
    assert cli_page.PAGE.read_text() == cli_page.render()


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_a_shell_reads_its_file(shell: str) -> None:
    machine.skip_without(machine.lacks_programs(shell))
    assert subprocess.run([shell, "-n", complete.FOLDER / COMPLETIONS[shell]], check=False).returncode == 0


def test_the_page_has_every_verb_and_no_warning() -> None:
    page = read_template(MANUAL)
    assert all(f".SS shim {complete.roff(verb)}" in page for verb in VERBS)
    if shutil.which("man"):
        shown = subprocess.run(["man", "-l", "--warnings", complete.FOLDER / MANUAL], capture_output=True, text=True, check=True)
        assert shown.stderr == ""


def test_names_are_printed_that_a_shell_takes_as_they_are(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.configure(
        "".join(f"[[index]]\nname = {name!r}\nurl = 'https://{n}.example/'\n" for n, name in enumerate(("corp", "$(id)", "a b")))
    )

    assert place.shim("names") == (0, "corp\n")
