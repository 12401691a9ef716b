"""Origins that the user approved once, with `shim login URL`: a vendor's command may be run for them though only a project names them.

One origin a line, in a file of the user's own. Nothing secret stands in it.
"""

from __future__ import annotations

import os

from shim.core.errors import FOLDER_HINT, HOME_HINT, StoreError
from shim.core.files import open_descriptor
from shim.core.host import Host
from shim.core.private_folders import private_folder
from shim.core.urls import Url


def is_approved(url: Url, host: Host) -> bool:
    """Whether the user approved the URL's scheme, host and port."""
    return url.origin in read_approvals(host)


def read_approvals(host: Host) -> list[str]:
    """Return the approved origins, sorted. A file that others could have written says nothing."""
    path = _path(host)
    try:
        with open(open_descriptor(path or "/nonexistent", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="utf-8") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return []
            return sorted({line.strip() for line in stream} - {""})
    except (OSError, UnicodeDecodeError):
        return []


def approve(url: Url, host: Host) -> None:
    """Remember the URL's origin. Raises StoreError."""
    _write({*read_approvals(host), url.origin}, host)


def forget(host: Host, url: Url | None = None) -> list[str]:
    """Take back the approval of one origin, or all; return those that were taken back. Raises StoreError."""
    approved = read_approvals(host)
    gone = [origin for origin in approved if url is None or origin == url.origin]
    if gone:
        _write(set(approved) - set(gone), host)
    return gone


def _path(host: Host) -> str | None:
    return os.path.join(host.state_home, "shim", "approved-origins") if host.state_home else None


def _write(origins: set[str], host: Host) -> None:
    path = _path(host)
    if path is None or private_folder(os.path.dirname(path)) is None:
        hint = FOLDER_HINT.format(folder=f"{host.state_home}/shim") if host.state_home else HOME_HINT
        raise StoreError("there is no folder of yours alone to remember that in", hint=hint)
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8") as stream:
            stream.write("".join(f"{origin}\n" for origin in sorted(origins)))
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror})", hint=f"ls -ld {os.path.dirname(path)}") from error
