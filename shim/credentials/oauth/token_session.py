"""The tokens of a login, kept for all processes of the user. One of them logs in or renews, the
others wait for what it gets.

A refresh token is written down before the token that came with it is used: it may be good for one
use only, and who loses the new one has to log in again. All records are in the token cache's
folder, which is memory-backed where there is such a place.

Sources: RFC 6749 section 10.4 and RFC 9700 section 4.14 (rotation of refresh tokens).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, suppress

from shim.core.dataclass import dataclass, replace
from shim.core.errors import SourceError
from shim.core.files import read_status
from shim.core.host import Host, write_stderr
from shim.core.model import Credential, Secret
from shim.core.typing import TYPE_CHECKING, Literal, Protocol
from shim.credentials.sources import Query, make_credential
from shim.storage import single_flight, verification_cache
from shim.storage.cache_files import cache_file, discard
from shim.storage.record_format import read_record, write_record
from shim.storage.token_cache import MIN_VALIDITY_S, describe_duration

if TYPE_CHECKING:
    from shim.net.json_api import JsonResponse

#: How long somebody waits for another command's login: as long as a code can be confirmed, and a
#: little more.
WAIT_S = 1900.0
#: How wrong a clock may be before we say so.
SKEW_S = 300.0
Kind = Literal["session", "refresh"]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A token that was kept, and since when (UTC epoch seconds; None if unknown)."""

    credential: Credential
    since: float | None = None


class Login(Protocol):
    """One way to log in at one server, as `answer` uses it (`server_login.py`)."""

    source: str
    key: str
    where: str

    def find_kept(self, query: Query) -> StoredSession | None:
        """Return what is there without asking anybody, whether or not it is still good."""

    def renew(self, query: Query) -> Credential | None:
        """Return a new token without a person, or None if that cannot be. Raises SourceError."""

    def log_in(self, query: Query) -> Credential:
        """Return a new token by way of a person. Raises SourceError."""


def answer(login: Login, query: Query) -> Credential | None:
    """Return a token: one that is kept, else a renewed one, else that of a login, if it may be.

    Raises:
        SourceError: a renewal or a login failed, here or in the process that we waited for.
    """
    host = query.host
    before = login.find_kept(query)
    wants_new = host.is_set("SHIM_REFRESH")
    if before and not wants_new and lasts(before, query):
        return before.credential
    with _turn(login, host) as failure:
        kept = login.find_kept(query)
        is_same = kept and before and kept.credential.secret.same_as(before.credential.secret)
        if kept and not (wants_new and is_same) and lasts(kept, query):
            return kept.credential
        spare = kept.credential if kept and is_good(kept.credential, query) else None
        if failure and spare is None:
            raise failure
        if failure:
            return spare
        return _obtain(login, query, spare)


def log_in(login: Login, query: Query) -> Credential:
    """Return a token from a login that somebody asked for. Raises SourceError."""
    with _turn(login, query.host):
        try:
            found = login.log_in(query)
        except SourceError as error:
            single_flight.note_failure(login.key, error, query.host)
            raise
        single_flight.note_success(login.key, query.host)
        return found


def _obtain(login: Login, query: Query, spare: Credential | None) -> Credential | None:
    """Renew or log in, else return `spare`, a token that ends soon."""
    try:
        found = login.renew(query)
        if found is None and (reason := why_not(query)):
            if spare is None:
                query.note(login.source, f"nobody is logged in at {login.where}, and {reason}")
            return spare
        found = found or login.log_in(query)
    except SourceError as error:
        single_flight.note_failure(login.key, error, query.host)
        query.host.debug(f"{login.source}: {error.message}")
        if spare is None:
            raise
        return spare
    single_flight.note_success(login.key, query.host)
    return found


def why_not(query: Query) -> str | None:
    """Return why no login may be begun by a command itself, or None if one may."""
    if query.index and not query.index.may_login:
        return 'login = "manual"'
    if query.host.is_set("SHIM_NO_INPUT"):
        return "SHIM_NO_INPUT is set"
    return None if query.host.interactive else "there is no terminal to ask at"


def _turn(login: Login, host: Host) -> AbstractContextManager[SourceError | None]:
    """Wait for our turn at this login, and say so."""
    text = f"another command is logging in at {login.where}, or renews that login: waiting for it"
    return single_flight.turn(login.key, host, WAIT_S, lambda: write_stderr(f"shim: {text}\n"))


def lasts(kept: StoredSession, query: Query) -> bool:
    """Whether a token is good for five minutes, or for half of its life if that is shorter."""
    credential, now = kept.credential, query.host.clock()
    if not is_good(credential, query):
        return False
    if credential.expires_at is None:
        return True
    life_s = credential.expires_at - kept.since if kept.since is not None else MIN_VALIDITY_S * 2
    return credential.expires_at - now > min(MIN_VALIDITY_S, life_s / 2)


def peek(login: Login, query: Query) -> Credential | None:
    """Return the token that is kept, if it is still good. Nobody is asked."""
    kept = login.find_kept(query)
    return kept.credential if kept and is_good(kept.credential, query) else None


def is_good(credential: Credential, query: Query) -> bool:
    """Whether a token has not ended, and was not rejected by this index before."""
    if credential.expires_at is not None and credential.expires_at <= query.host.clock():
        return False
    place = verification_cache.place_of(query.endpoint.url)
    return verification_cache.recall("rejected", credential, place, query.host) is None


def make_token(
    query: Query, source: str, secret: Secret, reply: JsonResponse, *, has_lifetime: bool = True
) -> Credential:
    """Return a token that was given just now; `has_lifetime` says that `expires_in` is the token's.

    Its end is reckoned on our clock, however wrong that is. Raises SourceError for a token that
    cannot be a password.
    """
    found = make_credential(query, source, secret.reveal(), None)
    ends = [found.expires_at + reply.ahead_s] if found.expires_at is not None else []
    lifetime_s = reply.number("expires_in") if has_lifetime else None
    if lifetime_s and lifetime_s > 0:
        ends.append(query.host.clock() + lifetime_s)
    if abs(reply.ahead_s) > SKEW_S:
        side = "ahead of" if reply.ahead_s > 0 else "behind"
        wrong = f"{describe_duration(abs(reply.ahead_s))} {side}"
        words = f"this machine's clock is {wrong} the server that gives tokens"
        write_stderr(f"shim: warning: {words}\n")
    return replace(found, expires_at=min(ends, default=None))


def keep(kind: Kind, key: str, credential: Credential, host: Host) -> None:
    """Write a token down, else forget the older one: it may not be used twice."""
    if path := cache_file(f"{key}.{kind}", host):
        try:
            write_record(path, credential)
        except OSError as error:
            host.debug(f"{path} cannot be written ({error.strerror})")
            discard(path)


def recall(kind: Kind, key: str, host: Host) -> StoredSession | None:
    """Return what was written down."""
    path = cache_file(f"{key}.{kind}", host)
    credential = read_record(path) if path else None
    if credential is None or path is None:
        return None
    with suppress(OSError):
        return StoredSession(credential, read_status(path).st_mtime)
    return None


def forget(kind: Kind, key: str, host: Host) -> Credential | None:
    """Remove what was written down; return what it was."""
    kept = recall(kind, key, host)
    discard(cache_file(f"{key}.{kind}", host))
    return kept.credential if kept else None
