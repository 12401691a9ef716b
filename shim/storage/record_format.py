"""The format of a stored secret: `key=value` lines, percent-encoded, with a first line that names
it and a last one that ends it.

A file is read only if nobody else could have written or read it: a regular file, ours, 0600,
reached through no link. What is cut short, too large or not understood is no record.
"""

from __future__ import annotations

import os

from shim.core.contextlib import suppress
from shim.core.files import list_folder, read_link_status
from shim.core.model import Credential, Secret
from shim.core.own_files import NEW_SUFFIX, read_own, replace_atomically
from shim.core.typing import Any
from shim.core.urls import BadUrl, parse_url, scope_of
from shim.hotpath.replay import decode_percent, encode_percent

HEAD = "pip-uv-shim-record=1"
TAIL = "end=1"
MAX_BYTES = 1 << 20
#: How long the names of records are, before their suffix.
DIGEST_CHARACTERS = 64
#: No writer takes this long.
LEFTOVER_S = 60.0


def render_record(credential: Credential) -> str:
    """Return the text of a record. It holds the secret in clear."""
    fields = {
        "scope": str(credential.scope),
        "username": credential.username,
        "secret": credential.secret.reveal(),
        "source": credential.source,
        "scheme": credential.scheme,
        "expires_at": repr(credential.expires_at) if credential.expires_at is not None else "",
    }
    lines = [f"{name}={encode_percent(value)}" for name, value in fields.items()]
    return "\n".join([HEAD, *lines, TAIL]) + "\n"


def parse_record(text: str) -> Credential | None:
    """Return the credential in a record, or None for anything that is not a whole one."""
    lines = text.split("\n")
    if len(lines) < 3 or lines[0] != HEAD or lines[-2:] != [TAIL, ""]:
        return None
    pairs = (line.partition("=") for line in lines[1:-2])
    try:
        fields = {name: decode_percent(value) for name, equals, value in pairs if equals}
        username, secret, source = fields["username"], Secret(fields["secret"]), fields["source"]
        scope = scope_of(parse_url(fields["scope"]))
        expires_at = float(fields["expires_at"]) if fields["expires_at"] else None
        scheme: Any = fields["scheme"]
        if scheme in ("basic", "bearer"):
            return Credential(username, secret, scope, source, expires_at, scheme)
        return None
    except (KeyError, ValueError, BadUrl):
        return None


def read_record(path: str) -> Credential | None:
    """Return the credential kept in a file, or None if there is no safe, whole record."""
    data = read_own(path, MAX_BYTES)
    try:
        return parse_record(data.decode("utf-8")) if data is not None else None
    except UnicodeDecodeError:
        return None


def write_record(path: str, credential: Credential) -> None:
    """Write the record so that no reader sees half of it. Raises OSError."""
    remove_leftovers(os.path.dirname(path), LEFTOVER_S)
    replace_atomically(path, render_record(credential).encode(), sync=True)


def is_record_name(name: str) -> bool:
    """Whether a name begins with a digest, as all of ours do: the folder may be anybody's."""
    return len(name.partition(".")[0]) == DIGEST_CHARACTERS


def remove_leftovers(folder: str, older_than_s: float = 0.0) -> None:
    """Remove what killed processes left behind; whoever still writes it writes again."""
    import time

    limit = time.time() - older_than_s  # the file system's clock, not a host's
    for name in list_folder(folder):
        path = os.path.join(folder, name)
        with suppress(OSError):
            is_ours = is_record_name(name) and name.endswith(NEW_SUFFIX)
            if is_ours and read_link_status(path).st_mtime <= limit:
                os.unlink(path)
