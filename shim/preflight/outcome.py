"""Which pages a check asks, where its outcome counts, and what files elsewhere mean."""

from __future__ import annotations

from itertools import islice

from shim.config.index import IndexConfig
from shim.core.host import Host
from shim.core.model import BARE, FOREVER, Endpoint, Manner, Origin, Resolution, Route
from shim.core.typing import NamedTuple, Sequence
from shim.core.urls import BadUrl, Scope, Url, parse_url, scope_of_index, scope_of_origin
from shim.delivery import Choice
from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
from shim.storage import verification_cache
from shim.tools.unsafe_settings import PROXY_VARIABLES

#: How long it counts where files were seen to lie, and that nobody knows.
FOUND_S = 86400.0
UNKNOWN_S = 300.0
UNKNOWN = "unknown"
LATE = "late"
JUST_PROVEN_S = 900.0
#: How many packages are looked for at an index.
MAX_PAGES = 4


class Whereabouts(NamedTuple):
    """What follows: why a channel will not do, endpoints on further servers, until when."""

    unserved: str | None = None
    further: tuple[Endpoint, ...] = ()
    valid_until: float = FOREVER


class FileServers(NamedTuple):
    """A URL of each other server that an index's files come from, and one outside of it on its own
    server, until a time (epoch seconds). `is_late` tells that the index did not say in time.
    """

    places: tuple[Url, ...]
    valid_until: float
    is_late: bool = False

    def beside(self, url: Url) -> Url | None:
        """Return a place on another port or scheme of the host of `url`, or None."""
        others = (place for place in self.places if place.origin != url.origin)
        return next((place for place in others if place.host == url.host), None)

    def are_outside(self, scope: Scope) -> bool:
        """Whether files lie on the server of a scope and not in it."""
        own = scope_of_origin(parse_url(str(scope)))
        return any(own.covers(place) and not scope.covers(place) for place in self.places)


def look_for_files(
    choice: Choice, resolutions: list[tuple[Resolution, Route]], *, asks: bool
) -> Whereabouts:
    """Return what follows from where the files of the indexes lie. Without `asks` only what is
    remembered counts.

    Only servers of the user's own configuration are needed further, and a channel that knows hosts
    alone goes to no other port.
    """
    settings = choice.case.settings
    mixed = _find_mixed(choice)
    wanted = [pair for pair in resolutions if _matters(choice, pair[0].endpoint, mixed)]
    further: list[Endpoint] = []
    unserved, valid_until = None, FOREVER
    for (resolution, _), files in zip(wanted, _find_files(choice, wanted, asks=asks), strict=True):
        url = resolution.endpoint.url
        valid_until = min(valid_until, files.valid_until)
        beside, manner = files.beside(url), choice.manner(resolution.endpoint)
        if (beside or files.is_late) and manner.follows_host:
            where = f"come from {beside.origin}," if beside else "may come from"
            unserved = (
                f"the files of {url} {where} another place on its host, and the credential would"
                " go along"
            )
        credential, is_mixed = resolution.credential, id(resolution.endpoint) in mixed
        if is_mixed and credential and files.are_outside(credential.scope):
            unserved = (
                f"the files of {url} lie outside of {credential.scope}, where uv would always take"
                " the same one of its credentials for that server"
            )
        origin = Origin("file", f"the pages of {url}", project=True)
        known = [place for place in files.places if settings.index_for(place)]
        further += [Endpoint(place, origin, "direct") for place in known]
    return Whereabouts(unserved, tuple(further), valid_until)


def _find_mixed(choice: Choice) -> set[int]:
    """Return the identities of the endpoints whose files may get another credential for their
    server, where no lock tells which files lie outside of a scope.
    """
    case = choice.case
    mixed = [one for one, _ in case.deliveries if choice.manner(one).mixes_server]
    if len(mixed) < 2:
        return set()
    from shim.delivery.uv_realm import find_shared, find_unscoped, realm_of

    shared = find_shared(case) - {realm_of(one.url) for one in find_unscoped(case)}
    return {id(one) for one in mixed if realm_of(one.url) in shared}


def _matters(choice: Choice, endpoint: Endpoint, mixed: set[int]) -> bool:
    """Whether a credential would go along to the files, or another one may; or where an `[[index]]`
    names this server, another one may name that of its files.
    """
    settings, url = choice.case.settings, endpoint.url
    hosts = {index.url.host for index in settings.indexes}
    is_ours = settings.index_for(url) is not None
    goes_along = choice.manner(endpoint).follows_host or id(endpoint) in mixed
    return goes_along or (is_ours and bool(hosts - {url.host}))


def _find_files(
    choice: Choice, wanted: list[tuple[Resolution, Route]], *, asks: bool
) -> list[FileServers]:
    """Return where the files of each index come from, remembered or seen now; or no places."""
    host = choice.case.host
    found = [
        _recall(place_of_proof(resolution.endpoint, BARE, route, host), host)
        for resolution, route in wanted
    ]
    due = [one for one, files in zip(wanted, found, strict=True) if files is None] if asks else []
    looked = iter(_look(choice, due)) if due else iter(())
    return [files or next(looked, _as_files(UNKNOWN, host.clock())) for files in found]


def _look(choice: Choice, due: list[tuple[Resolution, Route]]) -> list[FileServers]:
    """Ask, and remember."""
    from shim.net.http_client import Asked
    from shim.preflight.file_locations import WRONG, look_all
    from shim.preflight.rootless import names_of_command

    host, indexes = choice.case.host, []
    names = [*dict.fromkeys(islice(names_of_command(choice), MAX_PAGES))]
    for resolution, route in due:
        endpoint, encoding = resolution.endpoint, choice.manner(resolution.endpoint).encoding
        urls = (endpoint.url, *_pages_of(endpoint, names))
        root, *pages = (Asked(url, resolution.credential, route, encoding) for url in urls)
        indexes.append((root, pages))
    found = []
    for (resolution, route), seen in zip(due, look_all(indexes, host), strict=True):
        if seen == WRONG:
            _note_refusal(choice, resolution, route)
        words = LATE if seen == LATE else UNKNOWN
        if isinstance(seen, tuple):
            texts = [place.text.partition("?")[0].replace(" ", "%20") for place in seen]
            words = " ".join(texts)
        where = place_of_proof(resolution.endpoint, BARE, route, host)
        verification_cache.remember("files", None, where, words, host)
        found.append(_as_files(words, host.clock()))
    return found


def _note_refusal(choice: Choice, resolution: Resolution, route: Route) -> None:
    """Remember that a page refused the credential, so that nothing else tries a login that fails.
    Where the index has just taken it, the page is one that this user may not read.
    """
    credential, endpoint, host = resolution.credential, resolution.endpoint, choice.case.host
    where = place_of_proof(endpoint, choice.manner(endpoint), route, host)
    proof = verification_cache.recall("proven", credential, where, host)
    if credential and not (proof and proof.ago_s <= JUST_PROVEN_S):
        words = f"{endpoint.url} answers 401 to {credential.shown_username}"
        rejected_at = verification_cache.place_of(endpoint.url)
        verification_cache.remember("rejected", credential, rejected_at, words, host)


def _recall(where: str, host: Host) -> FileServers | None:
    seen = verification_cache.recall("files", None, where, host)
    if seen is None:
        return None
    try:
        files = _as_files(seen.words, host.clock() - seen.ago_s)
    except BadUrl:
        return None
    return files if files.valid_until > host.clock() else None


def _as_files(words: str, since: float) -> FileServers:
    """Return what is remembered in words: places, or why there are none. Raises BadUrl."""
    if words in (UNKNOWN, LATE):
        return FileServers((), since + UNKNOWN_S, is_late=words == LATE)
    return FileServers(tuple(map(parse_url, words.split())), since + FOUND_S)


def package_page(endpoint: Endpoint, choice: Choice) -> Url:
    """Return the page of a package that the command will ask for; the URL of what is no index."""
    return _pages_of(endpoint, choice.case.endpoints.packages[:1])[0]


def _pages_of(endpoint: Endpoint, packages: Sequence[str]) -> list[Url]:
    """Return the pages of some packages at an index; the URL of what is no index."""
    if endpoint.role not in ("index", "extra"):
        return [endpoint.url]
    return [page_of_package(endpoint.url, name) for name in packages or [UNLIKELY_PACKAGE]]


def strangers_page(endpoint: Endpoint, choice: Choice) -> Url:
    """Return what the tool asks as a stranger: a page or, where these get a credential, a file."""
    if endpoint.role in ("index", "extra") and choice.manner(endpoint).files_only:
        return parse_url(f"{scope_of_index(endpoint.url)}{UNLIKELY_PACKAGE}")
    return package_page(endpoint, choice)


def page_of_index(endpoint: Endpoint, index: IndexConfig | None) -> Url:
    """Return what to ask: the index's `verify-url` if this is its very URL, else the command's."""
    own = index is not None and endpoint.url.text.rstrip("/") == index.url.text.rstrip("/")
    return index.verify_url if index and own else endpoint.url


def place_of_proof(endpoint: Endpoint, manner: Manner, route: Route, host: Host) -> str:
    """Return where a proof counts: the index, asked in this manner and by this way."""
    names = (*PROXY_VARIABLES, "NO_PROXY", "no_proxy") if route.proxy is None else ()
    proxies = [host.environ.get(name) for name in names]
    asked = (sorted(manner.challenges), manner.encoding, manner.names_user, manner.files_only)
    return f"{endpoint.url.text} {asked} {route!r} {proxies}"
