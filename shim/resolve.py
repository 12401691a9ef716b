"""A credential for each need: the user's own, else the token cache, else the sources in order. One refresh for any number of processes."""

from __future__ import annotations

from shim.errors import SourceError, render
from shim.host import Host, write_stderr
from shim.model import Answer, Credential, Need, Needs
from shim.setting_keys import DEFAULT_CHAIN
from shim.settings import IndexConfig, Settings
from shim.sources import AGING_SOURCES, Query, load_source
from shim.store import cache
from shim.urls import scope_of_index

#: How much longer than the source's own timeout somebody waits for another process that is asking it.
PATIENCE_S = 5.0


def resolve(needs: Needs, settings: Settings, host: Host) -> tuple[Answer, ...]:
    """Return one answer for each need, in the needs' order.

    Raises:
        SourceError: a source that the configuration names is broken.
    """
    resolver = _Resolver(settings, host)
    return tuple(resolver.answer(need) for need in needs.items)


class _Resolver:
    """Answers the needs of one command; what several of them share is asked once."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._known: dict[tuple[str, str | None], tuple[Credential | None, tuple[tuple[str, str], ...]]] = {}
        self._warned: set[str] = set()

    def answer(self, need: Need) -> Answer:
        """Return the answer for one need."""
        index = self._settings.index_for(need.url)
        name = index.name if index else None
        if need.answered_by or (need.url.is_public and index is None):
            return Answer(need, None, index=name)
        if need.given is not None:
            own = Credential(need.username or "", need.given, scope_of_index(need.url), "url")
            return Answer(need, own, index=name)
        if not need.url.is_confidential and not (index and index.insecure):
            hint = "plain http" if index is None else 'plain http, and this [[index]] does not say "insecure = true"'
            return Answer(need, None, (("scope", hint),), name)
        query = Query(need, index, self._host)
        key = (str(query.scope), query.username)
        if key not in self._known:
            self._known[key] = (self._resolve(query), tuple(query.notes))
        credential, tried = self._known[key]
        if credential and not credential.scope.covers(need.url):
            tried = (*tried, (credential.source, f"only for {credential.scope}"))
            credential = None
        return Answer(need, credential, tried, name)

    def _resolve(self, query: Query) -> Credential | None:
        """Ask the cache, then the sources; a source whose answer will be cached is asked by one process at a time."""
        key = cache_key(query)
        if key is None:
            return self._ask_sources(query)
        found = self._look(key, query)
        if found.credential:
            return found.credential
        if not _is_cachable(query.index):
            return self._ask_sources(query)
        with cache.lock(key, self._host, _timeout_s(query.index) + PATIENCE_S):
            found = self._look(key, query, again=True)  # the one before us may have refreshed it
            if found.credential:
                return found.credential
            return self._refresh(key, query, found.ending)

    def _look(self, key: str, query: Query, *, again: bool = False) -> cache.Found:
        if self._host.is_set("SHIM_REFRESH"):
            return cache.Found(None, None, "ignored: SHIM_REFRESH is set")
        found = cache.find(key, self._host)
        if not found.credential and not again:
            query.note("cache", found.outcome)
        return found

    def _refresh(self, key: str, query: Query, ending: Credential | None) -> Credential | None:
        """Ask the sources and keep the answer. A token that has not ended yet outlives a refresh that fails."""
        try:
            credential = self._ask_sources(query)
        except SourceError as error:
            if ending is None:
                raise
            self._warn(error)
            return ending
        if credential:
            cache.put(key, credential, self._host)
        return credential or ending

    def _ask_sources(self, query: Query) -> Credential | None:
        """Return the first answer that fits the user name that the URL insists on."""
        chain = query.index.source if query.index else DEFAULT_CHAIN
        for name in chain:
            try:
                credential = load_source(name).find(query)
            except SourceError as error:
                if query.index and query.index.source_is_explicit:
                    raise SourceError(f"{error.message} (for {query.need.url})", tried=tuple(query.notes), hint=error.hint) from error
                self._warn(error)
                query.note(name, error.message)
                continue
            if credential and query.need.username not in (None, credential.username):
                query.note(name, f"has {credential.username!r}, the URL wants {query.need.username!r}")
                continue
            if credential:
                return credential
        return None

    def _warn(self, error: SourceError) -> None:
        """Say once in a command that a source of the default chain is broken."""
        if error.message not in self._warned:
            self._warned.add(error.message)
            write_stderr(render(error, level="warning"))


def cache_key(query: Query) -> str | None:
    """Return the cache's key for a query, or None where nothing could be cached: nobody configured the index."""
    index = query.index
    if index is None:
        return None
    configuration = repr((index.source, index.command, index.env, index.file))
    return cache.key_of(str(query.scope), query.username, configuration)


def _is_cachable(index: IndexConfig | None) -> bool:
    """Whether a source of the index may give a secret with an end: a command may always print a JWT."""
    return index is not None and any(name in AGING_SOURCES for name in index.source)


def _timeout_s(index: IndexConfig | None) -> float:
    return index.command.timeout_s if index and index.command else 0.0
