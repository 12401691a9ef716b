"""The state of each index, upload endpoint and stored login: who answers here, and what the server
says to that.

No program is run and nobody is asked to log in. Servers are asked all at once; a secret that one
has rejected is not sent to it again.
"""

from __future__ import annotations

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.dataclass import dataclass, field
from shim.core.errors import SourceError
from shim.core.host import Host
from shim.core.model import Credential, Endpoint, Origin, Resolution, Route
from shim.core.typing import Any, Literal
from shim.core.urls import Url, parse_url, scope_of_index
from shim.core.verdict import VerificationResult
from shim.credentials.ask_once import cache_key
from shim.credentials.missing import hint_for
from shim.credentials.resolve import find_flaw, refuse_scheme
from shim.credentials.sources import AGING_SOURCES, Query, load_source
from shim.preflight.hints import hint_for_unreachable
from shim.preflight.route import route_of_person
from shim.storage import os_keyring, saved_logins, token_cache, verification_cache

#: For all servers together. A person waits for it.
DEADLINE_S = 8.0

State = Literal["answers", "refuses", "unreachable", "open", "missing", "unasked"]
#: What a command can work with. `unasked`: --offline, or a program would have to run first.
USABLE = ("answers", "open", "unasked")
Role = Literal["index", "publish", "login"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One place and who answers for it here. `role`: a configured index, its upload endpoint, or a
    login that was stored by URL.
    """

    role: Role
    endpoint: Endpoint
    index: IndexConfig | None
    provided_by: str | None
    credential: Credential | None
    tried: tuple[tuple[str, str], ...] = ()
    login: dict[str, str | None] | None = None
    pages: tuple[Url, ...] = field(default=())

    @property
    def name(self) -> str:
        """What to call it."""
        return (self.index.name if self.index else "") or self.endpoint.url.host

    @property
    def resolution(self) -> Resolution:
        """The same as what the rest of shim calls an answer."""
        return Resolution(
            self.endpoint, self.credential, self.tried, self.index.name if self.index else None
        )


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, what its server says (`state`, in words `detail`), since when it refuses (UTC epoch
    seconds), and what mends it.
    """

    entry: Entry
    state: State
    detail: str = ""
    since: float | None = None
    hint: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether a command can work with it, as far as is known."""
        return self.state in USABLE


def find_states(settings: Settings, host: Host, *, offline: bool = False) -> list[Found]:
    """Return the state of everything that is configured or stored; with `offline` no server is
    asked.
    """
    entries = find_entries(settings, host)
    if offline:
        return [
            Found(entry, "unasked") if _may_work(entry) else _missing(entry) for entry in entries
        ]
    return _ask_servers(entries, host)


def find_entries(settings: Settings, host: Host) -> list[Entry]:
    """Return every configured index and upload endpoint, then the logins that are stored for other
    URLs.
    """
    entries = []
    for index in settings.indexes:
        origin = Origin("config", index.defined_in)
        entries.append(
            _find_entry(
                "index",
                Endpoint(index.url, origin, username=index.username),
                index,
                (index.verify_url,),
                host,
            )
        )
        if index.publish_url:
            endpoint = Endpoint(index.publish_url, origin, "publish", username=index.username)
            entries.append(_find_entry("publish", endpoint, index, (index.publish_url,), host))
    return entries + _find_stored(settings, host)


def _find_entry(
    role: Role, endpoint: Endpoint, index: IndexConfig, pages: tuple[Url, ...], host: Host
) -> Entry:
    query = Query(endpoint, index, host)
    provided_by, credential = _ask_sources(index, query)
    return Entry(
        role,
        endpoint,
        index,
        provided_by,
        credential,
        tuple(query.notes),
        _describe_login(index, query),
        pages,
    )


def _find_stored(settings: Settings, host: Host) -> list[Entry]:
    """Return the logins by URL that no `[[index]]` covers."""
    found: dict[tuple[str, str], Entry] = {}
    for service, username in os_keyring.read_list(host):
        url = parse_url(service)
        if settings.index_for(url) is None:
            query = Query(
                Endpoint(url, Origin("config", "shim login"), username=username), None, host
            )
            credential = _peek("keyring", query)
            entry = Entry(
                "login",
                query.endpoint,
                None,
                "keyring" if credential else None,
                credential,
                tuple(query.notes),
                pages=(url,),
            )
            found[str(scope_of_index(url)), username] = entry
    for credential in saved_logins.entries(host):
        url = parse_url(str(credential.scope))
        if settings.index_for(url) is None:
            endpoint = Endpoint(url, Origin("config", "shim login"), username=credential.username)
            page = parse_url(
                f"{url.text.rstrip('/')}/simple/"
            )  # a scope is the index's URL without that
            found.setdefault(
                (url.text, credential.username),
                Entry("login", endpoint, None, "stored", credential, pages=(url, page)),
            )
    return list(found.values())


def _peek(name: str, query: Query) -> Credential | None:
    try:
        return load_source(name).peek(query)
    except SourceError as error:
        query.note(name, error.message)
        return None


def _ask_sources(index: IndexConfig, query: Query) -> tuple[str | None, Credential | None]:
    """Return who answers and, unless a program would have to run for it, the answer; the query has
    notes of what was found.
    """
    if index.is_everybodys:
        query.note("public", "nobody is asked")
        return None, None
    if refused := refuse_scheme(query.endpoint.url, index):
        query.note("scope", refused)
        return None, None
    for name in index.source:
        found = token_cache.CachedToken(None, None, "")
        try:
            program = load_source(name).find_program(query)
            if program and name in AGING_SOURCES:
                found = token_cache.find(cache_key(query), query.host)
            credential = found.credential or found.ending or load_source(name).peek(query)
        except SourceError as error:
            query.note(name, error.message)
            continue
        if program and credential:
            query.note("cache", found.outcome)
            return "cache", credential
        if program:
            query.note(name, f"would ask {program}")
            return name, None
        if credential and (flaw := find_flaw(credential, query)):
            query.note(name, flaw)
        elif credential:
            return name, credential
    return None, None


def _describe_login(index: IndexConfig, query: Query) -> dict[str, str | None] | None:
    """Return where one logs in for an index, and as whom one is, or None if there is no such
    place.
    """
    for name in index.source:
        if login := load_source(name).describe_login(query):
            return dict(zip(("at", "account"), login, strict=True))
    return None


def _may_work(entry: Entry) -> bool:
    return (
        bool(entry.provided_by)
        or entry.endpoint.url.is_public
        or bool(entry.index and entry.index.on_failure == "pass")
    )


def _missing(entry: Entry, detail: str = "") -> Found:
    return Found(entry, "missing", detail, hint=hint_for(entry.resolution, entry.index))


def _ask_servers(entries: list[Entry], host: Host) -> list[Found]:
    """Return what the servers say, in the entries' order."""
    found = {
        number: known for number, entry in enumerate(entries) if (known := _find_known(entry, host))
    }
    due = [
        (number, page)
        for number, entry in enumerate(entries)
        if number not in found
        for page in entry.pages
    ]
    verdicts: dict[int, list[VerificationResult]] = {}
    for role in ("index", "publish"):
        asked = [
            (number, page)
            for number, page in due
            if (entries[number].role == "publish") == (role == "publish")
        ]
        questions = [
            (page, entries[number].credential, _route(entries[number], host))
            for number, page in asked
        ]
        for (number, _), verdict in zip(asked, _verify(role, questions, host), strict=True):
            verdicts.setdefault(number, []).append(verdict)
    order = ("proven", "rejected", "open", "unreachable")
    for number, said in verdicts.items():
        found[number] = _judge(
            entries[number], min(said, key=lambda verdict: order.index(verdict.kind)), host
        )
    return [found[number] for number in range(len(entries))]


def _verify(
    role: str, questions: list[tuple[Url, Credential | None, Route]], host: Host
) -> list[VerificationResult]:
    if not questions:
        return []
    if role == "publish":
        from shim.preflight.upload_endpoints import verify_endpoints

        return verify_endpoints(questions, host, DEADLINE_S)
    from shim.preflight.rootless import with_packages
    from shim.preflight.verify import VerificationRequest, verify_all

    asked = [with_packages(VerificationRequest(*question), (), host) for question in questions]
    return [finding.verdict for finding in verify_all(asked, host, DEADLINE_S)]


def _route(entry: Entry, host: Host) -> Route:
    return route_of_person(entry.index, host)


def _find_known(entry: Entry, host: Host) -> Found | None:
    """Return what is known without asking: a public index, a program that would have to run, plain
    http, a rejection from before.
    """
    if entry.endpoint.url.is_public and not entry.credential:
        return Found(entry, "open", "it serves everybody")
    if entry.tried and entry.tried[0][0] == "scope":
        return _missing(entry)
    if entry.provided_by and entry.credential is None:
        return Found(entry, "unasked")
    if entry.credential is None or host.is_set("SHIM_REFRESH"):
        return None
    seen = verification_cache.recall(
        "rejected", entry.credential, verification_cache.place_of(entry.endpoint.url), host
    )
    if seen is None:
        return None
    hint = f"{_hint_for_rejected(entry)}; SHIM_REFRESH=1 shim status asks it again"
    return Found(entry, "refuses", seen.words, host.clock() - seen.ago_s, hint)


def _judge(entry: Entry, verdict: VerificationResult, host: Host) -> Found:
    """Return what a verdict means for whoever uses this entry, and remember a rejection."""
    credential, place = entry.credential, verification_cache.place_of(entry.endpoint.url)
    if verdict.kind == "open":
        return Found(entry, "open", verdict.detail)
    if verdict.kind == "unreachable":
        return Found(
            entry,
            "unreachable",
            verdict.detail,
            hint=hint_for_unreachable(verdict, entry.pages[0], entry.index, host),
        )
    if credential is None:
        return _missing(entry, verdict.detail)
    if verdict.kind == "proven":
        verification_cache.forget("rejected", credential, place, host)
        return Found(entry, "answers", verdict.detail)
    verification_cache.remember("rejected", credential, place, verdict.detail, host)
    return Found(entry, "refuses", verdict.detail, host.clock(), _hint_for_rejected(entry))


def _hint_for_rejected(entry: Entry) -> str:
    from shim.preflight.failures import hint_for_refused

    return hint_for_refused(
        entry.resolution, entry.index, "refused", by_url=entry.role == "publish"
    )  # an endpoint has a login of its own


def without_secrets(found: Found) -> dict[str, Any]:
    """Return one state as plain data, times in epoch seconds."""
    entry, credential = found.entry, found.entry.credential
    return {
        "name": entry.index.name if entry.index else None,
        "role": entry.role,
        "url": str(entry.endpoint.url),
        "scope": str(
            credential.scope
            if credential
            else Query(entry.endpoint, entry.index, Host({}, "/")).scope
        ),
        "defined_in": entry.index.defined_in if entry.index else None,
        "keys": dict(entry.index.keys) if entry.index else {},
        "source": list(entry.index.source) if entry.index else [],
        "answered_by": entry.provided_by,
        "username": credential.shown_username if credential else entry.endpoint.username,
        "expires_at": credential.expires_at if credential else None,
        "login": entry.login,
        "tried": [{"source": source, "outcome": outcome} for source, outcome in entry.tried],
        "state": found.state,
        "usable": found.is_usable,
        "since": found.since,
        "detail": found.detail,
        "hint": found.hint,
    }
