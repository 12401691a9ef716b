"""Does `sudo pip` find the launchers of a machine? sudo gives a PATH of its own to what it starts.

Sources: sudoers(5) 1.9 on secure_path and on the names that `@includedir` passes over.
"""

from __future__ import annotations

import os

from shim.cli.doctor.check import Finding, find_shims
from shim.core.files import names_in, read_text
from shim.core.host import Host
from shim.core.installation import repair_command
from shim.core.typing import Iterator

#: What only root can read, and the folder beside it, whose names others may see; ours among them.
FILE, FOLDER, OURS = "/etc/sudoers", "/etc/sudoers.d", "zz-shim"
#: What install.sh writes down of an installation for the whole machine.
FOR_ALL = "wrote /etc/profile.d/zz-shim.sh"


def find(host: Host) -> Iterator[Finding]:
    """Yield that it does not, if an index is configured and shim was installed for all users."""
    shims = find_shims(host)
    if shims is None or next(host.programs("sudo"), None) is None:
        return
    stamp = read_text(os.path.join(os.path.dirname(shims), "installed")) or ""
    names = names_in(FOLDER)
    if FOR_ALL not in stamp.splitlines() or OURS in names:
        return
    paths = (FILE, *(os.path.join(FOLDER, name) for name in names))
    if any(shims in (read_text(path) or "") for path in paths):
        return
    text = f"`sudo pip` runs without shim, unless root has put {shims} into secure_path"
    yield Finding("advice", "sudo", text, f"{repair_command()} --system --sudo, as root")
