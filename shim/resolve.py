"""A credential for each need: the user's own, else the sources in order. One refresh for any number of processes.

The token cache stands before the one source whose answers it keeps (`command`), not before the whole chain: a variable or a
file that comes first in the chain, and has changed, is what counts.
"""

from __future__ import annotations

from shim.errors import SourceError, render
from shim.host import Host, write_stderr
from shim.model import Answer, Credential, Need, Needs
from shim.setting_keys import DEFAULT_CHAIN
from shim.settings import IndexConfig, Settings
from shim.sources import AGING_SOURCES, Query, load_source
from shim.store import cache
from shim.urls import Url, scope_of_index, scope_of_origin

#: Sources that know a file by its server alone: what has nothing for one has nothing for the others there.
SERVER_SOURCES = ("netrc", "keyring")

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
        self._silent: set[tuple[str, str, str | None]] = set()
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
        if refused := refuse_scheme(need.url, index):
            return Answer(need, None, (("scope", refused),), name)
        query = Query(need, index, self._host)
        key = self._key_of(query)
        if key not in self._known:
            self._known[key] = (self._resolve(query), tuple(query.notes))
        credential, tried = self._known[key]
        if credential and credential.scope == scope_of_origin(need.url):
            self._known.setdefault((str(credential.scope), query.username), (credential, tried))
        if credential and not credential.scope.covers(need.url):
            tried = (*tried, (credential.source, f"only for {credential.scope}"))
            credential = None
        return Answer(need, credential, tried, name)

    def _key_of(self, query: Query) -> tuple[str, str | None]:
        """Return what the answer is known by: for a file, whose own URL is nobody's name, its server if that is known already."""
        server = (str(scope_of_origin(query.need.url)), query.username)
        return server if _is_file(query) and server in self._known else (str(query.scope), query.username)

    def _resolve(self, query: Query) -> Credential | None:
        """Ask the sources in their order; return the first answer that fits."""
        chain = query.index.source if query.index else DEFAULT_CHAIN
        for name in chain:
            silent = (name, query.need.url.origin, query.username)
            if silent in self._silent:
                continue
            try:
                credential = self._ask_aging(name, query) if name in AGING_SOURCES else load_source(name).find(query)
            except SourceError as error:
                if query.index and query.index.source_is_explicit:
                    raise SourceError(f"{error.message} (for {query.need.url})", tried=tuple(query.notes), hint=error.hint) from error
                self._warn(error)
                query.note(name, error.message)
                continue
            flaw = find_flaw(credential, query) if credential else None
            if flaw:
                query.note(name, flaw)
            elif credential:
                return credential
            elif _is_file(query) and name in SERVER_SOURCES:
                self._silent.add(silent)
        return None

    def _ask_aging(self, name: str, query: Query) -> Credential | None:
        """Ask the cache, then a source whose answers may be cached: one process at a time, where the others can use its answer."""
        key = cache_key(query)
        found = self._look(key, query)
        if found.credential:
            return found.credential
        if found.is_worth_waiting:
            with cache.lock(key, self._host, _timeout_s(query.index) + PATIENCE_S):
                found = self._look(key, query, again=True)  # the one before us may have refreshed it
                if found.credential:
                    return found.credential
                if found.is_worth_waiting:
                    return self._refresh(name, key, query, found.ending)
        return self._refresh(name, key, query, found.ending)

    def _look(self, key: str, query: Query, *, again: bool = False) -> cache.Found:
        if self._host.is_set("SHIM_REFRESH"):
            return cache.Found(None, None, "ignored: SHIM_REFRESH is set")
        found = cache.find(key, self._host)
        if not found.credential and not again:
            query.note("cache", found.outcome)
        return found

    def _refresh(self, name: str, key: str, query: Query, ending: Credential | None) -> Credential | None:
        """Ask the source and keep the answer. A token that has not ended yet outlives a refresh that fails."""
        try:
            credential = load_source(name).find(query)
        except SourceError as error:
            if ending is None:
                raise
            self._warn(error)
            return ending
        if credential:
            cache.put(key, credential, self._host)
        return credential or ending

    def _warn(self, error: SourceError) -> None:
        """Say once in a command that a source of the default chain is broken."""
        if error.message not in self._warned:
            self._warned.add(error.message)
            write_stderr(render(error, level="warning"))


def _is_file(query: Query) -> bool:
    """Whether it is a single file that no `[[index]]` covers. A command may name thousands on one server."""
    return query.need.role == "direct" and query.index is None


def refuse_scheme(url: Url, index: IndexConfig | None) -> str | None:
    """Return why no secret may travel to `url`, or None if one may: https, this machine, or an index marked insecure."""
    if url.is_confidential or (index and index.insecure):
        return None
    return "plain http" if index is None else 'plain http, and this [[index]] does not say "insecure = true"'


def find_flaw(credential: Credential, query: Query) -> str | None:
    """Return why a source's answer is none: another user name than the URL insists on, or a token that says it has ended."""
    if query.need.username not in (None, credential.username):
        return f"has {credential.username!r}, the URL wants {query.need.username!r}"
    over_s = query.host.clock() - credential.expires_at if credential.expires_at is not None else -1.0
    return f"its token expired {cache.describe_duration(over_s)} ago" if over_s >= 0 else None


def hint_for(answer: Answer, index: IndexConfig | None) -> str:
    """Return what to do about an answer without a credential: something that the sources of its index would notice."""
    if answer.tried and answer.tried[0][0] == "scope":
        return "use https, or set insecure = true for this index"
    if index is None:
        return f"shim login {answer.need.url}"
    if "keyring" in index.source:
        return f"shim login {index.name}"
    if "stored" in index.source:
        return f"shim login {index.name} --store file"
    if "env" in index.source and index.env:
        return f"export {index.env.password}"
    if "file" in index.source and index.file:
        return f"put the secret into {index.file.password}"
    return f"check the source of [[index]] {index.name}, which is {list(index.source)}, in {index.defined_in}"


def cache_key(query: Query) -> str:
    """Return the cache's key for a query: its scope, its user name and the configuration of the sources."""
    index = query.index
    configuration = repr((index.source, index.command, index.env, index.file)) if index else ""
    return cache.key_of(str(query.scope), query.username, configuration)


def _timeout_s(index: IndexConfig | None) -> float:
    return index.command.timeout_s if index and index.command else 0.0
