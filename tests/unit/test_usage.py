"""What `shim` says about words that it does not understand: never a value, which may be the secret itself, and what was meant."""

from __future__ import annotations

import pytest

from shim import __version__
from shim.commands import VERBS, main

SECRET = "s3cr3t-value-of-somebody-as-long-as-a-token"
#: Ways to hand over a secret that other tools have, and slips around those that we have.
WRONG = (
    [f"--token={SECRET}"],
    ["--password", SECRET],
    [f"-p{SECRET}"],
    ["-p", SECRET],
    [f"--password-stdin={SECRET}"],
    [f"--no-such-option={SECRET}"],
    ["--store", SECRET],
    [SECRET],
    ["one", "two", "three", SECRET],
    [f"--json={SECRET}"],
)


def say(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(list(words))
    out, err = capfd.readouterr()
    return status, out + err


@pytest.fixture(autouse=True)
def a_world_of_its_own(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("SHIM_CONFIG_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("verb", ["", *(verb for verb in VERBS if verb not in ("demo", "agent"))])
@pytest.mark.parametrize("words", WRONG, ids=lambda words: words[0][:12])
def test_no_value_of_an_unknown_word_is_ever_repeated(verb: str, words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """`explain` and `exec` take whatever comes for the command: that is asked of them without one."""
    if verb == "exec" and words == [SECRET]:
        return  # the name of a program, which is looked for
    words = words if not verb or verb in ("explain", "exec") else ["corp", *words]
    status, said = say(capfd, *([verb] if verb else []), *words)

    assert status != 0 or verb == "uninstall", "where what is not there counts as taken away"
    assert SECRET not in said


@pytest.mark.parametrize("words", [[f"--token={SECRET}"], ["--password", SECRET], [f"-p{SECRET}"], [f"--password-stdin={SECRET}"]])
@pytest.mark.parametrize("first", [["login"], ["login", "corp"], ["setup"], []])
def test_who_types_a_secret_is_told_the_way_that_keeps_it_off_the_process_list(
    first: list[str], words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    if "stdin" in words[0] and first[:1] != ["login"]:
        return
    status, said = say(capfd, *first, *words)

    assert status == 64
    assert "shim login NAME --password-stdin" in said


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["statsu"], "did you mean `shim status`?"),
        (["Login", "corp"], "did you mean `shim login`?"),
        (["login", "corp", "--no-verfy"], "did you mean --no-verify?"),
        (["login", "corp", "--usr", "alice"], "did you mean --user?"),
        (["status", "--jsn"], "did you mean --json?"),
        (["login", "corp", "--store", "disk"], "--store is one of keyring, memory, file"),
        (["cache", "lsit"], "is one of list, clear"),
        (["login", "corp", "--user"], "--user needs a value"),
        (["token"], "required: NAME|URL"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(words: list[str], meant: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, said = say(capfd, *words)

    assert status == 64
    assert meant in said


def test_a_name_in_other_letters_is_suggested(tmp_path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "config.toml").write_text('[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n')

    for verb in ("login", "logout", "token"):
        assert "did you mean corp?" in say(capfd, verb, "CORP")[1]


@pytest.mark.parametrize("word", ["version", "--version", "-V"])
def test_the_version_is_said_for_every_spelling(word: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, said = say(capfd, word)

    assert status == 0
    assert said.startswith(f"shim {__version__}")
