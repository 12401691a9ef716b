"""Each code that shim can print has a section, in `shim explain-error` and in docs/errors.md, and no other code has one."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import shim
from shim.cli import main
from shim.cli.explain_error import read_sections
from shim.core import errors
from shim.core.errors import ShimError
from tests.support import error_page
from tests.support.hints import follows

PACKAGE = Path(shim.__file__).parent
SECTIONS = read_sections()
CLASSES = {name: one for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, ShimError)}
#: Where a code stands in a text, as in the launchers and the processes that have no class at hand.
WRITTEN = re.compile(r"\b(?:error|warning)\[([a-z-]+)\]")
PLACEHOLDER = "code"  # of docstrings


def raised(source: str) -> set[str]:
    """Return the codes of what a module makes an error of."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {CLASSES[func.id].code for func in calls if isinstance(func, ast.Name) and func.id in CLASSES}


def launcher_statuses() -> set[tuple[str, str]]:
    """Return each code of the launchers with the status that they end with."""
    text = (PACKAGE / "install" / "launcher.sh").read_text()
    return set(re.findall(r"error\[([a-z-]+)\](?:.*\n){2}\s+exit (\d+)", text))


def say(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return main(["explain-error", *words]), *capfd.readouterr()


def test_every_code_that_can_be_printed_has_a_section_and_no_other_has() -> None:
    codes = set()
    for path in PACKAGE.rglob("*"):
        if path.suffix == ".py":
            codes |= raised(path.read_text())
        if path.suffix in (".py", ".sh"):
            codes |= set(WRITTEN.findall(path.read_text()))

    assert codes - {PLACEHOLDER} == set(SECTIONS)


def test_the_search_finds_what_it_is_for() -> None:
    assert raised("raise NoCredential(message)\nreturn other(Rejected)\nisinstance(x, SourceError)") == {"no-credential"}
    assert {"loop", "no-interpreter"} <= {code for code, _ in launcher_statuses()}


def test_a_section_has_the_status_that_the_command_ends_with() -> None:
    by_class = {one.code: one.exit_code for one in CLASSES.values()}
    only_warnings = {"short-lived"}
    said = {code: section.status for code, section in SECTIONS.items()}

    assert {code: status for code, status in said.items() if code in by_class} == {
        code: None if code in only_warnings else status for code, status in by_class.items() if code in said
    }
    for code, status in launcher_statuses():
        section = SECTIONS[code]
        assert status in f"{section.status} {section.warns}", (code, status)


def test_a_section_says_what_to_do_in_whole_sentences() -> None:
    for section in SECTIONS.values():
        sentences = (section.means, section.warns or ".", *section.causes, *section.do)
        assert [text for text in sentences if not text.rstrip().endswith(".")] == [], section.code


def test_the_page_says_what_the_command_says() -> None:
    """`python -m tests.support.error_page` writes it."""
    assert error_page.PAGE.read_text() == error_page.render()


@pytest.mark.parametrize("code", SECTIONS)
def test_a_code_is_explained_offline(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = say(capfd, code)

    assert (status, err) == (0, "")
    assert out.startswith(f"{code}: {SECTIONS[code].line}\n\n{SECTIONS[code].means}\n")
    assert all(f"  * {text}\n" in out for text in (*SECTIONS[code].causes, *SECTIONS[code].do))


def test_a_code_is_taken_as_the_message_has_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert say(capfd, "error[loop]:") == say(capfd, "loop")


@follows("did you mean {}?")
def test_an_unknown_code_names_those_that_are_near(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = say(capfd, "no-credentials")

    assert (status, out) == (64, "")
    assert err == "shim: error[usage]: there is no error code 'no-credentials'\nhint: did you mean no-credential?\n"
    assert "did you mean cannot-route, cannot-store or cannot-fetch?" in say(capfd, "cannot-roe")[2]
    assert say(capfd, "no-credential")[0] == 0


@follows("shim explain-error")
def test_a_code_that_is_near_to_none_leads_to_the_list(capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = say(capfd, "E0001")

    assert (status, err.splitlines()[-1]) == (64, "hint: shim explain-error")
    status, out, _ = say(capfd)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == list(SECTIONS)
