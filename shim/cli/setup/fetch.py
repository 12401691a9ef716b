"""The text of a team's file, from a path or a URL: whole, bounded, and over https alone."""

from __future__ import annotations

from shim.cli.setup.fields import parse_typed
from shim.config.team_files import MAX_BYTES, digest
from shim.core import regex as re
from shim.core.errors import CannotFetch, UsageError
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import Route
from shim.core.urls import Url
from shim.net.http_client import MAX_REDIRECTS, Asked, Outcome, probe_all
from shim.preflight.hints import WRONG_BUNDLE_HINT, hint_for_cause
from shim.preflight.route import route_of_person

TIMEOUT_S = 20.0
BY_HAND_HINT = "download it by hand, then: shim setup --from FILE"
#: Status -> hint.
HINTS = {
    401: BY_HAND_HINT,
    403: BY_HAND_HINT,
    404: "check the spelling of {url}; who publishes the file knows it",
}
LATER_HINT = "try again later, or ask who runs {host}"
AUTHORITY_HINT = "shim setup --from {url} --ca-bundle /path/of/its/authority.pem"


def read_source(text: str, host: Host) -> tuple[str, Url | None]:
    """Return an absolute path and None, or a URL as text and parsed. Raises UsageError."""
    if "://" not in text:
        path = host.path(text)
        if not path.isprintable():
            raise UsageError(
                "there is a control character in that path", hint="give the file another name"
            )
        return path, None
    userinfo, url = parse_typed(text)
    if userinfo:
        raise UsageError(
            "there is a login in that URL, and the file would be open to whoever reads it here",
            hint=BY_HAND_HINT,
        )
    if not url.is_confidential:
        hint = f"https://{url.text.partition('://')[2]}, if {url.host} offers it"
        raise UsageError(
            f"{url} is plain http: anybody on the way could change the file", hint=hint
        )
    return url.text, url


def read_text(source: str, url: Url | None, authority: str, pin: str | None, host: Host) -> str:
    """Return the text of the file, which has the hash `pin` if that is given.

    Raises:
        CannotFetch: it is not to be had, too large, no text, or not the one that is meant.
    """
    shown = str(url) if url else source
    data = _fetch(url, authority, host) if url else _read(source)
    if len(data) > MAX_BYTES:
        raise CannotFetch(
            f"{shown} is larger than {MAX_BYTES >> 10} KB: that is no file of settings",
            hint="check what lies there",
        )
    if re.match(rb"\s*<(!doctype|html|head)", data, re.IGNORECASE):
        raise CannotFetch(
            f"{shown} is a web page",
            hint="give the URL of the file itself, which a code host calls raw",
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise CannotFetch(
            f"{shown} is not UTF-8 (byte {error.start})",
            hint="who publishes it must save it as UTF-8",
        ) from error
    if pin and (found := digest(text)) != pin:
        hint = f"shim setup --from {shown} --dry-run shows it; ask who gave you the hash"
        raise CannotFetch(
            f"{shown} is not the file that is meant: its sha256 is {found}", hint=hint
        )
    return text


def _read(path: str) -> bytes:
    try:
        data = read_regular(path)
    except CannotRead as error:
        raise CannotFetch(f"{path} {error.why}", hint=f"ls -l {path}") from error
    if data is None:
        raise CannotFetch(f"there is no file {path}", hint="give its path or its URL")
    return data


def _fetch(url: Url, authority: str, host: Host) -> bytes:
    """Return what the server gives, at the end of all redirects; none leads to plain http."""
    route, here = _route(authority, host), url
    for _ in range(MAX_REDIRECTS + 1):
        asked = Asked(here, None, route, follows=False, takes=MAX_BYTES)
        (outcome,) = probe_all([asked], host, TIMEOUT_S)
        if not outcome.hops:
            return _page(outcome, url, authority, host)
        here = outcome.hops[-1]
        if here.scheme != "https" and not (url.scheme == "http" and here.is_loopback):
            raise CannotFetch(
                f"{url} leads to {here}, which is plain http: anybody on the way could change the"
                " file",
                hint=f"who runs {url.host} must lead to https; or {BY_HAND_HINT}",
            )
    raise CannotFetch(f"{url} redirects more than {MAX_REDIRECTS} times", hint=BY_HAND_HINT)


def _route(authority: str, host: Host) -> Route:
    route = route_of_person(None, host)
    if authority == "system":
        return route._replace(system=True)
    return route._replace(authorities=(*route.authorities, authority)) if authority else route


def _page(outcome: Outcome, url: Url, authority: str, host: Host) -> bytes:
    if outcome.is_success:
        return outcome.page
    if outcome.status is not None:
        hint = HINTS.get(outcome.status, LATER_HINT).format(url=url, host=outcome.url.host)
        more = f": {outcome.error}" if outcome.error else ""
        raise CannotFetch(f"{outcome.url} answers {outcome.status}{more}", hint=hint)
    if outcome.cause == "authority":
        template = WRONG_BUNDLE_HINT if authority else AUTHORITY_HINT
        hint = template.format(path=authority, host=url.host, url=url)
    else:
        hint = hint_for_cause(outcome.cause or "timeout", outcome.url, None, host)
    raise CannotFetch(f"{outcome.url} cannot be had: {outcome.error}", hint=hint)
