"""Where do the files of an index lie? A server may keep them on another port of its host, or on
another host, and only its pages or redirects say so: one page and one of its files are asked for,
and `outcome.py` remembers the answer.

A netrc knows hosts alone, so it would go along to another port, where an object store takes signed
URLs and nothing else; and a second private host needs a credential of its own.

Sources: requests `rebuild_auth` (a redirect to another port takes a netrc's entry along); PEP 503
and 691.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urljoin

from shim.core import regex as re
from shim.core.contextlib import suppress
from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.typing import Literal, Sequence
from shim.core.urls import Url, parse_url
from shim.formats.html_links import find_links
from shim.net.http_client import Asked, Outcome, at_once, follow
from shim.preflight.verify import SLOW

#: Where JSON pages name files, and projects.
_URLS = r'"url"\s*:\s*"([^"\\]+)"'
_NAMES = r'"name"\s*:\s*"([A-Za-z0-9._-]+)"'
MAX_PLACES = 4
REFUSING = (401, 403)
WRONG: Literal["wrong"] = "wrong"
LATE: Literal["late"] = "late"
Seen = tuple[Url, ...] | Literal["wrong", "late"] | None
#: Which statuses say that a server does not know HEAD.
NO_HEAD = (400, 403, 404, 405, 501)
#: How long a look may take.
LOOK_S = 6.0


def look_all(pages: Sequence[tuple[Asked, Asked]], host: Host) -> list[Seen]:
    """Return what `look` returns for each pair of a package's page and its index, all at once."""
    late: list[Seen] = [LATE] * len(pages)
    looks = [partial(look, page, root, host, LOOK_S) for page, root in pages]
    return at_once(looks, late, LOOK_S)


def look(page: Asked, root: Asked, host: Host, timeout_s: float) -> Seen:
    """Return from where else the files of the package behind `page` come, or of the first one that
    `root` lists; None if nobody knows.

    `WRONG` tells that the credential is not taken, `LATE` that the tool, which waits longer, may
    see more.
    """
    outcome = follow(page, host, timeout_s)
    if outcome.trouble == SLOW:
        return LATE
    if outcome.status == 401 and page.credential:
        return WRONG
    if outcome.status in REFUSING:
        return None  # a login that fails is not tried again
    links = _links(outcome)
    if not links:
        listing = follow(root, host, timeout_s)
        projects = _links(listing)
        if not projects:
            return LATE if listing.trouble == SLOW else None
        outcome = follow(replace(page, url=projects[0]), host, timeout_s)
        if outcome.trouble == SLOW:
            return LATE
        links = _links(outcome)
    asked = next((link for link in links if link.origin == page.url.origin), None)
    hops = _file_hops(replace(page, url=asked), host, timeout_s) if asked else ()
    if hops is None:
        return LATE
    others = {place.origin: place for place in (*outcome.hops, *links, *hops)}
    others.pop(page.url.origin, None)
    return tuple(others.values())[:MAX_PLACES] if links else None


def _file_hops(file: Asked, host: Host, timeout_s: float) -> tuple[Url, ...] | None:
    """Return where a request for a file is redirected to; None without an answer in time."""
    outcome = follow(replace(file, method="HEAD", follows=False), host, timeout_s)
    if outcome.status in NO_HEAD:
        outcome = follow(replace(file, follows=False), host, timeout_s)
    return None if outcome.trouble == SLOW else outcome.hops


def _links(outcome: Outcome) -> list[Url]:
    """Return the links of a page in its order, of projects or files; no tool follows others."""
    if not outcome.is_success or outcome.is_form:
        return []
    text = outcome.page.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        projects = re.findall(_NAMES, text) if "projects" in text else []
        found = re.findall(_URLS, text) or [f"{name}/" for name in projects]
    else:
        found = find_links(text)
    base = outcome.url.text.removesuffix("/") + "/"
    links = []
    for link in found:
        with suppress(ValueError):
            links.append(parse_url(urljoin(base, link).partition("#")[0]))
    return links
