"""Does a login shell without a terminal find the launchers? Editors, `bash -lc` and remote commands
start one, and the file of interactive shells does not count there.

Sources: bash 5.2 manual "Bash Startup Files"; zsh 5.9 "Startup/Shutdown Files".
"""

from __future__ import annotations

import os
import subprocess

from shim.cli.doctor.check import Finding, find_shims
from shim.core.host import Host
from shim.core.typing import Iterator
from shim.install.launchers import quote
from shim.install.shells import activation_folder

#: Shell -> the files that it reads at a login, of which the first that is there counts, and the
#: text of ours for it. fish reads ours always.
FILES = {
    "bash": ((".bash_profile", ".bash_login", ".profile"), "sh"),
    "zsh": ((".zprofile",), "zsh"),
    **dict.fromkeys(("sh", "dash", "ksh", "ksh93", "mksh"), ((".profile",), "sh")),
    "yash": ((".yash_profile",), "sh"),
}
TIMEOUT_S = 5.0
#: What a login begins with: what this shell has put on PATH is not there.
VARIABLES = ("HOME", "USER", "LOGNAME", "LANG", "ZDOTDIR", "TMPDIR")
PATH = "/usr/local/bin:/usr/bin:/bin"


def find(host: Host) -> Iterator[Finding]:
    """Yield that they do not, if an index is configured."""
    shell = host.environ.get("SHELL", "")
    name = os.path.basename(shell)
    shims = find_shims(host)
    if shims is None or name not in FILES:
        return
    path = _login_path(shell, host)
    if path is None or shims in path.split(":"):
        return
    files, text = FILES[name]
    home = host.environ.get("ZDOTDIR") if name == "zsh" else None
    home = home or host.environ.get("HOME", "")
    places = [os.path.join(home, file) for file in files]
    place = next((place for place in places if os.path.isfile(place)), places[-1])
    ours = quote(os.path.join(activation_folder(shims), text))
    line = f"if [ -r {ours} ]; then . {ours}; fi"
    words = (
        f"a login shell without a terminal (`{name} -lc`, an editor's) finds no launcher of ours"
    )
    yield Finding("advice", place, words, f"echo {quote(line)} >>{quote(place)}")


def _login_path(shell: str, host: Host) -> str | None:
    """Return PATH as a login shell without a terminal has it, or None if it does not say."""
    environ = {name: host.environ[name] for name in VARIABLES if name in host.environ}
    try:
        result = subprocess.run(
            [shell, "-l", "-c", 'echo; echo "$PATH"'],
            env={**environ, "PATH": PATH, "SHELL": shell},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
            start_new_session=True,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.decode(errors="replace").rstrip("\n").rpartition("\n")[2] or None
