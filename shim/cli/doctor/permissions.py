"""Files with secrets that others can read: netrc and .pypirc."""

from __future__ import annotations

import os
import stat

from shim.cli.doctor.check import Finding
from shim.core.host import Host
from shim.core.typing import Iterator


def find(host: Host) -> Iterator[Finding]:
    """Yield one finding for each file that group or others can read."""
    named = host.environ.get("NETRC")
    paths = [host.path(named)] if named else []
    if host.home:
        paths += [os.path.join(host.home, name) for name in (".netrc", "_netrc", ".pypirc")]
    for path in dict.fromkeys(paths):
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and mode & 0o077:
            text = f"others can read it (mode {stat.S_IMODE(mode):04o}), and it may hold passwords"
            yield Finding("problem", path, text, f"chmod 600 {path}")
