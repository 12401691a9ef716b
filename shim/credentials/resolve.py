"""A credential for each endpoint: the user's own, else the sources in order (`ask_once.py` asks one
of them).

The token cache stands before the one source whose answers it keeps (`command`), not before the
whole chain: a variable or a file that comes first in the chain, and has changed, is what counts. In
the same way the keyring's last answer stands before the keyring.
"""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.config.schema import DEFAULT_CHAIN
from shim.config.settings import Settings
from shim.core.dataclass import replace
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Endpoints, Resolution
from shim.core.typing import NamedTuple
from shim.core.urls import Url, scope_of_index, scope_of_origin
from shim.credentials.ask_once import Asker
from shim.credentials.sources import AGING_SOURCES, Query
from shim.storage import token_cache

#: Sources that know a file by its server alone.
SERVER_SOURCES = ("netrc", "pypirc", "keyring")


def resolve(endpoints: Endpoints, settings: Settings, host: Host) -> tuple[Resolution, ...]:
    """Return one answer for each endpoint, in the endpoints' order.

    Raises:
        SourceError: a source that the configuration names is broken.
    """
    resolver = _Resolver(settings, host)
    # What the user named himself is asked first: a project file that names it finds the answer.
    ordered = sorted(enumerate(endpoints.items), key=lambda item: item[1].origin.project)
    resolutions = {number: resolver.resolution(endpoint) for number, endpoint in ordered}
    return tuple(resolutions[number] for number in range(len(ordered)))


def resolve_quietly(
    endpoints: tuple[Endpoint, ...], settings: Settings, host: Host
) -> tuple[Resolution, ...]:
    """Return an answer for each endpoint without login or question; broken sources have none."""
    alone = replace(host, interactive=False)
    resolutions: list[Resolution] = []
    for endpoint in endpoints:
        try:
            resolutions += resolve(Endpoints((endpoint,)), settings, alone)
        except SourceError as error:
            resolutions.append(Resolution(endpoint, None, ((endpoint.url.host, error.message),)))
    return tuple(resolutions)


class _Resolver:
    """Answers the endpoints of one command; what several of them share is asked once."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self._asker = Asker(settings, host)
        self._settings = settings
        self._host = host
        self._known: dict[tuple[str, str | None], _Found] = {}
        self._silent: set[tuple[str, str, str | None]] = set()

    def resolution(self, endpoint: Endpoint) -> Resolution:
        """Return the answer for one endpoint."""
        index = self._settings.index_for(endpoint.url)
        name = index.name if index else None
        if endpoint.provided_by or (endpoint.url.is_public and index is None):
            return Resolution(endpoint, None, index=name)
        if endpoint.inline_password is not None:
            from shim.credentials.sources import known

            if left_behind := known.find_left_behind(endpoint, self._host):
                self._asker.warn(left_behind)
            who, scope = endpoint.username or "", scope_of_index(endpoint.url)
            # It stays where it was typed: programs read steps in a path differently (`x/../y`), and
            # without it a later command would ask what the tool keeps as a stranger.
            is_left = not scope.covers(endpoint.url) or (endpoint.is_kept and index is None)
            own = Credential(who, endpoint.inline_password, scope, "url", found_by_tool=is_left)
            return Resolution(endpoint, own, index=name)
        if refused := refuse_scheme(endpoint.url, index):
            return Resolution(endpoint, None, (("scope", refused),), name)
        if forbidden := self._settings.policy.refuses(endpoint.url):
            return Resolution(endpoint, None, (("policy", forbidden),), name)
        query = Query(endpoint, index, self._host, keyring_wait_s=self._settings.keyring_wait_s)
        key = self._key_of(query)
        if key not in self._known:
            self._known[key] = self._resolve(query)
        credential, tried, blocked = self._known[key]
        if credential and credential.scope == scope_of_origin(endpoint.url):
            self._known.setdefault((str(credential.scope), query.username), self._known[key])
        if credential and not credential.scope.covers(endpoint.url):
            tried = (*tried, (credential.source, f"only for {credential.scope}"))
            credential = None
        return Resolution(endpoint, credential, tried, name, blocked)

    def _key_of(self, query: Query) -> tuple[str, str | None]:
        """Return an answer's key: a file's is its server if that has a credential already."""
        server = (str(scope_of_origin(query.endpoint.url)), query.username)
        found = self._known.get(server) if _is_file(query) else None
        return server if found and found.credential else (str(query.scope), query.username)

    def _resolve(self, query: Query) -> _Found:
        """Ask the sources in order, also behind one that fails; return the first that fits.

        Raises:
            SourceError: what failed first, where none of the configured sources answers.
        """
        failed: dict[str, SourceError] = {}
        ended: Credential | None = None
        for name in query.index.source if query.index else DEFAULT_CHAIN:
            silent = (name, query.endpoint.url.origin, query.username)
            if silent in self._silent:
                continue
            try:
                credential = self._asker.ask(name, query)
            except SourceError as error:
                failed[name] = error
                query.note(name, error.message)
                continue
            flaw = find_flaw(credential, query) if credential else None
            if flaw:
                query.note(name, flaw)
                if name in AGING_SOURCES and has_ended(credential, query):
                    ended = ended or credential
            elif credential:
                self._asker.warn(*failed.values())
                return _Found(credential, tuple(query.notes))
            elif _is_file(query) and _has_nothing_there(name, query):
                self._silent.add(silent)
        if failed and ended is None and query.index and query.index.source_is_explicit:
            name, first = next(iter(failed.items()))
            tried = tuple(note for note in query.notes if note != (name, first.message))
            raise SourceError(
                f"{first.message} (for {query.endpoint.url})", tried=tried, hint=first.hint
            ) from first
        self._asker.warn(*failed.values())
        # What was issued just now has not ended, whatever our clock says, which may be wrong by
        # hours: the server has the last word.
        blocked = None if query.index or ended else failed.get("known")
        return _Found(ended, tuple(query.notes), blocked)


class _Found(NamedTuple):
    """What the sources say; `blocked` is why a vendor's host that nobody configured has nothing."""

    credential: Credential | None
    tried: tuple[tuple[str, str], ...]
    blocked: SourceError | None = None


def _is_file(query: Query) -> bool:
    """Whether it is one file without an `[[index]]`. A command may name thousands on a server."""
    return query.endpoint.role == "direct" and query.index is None


def _has_nothing_there(name: str, query: Query) -> bool:
    """Whether a source without an answer for this file has none for any other on its server."""
    if name == "stored":
        from shim.storage import saved_logins

        origins = {replace(one.scope, segments=()) for one in saved_logins.entries(query.host)}
        return scope_of_origin(query.endpoint.url) not in origins
    return name in SERVER_SOURCES


def refuse_scheme(url: Url, index: IndexConfig | None) -> str | None:
    """Return why no secret may travel to `url`: plain http, and no index that allows it."""
    if url.is_confidential or (index and index.insecure):
        return None
    if index is None:
        return "plain http"
    return 'plain http, and this [[index]] does not say "insecure = true"'


def find_flaw(credential: Credential, query: Query) -> str | None:
    """Return why a source's answer is none: another user name, or a token that has ended."""
    if query.endpoint.username not in (None, credential.username):
        return f"has {credential.shown_username!r}, the URL wants {query.endpoint.username!r}"
    if not has_ended(credential, query):
        return None
    ago = token_cache.describe_duration(query.host.clock() - (credential.expires_at or 0.0))
    return f"its token expired {ago} ago by this machine's clock"


def has_ended(credential: Credential | None, query: Query) -> bool:
    """Whether a credential is the one that the URL wants, and has ended by our clock."""
    if credential is None or query.endpoint.username not in (None, credential.username):
        return False
    return credential.expires_at is not None and credential.expires_at <= query.host.clock()
