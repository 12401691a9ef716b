"""Where do the files of an index lie? A server may keep them on another port of its host, or on
another host, and only its pages or redirects say so: one page and one of its files are asked for,
and `outcome.py` remembers the answer.

A netrc knows hosts alone, so it would go along to another port, where an object store takes signed
URLs and nothing else; uv knows servers alone outside of its indexes, so with two credentials for
one it may take the wrong one; and a second private host needs a credential of its own.

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
from shim.core.urls import Url, parse_url, scope_of_index
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


def look_all(indexes: Sequence[tuple[Asked, Sequence[Asked]]], host: Host) -> list[Seen]:
    """Return what `look` returns for each index and the pages of packages there, all at once."""
    late: list[Seen] = [LATE] * len(indexes)
    looks = [partial(look, root, pages, host, LOOK_S) for root, pages in indexes]
    return at_once(looks, late, LOOK_S)


def look(root: Asked, pages: Sequence[Asked], host: Host, timeout_s: float) -> Seen:
    """Return from where else than the index the files of a package come, a URL for each server;
    None if that is not known. The package is that of the first of the `pages`, the first one that
    `root` lists, or that of another page.

    `WRONG` tells that the credential is not taken, `LATE` that the tool, which waits longer, may
    see more.
    """
    outcome = _find_page(root, pages, host, timeout_s)
    if not isinstance(outcome, Outcome):
        return outcome
    links = _links(outcome)
    asked = next((link for link in links if link.origin == root.url.origin), None)
    file = _ask_for_file(replace(root, url=asked), host, timeout_s) if asked else None
    if file and file.trouble == SLOW:
        return LATE
    own, hops = scope_of_index(root.url), file.hops if file else ()
    places = (place for place in (*outcome.hops, *links, *hops) if not own.covers(place))
    found = {place.origin: place for place in places}
    if file and file.is_success and not file.is_form and not own.covers(file.url):
        del found[file.url.origin]  # strangers get that file, too
    return tuple(found.values())[:MAX_PLACES]


def _find_page(
    root: Asked, pages: Sequence[Asked], host: Host, timeout_s: float
) -> Outcome | Literal["wrong", "late"] | None:
    """Return the first answer that has links, else why there is none, as `look` says it. A login
    that fails is not tried again.
    """
    first, *others = pages
    outcome = follow(first, host, timeout_s)
    if outcome.status == 401 and first.credential:
        return WRONG
    if _links(outcome):
        return outcome
    if outcome.trouble == SLOW or outcome.status in REFUSING:
        return LATE if outcome.trouble == SLOW else None
    listing = follow(root, host, timeout_s)
    if listing.trouble == SLOW:
        return LATE
    listed = [replace(root, url=link) for link in _links(listing)[:1]]
    for page in (*listed, *others):
        outcome = follow(page, host, timeout_s)
        if _links(outcome):
            return outcome
        if outcome.trouble == SLOW or outcome.status in REFUSING:
            return LATE if outcome.trouble == SLOW else None
    return None


def _ask_for_file(file: Asked, host: Host, timeout_s: float) -> Outcome:
    """Return what a server says to a request for a file, and where it redirects to."""
    outcome = follow(replace(file, method="HEAD", follows=False), host, timeout_s)
    if outcome.status in NO_HEAD:
        outcome = follow(replace(file, follows=False), host, timeout_s)
    return outcome


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
