"""What is said to programs that give credentials, and what of their answers is understood."""

from __future__ import annotations

import base64
import json
import re

import pytest

from shim.core.urls import parse_url
from shim.credentials.helper_protocols import PROTOCOLS, BadAnswer, HelperReply, HelperRequest

ASKED = HelperRequest(parse_url("https://pypi.corp.example:8443/team/simple/"), "alice")
NOON = 1767355200.0


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_requests_are_as_the_protocols_have_them() -> None:
    requests = {name: protocol.render(ASKED) if protocol.render else None for name, protocol in PROTOCOLS.items()}

    assert requests == {
        "plain": None,
        "first": None,
        "json": None,
        "git": "protocol=https\nhost=pypi.corp.example:8443\nusername=alice\n\n",
        "docker": "https://pypi.corp.example:8443",
        "bazel": '{"uri": "https://pypi.corp.example:8443/team/simple/"}',
    }


def test_git_hears_the_path_only_where_it_shall() -> None:
    asked = HelperRequest(ASKED.url, None, names_path=True)

    assert PROTOCOLS["git"].render(asked) == "protocol=https\nhost=pypi.corp.example:8443\npath=team/simple/\n\n"  # type: ignore[misc]


def test_a_user_name_cannot_begin_a_line_of_its_own() -> None:
    with pytest.raises(BadAnswer, match="control character"):
        PROTOCOLS["git"].render(HelperRequest(ASKED.url, "alice\nhost=evil.example"))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("protocol", "text", "reply"),
    [
        ("plain", "token\n", HelperReply("token")),
        ("plain", "token\r\n", HelperReply("token")),
        ("json", '{"password": "p"}', HelperReply("p")),
        ("json", '{"version": 1, "username": "u", "password": "p", "expires": 1767355200}', HelperReply("p", "u", NOON)),
        ("git", "", None),
        ("git", "protocol=https\nhost=pypi.corp.example:8443\nusername=u\npassword=a=b\n", HelperReply("a=b", "u")),
        ("git", "password=p\npassword_expiry_utc=1767355200\noauth_refresh_token=x\ncapability[]=authtype\n", HelperReply("p", None, NOON)),
        ("docker", '{"ServerURL": "pypi.corp.example:8443", "Username": "u", "Secret": "s"}', HelperReply("s", "u")),
        ("docker", '{"Username": "u", "Secret": "s"}', HelperReply("s", "u")),
        ("bazel", "{}", None),
        ("bazel", '{"headers": {}}', None),
        ("bazel", json.dumps({"headers": {"authorization": [basic("u:a:b")]}, "more": 1}), HelperReply("a:b", "u")),
        ("bazel", '{"headers": {"Authorization": ["Bearer t"]}, "expires": "2026-01-02T12:00:00Z"}', HelperReply("t", None, NOON)),
    ],
)
def test_an_answer_is_understood(protocol: str, text: str, reply: HelperReply | None) -> None:
    assert PROTOCOLS[protocol].read(text, ASKED) == reply


@pytest.mark.parametrize(
    ("fields", "document", "reply"),
    [
        (
            {"password": "authorizationToken", "expires": "expiration"},
            {"authorizationToken": "t", "expiration": "2026-01-02T13:00:00+01:00"},
            HelperReply("t", None, NOON),
        ),
        (
            {"password": "authorizationToken", "expires": "expiration"},
            {"authorizationToken": "t", "expiration": NOON},
            HelperReply("t", None, NOON),
        ),
        (
            {"password": "credential.access_token", "expires": "credential.token_expiry"},
            {"credential": {"access_token": "t", "token_expiry": "2026-01-02T12:00:00Z"}},
            HelperReply("t", None, NOON),
        ),
        (
            {"password": "accessToken", "expires": "expires_on"},
            {"accessToken": "t", "expires_on": 1767355200, "expiresOn": "2026-01-02 13:00:00.0"},
            HelperReply("t", None, NOON),
        ),
        ({"password": "a", "username": "b"}, {"a": "p", "b": "u"}, HelperReply("p", "u")),
    ],
    ids=["aws 2", "aws 1", "gcloud", "az", "both"],
)
def test_the_fields_of_vendors_are_found(fields: dict[str, str], document: object, reply: HelperReply) -> None:
    assert PROTOCOLS["json"].read(json.dumps(document), HelperRequest(ASKED.url, None, fields)) == reply


@pytest.mark.parametrize(
    ("protocol", "text", "message"),
    [
        ("plain", "canary\nb\n", "printed 2 lines"),
        ("json", "canary", "not JSON"),
        ("json", "[" * 100000, "not JSON"),
        ("json", '["canary"]', "without a field 'password'"),
        ("json", '{"password": {"canary": 1}}', "is not a string"),
        ("json", '{"password": "canary", "expires": "tomorrow"}', "not a time"),
        ("json", '{"password": "canary", "expires": "2026-01-02 13:00:00.0"}', "without an offset"),
        ("git", "quit=1\npassword=canary\n", "refuses to go on"),
        ("git", "host=evil.example\npassword=canary\n", "for another host"),
        ("git", "protocol=http\npassword=canary\n", "for another protocol"),
        ("docker", '{"Secret": "canary"}', "without Username and Secret"),
        ("docker", '{"Username": "<token>", "Secret": "canary"}', "identity token"),
        ("docker", '{"ServerURL": "https://evil.example", "Username": "u", "Secret": "canary"}', "for another server"),
        ("docker", '{"ServerURL": "http://pypi.corp.example:8443", "Username": "u", "Secret": "canary"}', "for another server"),
        ("bazel", '{"headers": ["canary"]}', "no bazel answer"),
        ("bazel", '{"headers": {"Authorization": ["Basic canary!"]}}', "not base64"),
        ("bazel", '{"headers": {"Authorization": ["Digest canary"]}}', "neither Basic nor Bearer"),
        ("bazel", '{"headers": {"Authorization": ["Bearer canary", "Bearer b"]}}', "more than one"),
    ],
)
def test_what_is_no_answer_is_refused_without_being_quoted(protocol: str, text: str, message: str) -> None:
    with pytest.raises(BadAnswer, match=re.escape(message)) as caught:
        PROTOCOLS[protocol].read(text, ASKED)

    assert "canary" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


def test_an_end_that_is_not_said_is_none() -> None:
    """gcloud says null for a token that somebody gave it (CLOUDSDK_AUTH_ACCESS_TOKEN)."""
    fields = {"password": "credential.access_token", "expires": "credential.token_expiry"}
    document = {"credential": {"access_token": "t", "token_expiry": None}}

    assert PROTOCOLS["json"].read(json.dumps(document), HelperRequest(ASKED.url, None, fields)) == HelperReply("t")
    assert PROTOCOLS["json"].read('{"password": "t", "expires": ""}', ASKED) == HelperReply("t")
    assert PROTOCOLS["git"].read("password=t\npassword_expiry_utc=\n", ASKED) == HelperReply("t")
    assert PROTOCOLS["bazel"].read('{"headers": {"Authorization": ["Bearer t"]}, "expires": "0001-01-01T00:00:00Z"}', ASKED) == HelperReply("t")


def test_a_lifetime_counts_from_the_question() -> None:
    asked = HelperRequest(ASKED.url, now=NOON)

    assert PROTOCOLS["json"].read('{"password": "t", "expires_in": 3600}', asked) == HelperReply("t", None, NOON + 3600)
    assert PROTOCOLS["json"].read('{"password": "t", "expires": null, "expires_in": 3600}', asked) == HelperReply("t")


def test_docker_credential_pass_has_a_way_of_its_own_to_say_nothing() -> None:
    assert PROTOCOLS["docker"].read('{"ServerURL":"https://pypi.corp.example:8443","Username":"","Secret":""}', ASKED) is None


@pytest.mark.parametrize("text", ["t\nuser: alice\nurl: https://pypi.corp.example\n", "t\n", "t"])
def test_the_first_line_of_a_password_store_is_the_secret(text: str) -> None:
    assert PROTOCOLS["first"].read(text, ASKED) == HelperReply("t")


@pytest.mark.parametrize("text", ["", "\nuser: alice\n"])
def test_an_empty_first_line_is_no_secret(text: str) -> None:
    with pytest.raises(BadAnswer):
        PROTOCOLS["first"].read(text, ASKED)


def test_several_lines_come_with_the_way_to_take_the_first() -> None:
    with pytest.raises(BadAnswer) as caught:
        PROTOCOLS["plain"].read("canary\nuser: alice\n", ASKED)

    assert 'protocol = "first"' in caught.value.hint


def test_only_its_own_way_of_saying_nothing_is_nothing() -> None:
    docker, git = PROTOCOLS["docker"].is_nothing, PROTOCOLS["git"].is_nothing

    assert docker("credentials not found in native keychain\n", 1)
    assert not docker("no such helper\n", 1)
    assert git("", 128)
    assert not git("", 1)
    assert not PROTOCOLS["plain"].is_nothing("", 128)


def test_a_reply_does_not_show_its_secret() -> None:
    assert "canary" not in repr(HelperReply("canary", "u"))
