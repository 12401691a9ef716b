"""Source `file`: the secret is in a file that the configuration names, a BuildKit or Docker secret for example."""

from __future__ import annotations

import os
import stat

from shim.errors import SourceError
from shim.model import Credential
from shim.sources import Query, make_credential

#: No secret is longer; a wrong path often leads to something that is.
MAX_BYTES = 65536
#: Where container runtimes put secrets, readable by all users of the container (0444).
SHARED = "/run/secrets/"


def find(query: Query) -> Credential | None:
    """Return the credential from the configured files, or None if the password's file does not exist.

    Raises:
        SourceError: a file is unreadable, readable by others, empty, too large, or more than one line.
    """
    lookup = query.index.file if query.index else None
    if lookup is None:
        return None
    password = _read(query, lookup.password)
    if password is None:
        query.note("file", f"{lookup.password} does not exist")
        return None
    username = _read(query, lookup.username) if lookup.username else None
    if lookup.username and username is None:
        raise SourceError(f"{lookup.username}, which holds the user name, does not exist", hint=f"create {lookup.username}")
    return make_credential(query, "file", password, username)


def _read(query: Query, name: str) -> str | None:
    """Return the one line in a file, without its line end; None if there is no such file."""
    path = query.host.path(name)
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) and not stat.S_ISFIFO(status.st_mode):
                raise SourceError(f"{path} is not a file", hint="name the file that holds the secret")
            if status.st_mode & stat.S_IROTH and not path.startswith(SHARED):
                raise SourceError(f"{path} can be read by everybody (mode {stat.S_IMODE(status.st_mode):04o})", hint=f"chmod 600 {path}")
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", hint=f"ls -l {path}") from error
    if len(data) > MAX_BYTES:
        raise SourceError(f"{path} is too large for a secret", hint="name the file that holds the secret alone")
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8", hint="save the secret as UTF-8") from error
    if not text or any(character in text for character in "\0\r\n"):
        raise SourceError(f"{path} does not hold exactly one line", hint="put the secret alone into the file")
    return text
