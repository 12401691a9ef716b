"""Logging in at one server for an index, and the source that comes of it.

What logs people in is loaded only when it is needed (`oauth/`): most commands have a cached token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from shim.config.index import IndexConfig
from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Credential
from shim.core.typing import TYPE_CHECKING, Callable
from shim.credentials.sources import DEFAULT_USERNAME, Query, Source

if TYPE_CHECKING:
    from shim.credentials.oauth.token_session import StoredSession

#: How long another process may be logging in.
TIMEOUT_S = 2000.0


class ServerLogin(ABC):
    """One way to log in. `address` is the server as the configuration spells it."""

    source: str

    def __init__(self, index: IndexConfig, address: str, where: str, key: str) -> None:
        self.index, self.address, self.where, self.key = index, address, where, key

    def find_kept(self, query: Query) -> StoredSession | None:
        """Return what is there without asking anybody, whether or not it is still good: what was
        written down, as the answer to this query, whatever index it was got for.
        """
        from shim.credentials.oauth.token_session import recall

        kept = recall("session", self.key, query.host)
        if kept is None:
            return None
        username = query.owner or DEFAULT_USERNAME
        answer = replace(kept.credential, username=username, scope=query.scope)
        return replace(kept, credential=answer)

    def keep(self, token: Credential, host: Host) -> None:
        """Write a token of this login down."""
        from shim.credentials.oauth.token_session import keep

        keep("session", self.key, token, host)

    @abstractmethod
    def renew(self, query: Query) -> Credential | None:
        """Return a new token without a person, or None if that cannot be. Raises SourceError."""

    @abstractmethod
    def log_in(self, query: Query) -> Credential:
        """Return a new token by way of a person. Raises SourceError."""

    @abstractmethod
    def log_out(self, query: Query) -> str | None:
        """Forget the login; return what became of it, in words, or None if there was none."""

    @abstractmethod
    def account_of(self, query: Query) -> str | None:
        """Return the account that is logged in, if its name is known."""


def login_source(
    make_login: Callable[[Query], ServerLogin | None],
    surroundings: Callable[[Query], str | None] = lambda _: None,
) -> Source:
    """Return the source of what a login gives; `make_login` says None where none is configured."""

    def find(query: Query) -> Credential | None:
        from shim.credentials.oauth.token_session import answer

        login = make_login(query)
        return answer(login, query) if login else None

    def find_program(query: Query) -> str | None:
        login = make_login(query)
        return f"for a login at {login.address}" if login else None

    def find_kept(query: Query) -> Credential | None:
        from shim.credentials.oauth.token_session import peek

        login = make_login(query)
        return peek(login, query) if login else None

    def describe_login(query: Query) -> tuple[str, str | None] | None:
        login = make_login(query)
        return (login.where, login.account_of(query)) if login else None

    asking = (find, find_program, surroundings, lambda _: TIMEOUT_S)
    return Source(*asking, find_kept, describe_login, has_own_turns=True)
