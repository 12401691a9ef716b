"""What a command hands to a face that one of its children will ask: a memory file of (scope, user
name, secret, source, end).

Written by the channel `face`, read by `helpers/keyring.py`. One line each, tab-separated,
percent-encoded.
"""

from __future__ import annotations

import fcntl
import os
import stat
from urllib.parse import quote, unquote

from shim.core.contextlib import contextmanager
from shim.core.files import read_status
from shim.core.model import Credential, Secret
from shim.core.typing import Iterable, Iterator
from shim.core.urls import BadUrl, parse_url, scope_of

#: Where the child finds the file. Internal: it names a path, never a secret.
VARIABLE = "_SHIM_ANSWERS"


def render_answers(credentials: Iterable[Credential]) -> Secret:
    """Return the text of the memory file."""
    text = ""
    for one in credentials:
        end = "" if one.expires_at is None else repr(one.expires_at)
        cells = (str(one.scope), one.username, one.secret.reveal(), one.source, end)
        text += "\t".join(quote(cell, safe="") for cell in cells) + "\n"
    return Secret(text)


@contextmanager
def _in_turn(path: str) -> Iterator[None]:
    """Let one process at a time read a named pipe, which serves one reader. Raises OSError."""
    if not stat.S_ISFIFO(read_status(path).st_mode):
        yield
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def read_answers(path: str) -> list[Credential]:
    """Return the credentials in the file; none if it is not ours, or its command has ended."""
    credentials = []
    try:
        with _in_turn(path), open(path, encoding="ascii") as stream:
            for line in stream:
                url, username, secret, source, end = map(unquote, line.rstrip("\n").split("\t"))
                scope, expires_at = scope_of(parse_url(url)), float(end) if end else None
                credentials.append(Credential(username, Secret(secret), scope, source, expires_at))
    except (OSError, ValueError, BadUrl):
        return []
    return credentials
