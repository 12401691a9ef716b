"""Source `pypirc`: the user's `~/.pypirc`, which pip itself never reads.

A section belongs to an index if its `repository` is on the same scheme, host and port, or its
`trusted-host` is the host, or if it says neither and bears the name of the `[[index]]`. When
several do, the one whose repository is nearest counts, and if that is not one section, none does.
`password-command` is only run if the file is the owner's alone and that `[[index]]` says `source =
["pypirc"]`.
"""

from __future__ import annotations

import os
from itertools import takewhile

from shim.core.errors import SourceError
from shim.core.files import CannotRead, read_regular, read_status
from shim.core.model import Credential
from shim.core.urls import BadUrl, Url, parse_url, scope_of_index
from shim.credentials.sources import Query, Source, make_credential
from shim.formats.pypirc import BadPypirc, Section, parse_pypirc
from shim.storage.private_files import find_flaw

MAX_BYTES = 1 << 20
TIMEOUT_S = 30.0


def find(query: Query) -> Credential | None:
    """Return what the section of this index says, or None if there is no such section.

    Raises:
        SourceError: the file is broken, a section of ours is readable by others, its command fails.
    """
    section, path = _find_section(query)
    if section is None:
        return None
    if flaw := find_flaw(read_status(path), path):
        raise SourceError(f"{path} {flaw[0]}", hint=flaw[1])
    username, wanted = section.username or query.owner, query.endpoint.username
    if wanted is not None and section.username not in (None, wanted):
        query.note("pypirc", f"[{section.name}] is for {section.username!r}, not {wanted!r}")
        return None
    if section.password:
        from shim.credentials.known_hosts import find_end_of_written

        ends_at = find_end_of_written(path, query.endpoint.url, username)
        return make_credential(query, "pypirc", section.password, username, expires_at=ends_at)
    if section.password_command is None:
        query.note("pypirc", f"[{section.name}] has no password")
        return None
    if not _may_run(query):
        words = 'a password-command, which runs only for an [[index]] with source = ["pypirc"]'
        query.note("pypirc", f"[{section.name}] has {words}")
        return None
    from shim.config.index import CommandSource
    from shim.credentials.helper_program import ask_program

    command = CommandSource(section.password_command, TIMEOUT_S, False)
    return ask_program(query, command, "pypirc", username=username)


def find_program(query: Query) -> str | None:
    """Return the program that would have to run for an answer, or None."""
    unnoted = Query(query.endpoint, query.index, query.host)
    section, _ = _find_section(unnoted) if _may_run(query) else (None, "")
    if section and section.password_command and not section.password:
        return section.password_command[0]
    return None


def _may_run(query: Query) -> bool:
    index = query.index
    return index is not None and index.source_is_explicit and "pypirc" in index.source


def _find_section(query: Query) -> tuple[Section | None, str]:
    """Return the one section that belongs to the query's index, or None, and the file's path."""
    path = os.path.join(query.host.home or "/nonexistent", ".pypirc")
    sections = _read(path)
    if sections is None:
        query.note("pypirc", "no file")
        return None, path
    found = [(reach, one) for one in sections if (reach := _reach(one, query)) is not None]
    best = max((reach for reach, _ in found), default=0)
    fitting = [one for reach, one in found if reach == best]
    if len(fitting) == 1:
        return fitting[0], path
    names = ", ".join(one.name for one in fitting)
    nothing = f"no section for {query.endpoint.url.netloc}"
    query.note("pypirc", f"several sections fit: {names}" if fitting else nothing)
    return None, path


def _read(path: str) -> list[Section] | None:
    """Return the sections, None without a file. Who may read it counts once one is used."""
    try:
        data = read_regular(path, MAX_BYTES)
    except CannotRead as error:
        raise SourceError(f"{path} {error.why}", hint=f"ls -l {path}") from error
    if data is None:
        return None
    try:
        return parse_pypirc(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    except BadPypirc as error:
        where = f", line {error.line}," if error.line else ""
        reason = str(error).removeprefix(f"line {error.line} ")
        hint = f"correct line {error.line} of {path}" if error.line else f"correct {path}"
        raise SourceError(f"{path}{where} {reason}", hint=hint) from None


def _reach(section: Section, query: Query) -> int | None:
    """Return how near a section is: shared path segments on the same server, None if not."""
    url = query.endpoint.url
    repository = _parse(section.repository)
    if repository and repository.origin == url.origin:
        pairs = zip(scope_of_index(repository).segments, scope_of_index(url).segments, strict=False)
        return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
    if any(_names(host, url) for host in section.trusted_hosts):
        return 0
    says_where = section.repository is not None or section.trusted_hosts
    bears_the_name = query.index is not None and section.name == query.index.name
    return 0 if bears_the_name and not says_where else None


def _names(trusted_host: str, url: Url) -> bool:
    """Whether a `trusted-host` is the URL's host; without a port it has the default one."""
    trusted = _parse(f"{url.scheme}://{trusted_host}/")
    return trusted is not None and trusted.origin == url.origin and trusted.path == "/"


def _parse(text: str | None) -> Url | None:
    try:
        return parse_url(text) if text else None
    except BadUrl:
        return None


SOURCE = Source(find, find_program, timeout_s=lambda _: TIMEOUT_S)
