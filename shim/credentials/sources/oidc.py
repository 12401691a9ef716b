"""Source `oidc`: a login at any OpenID Connect or OAuth provider with the device authorization
grant.

Its token is the password, or is exchanged for one at the index. A refresh token, which may be good
for one use only, renews it without a person for as long as the provider allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.core.errors import NETWORK_HINT, SourceError
from shim.core.model import Credential, Route
from shim.core.urls import scope_of
from shim.credentials.sources import DEFAULT_USERNAME, Query, Source

if TYPE_CHECKING:
    from shim.config.logins import OidcLogin
    from shim.credentials.oauth.token_session import Kept, Login
    from shim.net.json_api import Reply

#: How long another process may be logging in.
TIMEOUT_S = 2000.0


def find(query: Query) -> Credential | None:
    """Return the token that is kept, else a renewed one, else that of a new login if one may be
    begun.

    Raises:
        SourceError: the provider, the login or the exchange is broken.
    """
    from shim.credentials.oauth.token_session import answer

    login = make_login(query)
    return answer(login, query) if login else None


def find_program(query: Query) -> str | None:
    """Return what an answer may take, in words, or None where no provider is named."""
    oidc = query.index.logins.oidc if query.index else None
    return f"for a login at {oidc.issuer}" if oidc else None


def make_login(query: Query) -> Login | None:
    """Return the way to log in for a query, or None where no provider is named."""
    oidc = query.index.logins.oidc if query.index else None
    return _Login(oidc) if oidc else None


def find_kept(query: Query) -> Credential | None:
    """Return the token of the last login, if it is still good."""
    from shim.credentials.oauth.token_session import peek

    return peek(make_login(query), query)


def describe_login(query: Query) -> tuple[str, str | None] | None:
    """Return where one logs in, and as whom one is."""
    login = make_login(query)
    return (login.where, account_of(query)) if login else None


def log_out(query: Query) -> str | None:
    """Forget the login of a query's index, and let the provider revoke it; return what became of
    it, None if there was none.
    """
    from shim.credentials.oauth.token_endpoint import discover, revoke, route_for
    from shim.credentials.oauth.token_session import forget

    oidc = query.index.logins.oidc if query.index else None
    if oidc is None:
        return None
    login = _Login(oidc)
    had_token = forget("session", login.key, query.host)
    kept = forget("refresh", login.refresh_key, query.host)
    if kept is None:
        return f"{login.where}: its token is forgotten, and ends by itself" if had_token else None
    try:
        route = route_for(query.index, query.host)
        access = (
            had_token.secret
            if had_token and oidc.token == "access_token" and not oidc.exchange  # noqa: S105
            else None
        )
        outcome = revoke(
            discover(oidc.issuer, query.host, route),
            oidc.client_id,
            kept.secret,
            query.host,
            route,
            access,
        )
    except SourceError as error:
        outcome = f"forgotten here, but not revoked: {error.message}"
    return f"{login.where}{f' ({kept.username})' if kept.username else ''}: {outcome}"


class _Login:
    """Logging in at one provider as one client."""

    source = "oidc"

    def __init__(self, oidc: OidcLogin) -> None:
        from shim.storage.token_cache import key_of

        self._oidc = oidc
        self.where = str(oidc.issuer)
        client = repr((oidc.client_id, oidc.scopes))
        self.refresh_key = key_of(self.where, DEFAULT_USERNAME, client)
        self.key = key_of(self.where, DEFAULT_USERNAME, repr((client, oidc.token, oidc.exchange)))

    def find_kept(self, query: Query) -> Kept | None:
        """Return the token of the last login or renewal."""
        from shim.credentials.oauth.token_session import recall

        kept = recall("session", self.key, query.host)
        username = query.owner or DEFAULT_USERNAME
        return (
            replace(kept, credential=replace(kept.credential, username=username, scope=query.scope))
            if kept
            else None
        )

    def renew(self, query: Query) -> Credential | None:
        """Use the refresh token, if there is one and the provider still takes it."""
        from shim.credentials.oauth.token_endpoint import discover, refresh, route_for
        from shim.credentials.oauth.token_session import forget, recall

        kept = recall("refresh", self.refresh_key, query.host)
        if kept is None:
            return None
        route = route_for(query.index, query.host)
        provider = discover(self._oidc.issuer, query.host, route)
        reply = refresh(provider, self._oidc.client_id, kept.credential.secret, query.host, route)
        if reply.is_success:
            return self._take(reply, query, route, kept.credential)
        if reply.is_silent or reply.status == 429:
            hint = NETWORK_HINT
            raise SourceError(
                f"the login at {self.where} could not be renewed: {reply.error}", hint=hint
            )
        forget("refresh", self.refresh_key, query.host)
        query.note("oidc", f"the login at {self.where} has ended ({reply.error})")
        return None

    def log_in(self, query: Query) -> Credential:
        """Let a person log in."""
        from shim.credentials.oauth.device_flow import Flow, log_in
        from shim.credentials.oauth.token_endpoint import DEVICE_GRANT, discover, route_for

        route = route_for(query.index, query.host)
        provider = discover(self._oidc.issuer, query.host, route)
        if provider.device is None:
            hint = "ask who keeps it, or use another source"
            raise SourceError(
                f"{self.where} offers no login with a code (device authorization grant)", hint=hint
            )
        name = query.index.name if query.index else str(query.endpoint.url)
        client = {"client_id": self._oidc.client_id}
        begin = {**client, "scope": " ".join(self._oidc.scopes)}
        flow = Flow(
            self._oidc.issuer,
            name,
            provider.device,
            begin,
            provider.token,
            {**client, "grant_type": DEVICE_GRANT},
        )
        return self._take(log_in(flow, query.host, route), query, route, None)

    def _take(
        self, reply: Reply, query: Query, route: Route, before: Credential | None
    ) -> Credential:
        """Return the password that an answer with tokens comes to. Its refresh token is kept before
        anything else is done.
        """
        from shim.credentials.oauth.token_endpoint import exchange
        from shim.credentials.oauth.token_session import keep, make_token

        self._keep_refresh(reply, query, before)
        token = reply.secret(self._oidc.token)
        if token is None:
            hint = (
                'set token = "access_token", or ask for the scope openid'
                if self._oidc.token == "id_token"  # noqa: S105
                else "ask who keeps it"
            )
            raise SourceError(
                f"there is no {self._oidc.token} in the answer of {self.where}", hint=hint
            )
        has_lifetime = self._oidc.token == "access_token"  # noqa: S105 (`expires_in` is that one's)
        if self._oidc.exchange:
            reply = exchange(self._oidc.exchange, token, self._oidc.token, query.host, route)
            token, has_lifetime = reply.secret("access_token") or token, True
        found = make_token(query, "oidc", token, reply, has_lifetime=has_lifetime)
        keep("session", self.key, found, query.host)
        return found

    def _keep_refresh(self, reply: Reply, query: Query, before: Credential | None) -> None:
        """Keep the new refresh token, with the account's name; without a new one the old one stays
        (RFC 6749 section 6).
        """
        from shim.credentials.jwt import read_account, read_claims
        from shim.credentials.oauth.token_session import keep

        refresh = reply.secret("refresh_token")
        if refresh is None:
            return
        named = (
            read_account(read_claims(token))
            for name in ("id_token", "access_token")
            if (token := reply.secret(name))
        )
        account = next(filter(None, named), before.username if before else "")
        keep(
            "refresh",
            self.refresh_key,
            Credential(account, refresh, scope_of(self._oidc.issuer), "oidc"),
            query.host,
        )


def account_of(query: Query) -> str | None:
    """Return the account that is logged in, if its name is known."""
    from shim.credentials.oauth.token_session import recall

    oidc = query.index.logins.oidc if query.index else None
    kept = recall("refresh", _Login(oidc).refresh_key, query.host) if oidc else None
    return kept.credential.username or None if kept else None


SOURCE = Source(
    find,
    find_program,
    timeout_s=lambda _: TIMEOUT_S,
    find_kept=find_kept,
    describe_login=describe_login,
    has_own_turns=True,
)
