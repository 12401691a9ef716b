"""What pipx keeps of an environment: the arguments for pip with which each package was installed.
pipx hands them to pip again, unless others are typed.

Sources: pipx 1.18 `paths.py`, `pipx_metadata_file.py`, `self_install.py`; `commands/upgrade.py`,
`reinstall.py`, `inject.py`, `outdated.py`, `install.py`.
"""

from __future__ import annotations

import os

from shim.core.files import is_file, is_folder, list_folders, names_in, read_regular, real_path
from shim.core.host import Host
from shim.core.model import Origin
from shim.core.package_names import normal_name
from shim.core.toml import strings_of, table_at, value_at
from shim.core.typing import Any, Container, Iterator, NamedTuple
from shim.tools.installed_version import find_release
from shim.tools.unreadable import Unread

FILE = "pipx_metadata.json"
_GLOBAL_HOME = "/opt/pipx"


class Record(NamedTuple):
    """One package: its arguments for pip, what was asked for, by which lock, and the file that says
    so.
    """

    arguments: tuple[str, ...]
    wanted: str
    lock: str
    origin: Origin


def records_in(folder: str, names: Container[str] | None, unread: Unread) -> Iterator[Record]:
    """Yield the packages in the environments of those normal `names` (None: in all)."""
    try:
        found = sorted(list_folders(folder))
    except OSError:  # pipx finds nothing there either
        return
    for name in found:
        if names is None or normal_name(name) in names:
            path = os.path.join(folder, name, FILE)
            yield from _records(_read(path, unread), path)


def records_of_list(path: str, unread: Unread) -> Iterator[Record]:
    """Yield the packages in what `pipx list --json` has written."""
    for row in table_at(_read(path, unread), "venvs").values():
        yield from _records(value_at(row, "metadata"), path)


def homes(target: str, host: Host, *, is_global: bool) -> list[str]:
    """Return the folders that may be pipx's home."""
    said = host.environ.get("PIPX_GLOBAL_HOME" if is_global else "PIPX_HOME")
    if said or is_global:
        return [host.path(said or _GLOBAL_HOME)]
    former = os.path.join(host.home or "/nonexistent", ".local", "pipx")
    usual = os.path.join(host.data_home or "/nonexistent", "pipx")
    above = os.path.dirname(os.path.dirname(os.path.dirname(real_path(target))))
    # A pipx that was installed by a pipx looks where itself is.
    own = [os.path.dirname(above)] if os.path.basename(above) == "venvs" else []
    return [former if is_folder(former) else usual, *own]


def oldest_pip(target: str, host: Host) -> tuple[int, ...] | None:
    """Return the oldest release of a pip that pipx may start: of the one that its environments
    share, and of those that have their own. None where files do not tell.
    """
    found = []
    for home in homes(target, host, is_global=False):
        shared = host.path(host.environ.get("PIPX_SHARED_LIBS") or os.path.join(home, "shared"))
        venvs = os.path.join(home, "venvs")
        prefixes = [shared, *(os.path.join(venvs, name) for name in names_in(venvs))]
        pips = [os.path.join(prefix, "bin", "pip") for prefix in prefixes]
        found += [find_release(pip, "pip", host)[0] for pip in pips if is_file(pip)]
    known = [release for release in found if release]
    return min(known) if known and len(known) == len(found) else None


def _records(metadata: Any, path: str) -> Iterator[Record]:
    # What uv gets from pipx, it gets on its command line.
    is_uv = value_at(metadata, "backend") == "uv"
    origin = Origin("argv", f"of {path}") if is_uv else Origin("config", path)
    injected = table_at(metadata, "injected_packages").values()
    for row in (value_at(metadata, "main_package"), *injected):
        arguments, wanted = value_at(row, "pip_args"), value_at(row, "package_or_url")
        lock = value_at(row, "lock_file", "__Path__")
        yield Record(tuple(strings_of(arguments)), str(wanted or ""), str(lock or ""), origin)


def _read(path: str, unread: Unread) -> Any:
    """Return what a JSON file holds; None for one that is none, and so to pipx."""
    import json

    with unread.guard(path):
        try:
            return json.loads(read_regular(path) or b"null")
        except ValueError:
            return None
        except RecursionError:
            unread.note(path, "is too deep")
    return None
