"""Whether a pip command takes packages from an index, or only what lies on this machine already.

Sources: pip 26.3 `req/constructors.py` (`_get_url_from_path`, what counts as a path),
`utils/filetypes.py`.
"""

from __future__ import annotations

from shim.core.files import CannotRead, is_file, is_folder
from shim.core.host import Host
from shim.core.model import Target
from shim.formats.requirements import may_apply
from shim.formats.wheel import read_requires
from shim.tools.pip.direct_urls import ARCHIVES, LocalFiles, local_place
from shim.tools.pip.settings import FileReader, PipSettings

#: Options that bring requirements which we do not look into.
BRINGING = ("requirement", "requirements-from-script", "group")


def takes_packages(settings: PipSettings, target: Target, host: Host) -> bool:
    """Return whether anything comes from an index, even if only what a local path needs."""
    if any(settings.all(option) for option in BRINGING):
        return True
    wanted = [mention.text for mention in (*settings.arguments, *settings.all("editable"))]
    return any(_needs_index(text, settings, target, host) for text in wanted)


def _needs_index(text: str, settings: PipSettings, target: Target, host: Host) -> bool:
    place, extras = local_place(text)
    path = _local_path(place, host) if place else None
    if path is None:
        return True
    without_dependencies = settings.is_on("no-deps")
    if path.endswith(".whl"):
        return not without_dependencies and _has_dependencies(path, extras, target)
    # The build's own requirements come from an index.
    return not (without_dependencies and settings.is_on("no-build-isolation"))


def _local_path(place: str, host: Host) -> str | None:
    """Return the path that a requirement names, None if pip takes it for a name or a URL."""
    try:
        path = LocalFiles(host, FileReader()).path_of(place)
    except CannotRead:
        return None
    is_project = is_folder(path) and ("/" in place or place.startswith("."))
    return path if is_project or (path.lower().endswith(ARCHIVES) and is_file(path)) else None


def _has_dependencies(wheel: str, extras: tuple[str, ...], target: Target) -> bool:
    """Return whether a wheel requires anything with these extras; True if it cannot be read."""
    try:
        required = [line.partition(";") for line in read_requires(wheel)]
    except CannotRead:
        return True
    return any(not mark or may_apply(marker, target.python, extras) for _, mark, marker in required)
