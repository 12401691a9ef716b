"""A credential for each need: the user's own, else the sources in order. One refresh for any number of processes.

The token cache stands before the one source whose answers it keeps (`command`), not before the whole chain: a variable or a
file that comes first in the chain, and has changed, is what counts. In the same way the keyring's last answer stands before the keyring.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import NamedTuple, Protocol

from shim.config.index import IndexConfig
from shim.config.schema import DEFAULT_CHAIN
from shim.config.settings import Settings
from shim.core.errors import ShimError, SourceError, render
from shim.core.host import Host, write_stderr
from shim.core.model import Answer, Credential, Need, Needs, Secret
from shim.core.urls import Url, scope_of_index, scope_of_origin
from shim.credentials.sources import AGING_SOURCES, Query, known, load_source
from shim.storage import keyring_cache, single_flight, token_cache
from shim.storage.keyring_cache import Recent

#: Sources that know a file by its server alone.
SERVER_SOURCES = ("netrc", "pypirc", "keyring")

#: How much longer than the source's own timeout somebody waits for another process that is asking it.
PATIENCE_S = 5.0
#: After a refresh that failed, how long a token that still holds is used without trying again.
RETRY_S = 60.0


class Shelf(Protocol):
    """Where a source's last answer is kept: the module `store.cache`, or a `Recent`."""

    def find(self, key: str, host: Host) -> token_cache.Found:
        """Return what is there."""

    def put(self, key: str, credential: Credential, host: Host) -> bool:
        """Keep an answer; return whether it was kept."""


def resolve(needs: Needs, settings: Settings, host: Host) -> tuple[Answer, ...]:
    """Return one answer for each need, in the needs' order.

    Raises:
        SourceError: a source that the configuration names is broken.
    """
    resolver = _Resolver(settings, host)
    # What the user named himself is asked first: a project file that names it too then finds the answer.
    ordered = sorted(range(len(needs.items)), key=lambda number: needs.items[number].origin.project)
    answers = {number: resolver.answer(needs.items[number]) for number in ordered}
    return tuple(answers[number] for number in range(len(needs.items)))


def resolve_quietly(needs: tuple[Need, ...], settings: Settings, host: Host) -> tuple[Answer, ...]:
    """Return one answer for each need of servers that a command only may ask: no login, no question, and a broken source has none."""
    alone = replace(host, interactive=False)
    answers: list[Answer] = []
    for need in needs:
        try:
            answers += resolve(Needs((need,)), settings, alone)
        except SourceError as error:
            answers.append(Answer(need, None, ((need.url.host, error.message),)))
    return tuple(answers)


class _Resolver:
    """Answers the needs of one command; what several of them share is asked once."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._known: dict[tuple[str, str | None], _Found] = {}
        self._silent: set[tuple[str, str, str | None]] = set()
        self._warned: set[str] = set()
        self._hanging: dict[str, SourceError] = {}

    def answer(self, need: Need) -> Answer:
        """Return the answer for one need."""
        index = self._settings.index_for(need.url)
        name = index.name if index else None
        if need.answered_by or (need.url.is_public and index is None):
            return Answer(need, None, index=name)
        if need.given is not None:
            if left_behind := known.find_left_behind(need, self._host):
                self._warn(left_behind)
            own = Credential(need.username or "", need.given, scope_of_index(need.url), "url")
            return Answer(need, own, index=name)
        if refused := refuse_scheme(need.url, index):
            return Answer(need, None, (("scope", refused),), name)
        if forbidden := self._settings.policy.refuses(need.url):
            return Answer(need, None, (("policy", forbidden),), name)
        query = Query(need, index, self._host, keyring_wait_s=self._settings.keyring_wait_s)
        key = self._key_of(query)
        if key not in self._known:
            self._known[key] = self._resolve(query)
        credential, tried, blocked = self._known[key]
        if credential and credential.scope == scope_of_origin(need.url):
            self._known.setdefault((str(credential.scope), query.username), self._known[key])
        if credential and not credential.scope.covers(need.url):
            tried = (*tried, (credential.source, f"only for {credential.scope}"))
            credential = None
        return Answer(need, credential, tried, name, blocked)

    def _key_of(self, query: Query) -> tuple[str, str | None]:
        """Return what the answer is known by: for a file, whose own URL is nobody's name, its server if that has a credential already."""
        server = (str(scope_of_origin(query.need.url)), query.username)
        is_answered = _is_file(query) and (found := self._known.get(server)) is not None and found.credential is not None
        return server if is_answered else (str(query.scope), query.username)

    def _resolve(self, query: Query) -> _Found:
        """Ask the sources in their order, also behind one that fails; return the first answer that fits.

        Raises:
            SourceError: what failed first, where the configuration names the sources and none of them answers.
        """
        failed: dict[str, SourceError] = {}
        ended: Credential | None = None
        for name in query.index.source if query.index else DEFAULT_CHAIN:
            silent = (name, query.need.url.origin, query.username)
            if silent in self._silent:
                continue
            try:
                credential = self._ask(name, query)
            except SourceError as error:
                failed[name] = error
                query.note(name, error.message)
                continue
            flaw = find_flaw(credential, query) if credential else None
            if flaw:
                query.note(name, flaw)
                ended = ended or (credential if name in AGING_SOURCES and has_ended(credential, query) else None)
            elif credential:
                self._warn(*failed.values())
                return _Found(credential, tuple(query.notes))
            elif _is_file(query) and _has_nothing_there(name, query):
                self._silent.add(silent)
        if failed and ended is None and query.index and query.index.source_is_explicit:
            name, first = next(iter(failed.items()))
            tried = tuple(note for note in query.notes if note != (name, first.message))
            raise SourceError(f"{first.message} (for {query.need.url})", tried=tried, hint=first.hint) from first
        self._warn(*failed.values())
        # What was issued just now has not ended, whatever our clock says, which may be wrong by hours: the server has the last word.
        return _Found(ended, tuple(query.notes), None if query.index or ended else failed.get("known"))

    def _ask(self, name: str, query: Query) -> Credential | None:
        """Ask one source, by way of what it said before where that may be kept."""
        if name in AGING_SOURCES and load_source(name).find_program(query):
            return self._ask_once(name, token_cache, cache_key(query), query)
        if name == "keyring" and self._settings.keyring_timeout_s:
            files = self._settings.files
            return self._ask_once(name, Recent(self._settings.keyring_timeout_s), keyring_key(query, files), query)
        return self._find(name, query)

    def _find(self, name: str, query: Query) -> Credential | None:
        """Ask one source itself. One that has used up all its time in this command would do so again for each further index."""
        if name in self._hanging:
            raise self._hanging[name]
        began = time.monotonic()
        try:
            return load_source(name).find(query)
        except SourceError as error:
            if time.monotonic() - began >= (load_source(name).timeout_s(query) or math.inf):
                self._hanging[name] = error
            raise

    def _ask_once(self, name: str, shelf: Shelf, key: str, query: Query) -> Credential | None:
        """Ask the shelf, then the source: one process at a time, where the others can use its answer or its failure."""
        found = self._look(shelf, key, query)
        if found.credential or found.nobody:
            return found.credential
        failed_ago_s = single_flight.failed_ago_s(key, self._host)
        if found.ending and failed_ago_s is not None and failed_ago_s < RETRY_S:
            return found.ending
        if found.is_worth_waiting and not load_source(name).has_own_turns:
            with single_flight.turn(key, self._host, _timeout_s(name, query) + PATIENCE_S) as failure:
                again = self._look(shelf, key, query, found)  # the one before us may have refreshed it
                if again.credential or again.nobody:
                    return again.credential
                if failure and again.ending is None:
                    raise failure
                if failure:
                    return again.ending  # who asked has said so
                if again.is_worth_waiting:
                    return self._refresh(name, shelf, key, query, again.ending)
        return self._refresh(name, shelf, key, query, found.ending)

    def _look(self, shelf: Shelf, key: str, query: Query, before: token_cache.Found | None = None) -> token_cache.Found:
        """Return what the shelf has. With SHIM_REFRESH only what is newer than `before`: somebody else's refresh is one."""
        found = shelf.find(key, self._host)
        if self._host.is_set("SHIM_REFRESH") and (before is None or found.identity == before.identity):
            found = found._replace(credential=None, ending=None, nobody=False, outcome="ignored: SHIM_REFRESH is set")
        if found.nobody:
            query.note("keyring", found.outcome)
        elif not found.credential and before is None and shelf is token_cache:
            query.note("cache", found.outcome)
        return found

    def _refresh(self, name: str, shelf: Shelf, key: str, query: Query, ending: Credential | None) -> Credential | None:
        """Ask the source and keep the answer. A token that has not ended yet outlives a refresh that fails."""
        try:
            credential = self._find(name, query)
        except SourceError as error:
            single_flight.note_failure(key, error, self._host)
            if ending is None:
                raise
            left = token_cache.describe_duration((ending.expires_at or 0.0) - self._host.clock())
            self._warn(SourceError(f"{error.message}; the token from before, which ends in {left}, is used", hint=error.hint))
            return ending
        single_flight.note_success(key, self._host)
        if credential:
            shelf.put(key, credential, self._host)
        elif isinstance(shelf, Recent) and query.notes:
            shelf.put_nobody(key, query.notes[-1][1], self._host)
        return credential or ending

    def _warn(self, *errors: ShimError) -> None:
        """Say each of them once in a command."""
        for error in errors:
            if error.message not in self._warned:
                self._warned.add(error.message)
                write_stderr(render(error, level="warning"))


class _Found(NamedTuple):
    """What the sources say together. `blocked` is why a known vendor's private host, which nobody has configured, has no credential."""

    credential: Credential | None
    tried: tuple[tuple[str, str], ...]
    blocked: SourceError | None = None


def _is_file(query: Query) -> bool:
    """Whether it is a single file that no `[[index]]` covers. A command may name thousands on one server."""
    return query.need.role == "direct" and query.index is None


def _has_nothing_there(name: str, query: Query) -> bool:
    """Whether a source that has nothing for one file surely has nothing for any other on that server."""
    if name == "stored":
        from shim.storage import saved_logins

        return all(scope_of_origin(query.need.url) != replace(entry.scope, segments=()) for entry in saved_logins.entries(query.host))
    return name in SERVER_SOURCES


def drop(url: Url, secret: Secret, host: Host) -> bool:
    """Forget a secret that the index at `url` has rejected, wherever a copy of it is cached; return whether there was one.

    The next command asks its source again. What the user stored stays.
    """
    in_file, in_memory = token_cache.drop(url, secret, host), keyring_cache.drop(url, secret, host)
    return in_file or in_memory


def refuse_scheme(url: Url, index: IndexConfig | None) -> str | None:
    """Return why no secret may travel to `url`, or None if one may: https, this machine, or an index marked insecure."""
    if url.is_confidential or (index and index.insecure):
        return None
    return "plain http" if index is None else 'plain http, and this [[index]] does not say "insecure = true"'


def find_flaw(credential: Credential, query: Query) -> str | None:
    """Return why a source's answer is none: another user name than the URL insists on, or a token that says it has ended."""
    if query.need.username not in (None, credential.username):
        return f"has {credential.shown_username!r}, the URL wants {query.need.username!r}"
    over_s = query.host.clock() - credential.expires_at if credential.expires_at is not None else -1.0
    return f"its token expired {token_cache.describe_duration(over_s)} ago by this machine's clock" if over_s >= 0 else None


def has_ended(credential: Credential | None, query: Query) -> bool:
    """Whether a credential is the one that the URL wants, and has ended by our clock."""
    fits = credential is not None and query.need.username in (None, credential.username)
    return fits and credential is not None and credential.expires_at is not None and credential.expires_at <= query.host.clock()


def hint_for(answer: Answer, index: IndexConfig | None) -> str:
    """Return what to do about an answer without a credential: something that the sources of its index would notice."""
    if answer.tried and answer.tried[0][0] == "scope":
        return "use https, or set insecure = true for this index"
    if answer.tried and answer.tried[0][0] == "policy":
        return "ask who keeps the machine's policy"
    if answer.blocked and answer.blocked.hint:
        return answer.blocked.hint
    if index is None:
        return f"shim login {answer.need.url}"
    if index.username and answer.need.username not in (None, index.username):
        return f"leave {answer.need.username!r} out of the URL: [[index]] {index.name} is for {index.username!r}"
    if any(name in index.source for name in ("posit", "oidc", "keyring")):
        return f"shim login {index.name}"
    if "stored" in index.source:
        return f"shim login {index.name} --store file"
    if "env" in index.source and index.env:
        return f"export {index.env.password}"
    if "file" in index.source and index.file:
        return f"put the secret into {index.file.password}"
    if "agent" in index.source:
        return "say agent = true for this index in the host's config.toml, run `shim agent` there, and set SHIM_AGENT_SOCKET"
    if index.source == ("ambient",):
        return f'outside CI jobs it takes another source: say source = ["ambient", "keyring"] for it, then shim login {index.name}'
    return f"check the sources of [[index]] {index.name} in {index.defined_in}: {', '.join(index.source)}"


def cache_key(query: Query) -> str:
    """Return the cache's key for a query: its scope, its user name, the configuration of the sources and who they would answer for."""
    index = query.index
    configuration = repr((index.source, index.command, index.env, index.file, index.logins)) if index else ""
    chain = index.source if index else DEFAULT_CHAIN
    states = [state for name in chain if (state := load_source(name).surroundings(query)) is not None]
    return token_cache.key_of(str(query.scope), query.username, configuration + repr(states))


def keyring_key(query: Query, config_files: tuple[str, ...]) -> str:
    """Return the key under which the OS keyring's answer to a query is remembered: it changes with all that could change the answer."""
    index = query.index
    configuration = repr((index and index.url.text, query.need.url.text, keyring_cache.surroundings(query.host, config_files)))
    return token_cache.key_of(str(query.scope), query.username, configuration)


def _timeout_s(name: str, query: Query) -> float:
    """Return how long a source may take: what its module says, else the configuration."""
    own = load_source(name).timeout_s(query)
    return own if own is not None else query.index.command.timeout_s if query.index and query.index.command else 0.0
