"""The format of a stored secret: `key=value` lines, percent-encoded, with a first line that names it and a last one that ends it.

A file is read only if nobody else could have written or read it: a regular file, ours, 0600, reached through no link. What
is cut short, too large or not understood is no record.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from urllib.parse import quote, unquote

from shim.core.files import list_folder, open_descriptor, read_link_status
from shim.core.model import Credential, Secret
from shim.core.urls import BadUrl, parse_url, scope_of

HEAD = "pip-uv-shim-record=1"
TAIL = "end=1"
MAX_BYTES = 1 << 20
#: What a record is called until it is whole. A process that is killed before leaves it behind, secret and all.
NEW_SUFFIX = ".new"
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
    lines = [f"{name}={quote(value, safe='')}" for name, value in fields.items()]
    return "\n".join([HEAD, *lines, TAIL]) + "\n"


def parse_record(text: str) -> Credential | None:
    """Return the credential in a record, or None for anything that is not a whole one."""
    lines = text.split("\n")
    if len(lines) < 3 or lines[0] != HEAD or lines[-2:] != [TAIL, ""]:
        return None
    fields = {name: unquote(value) for name, equals, value in (line.partition("=") for line in lines[1:-2]) if equals}
    try:
        scope = scope_of(parse_url(fields["scope"]))
        expires_at = float(fields["expires_at"]) if fields["expires_at"] else None
        if fields["scheme"] not in ("basic", "bearer"):
            return None
        scheme = "bearer" if fields["scheme"] == "bearer" else "basic"
        return Credential(fields["username"], Secret(fields["secret"]), scope, fields["source"], expires_at, scheme)  # type: ignore[arg-type]
    except (KeyError, ValueError, BadUrl):
        return None


def read_record(path: str) -> Credential | None:
    """Return the credential kept in a file, or None if there is no safe, whole record."""
    try:
        descriptor = open_descriptor(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        safe = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
        if not safe or status.st_size > MAX_BYTES:
            return None
        return parse_record(os.read(descriptor, MAX_BYTES).decode("utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)


def write_record(path: str, credential: Credential) -> None:
    """Write the record so that a reader sees the old one or the new one, never half of it. Raises OSError."""
    remove_leftovers(os.path.dirname(path), LEFTOVER_S)
    temporary = f"{path}.{os.urandom(6).hex()}{NEW_SUFFIX}"  # never a name that an ended process left behind
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(render_record(credential))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def is_record_name(name: str) -> bool:
    """Whether a file's name begins with a digest, as every name of ours does: the folder may be one that the user chose."""
    return len(name.partition(".")[0]) == DIGEST_CHARACTERS


def remove_leftovers(folder: str, older_than_s: float = 0.0) -> None:
    """Remove what killed processes left behind, if it is older than that; whoever still writes it writes again or goes without."""
    import time

    limit = time.time() - older_than_s  # the file system's clock, not a host's
    for name in list_folder(folder):
        path = os.path.join(folder, name)
        with suppress(OSError):
            if is_record_name(name) and name.endswith(NEW_SUFFIX) and read_link_status(path).st_mtime <= limit:
                os.unlink(path)
