"""Scans a uv.lock for the servers it names, without a TOML parse: 5 MB of it would take 1.6 s.

Sources: uv 0.13.8 crates/uv-resolver/src/lock/mod.rs (`source = { registry = "..." }`, `url =
"..."`).
"""

from __future__ import annotations

from itertools import pairwise

from shim.core import regex as re
from shim.core.typing import Iterable

#: A package's source, with its index if it has one, or the folder of a file: server and up to
#: DEPTH path segments.
_SOURCE_OR_FOLDER = (
    rb'(?m)^source = \{ (?:registry = "(?P<registry>[^"\r\n]*)")?|\burl ='
    rb' "(?P<folder>https?://[^"/?#\r\n]+(?:/[^"/?#\r\n]+){0,%d}/)'
)
_SIMPLE_PAGE = rb"/\+?simple/?$"

DEPTH = 2
#: So many folders in one tell repositories apart; more of them are hashes in the paths of one
#: repository.
MAX_SIBLINGS = 8
#: The same where two indexes share a folder: GitLab's projects differ in the fourth segment.
SHARED_DEPTH, MAX_SHARED_SIBLINGS = 6, 512


def find_folders(data: bytes, indexes: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return index URL -> the folders that files locked from it lie in; files without an index
    (direct URLs) stand under "".

    A folder is what an index URL is without its `simple/` if the file lies there, else the server
    and the first two path segments, less where that makes many. It is longer where it would also
    hold another index's files, or one of the `indexes`.
    """
    found = _find_folders(data, DEPTH, MAX_SIBLINGS)
    others = {*found, *indexes} - {""}
    for index, folders in found.items():
        for folder in folders:
            if any(
                other.rstrip("/") != index.rstrip("/")
                and (other.startswith(folder) or folder in found.get(other, ()))
                for other in others
            ):
                return _find_folders(data, SHARED_DEPTH, MAX_SHARED_SIBLINGS)
    return found


def _find_folders(data: bytes, depth: int, max_siblings: int) -> dict[str, list[str]]:
    found: dict[bytes, dict[bytes, None]] = {b"": {}}
    folders, root = found[b""], b"\n"
    for match in re.finditer(_SOURCE_OR_FOLDER % depth, data):
        if match["folder"] is None:
            registry = match["registry"] or b""
            folders = found.setdefault(registry, {})
            root = re.sub(_SIMPLE_PAGE, b"", registry).rstrip(b"/") + b"/"
        else:
            is_below = data.startswith(root, match.start("folder"))
            folders[root if is_below else match["folder"]] = None
    return {
        _text(registry): _collapse(map(_text, folders), max_siblings)
        for registry, folders in found.items()
    }


def _collapse(folders: Iterable[str], max_siblings: int) -> list[str]:
    """Return the folders, those with too many siblings, on any level, as what they lie in."""
    children: dict[str, set[str]] = {}
    chains = [_parents(folder) for folder in folders]
    for chain in chains:
        for parent, child in pairwise(chain):
            children.setdefault(parent, set()).add(child)
    kept = (
        next((one for one in chain if len(children.get(one, ())) > max_siblings), chain[-1])
        for chain in chains
    )
    return list(dict.fromkeys(kept))


def _parents(folder: str) -> list[str]:
    """Return the server and every folder on the way, the folder itself last."""
    parts = folder.split("/")[:-1]
    return ["/".join([*parts[:depth], ""]) for depth in range(3, len(parts) + 1)]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
