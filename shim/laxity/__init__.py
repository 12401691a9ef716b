"""A project that makes a tool careless with a server which is about to get a credential: no certificate check, or a proxy of its choice.

The tool would obey, and whoever answers in the server's place would get the secret. What the user says (argv, variables, own
configuration, `insecure = true` of an `[[index]]`) is the user's business; what a project's file says is a stranger's. A file that
a tool may understand and we do not counts as one that says the worst.

One file for each family of tools: `requirements.py`, `uv.py`, `projects.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from shim.errors import CannotDeliver
from shim.host import Host
from shim.model import Answer, Invocation, Needs
from shim.settings import Settings
from shim.urls import Url

UNCHECKED = "says that nobody checks the certificate of {host}"
AUTHORITY = "names the authorities that vouch for {host}"
PROXY = "sends requests through a proxy of its own choice"

#: Where the user's own proxies stand.
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

_TAKE_OUT = "take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line"


def names(pattern: str, url: Url) -> bool:
    """Return whether `host`, `host:port` or `*` means the URL's server."""
    text = pattern.lower().rpartition("://")[2].partition("/")[0]
    host, colon, port = text.rpartition(":") if text.rpartition(":")[2].isdigit() else (text, "", "")
    return host == "*" or (host.strip("[]") == url.host and (not colon or port == str(url.port)))


class Laxity(NamedTuple):
    """What a project's file does, `where` it stands, for which `server`: `host`, `host:port`, a URL, or `*` for all.

    `means` says whether the tool takes that server for a URL's.
    """

    does: str
    where: str
    server: str = "*"
    hint: str = _TAKE_OUT
    means: Callable[[str, Url], bool] = names

    def reaches(self, url: Url) -> bool:
        """Return whether requests for this URL would be affected: a certificate is only looked at with TLS."""
        return self.means(self.server, url) and (url.scheme == "https" or self.does not in (UNCHECKED, AUTHORITY))


def refuse_laxity(invocation: Invocation, needs: Needs, answers: tuple[Answer, ...], settings: Settings, host: Host) -> None:
    """Raise CannotDeliver if a project's file would expose a credential of this command."""
    exposed = [answer.need.url for answer in answers if answer.credential and not _is_waived(answer, settings)]
    if not exposed:
        return
    _refuse_unread(needs, exposed, answers)
    for laxity in find_laxities(invocation, needs, host):
        for url in exposed:
            if laxity.reaches(url):
                what = laxity.does.format(host=url.host)
                raise CannotDeliver(f"{laxity.where} {what}, and the credential for {url} would go that way", hint=laxity.hint)


def _refuse_unread(needs: Needs, exposed: list[Url], answers: tuple[Answer, ...]) -> None:
    """Raise CannotDeliver if there is something that nobody here has read and that may be careless with a certificate."""
    url = next((url for url in exposed if url.scheme == "https"), None)
    scopes = [answer.credential.scope for answer in answers if answer.credential]
    for text in needs.careless if url else ():
        if not any(scope.covers_text(text) for scope in scopes):  # an index vouches for its own files
            what = f"{text} may say that nobody checks the certificate of {url.host}" if url else ""
            hint = "give the tool a plain file of this machine instead, which shim can read"
            raise CannotDeliver(f"{what}, and the credential for {url} would go that way", hint=hint)


def find_laxities(invocation: Invocation, needs: Needs, host: Host) -> Iterator[Laxity]:
    """Yield what the project's files of a command say that the user's own configuration does not say as well."""
    if invocation.family == "pip":
        from shim.laxity import requirements as family
    elif invocation.family == "uv":
        from shim.laxity import uv as family  # type: ignore[no-redef]
    else:
        from shim.laxity import projects as family  # type: ignore[no-redef]
    yield from family.find_laxities(invocation, needs, host)


def _is_waived(answer: Answer, settings: Settings) -> bool:
    index = settings.index_named(answer.index) if answer.index else None
    return bool(index and index.insecure)
