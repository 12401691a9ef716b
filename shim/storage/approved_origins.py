"""Origins that the user approved once, with `shim login URL`: a vendor's command may be run for
them though only a project names them.

One origin a line, in a file of the user's own. Nothing secret stands in it.
"""

from __future__ import annotations

import os

from shim.core.errors import FOLDER_HINT, HOME_HINT, StoreError
from shim.core.host import Host
from shim.core.own_files import read_own, replace_atomically
from shim.core.private_folders import private_folder
from shim.core.urls import Url


def is_approved(url: Url, host: Host) -> bool:
    """Whether the user approved the URL's scheme, host and port."""
    return url.origin in read_approvals(host)


def read_approvals(host: Host) -> list[str]:
    """Return the approved origins, sorted. A file that others could have written says nothing."""
    path = _path(host)
    data = (read_own(path, forbidden=0o022) if path else None) or b""  # everybody may read it
    return sorted({line.strip() for line in data.decode("utf-8", "replace").split("\n")} - {""})


def approve(url: Url, host: Host) -> None:
    """Remember the URL's origin. Raises StoreError."""
    _write({*read_approvals(host), url.origin}, host)


def forget(host: Host, url: Url | None = None) -> list[str]:
    """Take back the approval of one origin, or all; return which. Raises StoreError."""
    approved = read_approvals(host)
    gone = [origin for origin in approved if url is None or origin == url.origin]
    if gone:
        _write(set(approved) - set(gone), host)
    return gone


def _path(host: Host) -> str | None:
    return os.path.join(host.state_home, "shim", "approved-origins") if host.state_home else None


def _write(origins: set[str], host: Host) -> None:
    path = _path(host)
    folder = os.path.dirname(path or "")
    if path is None or private_folder(folder) is None:
        hint = FOLDER_HINT.format(folder=folder) if path else HOME_HINT
        raise StoreError("there is no folder of yours alone to remember that in", hint=hint)
    try:
        replace_atomically(path, "".join(f"{origin}\n" for origin in sorted(origins)).encode())
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror})"
        raise StoreError(message, hint=f"ls -ld {folder}") from error
