"""Asks one source, by way of what it said before where that may be kept. One refresh for any number
of processes.

The token cache stands before the one source whose answers it keeps (`command`), and the keyring's
last answer before the keyring.
"""

from __future__ import annotations

import time

from shim.config.schema import DEFAULT_CHAIN
from shim.config.settings import Settings
from shim.core.errors import ShimError, SourceError, render
from shim.core.host import Host, write_stderr
from shim.core.model import FOREVER, Credential, Secret
from shim.core.typing import Protocol
from shim.core.urls import Url
from shim.credentials.sources import AGING_SOURCES, Query, load_source
from shim.storage import token_cache

#: How much longer than the source's own timeout somebody waits for another process that is asking
#: it.
PATIENCE_S = 5.0
#: After a refresh that failed, how long a token that still holds is used without trying again.
RETRY_S = 60.0


class Shelf(Protocol):
    """Where a source's last answer is kept: the module `store.cache`, or a `Recent`."""

    def find(self, key: str, host: Host) -> token_cache.CachedToken:
        """Return what is there."""

    def put(self, key: str, credential: Credential, host: Host) -> bool:
        """Keep an answer; return whether it was kept."""


class Asker:
    """Asks the sources of one command: none again that took all its time, each warning once."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._warned: set[str] = set()
        self._hanging: dict[str, SourceError] = {}

    def ask(self, name: str, query: Query) -> Credential | None:
        """Ask one source, by way of what it said before where that may be kept."""
        if name in AGING_SOURCES and load_source(name).find_program(query):
            return self._ask_once(name, token_cache, cache_key(query), query)
        if name == "keyring" and self._settings.keyring_timeout_s:
            from shim.storage.keyring_cache import Recent

            shelf = Recent(self._settings.keyring_timeout_s)
            return self._ask_once(name, shelf, keyring_key(query, self._settings.files), query)
        return self._find(name, query)

    def _find(self, name: str, query: Query) -> Credential | None:
        """Ask one source. What used up all its time in this command would do so again."""
        if name in self._hanging:
            raise self._hanging[name]
        began = time.monotonic()
        try:
            return load_source(name).find(query)
        except SourceError as error:
            if time.monotonic() - began >= (load_source(name).timeout_s(query) or FOREVER):
                self._hanging[name] = error
            raise

    def _ask_once(self, name: str, shelf: Shelf, key: str, query: Query) -> Credential | None:
        """Ask the shelf, then the source; processes take turns where one's answer serves all."""
        found = self._look(shelf, key, query)
        if found.credential or found.nobody:
            return found.credential
        from shim.storage import single_flight

        failed_ago_s = single_flight.failed_ago_s(key, self._host)
        if found.ending and failed_ago_s is not None and failed_ago_s < RETRY_S:
            return found.ending
        if found.is_shareable and not load_source(name).has_own_turns:
            wait_s = _timeout_s(name, query) + PATIENCE_S
            with single_flight.turn(key, self._host, wait_s) as failure:
                # The one before us may have refreshed it.
                again = self._look(shelf, key, query, found)
                if again.credential or again.nobody:
                    return again.credential
                if failure and again.ending is None:
                    raise failure
                if failure:
                    return again.ending  # who asked has said so
                if again.is_shareable:
                    return self._refresh(name, shelf, key, query, again.ending)
        return self._refresh(name, shelf, key, query, found.ending)

    def _look(
        self, shelf: Shelf, key: str, query: Query, before: token_cache.CachedToken | None = None
    ) -> token_cache.CachedToken:
        """Return what the shelf has; with SHIM_REFRESH only what is newer than `before`."""
        found = shelf.find(key, self._host)
        is_old = before is None or found.identity == before.identity
        if self._host.is_set("SHIM_REFRESH") and is_old:
            outcome = "ignored: SHIM_REFRESH is set"
            found = found._replace(credential=None, ending=None, nobody=False, outcome=outcome)
        if found.nobody:
            query.note("keyring", found.outcome)
        elif not found.credential and before is None and shelf is token_cache:
            query.note("cache", found.outcome)
        return found

    def _refresh(
        self, name: str, shelf: Shelf, key: str, query: Query, ending: Credential | None
    ) -> Credential | None:
        """Ask the source and keep the answer. A token that has not ended outlives a failure."""
        from shim.storage import single_flight

        try:
            credential = self._find(name, query)
        except SourceError as error:
            single_flight.note_failure(key, error, self._host)
            if ending is None:
                raise
            left = token_cache.describe_duration((ending.expires_at or 0.0) - self._host.clock())
            words = f"{error.message}; the token from before, which ends in {left}, is used"
            self.warn(SourceError(words, hint=error.hint))
            return ending
        single_flight.note_success(key, self._host)
        if credential:
            shelf.put(key, credential, self._host)
        elif query.notes:
            from shim.storage.keyring_cache import Recent

            if isinstance(shelf, Recent):
                shelf.put_nobody(key, query.notes[-1][1], self._host)
        return credential or ending

    def warn(self, *errors: ShimError) -> None:
        """Say each of them once in a command."""
        for error in errors:
            if error.message not in self._warned:
                self._warned.add(error.message)
                write_stderr(render(error, level="warning"))


def drop(url: Url, secret: Secret, host: Host) -> bool:
    """Forget all cached copies of a secret that the index has rejected; return whether there were.

    The next command asks its source again. What the user stored stays.
    """
    from shim.storage import keyring_cache

    in_file, in_memory = token_cache.drop(url, secret, host), keyring_cache.drop(url, secret, host)
    return in_file or in_memory


def cache_key(query: Query) -> str:
    """Return the cache's key: scope, user name, configuration, and who the sources answer for."""
    index, configuration = query.index, ""
    if index:
        configuration = repr((index.source, index.command, index.env, index.file, index.logins))
    chain = index.source if index else DEFAULT_CHAIN
    found = (load_source(name).surroundings(query) for name in chain)
    states = [state for state in found if state is not None]
    return token_cache.key_of(str(query.scope), query.username, configuration + repr(states))


def keyring_key(query: Query, config_files: tuple[str, ...]) -> str:
    """Return the key of the keyring's answer: it changes with all that could change the answer."""
    from shim.storage import keyring_cache

    state = keyring_cache.surroundings(query.host, config_files)
    named = query.index and query.index.url.text
    configuration = repr((named, query.endpoint.url.text, state))
    return token_cache.key_of(str(query.scope), query.username, configuration)


def _timeout_s(name: str, query: Query) -> float:
    """Return how long a source may take: what its module says, else the configuration."""
    own = load_source(name).timeout_s(query)
    if own is not None:
        return own
    if query.index and query.index.command:
        return query.index.command.timeout_s
    return 0.0
