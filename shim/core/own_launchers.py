"""Where our launchers lie, how one is known, and what it would run. `install/launchers.py` writes
and removes them.
"""

from __future__ import annotations

import os
import sys

from shim.core.errors import StoreError, TargetNotFound
from shim.core.files import is_file, is_link, read_head, read_link
from shim.core.host import Host

#: The second line of every launcher, and of nothing else.
SIGNATURE = b"# pip-uv-shim launcher"

#: What stands in the launchers' folder beside the tools, and in the folder next to it.
COMMAND = "shim"
FACE = "keyring"


def is_launcher(path: str) -> bool:
    """Return whether the file at `path` is a launcher of ours (of any installation)."""
    return read_head(path, 512).split(b"\n")[1:2] == [SIGNATURE]


def default_folder(host: Host) -> str:
    """Return where launchers belong: beside ours, else install.sh's venv, else with the data."""
    if host.shims:
        target = read_link(host.shims) if is_link(host.shims) else host.shims
        behind = os.path.join(os.path.dirname(host.shims), target)
        return behind if hook_folder(behind) == host.shims else host.shims
    prefix = os.path.dirname(sys.prefix)
    if is_file(os.path.join(prefix, "installed")):
        return os.path.join(prefix, "shims")
    if not host.data_home:
        hint = "shim install --shims /some/other/folder"
        raise StoreError("there is no home folder to put launchers in", hint=hint)
    return os.path.join(host.data_home, "shim", "shims")


def faces_folder(shims: str) -> str:
    """Return the folder of the `keyring` face that belongs to a folder of launchers."""
    return os.path.join(os.path.dirname(shims), "faces")


def hook_folder(shims: str) -> str:
    """Return the second path to the launchers, which the shells' prompt hooks put on PATH."""
    return os.path.join(os.path.dirname(shims), "hook")


def find_target(name: str, host: Host) -> str:
    """Return what the launcher called `name` would run: it is asked, so there is one look-up.

    Raises:
        TargetNotFound: nothing else of that name is on PATH, or there is no launcher to ask.
    """
    import subprocess

    launcher = host.launcher or os.path.join(default_folder(host), COMMAND)
    if not is_launcher(launcher):
        raise TargetNotFound(
            f"there are no launchers in {os.path.dirname(launcher)}", hint="shim install"
        )
    environ = {**host.environ, "_SHIM_WHICH": name}
    result = subprocess.run(
        [launcher], env=environ, cwd=host.cwd, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise TargetNotFound(f"no other {name} on PATH", hint=f"type -a {name}")
    return result.stdout.removesuffix("\n")
