"""login, logout, status, token, cache, explain and exec, as typed."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import time
from pathlib import Path

import pytest

from shim.cli.demo.server import PrivateIndex
from shim.hotpath import kernel_keyring
from tests.support import keyrings, machine, toolchains
from tests.support.hints import follows
from tests.support.world import CANARY, USER, World


def configure(world: World, index: PrivateIndex, more: str = "") -> str:
    url = f"http://{index.netloc}/simple/"
    world.configure(f'[[index]]\nname = "corp"\nurl = "{url}"\n{more}')
    return url


def login(world: World, *words: str, secret: str = CANARY):
    return world.shim("login", *words, "--password-stdin", input=secret)


def test_the_keyring_keeps_it_where_pip_and_uv_look_by_themselves(
    world: World, index: PrivateIndex, keyring_daemon: dict[str, str]
) -> None:
    world.environ |= keyring_daemon
    url = configure(world, index)
    stored = login(world, "corp", "--user", USER)

    assert stored.returncode == 0, stored.stderr
    assert f"{url} refuses everybody else (401) and answers {USER}" in stored.stdout
    assert CANARY not in stored.stdout + stored.stderr
    python = world.prefix / "venv" / "bin" / "python"
    assert world.run(python, "-m", "keyring", "get", url, USER).stdout == CANARY + "\n"

    assert world.shim("status").stdout.split()[:2] == ["corp", url]
    assert f"answered by keyring as {USER}" in world.shim("status").stdout
    assert world.shim("logout", "corp").stdout == f"removed from keyring: {url} ({USER})\n"
    assert world.run(python, "-m", "keyring", "get", url, USER).returncode == 1


def test_logout_all_finds_everything_again(world: World, index: PrivateIndex, keyring_daemon: dict[str, str]) -> None:
    world.environ |= keyring_daemon
    url = configure(world, index)
    login(world, url, "--user", USER)
    login(world, "corp", "--user", USER, "--store", "file")
    out = world.shim("logout", "--all").stdout

    assert f"removed from keyring: {url} ({USER})" in out
    assert "removed from file store" in out
    assert world.shim("logout", "--all").stdout == "nothing was stored\n"


@machine.endpoints(machine.lacks_kernel_keyring())
def test_a_login_in_memory_serves_pip_and_uv_and_is_on_no_disk(world: World, index: PrivateIndex) -> None:
    url = configure(world, index)
    world.vaults = []  # no file at all may hold it
    stored = login(world, "corp", "--user", USER, "--store", "memory", "--max-age", "1h")

    assert stored.returncode == 0, stored.stderr
    assert (
        f"in the kernel's memory, for 60 min at most (a reboot or the end of your last session ends it): {url} refuses everybody else (401) and answers {USER}"
        in stored.stdout
    )
    for tool, words in (
        (toolchains.pip("newest"), ["pip", "install", "-i"]),
        (toolchains.uv(), ["uv", "pip", "install", "--default-index"]),
    ):
        world.use(tool)
        result = world.run(*words, url, "--target", world.folder / tool.name, "corp-lib")
        assert result.returncode == 0, result.stderr
    assert f"answered by stored as {USER}, ends in 60 min" in world.shim("status").stdout
    assert world.leftovers() == []
    assert world.shim("cache", "clear").returncode == 0
    assert world.shim("token", "corp").stdout == CANARY + "\n", "a login is no cache"
    assert world.shim("logout", "corp").stdout == f"removed from memory: http://{index.netloc}/ ({USER})\n"
    assert world.shim("token", "corp").returncode == 77


def test_a_keyring_that_changes_without_us_is_asked_again(world: World, index: PrivateIndex, tmp_path: Path) -> None:
    """That nobody knew the index a moment ago keeps nobody from finding what was put into the keyring since."""
    url = f"http://{index.netloc}/simple/"
    python = world.prefix / "venv" / "bin" / "python"
    with keyrings.keyring_daemon(tmp_path) as variables:
        world.environ |= {**variables, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
        world.environ["XDG_DATA_HOME"] = str(tmp_path / "data")
        assert world.shim("token", url).returncode == 77
        assert " ago)" in world.shim("token", url).stderr, "remembered"
        assert world.run(python, "-m", "keyring", "set", url, USER, input=CANARY).returncode == 0
        found = world.shim("token", url)

        assert found.stdout == CANARY + "\n", found.stderr
        listed = world.shim("cache", "list").stdout
        assert "remembered in the kernel's memory" in listed or kernel_keyring.problem()
        world.run(python, "-m", "keyring", "del", url, USER)
        world.shim("logout", "--all")


def test_a_rejected_login_leaves_the_one_from_before(world: World, index: PrivateIndex) -> None:
    configure(world, index, f'username = "{USER}"\n')
    assert login(world, "corp", "--store", "file").returncode == 0
    assert login(world, "corp", "--store", "file", secret="wrong").returncode == 77

    assert world.shim("token", "corp").stdout == CANARY + "\n"


def test_a_keyring_password_needs_no_configuration_at_all(world: World, index: PrivateIndex, keyring_daemon: dict[str, str]) -> None:
    world.environ |= keyring_daemon
    url = f"http://{index.netloc}/simple/"
    python = world.prefix / "venv" / "bin" / "python"
    assert world.run(python, "-m", "keyring", "set", index.netloc, USER, input=CANARY).returncode == 0
    for tool, words in (
        (toolchains.pip("newest"), ["pip", "install", "-i"]),
        (toolchains.uv(), ["uv", "pip", "install", "--default-index"]),
    ):
        world.use(tool)
        result = world.run(*words, url, "--target", world.folder / tool.name, "corp-lib")

        assert result.returncode == 0, result.stderr
    world.run(python, "-m", "keyring", "del", index.netloc, USER)


def test_the_file_store_is_for_the_user_alone_and_says_that_it_is_in_clear(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    stored = login(world, "corp", "--user", USER, "--store", "file")
    (file,) = (world.folder / "data").rglob("*.secret")

    assert "in clear" in stored.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.chmod(0o644)
    assert world.shim("token", "corp").returncode == 77


def test_a_wrong_password_is_not_stored(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    result = login(world, "corp", "--user", USER, "--store", "file", secret="wrong")

    assert result.returncode == 77
    assert result.stderr.startswith("shim: error[rejected]:")
    assert "nothing was stored" in result.stderr
    assert len([status for _, _, status in index.requests]) == 2, "one anonymous request, one failing login"
    assert not list((world.folder / "data").rglob("*.secret"))


def test_without_a_keyring_nothing_is_stored_until_told_where(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    result = login(world, "corp")

    assert result.returncode == 74
    assert "--store file" in result.stderr
    assert index.requests == []


@pytest.mark.parametrize(
    ("words", "secret", "message"),
    [
        (["corp"], "", "empty"),
        (["corp"], "two\nlines\n", "more than one line"),
        (["corp", "--user", "a:b"], "x", "no colon"),
        (["https://pypi.org/simple/"], "x", "serves everybody"),
        (["nobody"], "x", "no [[index]] is named 'nobody'"),
        (["http://pypi.corp.example/simple/"], "x", "plain http"),
        (["https://u:p@pypi.corp.example/"], "x", "shell's history"),
        (["https://pypi.corp.example:x/"], "x", "not a usable URL"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], secret: str, message: str, world: World, index: PrivateIndex) -> None:
    configure(world, index)
    result = login(world, *words, "--store", "file", secret=secret)

    assert result.returncode == 64
    assert message in result.stderr
    assert "u:p@" not in result.stderr


def test_without_a_terminal_it_does_not_wait_for_one(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    result = world.shim("login", "corp", "--store", "file")

    assert result.returncode == 64
    assert "--password-stdin" in result.stderr


def test_on_a_terminal_it_asks_without_echo(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    parent, child = pty.openpty()
    command = [str(world.prefix / "shims" / "shim"), "login", "corp", "--user", USER, "--store", "file"]
    process = subprocess.Popen(
        command, env=world.environ, cwd=world.cwd, stdin=child, stdout=child, stderr=child, start_new_session=True, preexec_fn=None
    )
    os.close(child)
    shown, typed, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([parent], [], [], 0.2)[0]:
            try:
                shown += os.read(parent, 4096)
            except OSError:
                break
        if not typed and b"password or token" in shown:
            os.write(parent, CANARY.encode() + b"\n")
            typed = True
    status = process.wait(timeout=30)
    os.close(parent)

    assert status == 0, shown
    assert b"stored for" in shown
    assert CANARY.encode() not in shown


def test_a_closed_stdin_is_an_empty_secret(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    result = world.run("sh", "-c", "exec shim login corp --store file --password-stdin <&-")

    assert result.returncode == 64
    assert "empty" in result.stderr


def test_a_login_that_the_configuration_would_never_find_says_so(world: World, index: PrivateIndex) -> None:
    configure(world, index, 'username = "bob"\n')
    result = login(world, "corp", "--user", USER, "--store", "file")

    assert result.returncode == 0
    assert "says username = 'bob'" in result.stdout


def test_an_index_that_answers_everybody_is_said_to_prove_nothing(world: World, packages: tuple[str, dict[str, list[str]]]) -> None:
    class Open(PrivateIndex):
        def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
            return self._page(path)

    with Open(*packages, USER, CANARY) as index:
        configure(world, index)
        result = login(world, "corp", "--store", "file")

    assert result.returncode == 0
    assert "nothing could be verified" in result.stdout


def test_tokens_are_listed_without_their_text_and_cleared(world: World, index: PrivateIndex) -> None:
    configure(world, index, 'max-age = "1h"\ncommand = { argv = ["echo", "t0ken-that-is-not-shown"] }\n')
    assert world.shim("token", "corp").stdout == "t0ken-that-is-not-shown\n"
    listed = world.shim("cache", "list", "--json").stdout

    assert json.loads(listed)["tokens"][0]["source"] == "command"
    assert "t0ken" not in listed
    assert world.shim("cache", "clear").stdout.startswith("removed ")
    assert world.shim("cache", "list").stdout.startswith("no tokens cached")


def test_token_without_a_credential_says_who_was_asked(world: World, index: PrivateIndex) -> None:
    configure(world, index)
    result = world.shim("token", "corp")

    assert result.returncode == 77
    assert "netrc (no file), pypirc (no file), keyring (none on this machine), stored (nothing for" in result.stderr


def test_explain_shows_the_way_and_no_secret(world: World, index: PrivateIndex) -> None:
    configure(world, index, 'env = { password = "CORP" }\n')
    world.use(toolchains.pip("newest"))
    url = f"http://{USER}:{CANARY}@{index.netloc}/simple/"
    for words in (
        ["pip", "install", "-i", f"http://{index.netloc}/simple/", "x"],
        ["pip", "install", "-i", url, "x"],
        ["pip", "install", f"x @ {url}x.whl"],
    ):
        for flags in ([], ["--json"]):
            result = world.shim("explain", *flags, "--", *words, CORP=CANARY)

            assert result.returncode == 0, result.stderr
            assert CANARY not in result.stdout + result.stderr
            assert index.netloc in result.stdout
    plain = world.shim("explain", "--", "pip", "install", "-i", f"http://{index.netloc}/simple/", "x", CORP=CANARY).stdout
    assert "answered by env as __token__" in plain
    assert "channel  netrc" in plain
    assert index.requests == []


@follows("export {}")
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_explain_shows_the_way_even_where_a_credential_is_missing(tool: str, world: World, index: PrivateIndex) -> None:
    url = configure(world, index, 'env = { password = "CORP" }\n')
    world.use(toolchains.pip("newest") if tool == "pip" else toolchains.uv())
    words = ["pip", "install", "-i", url, "x"] if tool == "pip" else ["uv", "pip", "install", "--default-index", url, "x"]
    result = world.shim("explain", "--", *words)
    answer = json.loads(world.shim("explain", "--json", "--", *words).stdout)

    assert f"target   {world.run('shim', 'which', tool).stdout.strip()}" in result.stdout
    assert f"need     {url}" in result.stdout
    assert "no credential; tried: env (" in result.stdout
    assert answer["needs"][0]["url"] == url
    if tool == "pip":
        assert result.returncode == 77
        assert "channel  netrc" in result.stdout
        assert "stops    error[no-credential]" in result.stdout
        assert answer["error"]["hint"] == "export CORP"
        assert world.shim("explain", "--json", "--", *words, CORP=CANARY).returncode == 0, "the hint, followed"


def test_explain_of_a_broken_configuration_still_shows_the_needs(world: World, index: PrivateIndex) -> None:
    url = configure(world, index, "unknown = 1\n")
    world.use(toolchains.pip("newest"))
    answer = json.loads(world.shim("explain", "--json", "--", "pip", "install", "-i", url, "x").stdout)

    assert (answer["error"]["code"], answer["needs"][0]["url"]) == ("bad-config", url)


def test_every_json_is_json_whatever_happens(world: World) -> None:
    world.configure("channel = 1\n")
    for words in (["status"], ["token", "corp"], ["doctor", "--confusion"], ["explain", "nothing"], ["cache", "lsit"]):
        result = world.shim(words[0], "--json", *words[1:])

        assert result.returncode != 0, words
        assert set(json.loads(result.stdout)["error"]) == {"code", "message", "tried", "hint"}
        assert result.stderr == ""


def test_exec_lets_uv_and_pip_find_it_and_shows_nothing(world: World, index: PrivateIndex) -> None:
    url = configure(world, index, f'username = "{USER}"\nenv = {{ password = "CORP" }}\n')
    for tool, line in (
        (toolchains.uv(), f"{toolchains.uv().path} pip install --target {world.folder}/a --default-index {url} corp-lib"),
        (
            toolchains.pip("newest"),
            f"{toolchains.pip('newest').python} -m pip install --keyring-provider subprocess --target {world.folder}/b -i {url} corp-lib",
        ),
        (toolchains.pip("newest"), f"pip install --target {world.folder}/c -i {url} corp-lib"),
    ):
        world.use(tool)
        result = world.shim("exec", "--", "sh", "-c", line + " && env -u CORP env", CORP=CANARY)

        assert result.returncode == 0, result.stderr
        assert CANARY not in result.stdout
        assert "NETRC=" not in result.stdout


def test_every_verb_has_help_with_a_real_example(world: World) -> None:
    from shim.cli import VERBS, load_verb

    overview = world.shim("--help").stdout
    for verb in VERBS:
        text = world.shim(verb, "--help").stdout

        assert "example: " in text, verb
        assert load_verb(verb).HELP in overview
    assert world.shim("logni").returncode == 64
    assert "did you mean `shim login`?" in world.shim("logni").stderr


def test_the_demo_keeps_its_promise_and_leaves_nothing_behind(world: World) -> None:
    world.environ["PATH"] = f"{world.prefix / 'shims'}:{toolchains.uv().bin}:/usr/bin:/bin"
    before = sorted(path for path in world.folder.rglob("*"))
    result = world.shim("demo")

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count(" SEEN") >= 4
    assert "Everything as promised, nothing left behind." in result.stdout
    assert sorted(path for path in world.folder.rglob("*")) == before


def test_explain_names_the_file_whose_password_nobody_can_take_out(world: World, index: PrivateIndex) -> None:
    (world.cwd / "requirements.txt").write_text(f"--index-url http://{USER}:{CANARY}@{index.netloc}/simple/\ncorp-lib\n")
    world.vaults.append(world.cwd)
    world.use(toolchains.pip("newest"))
    result = world.shim("explain", "--", "pip", "install", "-r", "requirements.txt")

    assert f"requirements.txt:1 holds a password for http://{index.netloc}/simple/ in clear" in result.stdout
    assert CANARY not in result.stdout + result.stderr
