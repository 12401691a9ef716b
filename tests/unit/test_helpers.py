"""git, docker and bazel ask us by their own protocols: every answer, refusal and exit status as they expect it."""

from __future__ import annotations

import json

import pytest

from shim.core.model import Credential, Secret
from shim.core.urls import Url, parse_url, scope_of
from shim.helpers import HELPERS, HelperOutput, bazel, docker, git, load_helper

URL = "https://pypi.corp.example/team/"
ENDS_AT = 4102444800.0


class Finder:
    """A resolver with one credential, which remembers what it was asked."""

    def __init__(self, scheme: str = "basic", expires_at: float | None = None, secret: str = "canary") -> None:
        self.credential = Credential("alice", Secret(secret), scope_of(parse_url(URL)), "test", expires_at, scheme)  # type: ignore[arg-type]
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, url: Url, username: str | None) -> Credential | None:
        self.asked.append((url.text, username))
        return self.credential if self.credential.scope.covers(url) and username in (None, "alice") else None


def ask_git(finder: Finder, action: str = "get", **fields: str) -> HelperOutput:
    request = "".join(f"{name}={value}\n" for name, value in fields.items())
    return git.answer(action, request.encode() + b"\n", finder)


@pytest.mark.parametrize("name", HELPERS)
def test_every_helper_has_actions_and_refuses_without_a_secret(name: str) -> None:
    helper = load_helper(name)
    reply = helper.refuse("no")

    assert "get" in helper.ACTIONS
    assert reply.status == 1
    assert "no" in reply.output + reply.message


def test_git_gets_user_name_password_and_end() -> None:
    reply = ask_git(Finder(expires_at=ENDS_AT), protocol="https", host="pypi.corp.example", path="team/x.git")

    assert reply.output == "protocol=https\nhost=pypi.corp.example\nusername=alice\npassword=canary\npassword_expiry_utc=4102444800\n"
    assert reply.status == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"protocol": "https", "host": "pypi.corp.example"},
        {"protocol": "https", "host": "pypi.corp.example", "path": "other/x.git"},
        {"protocol": "https", "host": "pypi.corp.example:8443", "path": "team/x.git"},
        {"protocol": "http", "host": "pypi.corp.example", "path": "team/x.git"},
        {"protocol": "https", "host": "pypi.corp.example.evil.example", "path": "team/x.git"},
        {"protocol": "https", "host": "pypi.corp.example", "path": "team/../other.git"},
        {"protocol": "https", "host": "pypi.corp.example", "path": "team/x.git", "username": "bob"},
        {"protocol": "https", "host": "evil.example/https://pypi.corp.example", "path": "team/x.git"},
        {"protocol": "https", "host": "evil.example#@pypi.corp.example", "path": "team/x.git"},
        {"protocol": "ssh", "host": "pypi.corp.example", "path": "team/x.git"},
        {"protocol": "cert", "path": "/etc/ssl/key.pem"},
        {"host": "pypi.corp.example"},
        {},
    ],
)
def test_git_gets_nothing_for_another_place_or_user(fields: dict[str, str]) -> None:
    assert ask_git(Finder(), **fields) == HelperOutput()


def test_a_bearer_token_goes_only_to_a_git_that_can_send_one() -> None:
    place = b"protocol=https\nhost=pypi.corp.example\npath=team/x\n"
    old = git.answer("get", place + b"\n", Finder("bearer"))
    new = git.answer("get", b"capability[]=authtype\ncapability[]=state\n" + place + b"\n", Finder("bearer"))

    assert old == HelperOutput()
    assert new.output.splitlines()[0] == "capability[]=authtype"
    assert new.output.splitlines()[-3:] == ["authtype=Bearer", "credential=canary", "ephemeral=1"]


def test_gits_erase_names_what_was_rejected_and_asks_nobody() -> None:
    finder = Finder()
    reply = ask_git(finder, "erase", protocol="https", host="pypi.corp.example", path="team/x", username="alice", password="stale")

    assert reply.rejected is not None
    assert (reply.rejected[0].text, reply.rejected[1].reveal()) == ("https://pypi.corp.example/team/x", "stale")
    assert finder.asked == []
    assert "stale" not in repr(reply)
    assert ask_git(finder, "erase", protocol="https", host="pypi.corp.example").rejected is None


@pytest.mark.parametrize("action", ["store", "capability", "invented-later"])
def test_git_may_say_what_it_likes_and_nothing_happens(action: str) -> None:
    finder = Finder()

    assert ask_git(finder, action, protocol="https", host="pypi.corp.example", path="team/x", password="x") == HelperOutput()
    assert finder.asked == []


@pytest.mark.parametrize("request_", [b"", b"\n", b"\xff=\xfe\n\n", b"host\n\n", b"protocol=https\nhost=\0\n\n", b"=" * 5000])
def test_noise_on_stdin_is_no_question_for_git(request_: bytes) -> None:
    assert git.answer("get", request_, Finder()) == HelperOutput()


@pytest.mark.parametrize("secret", ["a\nhost=evil.example", "a\0b"])
def test_a_secret_that_would_be_a_line_of_its_own_is_not_said(secret: str) -> None:
    assert ask_git(Finder(secret=secret), protocol="https", host="pypi.corp.example", path="team/x") == HelperOutput()


@pytest.mark.parametrize(
    "server", [URL, URL + "v2/", "pypi.corp.example/team", " pypi.corp.example/team/v2 \n", "https://alice@pypi.corp.example/team/"]
)
def test_docker_gets_json_with_the_server_as_it_said_it(server: str) -> None:
    reply = docker.answer("get", server.encode(), Finder())

    assert json.loads(reply.output) == {"ServerURL": server.strip(), "Username": "alice", "Secret": "canary"}
    assert reply.status == 0


def test_docker_gets_a_bearer_token_as_an_identity_token() -> None:
    assert json.loads(docker.answer("get", URL.encode(), Finder("bearer")).output)["Username"] == "<token>"


@pytest.mark.parametrize(
    "server",
    [
        "https://other.example/",
        "pypi.corp.example",
        "http://pypi.corp.example/team/",
        "ftp://x",
        "\xff",
        "https://bob@pypi.corp.example/team/",
    ],
)
def test_docker_gets_the_words_it_knows_where_nobody_has_one(server: str) -> None:
    assert docker.answer("get", server.encode("latin-1"), Finder()) == HelperOutput("credentials not found in native keychain\n", status=1)


def test_docker_without_a_server_gets_the_words_for_that() -> None:
    assert docker.answer("get", b"\n", Finder()) == HelperOutput("no credentials server URL\n", status=1)


@pytest.mark.parametrize(("action", "verb"), [("store", "login"), ("erase", "logout")])
def test_docker_is_told_who_stores_and_erases(action: str, verb: str) -> None:
    reply = docker.answer(action, b'{"ServerURL": "https://x/", "Username": "u", "Secret": "canary"}', Finder())

    assert reply.status == 1
    assert f"shim {verb} URL" in reply.output
    assert "canary" not in reply.output
    assert docker.answer("list", b"", Finder()).output == "{}\n"


def test_bazel_gets_headers_and_their_end() -> None:
    reply = bazel.answer("get", json.dumps({"uri": URL + "simple/", "unknown": 1}).encode(), Finder(expires_at=ENDS_AT))

    assert json.loads(reply.output) == {"headers": {"Authorization": ["Basic YWxpY2U6Y2FuYXJ5"]}, "expires": "2100-01-01T00:00:00Z"}
    bearer = bazel.answer("get", json.dumps({"uri": URL}).encode(), Finder("bearer"))
    assert json.loads(bearer.output) == {"headers": {"Authorization": ["Bearer canary"]}}


@pytest.mark.parametrize(
    "url", ["https://other.example/", "https://pypi.corp.example/", "http://pypi.corp.example/team/", "https://bob@pypi.corp.example/team/"]
)
def test_bazel_gets_no_headers_for_another_place(url: str) -> None:
    assert bazel.answer("get", json.dumps({"uri": url}).encode(), Finder()) == HelperOutput('{"headers": {}}\n')


@pytest.mark.parametrize(
    "request_", [b"", b"{", b"[]", b"{}", b'{"uri": 1}', b'{"uri": null}', b'{"uri": "ftp://x/"}', b'{"uri": "x"}', b"\xff", b"[" * 60000]
)
def test_bazel_gets_a_failure_for_what_is_no_question(request_: bytes) -> None:
    reply = bazel.answer("get", request_, Finder())

    assert reply.status == 1
    assert reply.message
    assert reply.output == ""
