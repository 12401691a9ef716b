"""Adds `[[index]]` tables to a config.toml: what is there stays to the letter, comments too, and all of it is read before it counts.

Sources: TOML 1.0 (an array of tables may go on at the end of the document; a basic string escapes as JSON does, DEL aside).
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from shim.errors import ConfigError, StoreError
from shim.host import Host
from shim.settings import load_settings, read_config
from shim.use_as import around

#: One table of ours: texts, lists of texts, and tables of texts.
Table = Mapping[str, object]

MARK = "# added by shim setup\n"


@dataclass(frozen=True, slots=True)
class Written:
    """Where the tables stand now, and the command that takes them out again."""

    file: str
    undo: str


def render(tables: list[Table]) -> str:
    """Return the tables as TOML."""
    blocks = ["[[index]]\n" + "".join(f"{key} = {_render_value(value)}\n" for key, value in table.items()) for table in tables]
    return MARK + "\n".join(blocks)


def append(file: str, tables: list[Table], host: Host) -> Written:
    """Add the tables to the file, which is made (0600) if it is not there.

    Raises:
        ConfigError: the file is broken as it is, or would be with the tables in it: then it is left alone.
        StoreError: it cannot be written, or was changed meanwhile.
    """
    path = os.path.realpath(file)
    try:
        with _locked(os.path.dirname(path)):
            return _append(file, path, render(tables), host)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written ({error.strerror}): nothing was changed", hint=f"ls -ld {os.path.dirname(path)}"
        ) from error


def _append(file: str, path: str, block: str, host: Host) -> Written:
    read_config(file)
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            old, mode = stream.read(), stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
    except FileNotFoundError:
        old, mode = "", 0o600
    line_end = "\r\n" if "\r\n" in old else "\n"
    gap = ("" if old.endswith("\n") else line_end) + line_end if old else ""
    added = gap + block.replace("\n", line_end)
    temporary = f"{path}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as stream_out:
            stream_out.write((old + added).encode())
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        _check(temporary, file, host)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return Written(file, _undo(old, old + added, file))


def _check(temporary: str, file: str, host: Host) -> None:
    """Raise ConfigError if the new file cannot be read as settings, in words about the real file."""
    try:
        load_settings(around(host, {"SHIM_CONFIG_FILE": temporary}))
    except ConfigError as error:
        hint = f"the file is as it was; {error.hint}" if error.hint else None
        raise ConfigError(error.message.replace(temporary, file), hint=hint) from error


def _undo(old: str, new: str, file: str) -> str:
    """Return the shell command that restores the file. A last line without an end keeps the one that it got."""
    from shlex import quote

    if not old:
        return f"rm {quote(file)}"
    first = old.count("\n") + (1 if old.endswith("\n") else 2)
    last = new.count("\n")
    return (
        f"sed -i --follow-symlinks '{first},{last}d' {quote(file)}"
        if sys.platform == "linux"
        else f"delete lines {first} to {last} of {file}"
    )


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Let one process at a time change files of a folder, which is made if it is not there. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _render_value(value: object) -> str:
    import json

    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_render_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_render_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
