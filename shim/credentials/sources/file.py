"""Source `file`: the secret is in a file that the configuration names, a BuildKit or Docker secret
for example.
"""

from __future__ import annotations

from shim.core.errors import SourceError
from shim.core.model import Credential
from shim.credentials.sources import Query, Source, make_credential
from shim.storage.private_files import find_path, read_private

#: No secret is longer; a wrong path often leads to something that is.
MAX_BYTES = 65536


def find(query: Query) -> Credential | None:
    """Return the credential from the configured files, or None without the password's.

    Raises:
        SourceError: a file is unreadable, not the user's alone, too large, or not one line.
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
        message = f"{lookup.username}, which holds the user name, does not exist"
        raise SourceError(message, hint=f"create {lookup.username}")
    return make_credential(query, "file", password, username)


def _read(query: Query, name: str) -> str | None:
    """Return the one line in a file, without its line end; None if there is no such file."""
    path = find_path(name, query.host)
    data = read_private(path, MAX_BYTES)
    if data is None:
        return None
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    if not text or any(character in text for character in "\0\r\n"):
        hint = "put the secret alone into the file"
        raise SourceError(f"{path} does not hold exactly one line", hint=hint)
    return text


SOURCE = Source(find)
