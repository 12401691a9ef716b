"""Source `posit`: a login at a Posit Package Manager, whose tokens R, rspm and posit-keyring share
with us in `~/.ppm/tokens.toml`.

A person logs in with a code at the server's own identity provider, or
PACKAGEMANAGER_IDENTITY_TOKEN_FILE has an identity already; either is exchanged for a token of the
Package Manager.

Sources: posit-keyring 0.3.2 `backends.py` (the three requests), pkgcache `ppm-sso.R`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.config.logins import find_tokens_file
from shim.core.errors import SourceError, StoreError
from shim.core.files import identify
from shim.core.host import Host
from shim.core.model import Credential, Secret
from shim.core.urls import Url, parse_url
from shim.credentials.sources import DEFAULT_USERNAME, Query, Source, job_of

if TYPE_CHECKING:
    from shim.config.logins import PositLogin
    from shim.credentials.oauth.token_session import Kept, Login
    from shim.net.json_api import Reply

IDENTITY_VARIABLE = "PACKAGEMANAGER_IDENTITY_TOKEN_FILE"
#: How long another process may be logging in.
TIMEOUT_S = 2000.0
MAX_IDENTITY_BYTES = 65536
#: The source of a record whose token is not in tokens.toml, as it could not be put there, or should
#: not be.
ALONE = "posit, not shared"


def find(query: Query) -> Credential | None:
    """Return the token that is kept, else that of a new login if one may be begun.

    Raises:
        SourceError: the server, the login or the identity file is broken.
    """
    from shim.credentials.oauth.token_session import answer

    login = make_login(query)
    return answer(login, query) if login else None


def find_program(query: Query) -> str | None:
    """Return what an answer may take, in words, or None where no Package Manager is named."""
    posit = query.index.logins.posit if query.index else None
    return f"for a login at {posit.address}" if posit else None


def surroundings(query: Query) -> str:
    """Return what changes whenever another program changes the tokens that we share, and from one
    CI job to the next.
    """
    return f"{job_of(query.host)} {identify(find_tokens_file(query.host) or '/nonexistent')}"


def make_login(query: Query) -> Login | None:
    """Return the way to log in for a query, or None where no Package Manager is named."""
    posit = query.index.logins.posit if query.index else None
    return _Login(posit, query.host) if posit else None


def find_kept(query: Query) -> Credential | None:
    """Return the token of the last login, if it is still good."""
    from shim.credentials.oauth.token_session import peek

    return peek(make_login(query), query)


def describe_login(query: Query) -> tuple[str, str | None] | None:
    """Return where one logs in, and as whom one is."""
    login = make_login(query)
    return (login.where, account_of(query)) if login else None


def log_out(query: Query) -> str | None:
    """Forget the login of a query's index, here and for R and posit-keyring; return what became of
    it, None if there was none.

    A Package Manager has no way to revoke a token. Raises StoreError if the shared file cannot be
    changed.
    """
    from shim.credentials.oauth import posit_tokens_file
    from shim.credentials.oauth.token_session import forget

    posit = query.index.logins.posit if query.index else None
    if posit is None:
        return None
    had_own = forget("session", _Login(posit, query.host).key, query.host)
    had_shared = posit_tokens_file.put(posit, None, query.host)
    return (
        f"{posit.address}: its token is forgotten, and ends by itself"
        if had_own or had_shared
        else None
    )


def account_of(query: Query) -> str | None:
    """Return the account that is logged in, if its token says who that is."""
    from shim.credentials.jwt import read_account, read_claims

    login = make_login(query)
    kept = login.find_kept(query) if login else None
    return read_account(read_claims(kept.credential.secret)) if kept else None


class _Login:
    """Logging in at one Package Manager."""

    source = "posit"

    def __init__(self, posit: PositLogin, host: Host) -> None:
        from shim.storage.token_cache import key_of

        self._posit = posit
        self.where = str(posit.url)
        self.key = key_of(str(posit.url), DEFAULT_USERNAME, f"posit {job_of(host)}".rstrip())

    def find_kept(self, query: Query) -> Kept | None:
        """Return the shared token with the latest end; else the one that only we have."""
        from shim.credentials.oauth.posit_tokens_file import read_tokens
        from shim.credentials.oauth.token_session import Kept, recall
        from shim.credentials.sources import make_credential

        own = recall("session", self.key, query.host)
        if own:
            own = replace(own, credential=_for(query, own.credential))
        try:
            tokens = read_tokens(self._posit, query.host)
        except SourceError as error:
            query.host.debug(f"posit: {error.message}")
            return own
        if own and any(own.credential.secret.same_as(token) for token in tokens):
            return own  # it knows its end by our own clock
        shared = [make_credential(query, "posit", token.reveal(), None) for token in tokens]
        if shared:
            return Kept(max(shared, key=lambda one: one.expires_at or float("inf")))
        return own if own and own.credential.source == ALONE else None

    def renew(self, query: Query) -> Credential | None:
        """Exchange the identity in the file that a variable names. Nothing of that is shared: it is
        a job's, not a person's.
        """
        from shim.credentials.oauth.token_session import keep

        identity = read_identity(query)
        if identity is None:
            return None
        token = self._exchange(identity, query)
        keep("session", self.key, replace(token, source=ALONE), query.host)
        return token

    def log_in(self, query: Query) -> Credential:
        """Let a person log in, and share the token; where that cannot be, say so and keep it for
        us.
        """
        from shim.core.errors import render
        from shim.core.host import write_stderr
        from shim.credentials.oauth import posit_tokens_file
        from shim.credentials.oauth.device_flow import Flow, log_in
        from shim.credentials.oauth.token_endpoint import route_for
        from shim.credentials.oauth.token_session import keep

        name = query.index.name if query.index else str(query.endpoint.url)
        flow = Flow(
            self._posit.url, name, self._endpoint("device"), {}, self._endpoint("device_access"), {}
        )
        reply = log_in(flow, query.host, route_for(query.index, query.host))
        token = self._exchange(_identity_in(reply, self.where), query)
        try:
            posit_tokens_file.put(self._posit, token.secret, query.host)
        except StoreError as error:
            write_stderr(render(error, level="warning"))
            keep("session", self.key, replace(token, source=ALONE), query.host)
        else:
            keep("session", self.key, token, query.host)
        return token

    def _exchange(self, identity: Secret, query: Query) -> Credential:
        from shim.credentials.oauth.token_endpoint import exchange, route_for
        from shim.credentials.oauth.token_session import make_token

        reply = exchange(
            self._endpoint("token"),
            identity,
            "id_token",
            query.host,
            route_for(query.index, query.host),
        )
        secret = reply.secret("access_token")
        if secret is None:
            raise SourceError(
                f"{self.where} gives no token for an identity",
                hint=f"is {self.where} the right server?",
            )
        return make_token(query, "posit", secret, reply)

    def _endpoint(self, name: str) -> Url:
        return parse_url(f"{self._posit.url.text.rstrip('/')}/__api__/{name}")


def _for(query: Query, kept: Credential) -> Credential:
    """Return a kept token as the answer to a query, whatever index it was first got for."""
    return replace(kept, username=query.owner or DEFAULT_USERNAME, scope=query.scope)


def _identity_in(reply: Reply, where: str) -> Secret:
    identity = reply.secret("id_token")
    if identity is None:
        raise SourceError(
            f"{where} confirms the login without an identity", hint=f"is {where} the right server?"
        )
    return identity


def read_identity(query: Query) -> Secret | None:
    """Return the identity in the file that PACKAGEMANAGER_IDENTITY_TOKEN_FILE names, or None if it
    is not set.

    Raises:
        SourceError: there is no such file, somebody else can read it, it has ended, or it is no
            JWT: then it is sent nowhere.
    """
    from shim.credentials.jwt import read_claims, read_number
    from shim.storage.private_files import read_private

    named = query.host.environ.get(IDENTITY_VARIABLE)
    if not named:
        return None
    path = query.host.path(named)
    data = read_private(path, MAX_IDENTITY_BYTES, purpose="an identity token")
    if data is None:
        raise SourceError(
            f"{IDENTITY_VARIABLE} names {path}, which is not there",
            hint=f"unset {IDENTITY_VARIABLE}, or write the file",
        )
    identity = Secret(data.decode("ascii", "replace").strip())
    claims = read_claims(identity)
    if claims is None:
        hint = f"is {path} the right file? It must hold one identity token alone"
        raise SourceError(f"{path} holds no identity token (JWT): it was sent nowhere", hint=hint)
    ends_at = read_number(claims, "exp")
    if ends_at is not None and ends_at <= query.host.clock():
        raise SourceError(
            f"the identity token in {path} has ended", hint="let the CI job write a new one"
        )
    return identity


SOURCE = Source(
    find,
    find_program,
    surroundings,
    timeout_s=lambda _: TIMEOUT_S,
    find_kept=find_kept,
    describe_login=describe_login,
    has_own_turns=True,
)
