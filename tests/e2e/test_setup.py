"""`shim setup`: questions, options and other tools' files become a config.toml that is what was there and what was said, no more."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import toolchains
from tests.support.terminal import Terminal
from tests.support.tls import make_authority
from tests.support.world import CANARY, USER, World

URL = "https://pypi.corp.example/simple/"
BEFORE = "# mine, with a comment\nchannel = 'strict'   # why\n\n[[index]]\nname = 'other'\nurl = 'https://other.example/simple/'"


def tables(world: World) -> list[dict[str, object]]:
    found: list[dict[str, object]] = tomllib.loads(world.config.read_text())["index"]
    return found


def test_three_questions_and_pip_installs(world: World, index: PrivateIndex) -> None:
    secret = world.folder / "config" / "secret"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    world.use(toolchains.pip("newest"))
    environ = {**world.environ, "TERM": "dumb"}
    environ.pop("CI", None)
    with Terminal([str(world.prefix / "shims" / "shim"), "setup"], environ, str(world.cwd)) as terminal:
        terminal.until("URL of the index: ")
        terminal.press("not a URL\n")
        assert "hint: write it as https://host/path/simple/" in terminal.until("URL of the index: ")
        terminal.press(f"http://{index.netloc}/simple/\n")
        terminal.until("Number or word [")
        terminal.press("3\n")
        terminal.until("PATH: ")
        terminal.press(f"{secret}\n")
        terminal.until("User name [__token__]: ")
        terminal.press(f"{USER}\n")
        terminal.until("Number or word [")
        terminal.press("1\n")
        terminal.until("upload packages to, if you do? [nowhere]: ")
        terminal.press("\n")
        terminal.until("come only from here, such as corp-* acme-lib? [none]: ")
        terminal.press("corp-*, Acme_Lib\n")
        assert f'url = "http://{index.netloc}/simple/"' in terminal.until("Write this? [Y/n] ")
        assert not world.config.exists()
        terminal.press("\n")
        terminal.until("written; to undo it: ")
    result = world.run("pip", "install", "--target", world.folder / "installed", "corp-lib", PIP_CONFIG_FILE=os.devnull)

    assert result.returncode == 0, result.stderr
    assert stat.S_IMODE(world.config.stat().st_mode) == 0o600
    assert tables(world)[0] | {"name": ""} == {
        "name": "",
        "url": f"http://{index.netloc}/simple/",
        "username": USER,
        "file": {"password": str(secret)},
        "use-as": "default",
        "packages": ["corp-*", "acme-lib"],
    }


def test_a_no_a_wrong_answer_three_times_and_an_early_end_write_nothing(world: World) -> None:
    shim, environ = str(world.prefix / "shims" / "shim"), {**world.environ, "TERM": "dumb"}
    for answers, last in ((["n\n"], "nothing was written"), (["\x04"], "no answer: nothing was written")):
        with Terminal([shim, "setup", URL, "--login", "login", "--use-as", "no"], environ, str(world.cwd)) as terminal:
            terminal.until("Write this? [Y/n] ")
            terminal.press(answers[0])
            terminal.until(last)
    with Terminal([shim, "setup"], environ, str(world.cwd)) as terminal:
        for _ in range(3):
            terminal.until("URL of the index: ")
            terminal.press(f"https://{USER}:{CANARY}@pypi.corp.example/\n")
        terminal.until("there is a password in that URL")

    assert not world.config.parent.exists()


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["no line end", "line end", "CRLF"])
def test_what_is_there_stays_and_the_undo_command_brings_it_back(ending: str, world: World) -> None:
    before = (BEFORE.replace("\n", ending) if ending == "\r\n" else BEFORE) + ending
    world.config.parent.mkdir()
    real = world.folder / "config" / "dotfile.toml"
    real.write_bytes(before.encode())
    real.chmod(0o640)
    world.config.symlink_to(real)
    result = world.shim("setup", URL, "--login", 'command:sh -c "printf \'%s\' \\"x\\""', "--use-as", "extra", "--yes")

    assert result.returncode == 0, result.stderr
    assert real.read_bytes().startswith(before.encode())
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert tables(world)[1] == {"name": "corp", "url": URL, "command": {"argv": ["sh", "-c", "printf '%s' \"x\""]}, "use-as": "extra"}
    undo = next(line for line in result.stdout.splitlines() if line.startswith("written")).partition("it: ")[2]
    assert undo == "shim setup --remove corp"
    assert world.run("sh", "-c", f"{undo} --yes").returncode == 0
    assert real.read_bytes().rstrip() == before.encode().rstrip()
    assert world.config.is_symlink()


@pytest.mark.parametrize("words", [["--dry-run"], []], ids=["--dry-run", "no terminal and no --yes"])
def test_nothing_is_written_without_a_yes(words: list[str], world: World) -> None:
    result = world.shim("setup", URL, *words)

    assert result.returncode == (0 if words else 64)
    assert f'url = "{URL}"' in result.stdout
    assert not world.config.parent.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the URL of the index is missing"),
        (["pypi.corp.example/simple"], "not a usable URL"),
        ([f"https://{USER}:{CANARY}@pypi.corp.example/"], "there is a password in that URL"),
        (["http://pypi.corp.example/simple/"], "plain http"),
        (["https://pypi.corp.example/a b/"], "white space"),
        (["https://pypi.org/simple/"], "serves everybody"),
        (["https://other.example/simple"], "has that index already, as other"),
        ([URL, "--name", "other"], "has an [[index]] other already"),
        ([URL, "--name", "a\nb"], "a name is made of"),
        ([URL, "--user", "a:b"], "a user name has no colon"),
        ([URL, "--login", "magic"], "no way to log in"),
        ([URL, "--login", "env"], "env needs a value"),
        ([URL, "--login", f"env:{CANARY}"], "no variable's name"),
        ([URL, "--login", "file:relative"], "absolute path"),
        ([URL, "--login", "command:no-such-program"], "no program 'no-such-program' on PATH"),
        ([URL, "--login", "command:sh 'x"], "No closing quotation"),
        ([URL, "--login", "posit:http://p3m.corp.example"], "plain http"),
        ([URL, "--use-as", "first"], "no use that shim knows"),
        ([URL, "--from", "pip.conf"], "as the file says"),
        ([URL, "--remove", "other"], "takes names of indexes and nothing else"),
        ([URL, "--ca-bundle", "/etc/hostname"], "holds no certificate"),
        ([URL, "--scope", "https://other.example/"], "is not above the index"),
        ([URL, "--login", "oidc:http://login.corp.example"], "plain http"),
        (["--from", "requirements.txt"], "what that file is"),
        (["--from", "Pipfile"], "there is no file Pipfile"),
    ],
)
def test_bad_input_is_one_message_with_one_hint_and_changes_nothing(words: list[str], message: str, world: World) -> None:
    world.configure(BEFORE)
    result = world.shim("setup", *words, *([] if "--yes" in words else ["--yes"]))

    assert result.returncode == 64
    assert message in result.stderr
    assert (result.stderr.count("error["), result.stderr.count("hint: "), len(result.stderr.splitlines())) == (1, 1, 2)
    assert CANARY not in result.stderr + result.stdout
    assert world.config.read_text() == BEFORE


@pytest.mark.parametrize("user", ["al\\ice", "al ice", "al\tice"])
def test_a_url_with_an_odd_user_name_is_left_out_by_name(user: str, world: World) -> None:
    (world.cwd / "pip.conf").write_text(f"[global]\nindex-url = https://{user}@a.corp.example/simple/\nextra-index-url = {URL}\n")
    result = world.shim("setup", "--from", "pip.conf", "--yes")

    assert result.returncode == 0, result.stderr
    assert "left out: a path, or a URL that is not usable" in " ".join(result.stderr.split())
    assert (URL in world.config.read_text(), "a.corp.example" in world.config.read_text()) == (True, False)


@pytest.mark.parametrize(
    ("before", "status"), [("channel = \n", 78), ("index = []\n", 78), ("[[index]]\nurl = 'https://x.example/'\nuse-as = 'default'\n", 64)]
)
def test_a_config_that_cannot_take_it_is_left_alone(before: str, status: int, world: World) -> None:
    world.configure(before)
    result = world.shim("setup", URL, "--use-as", "default", "--yes")

    assert (result.returncode, result.stderr.count("hint: ")) == (status, 1)
    assert world.config.read_text() == before
    assert [path.name for path in world.config.parent.iterdir()] == ["config.toml"]


FILES = {
    "pip.conf": f"[global]\nindex-url = https://{USER}:{CANARY}@a.corp.example/simple/\nextra-index-url =\n    https://b.example/simple\n    /srv/wheels\n    https://pypi.org/simple\n",
    "uv.toml": f'[[index]]\nname = "b"\nurl = "https://b.example/simple"\n[[index]]\nname = "a"\nurl = "https://{USER}:{CANARY}@a.corp.example/simple/"\ndefault = true\n',
    "Pipfile": f'[[source]]\nname = "a"\nurl = "https://{USER}:{CANARY}@a.corp.example/simple/"\n[[source]]\nname = "b"\nurl = "https://b.example/simple"\n[packages]\n',
    "pyproject.toml": f'[[tool.poetry.source]]\nname = "a"\nurl = "https://{USER}:{CANARY}@a.corp.example/simple/"\npriority = "primary"\n[[tool.pdm.source]]\nname = "b"\nurl = "https://b.example/simple"\n',
}


@pytest.mark.parametrize("use", ["default", "no"])
@pytest.mark.parametrize("name", FILES)
def test_the_indexes_of_another_tools_file_are_taken_over_without_its_passwords(name: str, use: str, world: World) -> None:
    path = world.folder / "config" / name
    path.write_text(FILES[name])
    result = world.shim("setup", "--from", path, "--use-as", use, "--yes")

    assert result.returncode == 0, result.stderr
    found = {str(table["url"]): table for table in tables(world) if "pypi.org" not in str(table["url"])}
    assert set(found) == {"https://a.corp.example/simple/", "https://b.example/simple"}
    first, second = found["https://a.corp.example/simple/"], found["https://b.example/simple"]
    assert first["username"] == USER
    assert (first.get("use-as"), second.get("use-as")) == (("default", "extra") if use == "default" else (None, None))
    assert f"shim login --import {path}" in result.stderr
    assert CANARY not in world.config.read_text() + result.stdout + result.stderr
    assert path.read_text() == FILES[name]
    again = world.shim("setup", "--from", path, "--yes")
    assert again.returncode == 64
    assert all(f"left out: {url} is configured already, as " in again.stderr for url in found)


def test_a_variable_in_a_strangers_pipfile_is_said_and_not_taken_over(world: World) -> None:
    """It could be any of the user's, and the server any of the stranger's."""
    (world.cwd / "Pipfile").write_text('[[source]]\nname = "corp"\nurl = "https://$CORP_USER:${CORP_TOKEN}@pypi.corp.example/simple"\n')
    result = world.shim("setup", "--from", "Pipfile", "--yes")

    assert tables(world) == [{"name": "corp", "url": "https://pypi.corp.example/simple"}], result.stderr
    assert 'add env = { password = "CORP_TOKEN" } to it' in result.stderr


def test_a_pypirc_is_found_where_twine_looks(world: World) -> None:
    (Path(world.environ["HOME"]) / ".pypirc").write_text(
        f"[distutils]\nindex-servers = corp\n[corp]\nrepository = https://upload.corp.example/\nusername = {USER}\npassword = x\n"
    )
    result = world.shim("setup", "--from", ".pypirc", "--yes")

    assert tables(world) == [{"name": "corp", "url": "https://upload.corp.example/", "username": USER}], result.stderr
    assert "shim login --import" in result.stderr


def test_a_fresh_file_can_be_named_by_its_variable(world: World) -> None:
    path = world.folder / "config" / "new.toml"
    assert world.shim("setup", URL, "--login", "none", "--yes", SHIM_CONFIG_FILE=str(path)).returncode == 0
    assert tomllib.loads(path.read_text())["index"] == [{"name": "corp", "url": URL, "on-failure": "pass"}]


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_the_machines_file_is_not_taken_for_the_users(home: str, world: World) -> None:
    result = world.run("env", "-u", "XDG_CONFIG_HOME", "shim", "setup", URL, "--yes", HOME=home)

    assert result.returncode == 64
    assert "there is no home folder to write config.toml to" in result.stderr
    assert "to be added" not in result.stdout


def at_a_terminal(world: World, *words: str) -> Terminal:
    environ = {**world.environ, "TERM": "dumb"}
    environ.pop("CI", None)
    return Terminal([str(world.prefix / "shims" / "shim"), "setup", *words], environ, str(world.cwd))


def test_enter_takes_the_default_that_is_shown(world: World, index: PrivateIndex) -> None:
    with at_a_terminal(world, f"http://{index.netloc}/simple/") as terminal:
        for question in ("Number or word [login]: ", "User name [__token__]: ", "Number or word [no]: ", "[nowhere]: ", "[none]: ", "[Y/n] "):
            terminal.until(question)
            terminal.press("\n")
        terminal.until("next: shim status")
    (table,) = tables(world)
    assert table == {"name": "127.0.0.1", "url": f"http://{index.netloc}/simple/"}


@pytest.mark.parametrize("number", range(4))
def test_an_early_end_ends_it_at_every_question(number: int, world: World, index: PrivateIndex) -> None:
    questions = ("1. The URL of the index: ", "Number or word [login]: ", "User name [__token__]: ", "Number or word [no]: ")
    with at_a_terminal(world) as terminal:
        for question in questions[:number]:
            terminal.until(question)
            terminal.press("\n" if question != questions[0] else f"http://{index.netloc}/simple/\n")
        terminal.until(questions[number])
        terminal.press("\x04")
        said = terminal.until("hint: ")
        assert said.count("error[usage]: no answer: nothing was written") == 1
    assert not world.config.exists()


def test_a_private_authority_is_asked_for_where_it_is_needed(
    world: World, packages: tuple[str, dict[str, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "corp").mkdir()
    authority = make_authority(tmp_path / "corp", "corp")
    with PrivateIndex(*packages, USER, CANARY) as index:
        authority.protect(index._server)
        with at_a_terminal(world, f"https://{index.netloc}/simple/", "--login", "login", "--use-as", "no", "--user", USER) as terminal:
            terminal.until("PEM file of that authority, or `system` [system]: ")
            terminal.press("/not/there.pem\n")
            terminal.until("PEM file of that authority, or `system` [system]: ")
            terminal.press(f"{authority.certificate}\n")
            terminal.until("[Y/n] ")
            terminal.press("\n")
            terminal.until("next: shim login")
        assert tables(world)[0]["ca-bundle"] == str(authority.certificate)
        stored = world.shim("login", "127.0.0.1", "--password-stdin", "--store", "file", input=CANARY)
        assert stored.returncode == 0, stored.stderr


def test_what_a_pip_conf_says_about_the_authority_is_taken_over(world: World) -> None:
    path = world.folder / "config" / "pip.conf"
    path.write_text("[global]\nindex-url = https://a.corp.example/simple/\ncert = /etc/ssl/certs/corp.pem\n")
    assert world.shim("setup", "--from", path, "--yes").returncode == 0
    assert tables(world)[0]["ca-bundle"] == "/etc/ssl/certs/corp.pem"


def test_a_provider_an_endpoint_and_a_scope_can_be_said(world: World) -> None:
    url = "https://gitlab.corp.example/api/v4/groups/42/-/packages/pypi/simple"
    words = ["--login", "oidc:https://login.corp.example", "--publish-url", "https://upload.corp.example/legacy/"]
    result = world.shim("setup", url, *words, "--yes")

    assert result.returncode == 0, result.stderr
    assert tables(world) == [
        {
            "name": "corp",
            "url": url,
            "scope": "https://gitlab.corp.example/api/v4/",
            "publish-url": "https://upload.corp.example/legacy/",
            "oidc": {"issuer": "https://login.corp.example", "client-id": "pip"},
        }
    ]


REMOVED = {
    "the first of two": ("[[index]]\nname = 'a'\nurl = 'https://a.example/'\n\n# about b\n[[index]]\nname = 'b'\nurl = 'https://b.example/'\n", "# about b\n[[index]]\nname = 'b'\nurl = 'https://b.example/'\n"),
    "with tables below it": ("channel = 'strict'\n[[index]]\nname = 'a'\nurl = 'https://a.example/'\n[index.env]\npassword = 'X'\n", "channel = 'strict'\n"),
    "by the name of its host": ("[[ index ]]  # x\nurl = 'https://a/'\n", None),
}


@pytest.mark.parametrize("case", REMOVED)
def test_an_index_is_taken_out_and_the_rest_stays_to_the_letter(case: str, world: World) -> None:
    before, after = REMOVED[case]
    world.configure(before)
    result = world.shim("setup", "--remove", "a", "--yes")

    assert result.returncode == 0, result.stderr
    assert (world.config.read_text() if world.config.exists() else None) == after


def test_what_cannot_be_taken_out_is_left_alone(world: World) -> None:
    tricky = "[[index]]\nname = 'a'\nurl = 'https://a.example/'\nusername = \"\"\"\n[[index]]\n\"\"\"\n"
    world.configure(tricky)
    assert world.shim("setup", "--remove", "a", "--yes").returncode in (74, 78)
    assert world.config.read_text() == tricky
    world.configure(BEFORE)
    unknown = world.shim("setup", "--remove", "corp", "--yes")
    assert (unknown.returncode, "it has: other" in unknown.stderr) == (64, True)
    assert world.config.read_text() == BEFORE
