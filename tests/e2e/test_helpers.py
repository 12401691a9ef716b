"""Other programs ask us by their own protocols: real git, a docker-style client, and what `uv auth helper` answers beside it."""

from __future__ import annotations

import json

import pytest

from shim.cli.demo.server import PrivateIndex
from tests.support import machine, toolchains
from tests.support.world import CANARY, USER, World

pytestmark = machine.endpoints(machine.lacks_programs("git"))


@pytest.fixture
def helped(world: World, index: PrivateIndex) -> World:
    """A world with a credential for the whole index server, and a git that asks us about it."""
    url = f"http://{index.netloc}/simple/"
    world.configure(
        f'[[index]]\nname = "corp"\nurl = "{url}"\nusername = "{USER}"\nmax-age = "1h"\ncommand = {{ argv = ["sh", "-c", "echo $SAY"] }}\n'
    )
    world.environ |= {"SAY": CANARY, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": str(world.folder / "config" / "gitconfig")}
    assert world.run("git", "config", "--global", "credential.helper", "!shim helper git").returncode == 0
    return world


def fill(world: World, *lines: str) -> tuple[int, dict[str, str]]:
    result = world.run("git", "credential", "fill", input="".join(f"{line}\n" for line in lines) + "\n")
    return result.returncode, dict(line.split("=", 1) for line in result.stdout.splitlines())


def test_git_fills_in_what_we_have(helped: World, index: PrivateIndex) -> None:
    status, answer = fill(helped, "protocol=http", f"host={index.netloc}")

    assert status == 0
    assert (answer["username"], answer["password"]) == (USER, CANARY)


def test_git_finds_nothing_for_another_host_port_or_user(helped: World, index: PrivateIndex) -> None:
    for lines in (
        ["protocol=http", "host=127.0.0.1:1"],
        ["protocol=https", f"host={index.netloc}"],
    ):
        status, answer = fill(helped, *lines)

        assert status == 128, "as git says that nobody knows"
        assert answer == {}


def test_a_refusal_drops_the_cached_token_and_the_next_question_gets_a_new_one(helped: World, index: PrivateIndex) -> None:
    place = f"protocol=http\nhost={index.netloc}\n"
    assert fill(helped, *place.split())[1]["password"] == CANARY
    helped.environ["SAY"] = "renewed"
    assert fill(helped, *place.split())[1]["password"] == CANARY, "cached"
    assert helped.run("git", "credential", "reject", input=f"{place}username={USER}\npassword=another\n\n").returncode == 0
    assert fill(helped, *place.split())[1]["password"] == CANARY, "another password was refused, not this one"
    assert helped.run("git", "credential", "reject", input=f"{place}username={USER}\npassword={CANARY}\n\n").returncode == 0

    assert fill(helped, *place.split())[1]["password"] == "renewed"


def test_a_refusal_leaves_what_was_stored_and_an_approval_stores_nothing(helped: World, index: PrivateIndex) -> None:
    helped.configure(f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\nusername = "{USER}"\n')
    assert helped.shim("login", "corp", "--store", "file", "--password-stdin", input=CANARY).returncode == 0
    said = f"protocol=http\nhost={index.netloc}\nusername={USER}\npassword="
    assert helped.run("git", "credential", "reject", input=f"{said}{CANARY}\n\n").returncode == 0
    assert helped.run("git", "credential", "approve", input=f"{said}other\n\n").returncode == 0

    assert fill(helped, "protocol=http", f"host={index.netloc}")[1]["password"] == CANARY


def test_git_itself_sends_it_to_the_server_that_asks(helped: World, index: PrivateIndex) -> None:
    result = helped.run("git", "clone", f"http://{index.netloc}/simple/", helped.folder / "clone")

    assert index.requests[0] == ("/simple/info/refs", None, 401)
    assert ("/simple/info/refs", USER, 404) in index.requests, "let in; an index is no repository"
    assert CANARY not in result.stdout + result.stderr


def test_a_docker_style_client_is_answered(helped: World, index: PrivateIndex) -> None:
    server = f"http://{index.netloc}/"
    found = helped.shim("helper", "docker", "get", input=server)
    missing = helped.shim("helper", "docker", "get", input="https://registry.other.example")
    stored = helped.shim("helper", "docker", "store", input=json.dumps({"ServerURL": server, "Username": "u", "Secret": CANARY}))

    assert (found.returncode, json.loads(found.stdout)) == (0, {"ServerURL": server, "Username": USER, "Secret": CANARY})
    assert (missing.returncode, missing.stdout) == (1, "credentials not found in native keychain\n")
    assert (stored.returncode, "shim login URL" in stored.stdout) == (1, True)


def test_bazels_question_is_answered_as_uv_answers_it(helped: World, index: PrivateIndex) -> None:
    uv = toolchains.uv()
    url = f"http://{index.netloc}/simple/"
    login = helped.run(uv.path, "auth", "login", url, "--username", USER, "--password", "-", input=CANARY)
    assert login.returncode == 0, login.stderr
    for asked in (url + "corp-lib/", "https://other.example/simple/"):
        request = json.dumps({"uri": asked})
        theirs = helped.run(uv.path, "auth", "helper", "--protocol=bazel", "--preview-features", "auth-helper", "get", input=request)
        ours = helped.shim("helper", "bazel", "get", input=request)

        assert theirs.returncode == ours.returncode == 0, theirs.stderr + ours.stderr
        assert json.loads(ours.stdout)["headers"] == json.loads(theirs.stdout)["headers"]
    assert helped.run(uv.path, "auth", "logout", url, "--username", USER).returncode == 0


@pytest.mark.parametrize(("protocol", "status"), [("git", 1), ("docker", 1), ("bazel", 1)])
def test_a_source_that_fails_is_said_on_stderr_and_is_a_failure(protocol: str, status: int, helped: World, index: PrivateIndex) -> None:
    helped.configure(f'[[index]]\nname = "corp"\nurl = "http://{index.netloc}/simple/"\ncommand = {{ argv = ["false"] }}\n')
    questions = {
        "git": f"protocol=http\nhost={index.netloc}\n\n",
        "docker": f"http://{index.netloc}/",
        "bazel": json.dumps({"uri": f"http://{index.netloc}/x"}),
    }
    result = helped.shim("helper", protocol, "get", input=questions[protocol])

    assert result.returncode == status
    assert "error[source-failed]" in result.stderr
    assert result.stdout in ("", "shim: source-failed\n")


def test_what_is_no_protocol_or_action_is_a_usage_error(helped: World) -> None:
    assert helped.shim("helper", "svn", "get").returncode == 64
    assert helped.shim("helper", "bazel", "list", input="").returncode == 64
    assert helped.shim("helper", "git", "invented-later", input="").returncode == 0
