"""A container without docker: a mount namespace of its own, in which the host's folders are not there, and another user.

Real are the namespace, the read-only mount of the socket's folder, the other environment and the other user number; the kernel, the
network and the rest of the file system are the machine's.
"""

from __future__ import annotations

from pathlib import Path

#: Where the socket's folder is mounted: a folder that every machine has.
MOUNTED = "/mnt"
SCRIPT = 'mount --bind -o ro "$1" /mnt && mount -o remount,bind,ro /mnt && mount -t tmpfs none "$2" && shift 2 && exec "$@"'


def inside(socket_folder: Path, hidden: Path, uid: int | None = None) -> list[str]:
    """Return the words to put before a command so that it runs in a container: `hidden` is empty there, /mnt has the socket."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", str(socket_folder), str(hidden)]
    return words if uid is None else [*words, "setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
