"""The file of tokens that others share with us: one value changes, everything else stays, and what we do not know is left alone."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.config.logins import read_address
from shim.core.errors import SourceError, StoreError
from shim.core.host import Host
from shim.core.model import Secret
from shim.credentials.oauth import posit_tokens_file
from shim.credentials.oauth.posit_tokens_toml import BadTokens, parse_tokens, put_token

ONE = "https://one.example"
TWO = "https://two.example/ppm/"
FILE = """# mine
[[connections]] # the first
address = "https://one.example"
# why
token = "old" # from R
auth_type = "sso"

# about the second
[[connections]]
token = 'second'
auth_type = "sso"
address = "https://two.example/ppm/"
# the end
"""


def test_a_changed_token_changes_one_value() -> None:
    assert put_token(FILE, ONE, Secret("new")) == FILE.replace('"old"', '"new"')
    assert put_token(FILE, TWO, Secret("new")) == FILE.replace("'second'", '"new"')


def test_a_new_server_is_added_at_the_end() -> None:
    changed = put_token(FILE, "https://three.example", Secret("3"))

    assert changed == FILE + '\n[[connections]]\naddress = "https://three.example"\ntoken = "3"\nauth_type = "sso"\n'
    assert put_token("", ONE, Secret("1")) == '[[connections]]\naddress = "https://one.example"\ntoken = "1"\nauth_type = "sso"\n'


def test_a_file_without_a_last_line_end_and_one_from_windows_can_be_changed() -> None:
    for text in (FILE.rstrip("\n"), FILE.replace("\n", "\r\n")):
        for address in (ONE, "https://three.example"):
            assert [one.token.reveal() for one in parse_tokens(put_token(text, address, Secret("new"))).connections].count("new") == 1
    assert put_token(FILE.replace("\n", "\r\n"), ONE, Secret("new")) == FILE.replace("\n", "\r\n").replace('"old"', '"new"')


def test_a_removed_server_takes_its_own_lines_along_and_no_others() -> None:
    assert put_token(FILE, ONE, None) == "# mine\n\n" + FILE.partition("\n\n")[2]
    assert put_token(FILE, "https://none.example", None) == FILE


@pytest.mark.parametrize(
    "text",
    [
        "version = 2\n" + FILE,
        FILE + 'refresh_token = "x"\n',
        "connections = 7\n",
        '[[connections]]\naddress = 1\ntoken = "x"\n',
        "[other]\nx = 1\n",
        '[connections.one]\ntoken = "x"\n',
    ],
)
def test_what_is_of_a_newer_version_is_read_and_never_written(text: str) -> None:
    assert parse_tokens(text).is_newer
    with pytest.raises(BadTokens, match="newer version"):
        put_token(text, ONE, Secret("new"))


@pytest.mark.parametrize("text", ["[[connections]\n", "token = ", '"""', FILE + "[[connections", "\x00", "a" * 100])
def test_what_is_broken_is_said_to_be_so_without_its_text(text: str) -> None:
    with pytest.raises(BadTokens, match=r"^is not valid TOML$"):
        put_token(text, ONE, Secret("new"))


@pytest.mark.parametrize(
    "text",
    [
        'connections = [{ address = "https://one.example", token = "x", auth_type = "sso" }]\n',
        '[[connections]]\naddress = "https://one.example"\ntoken = """\n[[connections]]\n"""\nauth_type = "sso"\n',
        '[[connections]]\naddress = "https://one.example"\n"token" = "x"\nauth_type = "sso"\n',
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(text: str) -> None:
    with pytest.raises(BadTokens, match="written in a way"):
        put_token(text, ONE, Secret("new"))


ADDRESSES = st.sampled_from(
    [ONE, TWO, "https://Three.example:443", 'https://quo"te.example', "https://back\\slash.example", "https://ü.example"]
)
TOKENS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=40)


@given(st.lists(st.tuples(ADDRESSES, TOKENS), max_size=8), st.sampled_from(["", FILE, "# only a comment"]))
def test_after_any_changes_each_server_has_its_last_token_and_the_order_is_that_of_coming(
    changes: list[tuple[str, str]], text: str
) -> None:
    wanted = {one.address: one.token.reveal() for one in parse_tokens(text).connections}
    for address, token in changes:
        text = put_token(text, address, Secret(token))
        wanted[address] = token
    assert [(entry["address"], entry["token"]) for entry in tomllib.loads(text).get("connections", [])] == list(wanted.items())
    for address in wanted:
        text = put_token(text, address, None)
    assert tomllib.loads(text).get("connections", []) == []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host({"HOME": str(tmp_path)}, "/")


def write(host: Host, text: str, mode: int = 0o600) -> Path:
    path = Path(host.home or "") / ".ppm" / "tokens.toml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_new_file_is_the_users_alone_from_its_first_byte(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    written = os.open

    def opened(path: str, flags: int, mode: int = 0o777, **options: int) -> int:
        descriptor = written(path, flags, mode, **options)
        if flags & os.O_CREAT:
            modes.append(os.fstat(descriptor).st_mode & 0o777)
        return descriptor

    monkeypatch.setattr(os, "open", opened)
    before = os.umask(0)
    try:
        assert posit_tokens_file.put(read_address(ONE, "test"), Secret("new"), host)
    finally:
        os.umask(before)

    assert set(modes) == {0o600}
    assert (tmp_path / ".ppm").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".ppm" / "tokens.toml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["[[connections]\n", "version = 2\n" + FILE, FILE + 'refresh_token = "x"\n'])
@pytest.mark.parametrize("token", [Secret("new"), None])
def test_a_broken_or_newer_file_is_never_overwritten(text: str, token: Secret | None, host: Host) -> None:
    path = write(host, text)
    with pytest.raises(StoreError, match="left as it is") as caught:
        posit_tokens_file.put(read_address(ONE, "test"), token, host)

    assert caught.value.hint
    assert path.read_text() == text
    assert {file.name for file in path.parent.iterdir()} == {"tokens.toml", ".tokens.toml.lock"}


def test_a_file_that_others_can_read_is_neither_read_nor_written(host: Host) -> None:
    path = write(host, FILE, 0o644)
    with pytest.raises(SourceError, match="can be read by everybody"):
        posit_tokens_file.read_tokens(read_address(ONE, "test"), host)
    with pytest.raises(StoreError, match="can be read by everybody"):
        posit_tokens_file.put(read_address(ONE, "test"), Secret("new"), host)
    assert path.read_text() == FILE


def test_a_file_behind_a_link_is_changed_where_it_lies(host: Host, tmp_path: Path) -> None:
    path = write(host, FILE)
    path.rename(tmp_path / "dotfiles.toml")
    path.symlink_to(tmp_path / "dotfiles.toml")
    posit_tokens_file.put(read_address(ONE, "test"), Secret("new"), host)

    assert path.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == FILE.replace('"old"', '"new"')


def test_a_change_of_somebody_who_knows_no_lock_is_not_lost(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(host, FILE)
    others = 'token = "theirs"'
    renders = [put_token]

    def interrupted(text: str, address: str, token: Secret | None) -> str:
        if renders:
            renders.pop()
            path.write_text(FILE.replace("token = 'second'", others))
        return put_token(text, address, token)

    monkeypatch.setattr(posit_tokens_file, "put_token", interrupted)
    posit_tokens_file.put(read_address(ONE, "test"), Secret("new"), host)

    assert path.read_text() == FILE.replace('"old"', '"new"').replace("token = 'second'", others)


def test_the_exact_spelling_of_an_address_goes_before_others_of_the_same_server(host: Host) -> None:
    entries = "".join(
        f'[[connections]]\naddress = "{address}"\ntoken = "{number}"\nauth_type = "{kind}"\n'
        for number, (address, kind) in enumerate(
            [(ONE + "/", "sso"), (ONE, "sso"), ("https://ONE.example:443", "sso"), (ONE, "api"), (ONE + ".evil", "sso"), ("no url", "sso")]
        )
    )
    write(host, entries)

    assert [token.reveal() for token in posit_tokens_file.read_tokens(read_address(ONE, "test"), host)] == ["1", "0", "2"]
    assert posit_tokens_file.put(read_address(ONE, "test"), None, host)
    assert posit_tokens_file.read_tokens(read_address(ONE, "test"), host) == []
    left = tomllib.loads((Path(host.home or "") / ".ppm" / "tokens.toml").read_text())["connections"]
    assert [entry["token"] for entry in left] == ["3", "4", "5"]
