"""Reads a project's files for the careless things that they may say, and takes none for harmless that it cannot read."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from typing import Any

from shim.errors import CannotDeliver
from shim.formats import requirements, uv_toml
from shim.formats.optparse_scan import read_table, scan
from shim.formats.pip_options import REQUIREMENTS_LINE, WANTED
from shim.formats.toml import read_toml
from shim.host import Host
from shim.laxity import UNCHECKED, Laxity

#: Nobody writes larger ones. The readers of needs stop here, or later.
MAX_BYTES = 16 << 20


def read_document(path: str, host: Host) -> dict[str, Any]:
    """Return a TOML file as a document, nothing if there is no such file. Raises CannotDeliver for what cannot be read."""
    return _parse(_read(path, host).decode("utf-8", "replace"), path, host)


def read_script(path: str, host: Host) -> dict[str, Any]:
    """Return the metadata of a PEP 723 script, nothing if there are none. Raises CannotDeliver for what cannot be read."""
    return _parse(uv_toml.script_block(_read(path, host).decode("utf-8", "replace")), path, host)


def in_requirements(paths: Iterable[str], own: Container[str], host: Host) -> Iterator[Laxity]:
    """Yield what requirements files say; `own` are the hosts that the user trusts. Raises CannotDeliver for what cannot be read."""
    table = read_table(REQUIREMENTS_LINE, WANTED)
    for path in paths:
        data = _read(path, host)
        for line in requirements.read_lines(requirements.decode_requirements(data), host.environ) if data else ():
            for word in scan(line.options, table):
                if word.name == "trusted-host" and word.value not in own:
                    yield Laxity(UNCHECKED, f"{shown(path, host)}:{line.number}", word.value or "")


def shown(path: str, host: Host) -> str:
    """Return a path as people are shown it."""
    return path.removeprefix(host.cwd.rstrip("/") + "/")


def _parse(text: str, path: str, host: Host) -> dict[str, Any]:
    try:
        return read_toml(text)
    except ValueError as error:
        raise _unreadable(path, host, f"is no TOML that shim can read ({error})", "mend the file") from None


def _read(path: str, host: Host) -> bytes:
    path = host.path(path)
    try:
        if not os.path.isfile(path):
            return b""
        if os.path.getsize(path) > MAX_BYTES:
            raise _unreadable(path, host, f"is larger than {MAX_BYTES >> 20} MB", "make it smaller")
        with open(path, "rb") as stream:
            return stream.read()
    except (OSError, ValueError):
        return b""


def _unreadable(path: str, host: Host, what: str, hint: str) -> CannotDeliver:
    return CannotDeliver(
        f"{shown(path, host)} {what}: it may turn off the check of certificates, or choose a proxy, for a credential", hint=hint
    )
