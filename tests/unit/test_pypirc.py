"""`.pypirc`: which section belongs to an index, and when its command may run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shim.core.errors import SourceError
from shim.core.model import Credential
from shim.credentials.sources import pypirc
from shim.formats.pypirc import BadPypirc, parse_pypirc
from tests.contract.test_sources import host_in, query
from tests.support import machine

URL = "https://pypi.corp.example/team/simple/"


def ask(folder: Path, sections: str, url: str = URL, *, mode: int = 0o600, **fields: object) -> tuple[Credential | None, str]:
    """Return what the source finds for `url`, and its notes."""
    names = " ".join(line[1:-1] for line in sections.splitlines() if line.startswith("["))
    (folder / ".pypirc").write_text(f"[distutils]\nindex-servers = {names}\n{sections}")
    (folder / ".pypirc").chmod(mode)
    asked = query(host_in(folder), url, **fields)
    return pypirc.find(asked), str(asked.notes)


def section(name: str = "a", **values: str) -> str:
    values = {"username": "alice", "password": "canary", **values}
    return f"[{name}]\n" + "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in values.items() if value)


@pytest.mark.parametrize(
    "values",
    [
        {"repository": "https://pypi.corp.example/upload/"},
        {"repository": "https://PYPI.corp.example:443"},
        {"repository": "https://someone@pypi.corp.example/legacy/"},
        {"trusted_host": "pypi.corp.example"},
        {"trusted_host": "other.example PYPI.corp.example:443"},
        {"repository": "https://upload.corp.example/", "trusted_host": "pypi.corp.example"},
        {"name": "corp"},
    ],
)
def test_a_section_belongs_to_an_index_by_its_server_its_trusted_host_or_its_name(values: dict[str, str], tmp_path: Path) -> None:
    found, _ = ask(tmp_path, section(**values))

    assert found is not None
    assert (found.username, found.secret.reveal(), str(found.scope)) == ("alice", "canary", "https://pypi.corp.example/team/")


@pytest.mark.parametrize(
    "values",
    [
        {"repository": "http://pypi.corp.example/team/simple/"},
        {"repository": "https://pypi.corp.example:8443/team/simple/"},
        {"repository": "https://pypi.corp.example.evil.example/"},
        {"repository": "https://pypi.corp.example@evil.example/"},
        {"repository": "https://pypi.corp.example\\@evil.example/"},
        {"repository": "https://evil.example/", "name": "corp"},
        {"trusted_host": "pypi.corp.example:8443"},
        {"trusted_host": "corp.example *.corp.example"},
        {"trusted_host": "evil.example", "name": "corp"},
        {"name": "other"},
        {},
    ],
)
def test_a_section_of_another_place_is_no_answer_whatever_its_name(values: dict[str, str], tmp_path: Path) -> None:
    found, notes = ask(tmp_path, section(**values))

    assert found is None
    assert "no section for pypi.corp.example" in notes
    assert "canary" not in notes


def test_the_nearest_of_several_sections_counts_and_two_as_near_are_none(tmp_path: Path) -> None:
    other, mine = (section(name, repository=f"https://pypi.corp.example/{name}/upload/", username=name) for name in ("other", "team"))
    assert ask(tmp_path, other + mine)[0].username == "team"  # type: ignore[union-attr]

    found, notes = ask(tmp_path, other + section("third", repository="https://pypi.corp.example/third/"))
    assert found is None
    assert "several sections fit: other, third" in notes


def test_a_section_that_is_not_listed_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".pypirc").write_text(f"[distutils]\nindex-servers = b\n{section(repository=URL)}")

    assert pypirc.find(query(host_in(tmp_path))) is None


def test_the_users_name_in_the_url_must_be_the_sections(tmp_path: Path) -> None:
    (tmp_path / ".pypirc").write_text(f"[distutils]\nindex-servers = a\n{section(repository=URL)}")
    (tmp_path / ".pypirc").chmod(0o600)
    asked = query(host_in(tmp_path), username="bob")

    assert pypirc.find(asked) is None
    assert "is for 'alice', not 'bob'" in str(asked.notes)


def test_a_password_is_taken_as_it_stands(tmp_path: Path) -> None:
    found, _ = ask(tmp_path, section(repository=URL, password="50%(x)s #;$"))

    assert found is not None
    assert found.secret.reveal() == "50%(x)s #;$"


def test_a_password_command_runs_only_for_an_index_that_names_this_source(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = section(repository=URL, password="", password_command=f"sh -c 'touch {ran}; echo \"$PWD t\"'")
    for fields in ({"source": ("netrc", "pypirc"), "source_is_explicit": False}, {"source": ("env",)}):
        found, notes = ask(tmp_path, text, **fields)
        assert found is None
        assert 'only for an [[index]] with source = ["pypirc"]' in notes
    assert not ran.exists()

    found, _ = ask(tmp_path, text, source=("pypirc",))
    assert found is not None
    assert found.secret.reveal() == "/ t"


@machine.endpoints(machine.lacks_root())
@pytest.mark.parametrize("mode", [0o644, 0o606, 0o660, 0o640])
def test_a_loose_file_is_refused_once_a_section_of_it_counts(mode: int, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    text = section(repository=URL, password="", password_command=f"touch {ran}")
    os.chown(tmp_path, -1, 12345)
    (tmp_path / ".pypirc").touch()
    os.chown(tmp_path / ".pypirc", 65534 if mode in (0o660, 0o640) else os.geteuid(), 12345)
    with pytest.raises(SourceError) as caught:
        ask(tmp_path, text, mode=mode, source=("pypirc",))

    assert caught.value.hint
    assert not ran.exists()
    assert ask(tmp_path, text, "https://other.example/simple/", mode=mode)[0] is None


@machine.endpoints(machine.lacks_root())
def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".pypirc").touch()
    os.chown(tmp_path / ".pypirc", 65534, 65534)
    with pytest.raises(SourceError, match="belongs to another user"):
        ask(tmp_path, section(repository=URL))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"password = canary\n", "line 1, is not understood"),
        (b"[a]\npassword = canary\n[a]\n", "line 3, says something twice"),
        (b"[a]\npassword = x\npassword = canary\n", "line 3, says something twice"),
        (b"[a]\ncanary\n", "line 2, is not understood"),
        (b"[distutils]\nindex-servers = a\n[a]\npassword-command = sh -c 'canary\n", "not understood"),
        (b"[a]\npassword = \xff\n", "is not UTF-8"),
        (b"#" * (1 << 20) + b"#", "is larger than 1 MB"),
    ],
)
def test_a_broken_file_is_one_message_that_does_not_quote_it(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / ".pypirc").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        pypirc.find(query(host_in(tmp_path)))

    assert message in caught.value.message
    assert "canary" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["[a]\nb\n", "[a", "a", " x\n[a]\n y", "[distutils]\nindex-servers\n", "\0", "[a]\n=x\n"])
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_pypirc(text), list)
    except BadPypirc as error:
        assert error.__cause__ is None


def test_a_section_does_not_show_its_password() -> None:
    (one,) = parse_pypirc(f"[distutils]\nindex-servers = a\n{section(repository=URL)}")

    assert "canary" not in repr(one)
