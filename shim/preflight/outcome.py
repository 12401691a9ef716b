"""Which pages a check asks, where its outcome counts, and what it means for a command that an
index's files lie elsewhere.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shim.config.index import IndexConfig
from shim.config.settings import Settings
from shim.core.host import Host
from shim.core.model import BARE, Endpoint, Manner, Origin, Resolution, Route
from shim.core.urls import BadUrl, Url, parse_url, scope_of_index
from shim.delivery import Choice
from shim.formats.index_pages import UNLIKELY_PACKAGE, page_of_package
from shim.storage import verification_cache
from shim.tools.unsafe_settings import PROXY_VARIABLES

#: How long it counts where files were seen to lie, and that nobody knows.
FOUND_S = 86400.0
UNKNOWN_S = 300.0
UNKNOWN = "unknown"
JUST_PROVEN_S = 900.0


class Whereabouts(NamedTuple):
    """What follows from where files lie: a channel that will not do, needs for further servers,
    until when that counts.
    """

    unserved: str | None = None
    further: tuple[Endpoint, ...] = ()
    valid_until: float = math.inf


class Files(NamedTuple):
    """One URL of each other server that the files of an index come from, and until when (UTC epoch
    seconds) that counts.
    """

    places: tuple[Url, ...]
    valid_until: float

    def beside(self, url: Url) -> Url | None:
        """Return a place on another port or scheme of the host of `url`, or None."""
        return next((place for place in self.places if place.host == url.host), None)


def look_for_files(
    choice: Choice, resolutions: list[tuple[Resolution, Route]], settings: Settings, *, asks: bool
) -> Whereabouts:
    """Return what follows from where the files of the indexes lie. Without `asks` only what is
    remembered counts.

    Only servers of the user's own configuration are needed further, and a channel that knows hosts
    alone goes to no other port.
    """
    wanted = [
        (resolution, route)
        for resolution, route in resolutions
        if _matters(choice, resolution.endpoint, settings)
    ]
    further: list[Endpoint] = []
    unserved, valid_until = None, math.inf
    for (resolution, _), files in zip(wanted, _find_files(choice, wanted, asks=asks), strict=True):
        url = resolution.endpoint.url
        valid_until = min(valid_until, files.valid_until)
        beside = files.beside(url)
        if beside and choice.manner(resolution.endpoint).follows_host:
            unserved = (
                f"the files of {url} come from {beside.origin}, another place on its host, and the"
                " credential would go along"
            )
        origin = Origin("file", f"the pages of {url}", project=True)
        further += [
            Endpoint(place, origin, "direct") for place in files.places if settings.index_for(place)
        ]
    return Whereabouts(unserved, tuple(further), valid_until)


def _matters(choice: Choice, endpoint: Endpoint, settings: Settings) -> bool:
    """Whether it matters where an index's files lie: the credential would go along, or another host
    may be the user's as well.
    """
    return choice.manner(endpoint).follows_host or any(
        index.url.host != endpoint.url.host for index in settings.indexes
    )


def _find_files(
    choice: Choice, wanted: list[tuple[Resolution, Route]], *, asks: bool
) -> list[Files]:
    """Return where the files of each index come from, as it is remembered or seen now. What nobody
    knows has no places.
    """
    host = choice.case.host
    found = [
        _recall(place_of_proof(resolution.endpoint, BARE, route, host), host)
        for resolution, route in wanted
    ]
    due = [one for one, files in zip(wanted, found, strict=True) if files is None] if asks else []
    looked = iter(_look(choice, due)) if due else iter(())
    return [files or next(looked, _as_files(None, host.clock())) for files in found]


def _look(choice: Choice, due: list[tuple[Resolution, Route]]) -> list[Files]:
    """Ask, and remember."""
    from shim.net.http_client import Asked
    from shim.preflight.file_locations import WRONG, look_all

    host, pages = choice.case.host, []
    for resolution, route in due:
        encoding = choice.manner(resolution.endpoint).encoding
        page, root = (
            Asked(url, resolution.credential, route, encoding)
            for url in (package_page(resolution.endpoint, choice), resolution.endpoint.url)
        )
        pages.append((page, root))
    found: list[tuple[Url, ...] | None] = []
    for (resolution, route), seen in zip(due, look_all(pages, host), strict=True):
        if seen == WRONG:
            _note_refusal(choice, resolution, route)
        places = None if seen == WRONG else seen
        words = (
            UNKNOWN
            if places is None
            else " ".join(place.text.partition("?")[0].replace(" ", "%20") for place in places)
        )
        verification_cache.remember(
            "files", None, place_of_proof(resolution.endpoint, BARE, route, host), words, host
        )
        found.append(places)
    return [_as_files(places, host.clock()) for places in found]


def _note_refusal(choice: Choice, resolution: Resolution, route: Route) -> None:
    """Remember that a page refused the credential, so that nothing else tries a login that fails.
    Where the index has just taken it, the page is one that this user may not read.
    """
    credential, endpoint, host = resolution.credential, resolution.endpoint, choice.case.host
    proof = verification_cache.recall(
        "proven", credential, place_of_proof(endpoint, choice.manner(endpoint), route, host), host
    )
    if credential and not (proof and proof.ago_s <= JUST_PROVEN_S):
        words = f"{endpoint.url} answers 401 to {credential.shown_username}"
        verification_cache.remember(
            "rejected", credential, verification_cache.place_of(endpoint.url), words, host
        )


def _recall(where: str, host: Host) -> Files | None:
    seen = verification_cache.recall("files", None, where, host)
    try:
        places = (
            None
            if seen is None or seen.words == UNKNOWN
            else tuple(map(parse_url, seen.words.split()))
        )
    except BadUrl:
        return None
    if seen is None:
        return None
    files = _as_files(places, host.clock() - seen.ago_s)
    return files if files.valid_until > host.clock() else None


def _as_files(places: tuple[Url, ...] | None, since: float) -> Files:
    return Files(places or (), since + (UNKNOWN_S if places is None else FOUND_S))


def package_page(endpoint: Endpoint, choice: Choice) -> Url:
    """Return the page of a package that the command will ask the index of `endpoint` for; of what
    is no index its own URL.
    """
    if endpoint.role not in ("index", "extra"):
        return endpoint.url
    return page_of_package(
        endpoint.url, next(iter(choice.case.endpoints.packages), UNLIKELY_PACKAGE)
    )


def strangers_page(endpoint: Endpoint, choice: Choice) -> Url:
    """Return what the tool asks for as a stranger: a package's page or, where pages get the
    credential at once, a file.
    """
    if endpoint.role in ("index", "extra") and choice.manner(endpoint).files_only:
        return parse_url(f"{scope_of_index(endpoint.url)}{UNLIKELY_PACKAGE}")
    return package_page(endpoint, choice)


def page_of_index(endpoint: Endpoint, index: IndexConfig | None) -> Url:
    """Return what to ask: `verify-url` where the command asks the very index that is configured,
    else the command's own URL.
    """
    own = index is not None and endpoint.url.text.rstrip("/") == index.url.text.rstrip("/")
    return index.verify_url if index and own else endpoint.url


def place_of_proof(endpoint: Endpoint, manner: Manner, route: Route, host: Host) -> str:
    """Return where a proof counts: the index, asked in this manner and by this way."""
    proxies = (
        [host.environ.get(name) for name in (*PROXY_VARIABLES, "NO_PROXY", "no_proxy")]
        if route.proxy is None
        else []
    )
    asked = (sorted(manner.challenges), manner.encoding, manner.names_user, manner.files_only)
    return f"{endpoint.url.text} {asked} {route!r} {proxies}"
