"""What `shim` says about words that it does not understand: never a value, which may be the secret itself, and what was meant."""

from __future__ import annotations

import io
import sys

import pytest

from shim import __version__
from shim.cli import VERBS, main
from tests.support.hints import follows

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
        (["cache", "lsit"], "is one of list, clear\nhint: did you mean list?"),
        (["helper", "gti", "get"], "did you mean git?"),
        (["agent", "--allow-uid", "root"], "--allow-uid needs a number"),
        (["--verson"], "did you mean --version?"),
        (["help", "statsu"], "did you mean `shim status`?"),
        (["login", "corp", "--user"], "--user needs a value"),
        (["token"], "required: NAME|URL"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(words: list[str], meant: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, said = say(capfd, *words)

    assert status == 64
    assert meant in said


def test_help_is_given_for_a_verb_and_its_files_are_no_policy(tmp_path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["help", "status"])
    assert "usage: shim status" in capfd.readouterr().out
    assert "policy.toml" not in say(capfd, "status", "--offline")[1]


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


def login(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str, secret: bytes = b"x") -> tuple[int, str]:
    """`shim login` without asking the index, the secret piped in."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(secret)))
    return say(capfd, "login", *words, "--no-verify")


URL = "https://pypi.corp.example/simple/"
STORED = ("--store", "file", "--password-stdin")
#: Wrong words and a wrong secret -> the hint, and what one does who follows it.
SLIPS = {
    "one of them": ((URL, *STORED, "--max-age", "1h"), b"x", "leave one of them out", (URL, *STORED), b"x"),
    "a colon": ((URL, *STORED, "--user", "a:b"), b"x", "shim login --help", (URL, *STORED, "--user", "ab"), b"x"),
    "empty": ((URL, *STORED), b"", "type or pipe the password or token", (URL, *STORED), b"x"),
    "two lines": ((URL, *STORED), b"x\ny", "give the password or token alone", (URL, *STORED), b"x"),
    "not UTF-8": ((URL, *STORED), b"\xff", "pipe the password or token as UTF-8", (URL, *STORED), b"x"),
    "no terminal": ((URL, "--store", "file"), b"x", f"... | shim login {URL} --password-stdin", (URL, *STORED), b"x"),
    "plain http": (("http://pypi.corp.example/simple/", *STORED), b"x", "use https, or set insecure = true for this [[index]]", (URL, *STORED), b"x"),
    "public": (("https://pypi.org/simple/", *STORED), b"x", "give the URL of a private index", (URL, *STORED), b"x"),
    "a password in it": (("https://a:b@pypi.corp.example/", *STORED), b"x", "leave it out; it is asked for", ("https://a@pypi.corp.example/", *STORED), b"x"),
    "no URL": (("https://pypi.corp.example:x/", *STORED), b"x", "write it as https://host/path/", (URL, *STORED), b"x"),
    "nothing": (STORED, b"x", "shim login corp --user alice", ("corp", "--user", "alice", *STORED), b"x"),
}  # fmt: skip


@follows(
    "leave one of them out",
    "shim login --help",
    "type or pipe the password or token",
    "give the password or token alone",
    "pipe the password or token as UTF-8",
    "... | shim login {} --password-stdin",
    "use https, or set insecure = true for this [[index]]",
    "give the URL of a private index",
    "leave it out; it is asked for",
)
@pytest.mark.parametrize("case", SLIPS)
def test_a_login_works_once_the_hint_is_followed(
    case: str, tmp_path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, secret, hint, right, good = SLIPS[case]
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "config.toml").write_text(f'[[index]]\nname = "corp"\nurl = "{URL}"\n')
    monkeypatch.setattr("shim.core.host._has_person", lambda environ: False)
    status, said = login(capfd, monkeypatch, *wrong, secret=secret)
    assert (status, f"hint: {hint}\n" in said) == (64, True), said
    assert login(capfd, monkeypatch, *right, secret=good)[0] == 0


@follows("did you mean `shim {}`?", "did you mean {}?", "shim --help", "{} --help", "it has: {}", "known are: {}")
def test_what_was_meant_works(tmp_path, capfd: pytest.CaptureFixture[str]) -> None:
    for wrong, right in (
        (["cahce", "list"], ["cache", "list"]),
        (["cache", "list", "--jsno"], ["cache", "list", "--json"]),
        (["zzzz"], ["--help"]),
        (["activate", "csh"], ["activate", "bash"]),
    ):
        status, said = say(capfd, *wrong)
        assert (status, said.count("hint: ")) == (64, 1), said
        assert say(capfd, *right)[0] in (0, 127)
    with pytest.raises(SystemExit):
        main(["cache", "--help"])
