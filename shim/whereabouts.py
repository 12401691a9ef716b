"""Which pages a check asks, where its outcome counts, and what it means for a command that an index's files lie elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.delivery import Choice
from shim.host import Host
from shim.laxity import PROXY_VARIABLES
from shim.model import BARE, Answer, Manner, Need, Origin, Route
from shim.setting_indexes import IndexConfig
from shim.settings import Settings
from shim.urls import Url, parse_url

if TYPE_CHECKING:
    from shim.http_client import Asked

#: What is asked where nobody knows a name that the command will ask: no package is called so, and a server that forwards what it
#: does not have forwards this too.
UNLIKELY_PACKAGE = "pip-uv-shim-asks-for-no-package"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What follows from where files lie: a channel that will not do, needs for further servers, until when that counts."""

    unserved: str | None = None
    further: tuple[Need, ...] = ()
    valid_until: float = math.inf


def look_for_files(choice: Choice, answers: list[tuple[Answer, Route]], settings: Settings, *, asks: bool) -> Whereabouts:
    """Return what follows from where the files of the indexes lie. Without `asks` only what is remembered counts.

    Only servers of the user's own configuration are needed further, and a channel that knows hosts alone goes to no other port.
    """
    wanted = [(answer.need, _pages(choice, answer, route)) for answer, route in answers if _matters(choice, answer.need, settings)]
    if not wanted:
        return Whereabouts()
    from shim.files_probe import Inquiry, find_files

    further: list[Need] = []
    unserved, valid_until = None, math.inf
    places = find_files([Inquiry(*pages) for _, pages in wanted], choice.case.host, asks=asks)
    for (need, _), files in zip(wanted, places, strict=True):
        valid_until = min(valid_until, files.valid_until)
        beside = files.beside(need.url)
        if beside and choice.manner(need).follows_host:
            unserved = f"the files of {need.url} come from {beside.origin}, another place on its host, and the credential would go along"
        origin = Origin("file", f"the pages of {need.url}", project=True)
        further += [Need(place, origin, "direct") for place in files.places if settings.index_for(place)]
    return Whereabouts(unserved, tuple(further), valid_until)


def _matters(choice: Choice, need: Need, settings: Settings) -> bool:
    """Whether it matters where an index's files lie: the credential would go along, or another host may be the user's as well."""
    return choice.manner(need).follows_host or any(index.url.host != need.url.host for index in settings.indexes)


def _pages(choice: Choice, answer: Answer, route: Route) -> tuple[Asked, Asked, str]:
    """Return a package's page and the index itself, as the tool asks them, and where the answer counts."""
    from shim.http_client import Asked

    encoding, need = choice.manner(answer.need).encoding, answer.need
    page, root = (Asked(url, answer.credential, route, encoding) for url in (package_page(need, choice), need.url))
    return page, root, place_of_proof(need, BARE, route, choice.case.host)


def package_page(need: Need, choice: Choice) -> Url:
    """Return the page of a package that the command will ask the index of `need` for; of what is no index its own URL."""
    if need.role not in ("index", "extra"):
        return need.url
    return parse_url(f"{need.url.text.rstrip('/')}/{next(iter(choice.case.needs.packages), UNLIKELY_PACKAGE)}/")


def page_of_index(need: Need, index: IndexConfig | None) -> Url:
    """Return what to ask: `verify-url` where the command asks the very index that is configured, else the command's own URL."""
    own = index is not None and need.url.text.rstrip("/") == index.url.text.rstrip("/")
    return index.verify_url if index and own else need.url


def place_of_proof(need: Need, manner: Manner, route: Route, host: Host) -> str:
    """Return where a proof counts: the index, asked in this manner and by this way."""
    proxies = [host.environ.get(name) for name in (*PROXY_VARIABLES, "NO_PROXY", "no_proxy")] if route.proxy is None else []
    asked = (sorted(manner.challenges), manner.encoding, manner.names_user)
    return f"{need.url.text} {asked} {route!r} {proxies}"
