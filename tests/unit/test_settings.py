"""config.toml: what it means, what it may not be, and the tables that the reference shows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shim.config.checks import read_duration
from shim.config.schema import INDEX_KEYS, TABLE_KEYS, TOP_KEYS
from shim.config.settings import config_files, load_settings
from shim.core.errors import ConfigError
from shim.core.host import Host
from tests.support import machine
from tests.support.selection import tries

EVERYTHING = """
channel = "strict"
[[index]]
name = "corp"
url = "https://alice@pypi.corp.example/team/simple/"
scope = "https://pypi.corp.example/"
source = ["command", "keyring"]
insecure = false
max-age = "12h"
on-failure = "warn"
verify-url = "https://pypi.corp.example/ping/"
command = { argv = ["op", "read", "x y"], timeout = "2m", interactive = true }
env = { password = "CORP", username = "CORP_USER" }
file = { password = "/run/secrets/corp" }
"""


def host_with(folder: Path, text: str, **environ: str) -> Host:
    (folder / "config.toml").write_text(text)
    return Host({"HOME": str(folder), "SHIM_CONFIG_FILE": str(folder / "config.toml"), **environ}, str(folder))


def test_everything_that_can_be_said_is_understood(tmp_path: Path) -> None:
    settings = load_settings(host_with(tmp_path, EVERYTHING))
    (index,) = settings.indexes

    assert settings.channel == "strict"
    assert (index.name, str(index.url), str(index.scope)) == (
        "corp",
        "https://pypi.corp.example/team/simple/",
        "https://pypi.corp.example/",
    )
    assert (index.username, index.source, index.max_age_s, index.on_failure) == ("alice", ("command", "keyring"), 43200.0, "warn")
    assert index.command is not None
    assert (index.command.argv, index.command.timeout_s, index.command.interactive) == (("op", "read", "x y"), 120.0, True)
    assert index.env is not None
    assert (index.env.password, index.env.username) == ("CORP", "CORP_USER")


def test_the_least_that_must_be_said_has_sensible_defaults(tmp_path: Path) -> None:
    (index,) = load_settings(host_with(tmp_path, '[[index]]\nurl = "https://pypi.corp.example/simple/"\n')).indexes

    assert (index.name, str(index.scope), index.source, index.source_is_explicit) == (
        "pypi.corp.example",
        "https://pypi.corp.example/",
        ("agent", "netrc", "pypirc", "known", "keyring", "stored"),
        False,
    )


def test_a_table_names_its_source(tmp_path: Path) -> None:
    (index,) = load_settings(host_with(tmp_path, '[[index]]\nurl = "https://x.example/"\nfile = { password = "/x" }\n')).indexes

    assert (index.source, index.source_is_explicit) == (("file",), True)


def test_the_users_file_goes_before_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.config import settings

    machine = tmp_path / "machine.toml"
    machine.write_text('channel = "strict"\n[[index]]\nname = "m"\nurl = "https://x.example/"\n')
    user = tmp_path / ".config" / "shim" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text('channel = "env"\n[[index]]\nname = "u"\nurl = "https://x.example/"\n')
    monkeypatch.setattr(settings, "machine_config_file", lambda: str(machine))
    loaded = load_settings(Host({"HOME": str(tmp_path)}, "/"))

    assert loaded.channel == "env"
    assert [index.name for index in loaded.indexes] == ["u", "m"]
    assert loaded.index_for(loaded.indexes[0].url) == loaded.indexes[0]


@pytest.mark.parametrize("environ", [{}, {"HOME": "relative"}, {"HOME": "~", "XDG_CONFIG_HOME": "also/relative"}])
def test_without_an_absolute_home_no_user_config_is_read(environ: dict[str, str]) -> None:
    """A folder named `~` in a repository must not configure us."""
    assert config_files(Host(environ, "/somebody/elses/checkout")) == ("/etc/xdg/shim/config.toml",)


def test_the_current_directory_is_never_read(tmp_path: Path) -> None:
    for name in ("config.toml", "shim.toml", ".shim.toml"):
        (tmp_path / name).write_text('[[index]]\nurl = "https://evil.example/"\n')

    assert load_settings(Host({"HOME": "/nonexistent"}, str(tmp_path))).indexes == ()


@pytest.mark.parametrize(
    ("mode", "gid", "allowed"), [(0o600, None, True), (0o644, None, True), (0o660, None, True), (0o660, 12345, False), (0o602, None, False)]
)
def test_only_the_users_private_group_may_write(tmp_path: Path, mode: int, gid: int | None, allowed: bool) -> None:
    host = host_with(tmp_path, "")
    file = tmp_path / "config.toml"
    if gid is not None:
        machine.skip_without(machine.lacks_root())
        os.chown(file, -1, gid)
    file.chmod(mode)
    if allowed and os.getegid() == os.geteuid():
        load_settings(host)
    else:
        with pytest.raises(ConfigError, match="can be written by others"):
            load_settings(host)


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    machine.skip_without(machine.lacks_root())
    host = host_with(tmp_path, "")
    os.chown(tmp_path / "config.toml", 12345, -1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load_settings(host)


def test_a_scope_must_cover_the_url(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scope does not cover url"):
        load_settings(host_with(tmp_path, '[[index]]\nurl = "https://a.example/simple/"\nscope = "https://b.example/"\n'))


@pytest.mark.parametrize(
    "verify_url", ["https://b.example/simple/", "https://a.example/other/", "http://a.example/team/", "https://a.example/team/../x/"]
)
def test_a_verify_url_outside_the_scope_is_refused_because_no_credential_would_be_sent_there(verify_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="scope does not cover verify-url"):
        load_settings(host_with(tmp_path, f'[[index]]\nurl = "https://a.example/team/simple/"\nverify-url = "{verify_url}"\n'))


def test_two_indexes_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two"):
        load_settings(host_with(tmp_path, '[[index]]\nname = "a"\nurl = "https://a.example/"\n' * 2))


def test_a_variable_overrides_the_file_and_is_checked(tmp_path: Path) -> None:
    assert load_settings(host_with(tmp_path, 'channel = "env"\n', SHIM_CHANNEL="strict")).channel == "strict"
    with pytest.raises(ConfigError, match="SHIM_CHANNEL must be one of"):
        load_settings(host_with(tmp_path, "", SHIM_CHANNEL="loud"))


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30.0), ("15m", 900.0), ("12h", 43200.0), ("7d", 604800.0), ("0", 0.0)])
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text, "max-age", "f", "w") == seconds


@pytest.mark.parametrize("text", ["", "12", "h", "-1h", "1.5h", "1 h", "١h", "9" * 5000 + "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a duration"):
        read_duration(text, "max-age", "f", "w")


@pytest.mark.parametrize("key", [key.name for key in (*TOP_KEYS, *INDEX_KEYS)])
def test_every_key_refuses_a_wrong_type_by_name(key: str, tmp_path: Path) -> None:
    wrong = "3.5"
    text = f"{key} = {wrong}\n" if key in {one.name for one in TOP_KEYS} else f'[[index]]\nurl = "https://x.example/"\n{key} = {wrong}\n'
    if key == "url":
        text = f"[[index]]\nurl = {wrong}\n"
    with pytest.raises(ConfigError, match=f"{key} must be"):
        load_settings(host_with(tmp_path, text))


def test_wrong_types_inside_tables_are_named(tmp_path: Path) -> None:
    for line, message in (
        ('command = { argv = "op read" }', "argv must be"),
        ('command = { argv = ["op"], timeout = 5 }', "timeout must be"),
        ("command = { }", "has no argv"),
        ("env = { }", "does not say where the password is"),
        ('env = { pasword = "X" }', "unknown key 'pasword'"),
        ('source = ["command"]', "needs a key command"),
    ):
        with pytest.raises(ConfigError, match=message):
            load_settings(host_with(tmp_path, f'[[index]]\nurl = "https://x.example/"\n{line}\n'))


def as_toml(value: object) -> str:
    """Return `value` as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {as_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return json.dumps(value)


words = st.one_of(
    st.sampled_from(
        ["", "https://x.example/", "https://u:p@x.example/", "//x", "https://x.example/../", "keyring", "command", "12h", "stop", "a\nb"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=8),
)
leaves = st.one_of(st.booleans(), st.integers(-9, 9), words, st.lists(words, max_size=2))
inner = st.sampled_from([key.name for keys in TABLE_KEYS.values() for key in keys] + ["other"])
values = st.one_of(leaves, st.dictionaries(inner, leaves, max_size=3), st.lists(st.dictionaries(inner, leaves, max_size=1), max_size=2))
keys = st.sampled_from([key.name for key in (*INDEX_KEYS, *TOP_KEYS)])
a_quick_look = hypothesis_settings(max_examples=tries(200), suppress_health_check=[*hypothesis_settings().suppress_health_check, HealthCheck.function_scoped_fixture])


@a_quick_look
@given(top=st.dictionaries(keys, values, max_size=2), index=st.dictionaries(keys, values, max_size=3), has_url=st.booleans())
def test_whatever_stands_in_the_file_is_understood_or_refused_with_a_hint(
    tmp_path: Path, top: dict[str, object], index: dict[str, object], has_url: bool
) -> None:
    lines = [f"{key} = {as_toml(value)}" for key, value in top.items()]
    if "index" not in top:
        index = {"url": "https://x.example/simple/", **index} if has_url else index
        lines += ["[[index]]", *(f"{key} = {as_toml(value)}" for key, value in index.items())]
    try:
        loaded = load_settings(host_with(tmp_path, "\n".join(lines)))
    except ConfigError as error:
        assert error.hint
        assert "https://u:p@" not in str(error)
    else:
        assert len(loaded.indexes) == (0 if "index" in top else 1)
        assert all(one.scope.covers(one.url) and one.scope.covers(one.verify_url) for one in loaded.indexes)


@a_quick_look
@given(st.binary(max_size=60))
def test_no_bytes_whatever_make_reading_fail_otherwise(tmp_path: Path, data: bytes) -> None:
    host = host_with(tmp_path, "")
    (tmp_path / "config.toml").write_bytes(data)
    try:
        load_settings(host)
    except ConfigError as error:
        assert error.hint


ROUTED = """
index-strategy = "first-index"
[[index]]
url = "https://pypi.corp.example/simple/"
packages = ["Corp_*", "acme.lib"]
"""


def test_packages_are_patterns_in_normal_form(tmp_path: Path) -> None:
    settings = load_settings(host_with(tmp_path, ROUTED))

    assert settings.index_strategy == "first-index"
    assert settings.claims == (("corp-*", "https://pypi.corp.example/simple/"), ("acme-lib", "https://pypi.corp.example/simple/"))


@pytest.mark.parametrize("pattern", ["corp-lib", "*", "*-lib", "corp-*", "c*b"])
def test_a_name_that_two_indexes_claim_is_an_error_and_not_the_longer_patterns(tmp_path: Path, pattern: str) -> None:
    text = f'{ROUTED}[[index]]\nurl = "https://other.example/simple/"\npackages = ["{pattern}"]\n'

    with pytest.raises(ConfigError, match=r"'corp-\*' of https://pypi.corp.example/simple/ and .* have names in common"):
        load_settings(host_with(tmp_path, text))


def test_one_index_may_say_a_name_twice(tmp_path: Path) -> None:
    again = ROUTED.replace('index-strategy = "first-index"', "").replace("acme.lib", "corp-lib")

    assert len(load_settings(host_with(tmp_path, f'{ROUTED}{again}name = "again"\n')).claims) == 4


@pytest.mark.parametrize(
    ("line", "words"),
    [('packages = "corp-*"', "array of strings"), ('packages = ["corp lib"]', "'corp lib' in packages"), ('packages = [""]', "'' in packages")],
)
def test_what_is_no_list_of_names_is_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        load_settings(host_with(tmp_path, f'[[index]]\nurl = "https://pypi.corp.example/simple/"\n{line}\n'))
    assert "packages = [" in str(caught.value.hint)
