"""Whether a pip command takes packages from an index, or only what lies on this machine already.

Sources: pip 26.3 `req/constructors.py` (`_get_url_from_path`, what counts as a path), `utils/filetypes.py`.
"""

from __future__ import annotations

import os
from urllib.parse import unquote

from shim.host import Host
from shim.indexes.pip_settings import Settings

ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma")
#: Options that bring requirements which we do not look into.
BRINGING = ("requirement", "requirements-from-script", "group")


def takes_packages(settings: Settings, host: Host) -> bool:
    """Return whether anything is to come from an index: a name, a URL, a file of requirements, or what a local path needs itself."""
    if any(settings.all(option) for option in BRINGING):
        return True
    wanted = [mention.text for mention in (*settings.arguments, *settings.all("editable"))]
    return any(_needs_index(text, settings, host) for text in wanted)


def _needs_index(text: str, settings: Settings, host: Host) -> bool:
    path = _local_path(text, host)
    if path is None:
        return True
    without_dependencies = settings.is_on("no-deps")
    if path.endswith(".whl"):
        return not without_dependencies and _has_dependencies(path)
    return not (without_dependencies and settings.is_on("no-build-isolation"))  # the build's own requirements come from an index


def _local_path(text: str, host: Host) -> str | None:
    """Return the path that a requirement names, or None if pip would take it for a name or a URL."""
    text = text.partition(" @ ")[2].strip() or text
    if text.lower().startswith("file:"):
        return host.path(unquote(text.partition(":")[2].partition("#")[0].removeprefix("//localhost").removeprefix("//")))
    bare = text[: text.rindex("[")] if text.endswith("]") and "[" in text else text
    path = host.path(bare)
    is_folder = os.path.isdir(path) and (os.sep in bare or bare.startswith("."))
    return path if is_folder or (bare.lower().endswith(ARCHIVES) and os.path.isfile(path)) else None


def _has_dependencies(wheel: str) -> bool:
    """Return whether a wheel requires anything beyond its extras; True for what cannot be read."""
    import zipfile

    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1)
            head = archive.read(name).decode("utf-8", "replace").partition("\n\n")[0]
    except (OSError, ValueError, StopIteration, zipfile.BadZipFile):
        return True
    required = [line for line in head.splitlines() if line.lower().startswith("requires-dist:")]
    return any("extra ==" not in line.partition(";")[2] for line in required)
