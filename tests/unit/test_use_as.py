"""`use-as`: which variables it comes to, in which order, and what a nested command takes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.config.policy import Policy, refuse_forbidden
from shim.config.settings import load_settings
from shim.core.errors import ConfigError
from shim.core.host import Host
from shim.core.urls import parse_url, scope_of
from shim.routing.default_index import (
    MARK,
    around,
    find_index_option,
    find_inherited,
    pip_variables,
    used_indexes,
    uv_variables,
)

A, B, PUBLIC = "https://a.example/simple/", "https://b.example/simple/", "https://pypi.org/simple/"


def host_with(tmp_path: Path, *indexes: tuple[str, str]) -> Host:
    file = tmp_path / "config.toml"
    file.write_text(
        "".join(f"[[index]]\nname = 'i{number}'\nurl = '{url}'\nuse-as = '{use}'\n" for number, (url, use) in enumerate(indexes))
    )
    return Host({"SHIM_CONFIG_FILE": str(file)}, str(tmp_path))


@pytest.mark.parametrize(
    ("indexes", "for_pip", "for_uv"),
    [
        ([(A, "default")], {"PIP_INDEX_URL": A}, {"UV_DEFAULT_INDEX": A}),
        ([(A, "extra")], {"PIP_EXTRA_INDEX_URL": A}, {"UV_INDEX": A}),
        (
            [(PUBLIC, "extra"), (A, "default")],
            {"PIP_INDEX_URL": A, "PIP_EXTRA_INDEX_URL": PUBLIC},
            {"UV_INDEX": A, "UV_DEFAULT_INDEX": PUBLIC},
        ),
        (
            [(PUBLIC, "default"), (A, "extra"), (B, "extra")],
            {"PIP_INDEX_URL": PUBLIC, "PIP_EXTRA_INDEX_URL": f"{A} {B}"},
            {"UV_INDEX": f"{A} {B}", "UV_DEFAULT_INDEX": PUBLIC},
        ),
        (
            [(B, "extra"), (PUBLIC, "extra"), (A, "default")],
            {"PIP_INDEX_URL": A, "PIP_EXTRA_INDEX_URL": f"{B} {PUBLIC}"},
            {"UV_INDEX": f"{A} {B}", "UV_DEFAULT_INDEX": PUBLIC},
        ),
        ([(PUBLIC, "extra"), (A, "extra")], {"PIP_EXTRA_INDEX_URL": f"{PUBLIC} {A}"}, {"UV_INDEX": f"{A} {PUBLIC}"}),
    ],
)
def test_uv_is_told_private_indexes_first_whatever_the_file_says(
    indexes: list[tuple[str, str]], for_pip: dict[str, str], for_uv: dict[str, str], tmp_path: Path
) -> None:
    used = used_indexes(load_settings(host_with(tmp_path, *indexes)))

    assert (pip_variables(used), uv_variables(used)) == (for_pip, for_uv)


@pytest.mark.parametrize(
    "indexes",
    [[(A, "default"), (B, "default")], [("https://a.example/x y/", "extra")], [(A, "first")]],
    ids=["two defaults", "blank", "word"],
)
def test_what_cannot_be_meant_is_refused(indexes: list[tuple[str, str]], tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(host_with(tmp_path, *indexes))

    assert caught.value.hint


def test_a_public_index_in_the_order_takes_no_credential_and_does_not_cover_one(tmp_path: Path) -> None:
    settings = load_settings(host_with(tmp_path, (A, "default"), (PUBLIC, "extra")))

    assert settings.index_for(settings.indexes[1].url) is None
    assert settings.index_for(settings.indexes[0].url) is settings.indexes[0]


def test_a_policys_list_of_indexes_is_about_credentials_and_leaves_a_public_place_in_the_order(tmp_path: Path) -> None:
    policy = Policy("policy.toml", scopes=(scope_of(parse_url(A)),))
    refuse_forbidden(policy, load_settings(host_with(tmp_path, (A, "default"), (PUBLIC, "extra"))).indexes, "on")

    with pytest.raises(ConfigError):
        refuse_forbidden(policy, load_settings(host_with(tmp_path, (A, "default"), (B, "extra"))).indexes, "on")


def test_a_nested_command_takes_back_what_is_still_as_we_set_it() -> None:
    environ = {MARK: f"UV_INDEX={A} {B}\tUV_DEFAULT_INDEX={PUBLIC}", "UV_INDEX": f"{A} {B}", "UV_DEFAULT_INDEX": A, "PATH": "/bin"}
    host = Host(environ, "/")

    inherited = find_inherited(environ)

    assert inherited == {"UV_INDEX": None, MARK: None}
    assert around(host, inherited).environ == {"UV_DEFAULT_INDEX": A, "PATH": "/bin"}
    assert host.environ == environ
    assert find_inherited({"UV_INDEX": A}) == {}


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["-i", A], "-i"),
        ([f"--index-url={A}"], "--index-url"),
        (["--no-index"], "--no-index"),
        (["--pip-args", f"--pre --extra-index-url {A}"], "--extra-index-url"),
        ([f"--pip-args=-i {A}"], "-i"),
        (["-ihttp://alice:secret@pypi.example/"], "-i"),
        (["--pip-args=--index-url=http://alice:secret@pypi.example/"], "--index-url"),
        (["--no-emit-index-url"], None),
        (["--index-strategy=unsafe-best-match"], None),
        (["--session=index", "index-lib"], None),
        (["-e", "py", "--", "-i", "--index=3"], None),
    ],
)
def test_only_an_option_that_names_an_index_goes_before_it(words: list[str], option: str | None) -> None:
    """`pip-compile --no-emit-index-url` names none, nor does `tox -- -i`: they would ask pypi.org for the private packages."""
    assert find_index_option(tuple(words)) == option
