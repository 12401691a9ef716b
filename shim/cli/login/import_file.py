"""`shim login --import FILE`: passwords in clear go out of a file, and are stored.

What is stored is verified first, as with any login. A secret leaves the file only after it is
stored; everything else in the file stays byte for byte, and so do its owner and mode.
"""

from __future__ import annotations

import os
import stat
import sys

from shim.core.errors import ShimError, StoreError, UsageError, render
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host, write_stderr
from shim.core.model import Secret
from shim.core.own_files import create, replacement
from shim.core.typing import Callable, Iterable
from shim.core.urls import Url
from shim.formats.clear_text import Sighting, find_in_pypirc, find_secrets

MAX_BYTES = 64 << 20


def move_secrets(
    path: str, keep: Callable[[Url, str | None, Secret], None], host: Host, *, backup: bool
) -> int:
    """Keep each password of a file, and take it out; return 0, or the status of the first failure.

    Raises:
        UsageError: the file cannot be read, or has no password that could be moved.
        StoreError: the file cannot be written; then it is as it was.
    """
    path = os.path.realpath(host.path(path))
    text = _read(path)
    find = find_in_pypirc if os.path.basename(path) == ".pypirc" else find_secrets
    found = list(find(text))
    movable = [sighting for sighting in found if sighting.url and sighting.secret]
    for sighting in found:
        if sighting not in movable:
            write_stderr(
                f"shim: {path}:{sighting.line}: {sighting.what} names no index: move it by hand"
                " with `shim login URL`\n"
            )
    if not movable:
        raise UsageError(
            f"{path} has no password that belongs to an index", hint="shim login NAME asks for one"
        )
    moved, status = list[Sighting](), 0
    for sighting in movable:
        try:
            keep(sighting.url, sighting.username, sighting.secret)  # type: ignore[arg-type]
            moved.append(sighting)
        except ShimError as error:
            write_stderr(f"shim: {path}:{sighting.line} stays as it is\n{render(error)}")
            status = status or error.exit_code
    if moved:
        _write(path, cut(text, moved), backup=backup)
        lines = ", ".join(str(line) for line in dict.fromkeys(sighting.line for sighting in moved))
        sys.stdout.write(
            f"taken out of {path}, line {lines}; it has been readable: change it at the index as"
            " well\n"
        )
    return status


def cut(text: str, sightings: Iterable[Sighting]) -> str:
    """Return the text without the secrets, and without lines that are nothing else."""
    lines = text.split("\n")
    gone = set[int]()
    for sighting in sorted(sightings, key=lambda one: (one.line, one.start), reverse=True):
        line = lines[sighting.line - 1]
        if (sighting.start, sighting.end) == (0, len(line)):
            gone.add(sighting.line - 1)
        lines[sighting.line - 1] = line[: sighting.start] + line[sighting.end :]
    return "\n".join(line for number, line in enumerate(lines) if number not in gone)


def _read(path: str) -> str:
    try:
        data = read_regular(path, MAX_BYTES)  # what is not read would not be written either
    except CannotRead as error:
        raise UsageError(
            f"{path} {error.why}",
            hint="shim login NAME asks for a password; take it out of the file by hand",
        ) from error
    if data is None:
        raise UsageError(f"there is no file {path}", hint=f"ls -l {path}")
    return data.decode("utf-8", "surrogateescape")


def _write(path: str, text: str, *, backup: bool) -> None:
    """Replace the file by the text; keep the old one as FILE.bak, for its owner alone, if asked."""
    stored = "the passwords are stored, and still in the file as well"
    if backup and os.path.lexists(f"{path}.bak"):
        raise StoreError(
            f"{path} cannot be replaced (File exists: {path}.bak): {stored}",
            hint=f"mv {path}.bak {path}.older",
        )
    try:
        status = os.stat(path)
        if backup:
            create(path + ".bak", _read(path).encode("utf-8", "surrogateescape"))
        with replacement(path, text.encode("utf-8", "surrogateescape"), sync=True) as new:
            os.chown(new, status.st_uid, status.st_gid)
            os.chmod(new, stat.S_IMODE(status.st_mode))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be replaced ({error.strerror}: {error.filename}): {stored}",
            hint=f"ls -ld {os.path.dirname(path)}",
        ) from error
