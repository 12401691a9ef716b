"""Places credentials come from: one module each, named in `SOURCES`, loaded when it is asked.
Sources never import each other.

The contract of `find(query)`: None means "not mine" or "nothing here" (say which with
`query.note`); a `Credential` is an answer; a `SourceError` means "mine, but broken". A source gets
its surroundings from `query.host`, never prints, and asks a person only if `query.host.interactive`
and its configuration allow it.
"""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.core.dataclass import dataclass, field
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.importing import import_module
from shim.core.model import Credential, Endpoint, Secret
from shim.core.typing import Callable, cast
from shim.core.urls import Scope, scope_of_index

#: Name in `source = [...]` -> module in this package. Adding a source is one file and one line
#: here.
SOURCES = {
    "env": "environ",
    "file": "file",
    "command": "command",
    "posit": "posit",
    "oidc": "oidc",
    "ambient": "ambient",
    "netrc": "netrc",
    "pypirc": "pypirc",
    "known": "known",
    "keyring": "keyring",
    "stored": "stored",
    "agent": "agent",
}

#: Sources whose secrets may be cached, and which `max-age` gives an end. A keyring's password is
#: read again each time instead.
AGING_SOURCES = ("command", "known", "posit", "oidc", "ambient")

#: What tells one job of a CI service from the next one, which may run as the same user and have
#: other rights.
JOB_VARIABLES = (
    "GITHUB_RUN_ID",
    "GITHUB_JOB",
    "CI_JOB_ID",
    "BUILDKITE_JOB_ID",
    "CIRCLE_WORKFLOW_JOB_ID",
)

#: The user name when nobody says another: PyPI's and most vendors' convention for tokens.
DEFAULT_USERNAME = "__token__"


@dataclass(frozen=True, slots=True)
class Query:
    """One question about an endpoint and its `[[index]]`. Sources add (source, outcome) notes."""

    endpoint: Endpoint
    index: IndexConfig | None
    host: Host
    notes: list[tuple[str, str]] = field(default_factory=list)
    keyring_wait_s: float | None = None
    """How long the OS keyring may take, where the configuration says so."""

    @property
    def scope(self) -> Scope:
        """Who may receive the answer: the configured scope, else the index and what is below it."""
        return (self.index and self.index.reach(self.endpoint.url)) or scope_of_index(
            self.endpoint.url
        )

    @property
    def username(self) -> str | None:
        """The user name that the URL insists on, else the configured one, else None."""
        return self.endpoint.username or (self.index.username if self.index else None)

    @property
    def owner(self) -> str | None:
        """Whose a secret without a user name is: the configured user's, else the URL's."""
        return (self.index.username if self.index else None) or self.endpoint.username

    def note(self, source: str, outcome: str) -> None:
        """Say why `source` has no answer, in a few words without secrets."""
        self.notes.append((source, outcome))


def make_credential(
    query: Query,
    source: str,
    secret: str,
    username: str | None,
    scope: Scope | None = None,
    expires_at: float | None = None,
) -> Credential:
    """Return the answer of a source: its end is `expires_at` (UTC epoch seconds), as the source has
    it, or what the secret says, the nearer one, else `max-age`. Without one it is never on a disk.

    Raises:
        SourceError: a control character in it, which no password has (RFC 7617 section 2) and
            which could begin a new entry in somebody else's file.
    """
    from shim.credentials.jwt import read_expiry

    if any(ord(character) < 32 or ord(character) == 127 for character in secret + (username or "")):
        message = f"the secret of source {source!r} has a line break or a control character in it"
        raise SourceError(message, hint="store it again, alone")

    expires_at = min(
        (end for end in (expires_at, read_expiry(secret)) if end is not None), default=None
    )
    if expires_at is None and query.index and query.index.max_age_s and source in AGING_SOURCES:
        expires_at = query.host.clock() + query.index.max_age_s
    name = username or query.owner or DEFAULT_USERNAME
    return Credential(name, Secret(secret), scope or query.scope, source, expires_at)


def _nothing(_: Query) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """What a source module offers, as `SOURCE`. What most of them have in common is the default."""

    find: Callable[[Query], Credential | None]
    """Return the credential, None, or raise SourceError (see the package's docstring)."""
    find_program: Callable[[Query], str | None] = _nothing
    """Return the program that would run for an answer, or the login that it takes, in words; None
    if it needs neither: then nothing is cached.
    """
    surroundings: Callable[[Query], str | None] = _nothing
    """Return what changes when the source may answer for somebody else; None if that cannot be."""
    timeout_s: Callable[[Query], float | None] = _nothing
    """Return how long an answer may take, None if that is not the source's own to say."""
    find_kept: Callable[[Query], Credential | None] = _nothing
    """Return the token of a login that was done before, if it is still good. Nobody is asked for
    it.
    """
    describe_login: Callable[[Query], tuple[str, str | None] | None] = _nothing
    """Return where one logs in and the account that one is logged in as, None where one does
    not.
    """
    has_own_turns: bool = False
    """Whether the source lets one process at a time do what others can use, and tells those who
    wait what they wait for.
    """

    def peek(self, query: Query) -> Credential | None:
        """Return the answer as far as it takes no program and no login. Raises SourceError."""
        return self.find_kept(query) if self.find_program(query) else self.find(query)


def load_source(name: str) -> Source:
    """Return the source called `name` in the configuration. Raises KeyError for an unknown name."""
    return cast(Source, import_module(f"shim.credentials.sources.{SOURCES[name]}").SOURCE)


def job_of(host: Host) -> str:
    """Return the name of the CI job that this command is a part of; empty outside of CI."""
    return " ".join(
        f"{name}={value}" for name in JOB_VARIABLES if (value := host.environ.get(name))
    )
