"""Reads a netrc with Python's own reader, which is the one that requests uses.

Sources: CPython 3.11 Lib/netrc.py (quotes and escapes since then); the GNU inetutils manual, "The
.netrc file".
"""

from __future__ import annotations

import errno
import stat

from shim.core.dataclass import dataclass
from shim.core.files import read_status
from shim.core.model import Secret

#: More than any netrc; a wrong path often leads to something larger.
MAX_BYTES = 1 << 20


class BadNetrc(ValueError):
    """The file is no netrc. `line` counts from 1; the text, maybe secret, is never shown."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not understood")
        self.line = line


@dataclass(frozen=True, slots=True)
class NetrcEntry:
    """One `machine` (None: the `default`), the user name and the password."""

    machine: str | None
    login: str
    password: Secret


def read_netrc(path: str) -> list[NetrcEntry]:
    """Return the entries of the file at `path`, one for each machine: the last that it has.

    Raises:
        BadNetrc: a token where none belongs.
        OSError, UnicodeDecodeError: the file cannot be read.
    """
    status = read_status(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
        # A pipe would wait, a device never end.
        raise OSError(errno.EINVAL, "is no regular file of a netrc's size")
    import netrc

    try:
        hosts = netrc.netrc(path).hosts
    except netrc.NetrcParseError as error:
        raise BadNetrc(error.lineno or 1) from None  # its message quotes the token
    return [
        NetrcEntry(
            None if name == "default" else name, login or account or "", Secret(password or "")
        )
        for name, (login, account, password) in hosts.items()
    ]
