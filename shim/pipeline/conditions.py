"""What has to be as it was for a record to count: the lines of its variables, files and folders."""

from __future__ import annotations

import os

from shim.core.host import Host
from shim.core.typing import Iterable
from shim.hotpath.replay import FIELD, PREFIXES, record_folder
from shim.pipeline.observing import Observed, Observer, describe_path

#: What the names of variables with secrets have in them: their values are in no record.
SECRET_WORDS = ("PASSWORD", "TOKEN", "SECRET", "CREDENTIAL", "API_KEY")
#: What lies in the token cache's folder: folders, and files by their endings.
KEPT_FOLDERS = ("", "plans", "pads", "proofs", "settings")
KEPT_SUFFIXES = (".token", ".lone", ".lock", ".failed", ".nobody", ".new")


def render_variables(environ: Observed, asked_keyring: bool) -> list[str] | None:
    """Return the lines of all variables that can change anything; None if one holds a secret."""
    prefixes = tuple(name[:-1] for name in sorted(environ.asked) if name.endswith("*"))
    if asked_keyring:
        from shim.storage import keyring_cache

        prefixes = (*keyring_cache.VARIABLES, *prefixes)
    names = environ.asked | {name for name in environ if name.startswith((*PREFIXES, *prefixes))}
    lines = [FIELD.join(["prefix", prefix]) for prefix in prefixes]
    for name in sorted(names):
        value = dict.get(environ, name)
        if value is None:
            lines.append(FIELD.join(["absent", name]))
            continue
        if any(word in name.upper() for word in SECRET_WORDS) or ("://" in value and "@" in value):
            return None
        lines.append(FIELD.join(["variable", name, value]))
    return lines


def render_files(
    observer: Observer, files_read: Iterable[str], host: Host, asked_keyring: bool
) -> list[str] | None:
    """Return the lines of all files and folders: as they are, or that they are not there; None if
    one changed while the plan was made.

    The folders that a keyring lies in count with their entries.
    """
    places: Iterable[str] = ()
    if asked_keyring:
        from shim.config.settings import config_files
        from shim.storage import keyring_cache

        places = keyring_cache.places(host, config_files(host))
    own_folder = os.path.dirname(record_folder(dict(host.environ)) or "/nonexistent/plans")
    lines = []
    for path in dict.fromkeys([*observer.paths, *files_read, *observer.folders, *places]):
        if _is_kept_by_us(path, own_folder):
            continue
        is_listed = path in observer.folders
        seen = observer.folders.get(path) or observer.paths.get(path)
        now = describe_path(path, is_listed=is_listed)
        # A link that leads nowhere is as good as missing, and the first command makes one of ours.
        if seen and seen != now and (seen[0], now[0]) != ("missing", "link"):
            return None
        if path in places and not is_listed:
            now = describe_path(path, is_listed=True)
        lines.append(FIELD.join(now))
    return lines


def _is_kept_by_us(path: str, folder: str) -> bool:
    """Whether a file is the token cache's own: it changes with every refresh, and what counts of it
    has a line of its own. `folder` is that of the cache.
    """
    inner = path.removeprefix(folder).lstrip("/") if f"{path}/".startswith(f"{folder}/") else None
    if inner is None:
        return False
    is_file = "/" not in inner and inner.endswith(KEPT_SUFFIXES)
    return is_file or inner.partition("/")[0] in KEPT_FOLDERS


def group(lines: list[str]) -> list[str]:
    """Return the lines, those that only name a thing joined by kind: each costs time on replay."""
    grouped: dict[str, list[str]] = {kind: [kind] for kind in ("absent", "missing", "folder")}
    others: list[str] = []
    for line in lines:
        kind, _, name = line.partition(FIELD)
        if kind in grouped:
            grouped[kind].append(name)
        else:
            others.append(line)
    return others + [FIELD.join(words) for words in grouped.values() if len(words) > 1]
