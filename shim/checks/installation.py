"""Our own launchers: are they there, of this release, and in front of the tools that they stand for?"""

from __future__ import annotations

import os
from collections.abc import Iterator

from shim import launchers
from shim.checks import Finding
from shim.errors import ShimError
from shim.host import Host


def find(host: Host) -> Iterator[Finding]:
    """Yield launchers that are missing, old or shadowed."""
    try:
        folder = launchers.default_folder(host)
    except ShimError as error:
        yield Finding("problem", "launchers", error.message, error.hint)
        return
    text = launchers.render_launcher().encode()
    for name in launchers.wrapped_names(folder, host):
        path = os.path.join(folder, name)
        if not launchers.is_launcher(path):
            yield Finding("problem", path, f"there is no launcher for {name}, which is on PATH", "shim doctor --fix")
            continue
        if _read(path) != text:
            yield Finding("problem", path, "the launcher is of another release, or its Python is gone", "shim doctor --fix")
        first = _first_on_path(name, host)
        if first and not launchers.is_launcher(first):
            yield Finding("problem", path, f"{first} stands before it on PATH, so `{name}` runs without shim", 'eval "$(shim activate)"')


def fix(host: Host) -> list[str]:
    """Write the launchers that are missing or old; return the paths. Raises StoreError."""
    folder = launchers.default_folder(host)
    return launchers.write_launchers(folder, launchers.wrapped_names(folder, host))


def _first_on_path(name: str, host: Host) -> str | None:
    candidates = (os.path.join(entry or ".", name) for entry in host.environ.get("PATH", os.defpath).split(":"))
    return next((path for path in candidates if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
