"""Hints about what is around a command: other indexes, the shell, the machine, a CI service, an agent. Each is met and followed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shim.cli import demo, status
from shim.cli.demo.scenes import Stage
from shim.cli.demo.server import PrivateIndex
from shim.cli.doctor import confusion
from shim.cli.doctor.check import CHECKS, load_check
from shim.core.errors import StoreError, UsageError
from shim.helpers.agent import MAX_THREADS
from shim.hotpath import kernel_keyring
from tests.support.clouds import CLOUDS, play, token_of
from tests.support.following import INDEX, URL, Place, Scene, typed, typing
from tests.support.hints import follows
from tests.support.login_server import jwt
from tests.support.manners import Index, Shelf
from tests.support.realms import basic
from tests.unit.test_agent import ask as ask_agent
from tests.unit.test_agent import host_agent

AMBIENT = INDEX + 'source = ["ambient"]\nambient = { audience = "corp" }\n'


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def two_indexes(place: Place) -> Iterator[tuple[str, str]]:
    """Yield the URLs of a private index, which is configured, and of one for everybody. Both have corp-lib."""
    files = {"corp-lib": ["corp_lib-1.0-py3-none-any.whl"]}
    private = Index(Shelf(str(place.folder), files), "401", {"": basic("alice", "good")})
    with private, Index(Shelf(str(place.folder), files), "open") as public:
        place.configure(INDEX.replace(URL, private.url()) + 'env = { password = "CORP" }\n')
        place.environ |= {"CORP": "good", "PATH": f"{place.folder}/bin:/usr/bin:/bin"}
        place.program("exit 0", "bin/pip")
        place.shim("install")
        yield private.url(), public.url()


def look_for_confusion(place: Place, *lines: str) -> list[confusion.Finding]:
    """Return what `shim doctor --confusion -r requirements.txt` finds."""
    place.write("requirements.txt", "\n".join((*lines, "corp-lib", "")))
    return list(confusion.find(["requirements.txt"], place.host))


@follows("use one index that proxies the other, or uv, which takes the first index that has the name")
def test_one_index_is_not_confused_with_another(place: Place) -> None:
    with two_indexes(place) as (private, public):
        lines = f"--index-url {private}", f"--extra-index-url {public}"
        (found,) = look_for_confusion(place, *lines)
        assert found.command is not None
        assert found.command.startswith("use one index that proxies the other")

        with pytest.raises(UsageError, match="have no private index beside another one"):
            look_for_confusion(place, lines[0])


@follows("pip would ask: {}; name the other one in the file as well: --extra-index-url URL")
def test_the_other_index_can_be_named_in_the_file(place: Place) -> None:
    with two_indexes(place) as (private, public):
        with pytest.raises(UsageError) as caught:
            look_for_confusion(place, f"--index-url {private}")
        option = (caught.value.hint or "").rpartition(": ")[2].replace("URL", public)

        assert private in (caught.value.hint or "")
        assert [found.where for found in look_for_confusion(place, f"--index-url {private}", option)] == ["corp-lib"]


@follows("run it again with SHIM_DEBUG=1 and report what it prints")
def test_a_bug_shows_where_it_is_when_it_is_run_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "main", lambda *_: 1 // 0)
    assert place.hint_of_shim("status") == "run it again with SHIM_DEBUG=1 and report what it prints"
    place.environ["SHIM_DEBUG"] = "1"

    with pytest.raises(ZeroDivisionError):  # whose traceback Python prints
        place.shim("status")


#: `shim` with a bug in one of its verbs.
BROKEN = """#!{python}
import sys
from shim.cli import login, main
login.main = lambda *_: 1 // 0
sys.exit(main(sys.argv[1:]))
"""


@follows("run `shim demo --verbose` and report what it prints")
def test_a_demo_that_cannot_log_in_shows_why(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.write("shims/shim", BROKEN.format(python=sys.executable), 0o755)
    with PrivateIndex(str(place.folder), {}, "alice", "s3cret") as index:
        stage = Stage(str(place.folder), f"{place.folder}/shims", place.environ, index, "alice", "s3cret", "", ())
        with pytest.raises(StoreError) as caught:
            demo._login(stage, verbose=False)
        assert caught.value.hint == "run `shim demo --verbose` and report what it prints"
        assert "Traceback" not in caught.value.message + capfd.readouterr().err
        with pytest.raises(StoreError):
            demo._login(stage, verbose=True)

    said = capfd.readouterr().err
    assert "login.main = lambda *_: 1 // 0" in said
    assert "s3cret" not in said


@follows("take the launchers' folder off PATH")
def test_without_the_launchers_folder_a_shell_finds_the_real_tool(place: Place) -> None:
    place.program("echo real", "bin/pip")
    place.environ["PATH"] = f"{place.folder}/bin:/usr/bin:/bin"
    place.shim("install")
    place.environ["PATH"] = f"{place.folder}/.local/share/shim/shims:{place.environ['PATH']}"
    found = place.run("command -v pip").strip()
    assert found.endswith("/shims/pip")
    assert place.hint_of_shim("deactivate") == "take the launchers' folder off PATH"
    folders = place.environ["PATH"].split(":")
    place.environ["PATH"] = ":".join(folder for folder in folders if folder != os.path.dirname(found))

    assert place.run("pip") == "real\n"


@follows("shim install, on Linux; or start pip and uv themselves with it: shim exec --env-file FILE -- pip ...")
def test_a_program_gets_a_dotenv_files_password_once_shim_is_installed(place: Place) -> None:
    place.write(".env", f"PIP_INDEX_URL={URL.replace('//', '//alice:s3cret@')}\n")
    words = ["exec", "--env-file", ".env", "--", "sh", "-c", f"keyring get {URL} alice"]

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=place.environ, cwd=place.folder, capture_output=True, text=True, check=False)

    refused = run(sys.executable, "-m", "shim", *words)
    assert "hint: shim install, on Linux" in refused.stderr
    assert run(sys.executable, "-m", "shim", "install").returncode == 0
    followed = run(f"{place.folder}/.local/share/shim/shims/shim", *words)

    assert followed.stdout == "s3cret\n", followed.stderr


def test_doctor_knows_nothing_of_a_secret_that_is_too_long_for_memory(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the hint is another store, which takes it."""
    monkeypatch.setattr(kernel_keyring, "problem", lambda: None)
    place.configure(INDEX)
    typing("shim login corp --password-stdin --no-verify --store memory", "€" * 20000)(place)
    hint = typed(place)

    assert not [found for name in CHECKS[:3] for found in load_check(name).find(place.host) if "memory" in found.text]
    assert hint is not None
    assert hint.startswith("--store file keeps it in ")
    place.words[-1] = hint.split()[1]
    assert typed(place) is None


@follows("see what the service's documentation says about OIDC")
def test_a_job_of_gitlab_has_an_identity_once_it_is_declared(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitLab's documentation: `id_tokens: CORP_ID_TOKEN: aud: corp` makes that variable."""
    for name in ("GITHUB_ACTIONS", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")

    def declare(_place: Place, _hint: str) -> None:
        monkeypatch.setenv("CORP_ID_TOKEN", jwt(aud="corp", sub="project_path:corp/x"))

    Scene(
        "see what the service's documentation says about OIDC",
        lambda place: place.configure(AMBIENT),
        lambda place: place.ask() and None,
        declare,
    ).play(place)
    assert place.ask().credential is not None


@follows("unlock the keyring, or start `shim agent` again")
def test_an_agent_answers_again_once_the_keyring_is_open(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    served = host_agent(tmp_path)
    is_open = threading.Event()
    hanging = [threading.Thread(target=is_open.wait) for _ in range(MAX_THREADS)]
    for thread in hanging:
        thread.start()
    try:
        assert "failed" in ask_agent(served)
        assert "hint: unlock the keyring, or start `shim agent` again" in capfd.readouterr().err
    finally:
        is_open.set()
        for thread in hanging:
            thread.join()

    assert "secret" in ask_agent(served)


@follows("may the account that `{}` is logged in with read it?", "store a token instead: --user NAME")
def test_a_vendors_index_is_approved_with_an_account_that_may_read_it(place: Place) -> None:
    files = {"corp-lib": ["corp_lib-1.0-py3-none-any.whl"]}
    cloud = CLOUDS["AWS CodeArtifact"]
    with play(cloud, (str(place.folder), files), place.folder / "cloud") as vendor:
        place.environ |= {**vendor.environ, "PATH": f"{vendor.bin}:/usr/bin:/bin"}
        vendor.log_in("guest")
        os.rename(vendor.folder / "answers" / "guest", vendor.folder / "answers" / "work")
        assert place.hint_of_shim("login", cloud.url) == "may the account that `aws` is logged in with read it?"
        vendor.log_in("work")
        assert place.hint_of_shim("login", cloud.url) is None

        vendor.log_out()
        place.environ["SHIM_REFRESH"] = "1"
        vendor.index.is_public = True
        assert place.hint_of_shim("login", cloud.url) == "store a token instead: --user NAME"
        place.stdin = token_of("work")
        assert place.hint_of_shim("login", cloud.url, "--user", "aws", "--password-stdin", "--store", "file") is None
