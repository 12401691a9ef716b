"""Source `known`: package hosts that everybody can know (`builtin.toml`), through their vendor's
own variable or logged-in command.

A command is run for an index that the user named. One that only a project's file names must be
approved once, with `shim login URL`: a cloned repository must not be able to make your cloud's
tools run. A variable is no program, and goes to its own vendor's host alone.

Some indexes of these hosts are for everybody. One that answers without a login is remembered as
such for a while: then no command is run for it, and nobody hears that it failed.
"""

from __future__ import annotations

from shim.core.dataclass import replace
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Secret
from shim.core.typing import TYPE_CHECKING
from shim.core.urls import Scope, Url, scope_of_index
from shim.credentials.sources import Query, Source, make_credential
from shim.credentials.surroundings import state_of
from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
from shim.storage import open_indexes
from shim.storage.approved_origins import is_approved
from shim.storage.token_cache import describe_duration

if TYPE_CHECKING:
    from shim.credentials.known_hosts import KnownHost

#: What the hosts of `builtin.toml` end with, so that all other hosts cost nothing: neither tomllib
#: nor re is loaded for them.
SUFFIXES = (
    ".amazonaws.com",
    ".on.aws",
    "-python.pkg.dev",
    "pkgs.dev.azure.com",
    ".pkgs.visualstudio.com",
    "gitlab.com",
    "pypi.fury.io",
    "dl.cloudsmith.io",
)
#: A variable that says that any host may be the one that this job's token is for.
JOB_TOKEN = "CI_JOB_TOKEN"  # noqa: S105 (a name)
#: How long a vendor's command may take, and where it can ask a person something.
COMMAND_TIMEOUT_S = 60.0
PERSON_TIMEOUT_S = 300.0
#: How long an index counts as one for everybody, and how long it may take to say so.
OPEN_S = 900.0
PROBE_S = 5.0


def timeout_s(query: Query) -> float:
    """Return how long an answer may take."""
    return PERSON_TIMEOUT_S if query.host.interactive else COMMAND_TIMEOUT_S


def find(query: Query) -> Credential | None:
    """Return what the vendor's variable or command says, or None for lack of both.

    Raises:
        SourceError: the command fails, or only a project names this index and nobody approved it.
    """
    known, program = _find_known(query)
    if known is None:  # as most hosts are: no word about it
        return None
    if known.variable and (token := query.host.environ.get(known.variable)):
        return _from_variable(known, token, query)
    if program is None:
        missing = [f"{known.variable} is not set"] if known.variable else []
        missing += [f"no {name} on PATH" for name in known.command[:1]]
        query.note("known", f"{known.name}: {' and '.join(missing)}")
        return None
    seen = open_indexes.recall(query.endpoint.url, surroundings(query), OPEN_S, query.host)
    try:
        if seen is None:
            return _run_if_allowed(known, query)
    except SourceError:
        if not _answers_everybody(query):
            raise
        open_indexes.remember(query.endpoint.url, surroundings(query), query.host)
    query.note("known", f"{known.name}: {query.endpoint.url} answers without a login")
    return None


def _run_if_allowed(known: KnownHost, query: Query) -> Credential | None:
    if not may_run(query):
        raise SourceError(
            f"{known.name} at {query.endpoint.url.host} was not asked: only {query.endpoint.origin}"
            " names it",
            hint=f"shim login {query.endpoint.url} approves it, once",
        )
    return run(known, query)


def _answers_everybody(query: Query) -> bool:
    """Whether the index shows its page to a stranger; an upload endpoint tells nothing."""
    from shim.net.http_client import probe

    url = query.endpoint.url
    if query.endpoint.role == "publish":
        return False
    outcome = probe(url, None, query.host, PROBE_S)
    if outcome.status == 404 and misses_openly(url):
        page = page_of_package(url, UNLIKELY_PACKAGE)
        return probe(page, None, query.host, PROBE_S).status == 404
    return outcome.is_success and not outcome.is_form and outcome.url.origin == url.origin


def misses_openly(url: Url) -> bool:
    """Whether a 404 of a package's page at this vendor says that the login was taken."""
    if not url.host.endswith(SUFFIXES):
        return False
    from shim.credentials.known_hosts import find_known

    return any(known.misses_openly for known in find_known(url, {}))


def surroundings(query: Query) -> str:
    """Return what changes when the vendor's command may answer for somebody else."""
    if not _may_be_known(query.endpoint.url, query):
        return ""
    from shim.credentials.known_hosts import find_known

    commands = [known.command for known in find_known(query.endpoint.url, query.host.environ)]
    return repr([state_of(command[0], query.host) for command in commands if command])


def find_left_behind(endpoint: Endpoint, host: Host) -> SourceError | None:
    """Return that the token which a vendor's login wrote into a file's URL has ended, or None."""
    from shim.credentials.known_hosts import find_end_of_written, find_known

    if endpoint.inline_password is None or endpoint.origin.line is None:
        return None
    ends_at = find_end_of_written(endpoint.origin.where, endpoint.url, endpoint.username)
    if ends_at is None or ends_at > host.clock():
        return None
    known = next(find_known(endpoint.url, {}))
    longest = describe_duration(known.longest_s or 0.0)
    words = (
        f"the token in {endpoint.origin} for {endpoint.url} has ended: {known.name} gives none for"
        f" longer than {longest}, and `{known.command[0]}` wrote it there before that"
    )
    hint = (
        "take what stands before the @ out of that URL: then shim gets a new token whenever one is"
        " needed"
    )
    return SourceError(words, hint=hint)


def find_program(query: Query) -> str | None:
    """Return the program that would have to run for an answer, or None."""
    known, program = _find_known(query)  # no program where a variable has the secret
    return known.command[0] if known and program and may_run(query) else None


def may_run(query: Query) -> bool:
    """Whether a vendor's command may run: the user named this index, or approved its origin."""
    return (
        query.index is not None
        or not query.endpoint.origin.project
        or is_approved(query.endpoint.url, query.host)
    )


def run(known: KnownHost, query: Query) -> Credential | None:
    """Return what the vendor's command says. Raises SourceError with the vendor's way to log in."""
    from shim.config.index import CommandSource
    from shim.credentials.helper_program import ProgramFailed, ask_program

    command = CommandSource(known.command, timeout_s(query), True, known.protocol, known.fields)
    username, scope = known.username, _scope(known, query)
    try:
        found = ask_program(query, command, "known", username=username, scope=scope)
    except SourceError as error:
        is_out = known.login and isinstance(error, ProgramFailed)
        hint = f"log in: {known.login}" if is_out else error.hint
        raise SourceError(f"{known.name}: {error.message}", hint=hint) from None
    if found and found.expires_at is None and known.lifetime_s:
        return replace(found, expires_at=query.host.clock() + known.lifetime_s)
    return found


def _from_variable(known: KnownHost, token: str, query: Query) -> Credential:
    found = make_credential(query, "known", token, known.username, _scope(known, query))
    if not known.token_is_username:
        return found
    return replace(found, username=token, secret=Secret(token), username_is_secret=True)


def _find_known(query: Query) -> tuple[KnownHost | None, str | None]:
    """Return the first known host that can answer, and its program; else one that fits."""
    url = query.endpoint.url
    if not _may_be_known(url, query):
        return None, None
    from shim.credentials.helper_program import environ_for, find_program
    from shim.credentials.known_hosts import find_known

    fitting = list(find_known(url, query.host.environ))
    for known in fitting:
        if known.variable and query.host.environ.get(known.variable):
            return known, None
        if known.command:
            program = find_program(known.command[0], environ_for(query)["PATH"])
            if program:
                return known, program
    return (fitting[-1] if fitting else None), None


def _may_be_known(url: Url, query: Query) -> bool:
    return url.host.endswith(SUFFIXES) or JOB_TOKEN in query.host.environ


def _scope(known: KnownHost, query: Query) -> Scope:
    """Return who may receive the secret: within what the configuration says."""
    if query.index is not None:
        return query.index.scope
    scope = scope_of_index(query.endpoint.url)
    if known.segments is None:
        return scope
    return replace(scope, segments=scope.segments[: known.segments])


SOURCE = Source(find, find_program, surroundings, timeout_s)
