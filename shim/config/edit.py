"""Adds `[[index]]` tables to a config.toml, and takes them out again. What else is there stays to
the letter, comments too, and all of it is read before it counts.

Sources: TOML 1.0 (an array of tables may go on at the end of the document; a basic string escapes
as JSON does, DEL aside).
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from shim.config.lines import MARK, cut_tables
from shim.config.settings import load_settings, parse_config, read_config
from shim.core.errors import ConfigError, StoreError
from shim.core.files import read_regular
from shim.core.host import Host
from shim.core.own_files import replacement

#: One table of ours: texts, lists of texts, and tables of texts.
Table = Mapping[str, object]


def render(tables: list[Table]) -> str:
    """Return the tables as TOML."""
    blocks = [
        "[[index]]\n" + "".join(f"{key} = {_render_value(value)}\n" for key, value in table.items())
        for table in tables
    ]
    return f"{MARK}\n" + "\n".join(blocks)


def append(file: str, tables: list[Table], host: Host) -> None:
    """Add the tables to the file, which is made (0600) if it is not there.

    Raises:
        ConfigError: the file is broken, or would be: it is left alone. StoreError: not written.
    """
    block = render(tables)

    def add(old: str) -> str:
        line_end = "\r\n" if "\r\n" in old else "\n"
        gap = ("" if old.endswith("\n") else line_end) + line_end if old else ""
        return old + gap + block.replace("\n", line_end)

    _change(file, add, host)


def remove(file: str, names: list[str], host: Host, *, only_show: bool = False) -> list[str]:
    """Take the `[[index]]` tables of these names out of the file, and return their lines; a file
    with nothing left goes away, unless a variable names it.

    Raises:
        UsageError: the file has no index of a name. ConfigError: it is broken.
        StoreError: it cannot be written, or its tables cannot be told apart by their lines.
    """
    taken: list[str] = []

    def cut(old: str) -> str:
        new, lines = cut_tables(old, names, file)
        taken.extend(lines)
        return new

    _change(file, cut, host, write=not only_show)
    return taken


def put(file: str, text: str, host: Host, *, mode: int) -> None:
    """Put a text in the place of a file, or make it. Raises as `append` does."""
    _change(file, lambda _: text, host, mode=mode)


def delete(file: str, host: Host) -> None:
    """Remove a file of settings, broken or not, if the rest can be read. Raises as `append`."""
    with _says_trouble(file), _locked(os.path.dirname(file), 0o700):
        _check(f"{file}.none", file, host)
        os.unlink(file)


def _change(
    file: str, change: Callable[[str], str], host: Host, *, write: bool = True, mode: int = 0o600
) -> None:
    """Put what `change` makes of the file's text in its place; `mode` is that of a new one."""
    path = os.path.realpath(file)
    with _says_trouble(file), _locked(os.path.dirname(path), mode | (mode & 0o444) >> 2):
        parse_config(read_config(file, file) or "", file)
        data = read_regular(path)
        if data is not None:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        new = change((data or b"").decode())
        # What SHIM_CONFIG_FILE names has to be there.
        if write and not new and not host.environ.get("SHIM_CONFIG_FILE"):
            _check(f"{path}.none", file, host)
            os.unlink(path)
        elif write:
            with replacement(path, new.encode(), mode, sync=True) as temporary:
                _check(temporary, file, host)


@contextmanager
def _says_trouble(file: str) -> Iterator[None]:
    """Say of which file it is that the system does not let us write. Raises StoreError."""
    try:
        yield
    except OSError as error:
        folder = os.path.dirname(os.path.realpath(file))
        message = f"{file} cannot be written ({error.strerror}): nothing was changed"
        raise StoreError(message, hint=f"ls -ld {folder}") from error


def _check(temporary: str, file: str, host: Host) -> None:
    """Raise ConfigError if the new file cannot be read as settings."""
    try:
        load_settings(host, instead=(file, temporary))
    except ConfigError as error:
        hint = f"the file is as it was; {error.hint}" if error.hint else None
        raise ConfigError(error.message, hint=hint) from error


@contextmanager
def _locked(folder: str, mode: int) -> Iterator[None]:
    """Let one process at a time change files of a folder, and make the folder. Raises OSError."""
    os.makedirs(folder, mode=mode, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _render_value(value: object) -> str:
    import json

    if isinstance(value, Mapping):
        parts = ", ".join(f"{key} = {_render_value(item)}" for key, item in value.items())
        return f"{{ {parts} }}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_render_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
