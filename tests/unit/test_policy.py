"""What root forbids, no user's configuration allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import shim
from shim.config import policy
from shim.config.schema import POLICY_KEYS, Key
from shim.config.settings import load_settings
from shim.core.dataclass import replace
from shim.core.errors import ConfigError
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Origin
from shim.core.urls import parse_url
from shim.credentials.resolve import resolve
from tests.support import machine

INDEX = '[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\n'
LOGINS = 'logins = ["https://login.example/"]'


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    machine.skip_without(machine.lacks_root())  # whose files alone are a policy
    monkeypatch.setattr(policy, "policy_file", lambda: str(tmp_path / "policy.toml"))
    return Host({"HOME": str(tmp_path), "SHIM_CONFIG_FILE": str(tmp_path / "config.toml"), "CORP": "pw"}, str(tmp_path))


def write(host: Host, rules: str, config: str) -> None:
    Path(host.cwd, "policy.toml").write_text(rules)
    Path(host.cwd, "config.toml").write_text(config)


@pytest.mark.parametrize(
    ("rules", "config", "what"),
    [
        ("allow-insecure = false", INDEX + "insecure = true\n", "insecure = true"),
        ("allow-command = false", INDEX + 'command = { argv = ["x"] }\n', "a command as source"),
        ("allow-on-failure = false", INDEX + 'on-failure = "warn"\n', 'on-failure = "warn"'),
        ("allow-audit-off = false", 'audit = "off"\n' + INDEX, 'audit = "off"'),
        ("allow-agent = false", INDEX + "agent = true\n", "agent = true"),
        (LOGINS, INDEX + 'posit = { address = "https://pypi.corp.example" }\n', "a login at https://pypi.corp.example"),
        (
            LOGINS,
            INDEX + 'oidc = { issuer = "https://login.example.evil.example", client-id = "pip" }\n',
            "a login at https://login.example.evil.example",
        ),
        (
            LOGINS,
            INDEX + 'oidc = { issuer = "https://login.example", client-id = "pip", exchange-url = "https://evil.example/x" }\n',
            "a login at https://evil.example/x",
        ),
        (LOGINS, INDEX + 'ambient = { audience = "x", exchange-url = "https://evil.example/x" }\n', "a login at https://evil.example/x"),
        ('indexes = ["https://other.example/"]', INDEX, "a credential for https://pypi.corp.example/"),
    ],
)
def test_what_is_forbidden_stops_with_the_policys_name(rules: str, config: str, what: str, host: Host) -> None:
    write(host, "", config)
    load_settings(host)
    write(host, rules, config)
    with pytest.raises(ConfigError, match=r"policy\.toml forbids") as caught:
        load_settings(host)

    assert what in caught.value.message


def test_a_login_at_a_listed_server_is_allowed_and_a_variable_names_no_other(host: Host) -> None:
    write(host, LOGINS, INDEX + 'oidc = { issuer = "https://login.example/realm", client-id = "pip" }\n')
    load_settings(host)
    with pytest.raises(ConfigError, match=r"forbids a login at https://ppm\.example"):
        load_settings(replace(host, environ={**host.environ, "PACKAGEMANAGER_ADDRESS": "https://ppm.example"}))


def test_an_index_beyond_the_list_gets_no_credential_from_any_source(host: Host, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine other.example login a password b\nmachine pypi.corp.example login a password b\n")
    write(host, 'indexes = ["https://pypi.corp.example/"]', "")
    endpoints = Endpoints(
        tuple(Endpoint(parse_url(f"https://{name}/simple/"), Origin("argv", "-i")) for name in ("other.example", "pypi.corp.example"))
    )
    refused, allowed = resolve(endpoints, load_settings(host), host)

    assert refused.credential is None
    assert refused.tried[0][0] == "policy"
    assert allowed.credential is not None


@pytest.mark.parametrize("rules", ["allow-insekure = false", "allow-insecure = 1", "indexes = ['not a url']", "["])
def test_a_policy_that_is_not_understood_forbids_everything(rules: str, host: Host) -> None:
    write(host, rules, INDEX)
    with pytest.raises(ConfigError, match=r"policy\.toml"):
        load_settings(host)


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_policy_that_others_can_write_is_none_of_roots(mode: int, host: Host) -> None:
    write(host, "", INDEX)
    Path(host.cwd, "policy.toml").chmod(mode)
    with pytest.raises(ConfigError, match="a policy must be root's"):
        load_settings(host)


@pytest.mark.parametrize("key", POLICY_KEYS, ids=[key.name for key in POLICY_KEYS])
def test_each_key_of_the_reference_is_obeyed_as_its_example_says(key: Key, host: Host) -> None:
    write(host, f"{key.name} = {key.example}\n", "")
    assert policy.load_policy() != replace(policy.NO_POLICY, file=policy.policy_file())


def test_the_reference_has_the_keys_of_the_code_and_no_others() -> None:
    table = (
        Path(shim.__file__)
        .parents[1]
        .joinpath("docs", "reference.md")
        .read_text()
        .partition("| policy.toml (root's) |")[2]
        .partition("\n\n")[0]
    )
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == set(policy.KEYS)


def test_no_variable_moves_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHIM_CONFIG_FILE", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "HOME", "SHIM_POLICY_FILE"):
        monkeypatch.setenv(name, "/tmp/elsewhere")

    assert policy.policy_file() == "/etc/xdg/shim/policy.toml"


@pytest.mark.parametrize("claims", ['["corp-*"]', '["c*"]', '["Corp_*", "other"]'])
def test_names_that_the_policy_wants_claimed_are_claimed_or_the_command_stops(claims: str, host: Host) -> None:
    write(host, 'packages = ["corp-*"]', INDEX + f"packages = {claims}\n")
    assert load_settings(host).policy.packages == ("corp-*",)
    for config in ("", INDEX, INDEX + 'packages = ["corp-lib", "acme-*"]\n'):
        write(host, 'packages = ["corp-*"]', config)
        with pytest.raises(ConfigError, match=r"wants corp-\* in the packages of an \[\[index\]\]"):
            load_settings(host)


def test_an_index_strategy_is_imposed_on_everybody(host: Host) -> None:
    from shim.config.mentions import is_mentioned

    write(host, "", INDEX)
    assert (is_mentioned(host), load_settings(host).index_strategy) == (False, None)
    write(host, 'index-strategy = "first-index"', INDEX)
    assert (is_mentioned(host), load_settings(host).index_strategy) == (True, "first-index")
    write(host, 'index-strategy = "best"', INDEX)
    with pytest.raises(ConfigError, match="index-strategy must be first-index"):
        load_settings(host)
