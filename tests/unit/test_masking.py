"""Which commands have their output masked, and what in it."""

from __future__ import annotations

import pytest

from shim.core.model import (
    Credential,
    Delivery,
    Endpoint,
    Invocation,
    Origin,
    Resolution,
    Secret,
    Target,
)
from shim.core.urls import parse_url, scope_of_index
from shim.delivery.masking.policy import choose_masking
from shim.tools import load_tool
from shim.tools.pip import tool as pip

URL = parse_url("https://pypi.corp.example/simple/")
IN_CLEAR = {"PIP_INDEX_URL": Secret("https://alice:s3%20ret@pypi.corp.example/simple/")}
POINTER: dict[str, str | Secret | None] = {"NETRC": "/proc/1/fd/243"}


def invocation(line: str) -> Invocation:
    tool, *argv = line.split()
    verb = tuple(word for word in argv[:2] if not word.startswith("-"))[: 2 if argv[0] in ("pip", "tool") and tool != "pip" else 1]
    return Invocation(tool, "pip" if tool == "pip" else "uv", Target(f"/usr/bin/{tool}"), tuple(argv), verb, True, "")


def answer(secret: str = "s3 ret", username: str = "alice") -> Resolution:
    endpoint = Endpoint(URL, Origin("env", "PIP_INDEX_URL"))
    return Resolution(endpoint, Credential(username, Secret(secret), scope_of_index(URL), "keyring"))


def chosen(redact: str, line: str, environ: object) -> set[str] | None:
    command = invocation(line)
    delivery = Delivery(command.argv, environ)  # type: ignore[arg-type]
    masking = choose_masking(redact, command, [answer()], delivery, load_tool(command.tool).log_verbs)  # type: ignore[arg-type]
    return {secret.reveal() for secret in masking.secrets} if masking else None


@pytest.mark.parametrize("line", ["pip install x", "pip wheel x", "uv sync", "uv pip install x", "uv tool install x", "uv build"])
def test_a_log_is_masked_where_the_target_has_a_secret_in_its_environment(line: str) -> None:
    assert chosen("auto", line, IN_CLEAR) == {"s3 ret", "s3%20ret"}
    assert chosen("auto", line, POINTER) is None
    assert chosen("never", line, IN_CLEAR) is None


@pytest.mark.parametrize(
    "line",
    [
        "pip freeze", "pip list --outdated", "pip install --report - x", "pip install --report=- x", "pip lock -o - x", "pip index versions x",
        "uv export", "uv pip compile x.in", "uv pip freeze", "uv pip list", "uv tree", "uv run x", "uv tool run x", "uvx x", "uv version",
        "uv sync --output-format json", "uv sync --output-format=json",
    ],
)  # fmt: skip
def test_data_is_left_alone(line: str) -> None:
    assert chosen("auto", line, IN_CLEAR) is None


def test_always_means_every_command_with_a_credential() -> None:
    assert chosen("always", "uv export", POINTER) == {"s3 ret"}
    command = invocation("pip install x")
    nobody = Resolution(Endpoint(URL, Origin("env", "PIP_INDEX_URL")), None)

    assert choose_masking("always", command, [nobody], Delivery(command.argv, POINTER), pip.LOG_VERBS) is None


def test_a_token_that_stands_as_the_user_name_is_a_secret() -> None:
    command = invocation("pip install x")
    masking = choose_masking("auto", command, [answer("", "t0ken-of-alice")], Delivery(command.argv, IN_CLEAR), pip.LOG_VERBS)

    assert masking
    assert "t0ken-of-alice" in {secret.reveal() for secret in masking.secrets}


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("pypi-AgEIcHlwaS5vcmc", {"pypi-AgEIcHlwaS5vcmc"}),
        ("https://a:b%40c@x/ https://d:e@y/", {"b%40c", "b@c", "e"}),
        ("alice:pass@proxy.example:3128", {"pass"}),
        ("https://t0ken:@x/", {"t0ken"}),
    ],
)
def test_what_is_secret_in_a_variable(value: str, secrets: set[str]) -> None:
    command = invocation("uv sync")
    masking = choose_masking("auto", command, [], Delivery(command.argv, {"X": Secret(value)}), load_tool("uv").log_verbs)

    assert masking
    assert {secret.reveal() for secret in masking.secrets} == secrets


@pytest.mark.parametrize(
    ("argv", "rest"),
    [
        ("install --proxy http://u:pw@p:1 x", "install x"),
        ("--proxy=u:pw@p:1 install x", "install x"),
        ("install -q --prox http://u:pw@p:1 -v x", "install -q -v x"),
        ("install --proxy http://one:p@p:1 --proxy u:pw@p:1 x", "install x"),
    ],
)
def test_a_proxys_password_goes_into_pips_variable(argv: str, rest: str) -> None:
    words = tuple(argv.split())
    moved = pip.move_secrets(Invocation("pip", "pip", Target("/usr/bin/pip"), words, ("install",), True, ""), Delivery(words))
    value = moved.environ["PIP_PROXY"]

    assert " ".join(moved.argv) == rest
    assert isinstance(value, Secret)
    assert value.reveal() in ("http://u:pw@p:1", "u:pw@p:1")


@pytest.mark.parametrize(
    "argv", ["install --proxy http://p:1 x", "--isolated install --proxy u:pw@p:1 x", "install x -- --proxy a@b", "install"]
)
def test_any_other_proxy_stays_where_it_is(argv: str) -> None:
    words = tuple(argv.split())
    delivery = Delivery(words)

    assert pip.move_secrets(Invocation("pip", "pip", Target("/usr/bin/pip"), words, ("install",), True, ""), delivery) is delivery
