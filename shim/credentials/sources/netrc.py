"""Source `netrc`: the user's own file. The tools read it themselves, so an answer here means: leave
it to the tool.
"""

from __future__ import annotations

import stat

from shim.core.errors import SourceError
from shim.core.files import read_status
from shim.core.model import Credential
from shim.core.urls import scope_of_origin
from shim.credentials.sources import Query, Source
from shim.formats.netrc import BadNetrc, NetrcEntry, read_netrc

#: More than any netrc; a wrong path often leads to something larger.
MAX_BYTES = 1 << 20


def find(query: Query) -> Credential | None:
    """Return the entry for the endpoint's host; `default` is nobody's scope and does not count.

    Raises:
        SourceError: the file exists and cannot be read as a netrc.
    """
    host = query.endpoint.url.host
    path, entries = _read(query)
    if path is None:
        query.note("netrc", "no file")
        return None
    matching = [entry for entry in entries if entry.machine == host]
    if not matching:
        query.note("netrc", f"no entry for {host}")
        return None
    entry = matching[-1]  # as in Python's own reader
    if query.username is not None and entry.login != query.username:
        query.note("netrc", f"has {entry.login!r} for {host}, not {query.username!r}")
        return None
    if not entry.password:
        query.note("netrc", f"no password for {host}")
        return None
    scope = scope_of_origin(query.endpoint.url)
    return Credential(entry.login, entry.password, scope, "netrc", found_by_tool=True)


def _read(query: Query) -> tuple[str | None, list[NetrcEntry]]:
    """Return the first existing file's path and entries; (None, []) if there is none."""
    host = query.host
    named = host.environ.get("NETRC")
    names = [named] if named else ["~/.netrc", "~/_netrc"] if host.home else []
    paths = [host.path(name) for name in names]
    for path in paths:
        try:
            status = read_status(path)
            if not stat.S_ISREG(status.st_mode):
                kind = "a pipe" if stat.S_ISFIFO(status.st_mode) else "no regular file"
                query.note("netrc", f"{path} is {kind}, which only the tool may read")
                continue
            if status.st_size > MAX_BYTES:
                hint = "is that the right file? NETRC, else ~/.netrc"
                raise SourceError(f"{path} is too large for a netrc", hint=hint)
            return path, read_netrc(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            hint = f"ls -l {path}"
            raise SourceError(f"{path} cannot be read ({error.strerror})", hint=hint) from error
        except UnicodeDecodeError as error:
            raise SourceError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
        except BadNetrc as error:
            message = (
                f"{path}, line {error.line}, is not understood; the tools ignore the whole file"
            )
            raise SourceError(message, hint=f"correct line {error.line} of {path}") from error
    return None, []


SOURCE = Source(find)
