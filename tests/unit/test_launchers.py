"""Launchers on disk: what is written, what is left alone, what is taken away."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from shim.core.errors import StoreError
from shim.core.host import Host
from shim.core.own_launchers import SIGNATURE, is_launcher
from shim.install.launchers import (
    is_wrapped,
    remove_launchers,
    render_launcher,
    wrapped_names,
    write_launchers,
)
from shim.tools import TOOLS, load_tool


@pytest.fixture
def shims(tmp_path: Path) -> Path:
    return tmp_path / "a folder with 'quotes'" / "shims"


def program(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def never_needs_index(name: str, *words: str, folder: Path) -> bool:
    """Whether the launcher sends these words straight to the target; its Python is a program that says so."""
    launchers, real = folder / "launchers", folder / "real"
    program(real, name)
    (real / name).write_text("#!/bin/sh\necho target\n")
    program(folder, "python")
    (folder / "python").write_text("#!/bin/sh\necho python\n")
    launchers.mkdir(exist_ok=True)
    lines = [f"_shim_python={folder}/python" if line.startswith("_shim_python=") else line for line in render_launcher().split("\n")]
    (launchers / name).write_text("\n".join(lines))
    (launchers / name).chmod(0o755)
    environ = {"PATH": f"{real}:/usr/bin:/bin"}
    return subprocess.run([launchers / name, *words], env=environ, capture_output=True, text=True, check=True).stdout == "target\n"


@pytest.mark.parametrize("name", [*TOOLS, "pip3.12"])
def test_exactly_the_needless_verbs_go_straight_to_the_target(name: str, tmp_path: Path) -> None:
    for entry in load_tool(name).never_needs_index:
        words = entry.split(" ") if entry else []

        assert never_needs_index(name, *words, folder=tmp_path), entry
        if words:
            assert never_needs_index(name, *words, "--more", folder=tmp_path), entry
    for entry in {"install", "--index-url", "sync", "run", "frooze", "*", "pip", "pip install"} - set(load_tool(name).never_needs_index):
        assert not never_needs_index(name, *entry.split(" "), folder=tmp_path), entry


def test_nothing_of_the_template_is_left_unfilled(tmp_path: Path) -> None:
    text = render_launcher()

    assert text.split("\n")[1].encode() == SIGNATURE
    assert not [line for line in text.split("\n") if "@" in line.replace('"$@"', "")]


def test_writing_twice_touches_no_file(shims: Path) -> None:
    first = write_launchers(str(shims), ["pip", "uv"])
    before = {path: os.stat(path) for path in first}

    assert write_launchers(str(shims), ["pip", "uv"]) == []
    assert {path: os.stat(path) for path in first} == before
    assert sorted(first) == sorted(map(str, [*shims.iterdir(), shims.parent / "faces" / "keyring"]))


def test_a_launcher_that_lost_its_run_bit_or_its_text_is_written_again(shims: Path) -> None:
    write_launchers(str(shims), ["pip", "uv"])
    (shims / "pip").chmod(0o600)
    (shims / "uv").write_text((shims / "uv").read_text() + "# older\n")

    assert write_launchers(str(shims), ["pip", "uv"]) == [str(shims / "pip"), str(shims / "uv")]
    assert os.access(shims / "pip", os.X_OK)
    assert "# older" not in (shims / "uv").read_text()


def test_launchers_are_for_everybody_whatever_the_umask(shims: Path) -> None:
    previous = os.umask(0o077)
    try:
        write_launchers(str(shims), ["pip"])
    finally:
        os.umask(previous)

    assert (shims / "pip").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", ["a program", "a folder", "a link to a program"])
def test_somebody_elses_file_is_neither_overwritten_nor_removed(kind: str, shims: Path, tmp_path: Path) -> None:
    shims.mkdir(parents=True)
    program(tmp_path, "theirs")
    if kind == "a program":
        program(shims, "pip")
    elif kind == "a folder":
        (shims / "pip").mkdir()
    else:
        (shims / "pip").symlink_to(tmp_path / "theirs")
    with pytest.raises(StoreError, match="stands in the way"):
        write_launchers(str(shims), ["pip"])

    assert remove_launchers(str(shims), ["pip"]) == []
    assert os.path.lexists(shims / "pip")
    assert (tmp_path / "theirs").read_text() == "#!/bin/sh\n"


def test_a_failed_write_leaves_no_temporary_file(shims: Path) -> None:
    shims.parent.mkdir()
    shims.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        write_launchers(str(shims), ["pip"])

    assert os.listdir(shims.parent) == ["shims"]


def test_removing_takes_ours_and_then_empty_folders(shims: Path) -> None:
    written = write_launchers(str(shims), ["pip", "uv"])
    program(shims, "mine")

    assert sorted(remove_launchers(str(shims))) == sorted(written)
    assert os.listdir(shims) == ["mine"]
    assert not (shims.parent / "faces").exists()


def test_removing_some_leaves_the_others(shims: Path) -> None:
    write_launchers(str(shims), ["pip", "uv"])

    assert remove_launchers(str(shims), ["uv", "pipx"]) == [str(shims / "uv")]
    assert is_launcher(str(shims / "pip"))


def test_only_the_second_line_makes_a_launcher(tmp_path: Path) -> None:
    texts = {
        "ours": b"#!/bin/sh\n" + SIGNATURE + b"\n",
        "third": b"#!/bin/sh\n\n" + SIGNATURE + b"\n",
        "longer": b"#!/bin/sh\n" + SIGNATURE + b"s\n",
        "binary": b"\x7fELF\0\0\n\0",
        "empty": b"",
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)

    assert [name for name in texts if is_launcher(str(tmp_path / name))] == ["ours"]
    assert not is_launcher(str(tmp_path))
    assert not is_launcher(str(tmp_path / "missing"))


def test_names_are_taken_from_path_and_never_from_launchers(tmp_path: Path, shims: Path) -> None:
    for name in ("pip3.12", "uv", "pip3", "pip3.x", "pip2.7", "uv.1", "other"):
        program(tmp_path / "bin", name)
    (tmp_path / "bin" / "uvx").write_text("not executable")
    (tmp_path / "bin" / "pip").mkdir()
    write_launchers(str(shims), ["uvx"])
    copy = tmp_path / "copy"
    write_launchers(str(copy / "shims"), ["pip"])
    path = f"{shims}:{copy}/shims:/nonexistent:{tmp_path}/bin:{tmp_path}/bin"
    host = Host(environ={"PATH": path}, cwd=str(tmp_path))

    assert wrapped_names(str(shims), host) == ["pip3", "pip3.12", "uv"]


@pytest.mark.parametrize(
    ("name", "answer"), [("pip", True), ("pip3.12", True), ("pip.1", False), ("uv.1", False), ("python", False), ("", False)]
)
def test_which_names_can_be_wrapped(name: str, answer: bool) -> None:
    assert is_wrapped(name) is answer
