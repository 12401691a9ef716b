"""What a config file says is kept for the next command, and counts for the same text only."""

from __future__ import annotations

import marshal
import stat
from pathlib import Path
from typing import Any

import pytest

from shim.config import kept_documents
from shim.config.kept_documents import FOLDER, read_document
from shim.core.files import CannotRead
from shim.core.toml import read_toml

TEXT = '[[index]]\nname = "corp"\nurl = "https://pypi.corp.example/simple/"\nmax-age = "1d"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tokens"
    made.mkdir(mode=0o700)
    return made


def files(folder: Path) -> list[Path]:
    return [*(folder / FOLDER).iterdir()] if (folder / FOLDER).exists() else []


def forbid_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> dict[str, Any]:
        raise AssertionError(f"parsed again: {text}")

    monkeypatch.setattr(kept_documents, "read_toml", refuse)


def test_the_same_text_is_parsed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_document(TEXT, "/config.toml", str(folder))
    forbid_parsing(monkeypatch)

    assert read_document(TEXT, "/config.toml", str(folder)) == first == read_toml(TEXT)
    (kept,) = files(folder)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("changed", [TEXT + "\n", TEXT.replace("1d", "2d"), ""])
def test_another_text_takes_its_place(folder: Path, changed: str) -> None:
    read_document(TEXT, "/config.toml", str(folder))

    assert read_document(changed, "/config.toml", str(folder)) == read_toml(changed)
    assert read_document(TEXT, "/config.toml", str(folder)) == read_toml(TEXT)
    assert len(files(folder)) == 1


@pytest.mark.parametrize("text", ['url = "https://alice:secret@host/"', 'url = "https://host/?token=secret"', "since = 2026-01-01", "x = " + "[" * 300 + "]" * 300, "x = " + "[" * 380 + "]" * 380])
def test_what_may_hold_a_secret_or_has_a_date_is_not_kept(folder: Path, text: str) -> None:
    assert read_document(text, "/config.toml", str(folder)) == read_toml(text)
    assert all(b"secret" not in kept.read_bytes() and b"2026" not in kept.read_bytes() for kept in files(folder))


def test_what_is_no_toml_is_said_each_time(folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(CannotRead):
            read_document("x =", "/config.toml", str(folder))
    assert files(folder) == []


@pytest.mark.parametrize("damage", ["loose", "cut", "not ours", "another text", "a link"])
def test_a_damaged_or_foreign_file_is_not_believed(folder: Path, tmp_path: Path, damage: str) -> None:
    read_document(TEXT, "/config.toml", str(folder))
    (kept,) = files(folder)
    head, end, _ = kept.read_bytes().partition(b"\n")
    forged = head + end + marshal.dumps({"index": []})
    if damage == "loose":
        kept.write_bytes(forged)
        kept.chmod(0o622)
    elif damage == "another text":
        kept.write_bytes(forged.replace(head[-4:], b"0000"))
    elif damage == "a link":
        (tmp_path / "forged").write_bytes(forged)
        kept.unlink()
        kept.symlink_to(tmp_path / "forged")
    else:
        kept.write_bytes(kept.read_bytes()[:-5] if damage == "cut" else head + end + b"{")

    assert read_document(TEXT, "/config.toml", str(folder)) == read_toml(TEXT)


def test_without_a_folder_nothing_is_kept() -> None:
    assert read_document(TEXT, "/config.toml", None) == read_toml(TEXT)
