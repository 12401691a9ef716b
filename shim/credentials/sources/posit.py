"""Source `posit`: a login at a Posit Package Manager, whose tokens R, rspm and posit-keyring share
with us in `~/.ppm/tokens.toml`.

A person logs in with a code at the server's own identity provider, or
PACKAGEMANAGER_IDENTITY_TOKEN_FILE has an identity already; either is exchanged for a token of the
Package Manager.

Sources: posit-keyring 0.3.2 `backends.py` (the three requests), pkgcache `ppm-sso.R`.
"""

from __future__ import annotations

from shim.config.logins import find_tokens_file
from shim.core.dataclass import replace
from shim.core.errors import SourceError, StoreError
from shim.core.files import identify
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.typing import TYPE_CHECKING
from shim.core.urls import Url, parse_url
from shim.credentials.server_login import ServerLogin, login_source
from shim.credentials.sources import DEFAULT_USERNAME, Query, job_of, make_credential
from shim.storage.token_cache import key_of

if TYPE_CHECKING:
    from shim.config.index import IndexConfig
    from shim.config.logins import PositLogin
    from shim.credentials.oauth.token_session import StoredSession

IDENTITY_VARIABLE = "PACKAGEMANAGER_IDENTITY_TOKEN_FILE"
MAX_IDENTITY_BYTES = 65536
#: The source of a record whose token is not in tokens.toml, as it could not be put there, or should
#: not be.
ALONE = "posit, not shared"


class PackageManagerLogin(ServerLogin):
    """Logging in at one Package Manager."""

    source = "posit"

    def __init__(self, index: IndexConfig, posit: PositLogin, host: Host) -> None:
        where = str(posit.url)
        key = key_of(where, DEFAULT_USERNAME, f"posit {job_of(host)}".rstrip())
        super().__init__(index, posit.address, where, key)
        self._posit = posit

    def find_kept(self, query: Query) -> StoredSession | None:
        """Return the shared token with the latest end; else the one that only we have."""
        from shim.credentials.oauth.posit_tokens_file import read_tokens
        from shim.credentials.oauth.token_session import StoredSession

        own = super().find_kept(query)
        try:
            tokens = read_tokens(self._posit, query.host)
        except SourceError as error:
            query.host.debug(f"posit: {error.message}")
            return own
        if own and any(own.credential.secret.same_as(token) for token in tokens):
            return own  # it knows its end by our own clock
        shared = [make_credential(query, "posit", token.reveal(), None) for token in tokens]
        if shared:
            return StoredSession(max(shared, key=lambda one: one.expires_at or float("inf")))
        return own if own and own.credential.source == ALONE else None

    def renew(self, query: Query) -> Credential | None:
        """Exchange the identity in a job's file. Nothing of that is shared: it is no person's."""
        identity = read_identity(query)
        if identity is None:
            return None
        token = self._exchange(identity, query)
        self.keep(replace(token, source=ALONE), query.host)
        return token

    def log_in(self, query: Query) -> Credential:
        """Let a person log in, and share the token; where that fails, keep it for us."""
        from shim.core.errors import render
        from shim.core.host import write_stderr
        from shim.credentials.oauth.device_flow import Flow, log_in
        from shim.credentials.oauth.posit_tokens_file import put
        from shim.credentials.oauth.token_endpoint import route_for

        begin, poll = self._endpoint("device"), self._endpoint("device_access")
        flow = Flow(self._posit.url, self.index.name, begin, {}, poll, {})
        reply = log_in(flow, query.host, route_for(self.index, query.host))
        identity = reply.secret("id_token")
        if identity is None:
            raise self._unlikely("confirms the login without an identity")
        token = self._exchange(identity, query)
        try:
            put(self._posit, token.secret, query.host)
        except StoreError as error:
            write_stderr(render(error, level="warning"))
            self.keep(replace(token, source=ALONE), query.host)
        else:
            self.keep(token, query.host)
        return token

    def _exchange(self, identity: Secret, query: Query) -> Credential:
        from shim.credentials.oauth.token_endpoint import exchange, route_for
        from shim.credentials.oauth.token_session import make_token

        url, route = self._endpoint("token"), route_for(self.index, query.host)
        reply = exchange(url, identity, "id_token", query.host, route)
        secret = reply.secret("access_token")
        if secret is None:
            raise self._unlikely("gives no token for an identity")
        return make_token(query, "posit", secret, reply)

    def _endpoint(self, name: str) -> Url:
        return parse_url(f"{self._posit.url.text.rstrip('/')}/__api__/{name}")

    def _unlikely(self, what: str) -> SourceError:
        return SourceError(f"{self.where} {what}", hint=f"is {self.where} the right server?")

    def account_of(self, query: Query) -> str | None:
        """Return the account that is logged in, if its token says who that is."""
        from shim.credentials.jwt import read_account, read_claims

        kept = self.find_kept(query)
        return read_account(read_claims(kept.credential.secret)) if kept else None

    def log_out(self, query: Query) -> str | None:
        """Forget the login, here and for R and posit-keyring: no token can be revoked. Raises
        StoreError if the shared file cannot be changed.
        """
        from shim.credentials.oauth.posit_tokens_file import put
        from shim.credentials.oauth.token_session import forget

        had_own = forget("session", self.key, query.host)
        had_shared = put(self._posit, None, query.host)
        if had_own or had_shared:
            return f"{self.address}: its token is forgotten, and ends by itself"
        return None


def read_identity(query: Query) -> Secret | None:
    """Return the identity in the file that IDENTITY_VARIABLE names, or None if it is not set.

    Raises:
        SourceError: no such file, others can read it, it has ended, or is no JWT: not sent at all.
    """
    from shim.credentials.jwt import read_claims, read_end
    from shim.storage.private_files import read_private

    named = query.host.environ.get(IDENTITY_VARIABLE)
    if not named:
        return None
    path = query.host.path(named)
    data = read_private(path, MAX_IDENTITY_BYTES, purpose="an identity token")
    if data is None:
        hint = f"unset {IDENTITY_VARIABLE}, or write the file"
        raise SourceError(f"{IDENTITY_VARIABLE} names {path}, which is not there", hint=hint)
    identity = Secret(data.decode("ascii", "replace").strip())
    claims = read_claims(identity)
    if claims is None:
        hint = f"is {path} the right file? It must hold one identity token alone"
        raise SourceError(f"{path} holds no identity token (JWT): it was sent nowhere", hint=hint)
    ends_at = read_end(claims)
    if ends_at is not None and ends_at <= query.host.clock():
        hint = "let the CI job write a new one"
        raise SourceError(f"the identity token in {path} has ended", hint=hint)
    return identity


def make_login(query: Query) -> PackageManagerLogin | None:
    """Return the way to log in for a query, or None where no Package Manager is named."""
    posit = query.index.logins.posit if query.index else None
    return PackageManagerLogin(query.index, posit, query.host) if query.index and posit else None


def surroundings(query: Query) -> str:
    """Return what changes when the shared tokens change, and from one CI job to the next."""
    return f"{job_of(query.host)} {identify(find_tokens_file(query.host) or '/nonexistent')}"


SOURCE = login_source(make_login, surroundings)
