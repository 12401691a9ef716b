"""Source `oidc`: a login at any OpenID Connect or OAuth provider with the device authorization
grant.

Its token is the password, or is exchanged for one at the index. A refresh token, which may be good
for one use only, renews it without a person for as long as the provider allows.
"""

from __future__ import annotations

from shim.core.errors import NETWORK_HINT, SourceError
from shim.core.model import Credential, Route
from shim.core.typing import TYPE_CHECKING
from shim.core.urls import scope_of
from shim.credentials.server_login import ServerLogin, login_source
from shim.credentials.sources import DEFAULT_USERNAME, Query
from shim.storage.token_cache import key_of

if TYPE_CHECKING:
    from shim.config.index import IndexConfig
    from shim.config.logins import OidcLogin
    from shim.net.json_api import JsonResponse


class ProviderLogin(ServerLogin):
    """Logging in at one provider as one client."""

    source = "oidc"

    def __init__(self, index: IndexConfig, oidc: OidcLogin) -> None:
        where, client = str(oidc.issuer), repr((oidc.client_id, oidc.scopes))
        key = key_of(where, DEFAULT_USERNAME, repr((client, oidc.token, oidc.exchange)))
        super().__init__(index, where, where, key)
        self._oidc = oidc
        self.refresh_key = key_of(where, DEFAULT_USERNAME, client)

    def renew(self, query: Query) -> Credential | None:
        """Use the refresh token, if there is one and the provider still takes it."""
        from shim.credentials.oauth.token_endpoint import discover, refresh, route_for
        from shim.credentials.oauth.token_session import forget, recall

        kept = recall("refresh", self.refresh_key, query.host)
        if kept is None:
            return None
        route = route_for(self.index, query.host)
        provider = discover(self._oidc.issuer, query.host, route)
        reply = refresh(provider, self._oidc.client_id, kept.credential.secret, query.host, route)
        if reply.is_success:
            return self._take(reply, query, route, kept.credential)
        if reply.is_silent or reply.status == 429:
            words = f"the login at {self.where} could not be renewed: {reply.error}"
            raise SourceError(words, hint=NETWORK_HINT)
        forget("refresh", self.refresh_key, query.host)
        query.note("oidc", f"the login at {self.where} has ended ({reply.error})")
        return None

    def log_in(self, query: Query) -> Credential:
        """Let a person log in."""
        from shim.credentials.oauth.device_flow import Flow, log_in
        from shim.credentials.oauth.token_endpoint import DEVICE_GRANT, discover, route_for

        route = route_for(self.index, query.host)
        provider = discover(self._oidc.issuer, query.host, route)
        if provider.device is None:
            words = f"{self.where} offers no login with a code (device authorization grant)"
            raise SourceError(words, hint="ask who keeps it, or use another source")
        client = {"client_id": self._oidc.client_id}
        begin = {**client, "scope": " ".join(self._oidc.scopes)}
        poll = {**client, "grant_type": DEVICE_GRANT}
        issuer, name = self._oidc.issuer, self.index.name
        flow = Flow(issuer, name, provider.device, begin, provider.token, poll)
        return self._take(log_in(flow, query.host, route), query, route, None)

    def _take(
        self, reply: JsonResponse, query: Query, route: Route, before: Credential | None
    ) -> Credential:
        """Return the password of an answer. Its refresh token is kept before anything else."""
        from shim.credentials.oauth.token_endpoint import exchange
        from shim.credentials.oauth.token_session import make_token

        self._keep_refresh(reply, query, before)
        token = reply.secret(self._oidc.token)
        if token is None:
            hint = (
                'set token = "access_token", or ask for the scope openid'
                if self._oidc.token == "id_token"  # noqa: S105
                else "ask who keeps it"
            )
            message = f"there is no {self._oidc.token} in the answer of {self.where}"
            raise SourceError(message, hint=hint)
        has_lifetime = self._oidc.token == "access_token"  # noqa: S105 (`expires_in` is that one's)
        if self._oidc.exchange:
            reply = exchange(self._oidc.exchange, token, self._oidc.token, query.host, route)
            token, has_lifetime = reply.secret("access_token") or token, True
        found = make_token(query, "oidc", token, reply, has_lifetime=has_lifetime)
        self.keep(found, query.host)
        return found

    def _keep_refresh(self, reply: JsonResponse, query: Query, before: Credential | None) -> None:
        """Keep the new refresh token; without one the old one stays (RFC 6749 section 6)."""
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
        kept = Credential(account, refresh, scope_of(self._oidc.issuer), "oidc")
        keep("refresh", self.refresh_key, kept, query.host)

    def account_of(self, query: Query) -> str | None:
        """Return the account that is logged in, if its name is known."""
        from shim.credentials.oauth.token_session import recall

        kept = recall("refresh", self.refresh_key, query.host)
        return (kept.credential.username or None) if kept else None

    def log_out(self, query: Query) -> str | None:
        """Forget the login, and let the provider revoke it; return the outcome, or None."""
        from shim.credentials.oauth.token_endpoint import discover, revoke, route_for
        from shim.credentials.oauth.token_session import forget

        had_token = forget("session", self.key, query.host)
        kept = forget("refresh", self.refresh_key, query.host)
        if kept is None:
            words = f"{self.where}: its token is forgotten, and ends by itself"
            return words if had_token else None
        is_access = self._oidc.token == "access_token" and not self._oidc.exchange  # noqa: S105
        access = had_token.secret if had_token and is_access else None
        try:
            route = route_for(self.index, query.host)
            provider = discover(self._oidc.issuer, query.host, route)
            client = self._oidc.client_id
            outcome = revoke(provider, client, kept.secret, query.host, route, access)
        except SourceError as error:
            outcome = f"forgotten here, but not revoked: {error.message}"
        return f"{self.where}{f' ({kept.username})' if kept.username else ''}: {outcome}"


def make_login(query: Query) -> ProviderLogin | None:
    """Return the way to log in for a query, or None where no provider is named."""
    oidc = query.index.logins.oidc if query.index else None
    return ProviderLogin(query.index, oidc) if query.index and oidc else None


SOURCE = login_source(make_login)
