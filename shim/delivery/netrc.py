"""Channel `netrc`: NETRC points at a memory file with the user's own entries and ours.

Reach: the host *name*. Scheme, port and path mean nothing to a netrc, so this channel will not do
where the command names anything else on that host, nor where it names a stranger's server, which
could redirect or link there. requests sends it with the first request, also from pip's child that
installs private build dependencies, where a URL with a password would stand in that child's argv
and in every build backend's environment.

The grammar is the target interpreter's: up to Python 3.10 a token ends at white space and nothing
can be quoted; from 3.11 a token in double quotes holds anything. Sources: CPython Lib/netrc.py 3.10
and 3.11 (bpo-28806); requests 2.32.4 and CVE-2024-47081; pip 20.3 (first to honour NETRC), pip 25.2
(first with requests 2.32.4).
"""

from __future__ import annotations

import os

from shim.core.host import Host
from shim.core.model import Delivery, Endpoint, Manner, Secret
from shim.core.platform_features import has_memory_files
from shim.core.urls import SHARED_HOSTS, BadUrl, Scope, Url, parse_url, shown_url
from shim.delivery import Case, bare_manner
from shim.delivery.http_library import is_asked_by_uv, is_faithful, pip_behind
from shim.delivery.memory_file import can_hand, hand
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import cut_userinfo
from shim.delivery.uv_realm import CHALLENGES, find_own, manner_of_realm
from shim.formats.netrc import BadNetrc, NetrcEntry, read_netrc

FIRST_PIP = (20, 3)
#: Tools that start one pip, or one uv, after the other. The rest ask with several threads, or start
#: several pips at once.
ONE_BY_ONE = ("pipx", "hatch", "pyproject-build", "pip-compile", "pip-sync", "nox")
#: From this release pip asks indexes one after the other in `pip list` as well.
FIRST_WITHOUT_THREADS = (23, 0)
#: uv verbs that run user code, which must not meet a NETRC: requests lets it replace the program's
#: own Authorization header.
USER_CODE_VERBS = (("run",), ("tool", "run"))


def fits(case: Case) -> Refusal | None:
    """Return None if a netrc can carry every credential to just where it belongs, else why not."""
    if not can_hand(case.host):
        return Reason.NO_MEMORY.of()
    if not has_memory_files() and not _reads_one_by_one(case):
        tool = case.invocation.tool
        return Reason.SEVERAL_PIPS.of() if tool == "tox" else Reason.MANY_READERS.of(tool=tool)
    refusal = _uv_refuses(case) if case.invocation.family == "uv" else _pip_refuses(case)
    if refusal := refusal or _find_stranger(case):
        return refusal
    credentials, python = case.credentials, _python(case)
    hosts = [credential.scope.host for credential in credentials]
    for credential in credentials:
        scope = credential.scope
        if credential.scheme != "basic":
            return Reason.NO_BEARER_IN_NETRC.of()
        if hosts.count(scope.host) > 1:
            return Reason.TWO_IN_NETRC.of(host=scope.host)
        for endpoint in case.endpoints.items:
            if endpoint.url.host == scope.host and not scope.covers(endpoint.url):
                if _is_on_server(endpoint.url, scope):
                    return Reason.OUTSIDE_SCOPE.of(url=endpoint.url, scope=scope)
                return Reason.ELSEWHERE_ON_HOST.of(url=endpoint.url, host=endpoint.url.host)
        if place := _find_mention(case, scope):
            return Reason.MENTIONED_ON_HOST.of(url=place, host=scope.host)
        if not _render_entry(
            NetrcEntry(scope.host, credential.username, credential.secret), python
        ):
            name = f" (Python {python[0]}.{python[1]})" if python else ""
            return Reason.NETRC_GRAMMAR.of(python=name)
    return None


def _reads_one_by_one(case: Case) -> bool:
    """Whether the tool never reads a netrc twice at once, as a named pipe wants it: uv reads it
    once, and others start one pip after the other.
    """
    if case.invocation.family == "pip" and case.invocation.verb[:1] == ("list",):
        version = pip_behind(case)
        return version is not None and version >= FIRST_WITHOUT_THREADS
    if case.invocation.tool == "tox":
        from shim.tools.project.tox import starts_one_pip_after_the_other

        return starts_one_pip_after_the_other(case.invocation, case.host)
    return case.invocation.family in ("pip", "uv") or case.invocation.tool in ONE_BY_ONE


def _pip_refuses(case: Case) -> Refusal | None:
    version = pip_behind(case)  # None: nobody knows it, so the most careful way
    if case.has_foreign_letters():
        return Reason.FOREIGN_LETTERS.of()
    if version is not None and version < FIRST_PIP:
        return Reason.PIP_WITHOUT_NETRC.of()
    if is_faithful(case):
        return None
    # Who is redirected is given URLs without user names.
    named = [one for one, _ in case.deliveries if one.username is not None and not one.location]
    if named and not case.endpoints.routed:
        release = "this pip" if version is None else "pip before 25.2"
        return Reason.NAMED_IN_FILE.of(release=release)
    if any(":" in credential.scope.host for credential in case.credentials):
        return Reason.IPV6_IN_NETRC.of()  # requests before 2.32.4 takes `[` for the host
    return None


def _find_stranger(case: Case) -> Refusal | None:
    """Return that the command names what is no credential's own, no `[[index]]` and no well-known
    public server; or None.

    Its redirects and links are followed, and a netrc's entry goes along to whatever port of the
    host they name; before requests 2.32.4 even to other hosts.
    """
    own = [credential.scope for credential in case.credentials]
    host = own[0].host
    # Behind the redirector no input names an index, and a project that leaves its needs to code
    # runs that code, which needs no netrc.
    for text in case.endpoints.unreadable_inputs if not case.endpoints.routed else ():
        if not any(scope.covers_text(text) for scope in own):
            return Reason.MAY_LEAD_ANYWHERE.of(host=host, text=text)
    for endpoint in case.endpoints.items:
        url = endpoint.url
        is_known = url.is_public and (endpoint.role == "direct" or url.host not in SHARED_HOSTS)
        is_known = is_known or case.settings.index_for(url) is not None
        is_own = any(_is_on_server(url, scope) for scope in own)
        # The user's own password for it stays where it was typed.
        is_own = is_own or (endpoint.is_kept and endpoint.inline_password is not None)
        if not is_known and not is_own:
            return Reason.STRANGER.of(host=host, url=url)
    return None


def _is_on_server(url: Url, scope: Scope) -> bool:
    return (scope.scheme, scope.host, scope.port) == (url.scheme, url.host, url.port)


def _find_mention(case: Case, scope: Scope) -> str | None:
    """Return a URL on the credential's host, at another port or scheme, that the code of a project
    may take for a dependency.

    Most that its files mention are home pages, and a path of the very server is no other place.
    """
    for text in case.endpoints.mentioned:
        try:
            url = parse_url(text)
        except BadUrl:
            if scope.host in text.lower():
                return shown_url(text)
            continue
        if url.host == scope.host and (url.scheme, url.port) != (scope.scheme, scope.port):
            return str(url)
    return None


def _uv_refuses(case: Case) -> Refusal | None:
    if case.invocation.verb in USER_CODE_VERBS:
        return Reason.USER_CODE.of()
    if own := find_own(case):
        return Reason.OWN_FIRST.of(url=own.url)
    for endpoint, credential in case.deliveries:
        if endpoint.username not in (None, credential.username):
            return Reason.OTHER_USER.of()
    return None


def manner(case: Case, endpoint: Endpoint) -> Manner:
    """Return how it is sent: unasked and to other ports by requests, after a challenge by uv."""
    if case.invocation.family == "uv":
        return manner_of_realm(endpoint)
    if case.invocation.family == "project" and is_asked_by_uv(case, endpoint):
        return Manner(CHALLENGES)
    return bare_manner(case.invocation)._replace(follows_host=case.invocation.tool != "pdm")


def deliver(case: Case) -> Delivery:
    """Return NETRC and the memory file: the user's other entries, ours, the user's `default`."""
    # pip before 25.2 ignores a netrc for a URL with a user name; uv matches the user name, so it
    # may stay.
    is_uv = case.invocation.family == "uv"
    cut = [one for one, _ in case.deliveries if one.inline_password is not None or not is_uv]
    argv, environ = cut_userinfo(
        case.invocation.argv, case.host.environ, cut, case.endpoints.unused_userinfo
    )
    python = _python(case)
    ours = {one.scope.host: one for one in case.credentials}
    entries = [entry for entry in read_user_entries(case.host) if entry.machine not in ours]
    entries += [NetrcEntry(host, one.username, one.secret) for host, one in ours.items()]
    entries.sort(key=lambda entry: entry.machine is None)
    # The target could not have used what its grammar cannot hold.
    text = "".join(filter(None, (_render_entry(entry, python) for entry in entries)))
    memory, path = hand(Secret(text), case.host)
    return Delivery(
        argv,
        {**environ, "NETRC": path},
        memory,
        tuple(
            ("netrc", str(endpoint.url), f"every request to {endpoint.url.host} carries it")
            for endpoint, _ in case.deliveries
        ),
    )


def read_user_entries(host: Host) -> list[NetrcEntry]:
    """Return the entries of the user's own netrc, or none if the target could not read it."""
    for file in user_files(host):
        try:
            return read_netrc(file)
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, BadNetrc):
            host.debug(f"{file} cannot be read as a netrc, and the tool could not either: left out")
            return []
    return []


def user_files(host: Host) -> tuple[str, ...]:
    """Return where requests looks, in its order: $NETRC alone if set, else ~/.netrc, ~/_netrc."""
    if named := host.environ.get("NETRC"):
        return (host.path(named),)
    if not host.home:
        return ()
    return (os.path.join(host.home, ".netrc"), os.path.join(host.home, "_netrc"))


def _python(case: Case) -> tuple[int, int] | None:
    """Return the interpreter whose grammar counts; None where the entry must suit both."""
    return case.invocation.target.python if case.invocation.family == "pip" else None


def _render_entry(entry: NetrcEntry, python: tuple[int, int] | None) -> str | None:
    """Return a line of netrc, None if the grammar (`python` None: every one) cannot hold it."""
    words = [_render_token(text, python) for text in (entry.login, entry.password.reveal())]
    if None in words:
        return None
    head = f"machine {entry.machine}" if entry.machine else "default"
    return f"{head} login {words[0]} password {words[1]}\n"


def _render_token(text: str, python: tuple[int, int] | None) -> str | None:
    """Return the token as this grammar reads it back unchanged, or None.

    Tried with the netrc module of every release from 3.6 to 3.13: bare printable ASCII is read
    alike by all, except that 3.11 took to quotes at the start of a token and to backslashes.
    """
    plain = bool(text) and all("!" <= character <= "~" for character in text)
    if plain and "\\" not in text and not text.startswith('"'):
        return text
    if python is None:
        return None
    if python <= (3, 10):
        return text if plain else None
    if any(character in "\0\n\r" for character in text):
        return None
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
