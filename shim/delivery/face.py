"""Channel `face`: for this command PATH starts with our `keyring`, and pip asks it for the password
of each index.

Reach: the index URL that pip asks about. Two credentials on one host each find their index; once
pip has one, it tries it on every index of that host and port, as it does with a password in a URL,
so a server can see the other credential that it issued. argv, environment, `-vvv` and `--log` hold
no secret. pip before 26.2 asks only for a URL that has a user name, which we put in where the URL
stands in argv or environment, or, for one in pip.conf, into the variable that goes before that
file.

pdm asks by itself, and pipenv has a pip in it that does.

Sources: pip 26.3 network/auth.py; pip 23.1 (first with --keyring-provider) and 26.2 (first to ask
without a user name, #12543); unearth 0.17 auth.py; pipenv 2026 `patched/pip`.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from shim.core.model import Delivery, Endpoint, Manner
from shim.core.urls import with_userinfo
from shim.delivery import Case, bare_manner, same_login
from shim.delivery.answers import VARIABLE, render_answers
from shim.delivery.http_library import pip_behind
from shim.delivery.memory_file import can_hand, hand
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import configured_extras, find_configured_password, put_userinfo
from shim.tools.installed_version import find_release

FIRST_PIP = (23, 1)
#: From this release pip asks for a user name as well.
ASKS_FOR_USERNAME = (26, 2)
INDEX_ROLES = ("index", "extra")
_NAMES = {"pipenv": "pipenv's pip", "pdm": "pdm"}


def fits(case: Case) -> Refusal | None:
    """Return None if pip will ask our `keyring` for every credential of the case, else why not."""
    version = _asker(case)
    if not can_hand(case.host):
        return Reason.NO_MEMORY.of()
    if version is None or version < FIRST_PIP:
        return (Reason.OLD_PIP if case.invocation.family == "pip" else Reason.ASKS_NO_KEYRING).of()
    if case.host.faces is None:
        return Reason.NO_LAUNCHER.of()
    if "--isolated" in case.invocation.argv:
        return Reason.ISOLATED_PROVIDER.of()
    if _is_told_another_provider(case):
        return Reason.OTHER_PROVIDER.of()
    if case.has_bearer:
        return Reason.NO_BEARER_IN_PIP.of()
    if case.has_foreign_letters():
        return Reason.FOREIGN_LETTERS.of()
    if crossing := case.crossing_http():
        return Reason.CROSSES_HTTP.of(url=crossing.url)
    if odd := next((endpoint for endpoint, _ in case.deliveries if _is_odd(endpoint)), None):
        return Reason.OTHER_SPELLING.of(netloc=odd.url.asked_netloc, origin=odd.origin)
    if version >= ASKS_FOR_USERNAME:
        return _cannot_find(case)
    if any(credential.username_is_secret for credential in case.credentials):
        return Reason.SECRET_USER.of()
    for endpoint, _ in case.deliveries:
        is_rewritable = endpoint.location is not None or endpoint.origin.kind == "config"
        if endpoint.role not in INDEX_ROLES or not is_rewritable:
            return Reason.UNNAMED_USER.of(origin=endpoint.origin)
    if password := find_configured_password(case.endpoints):
        return Reason.PASSWORD_IN_FILE.of(origin=password.origin)
    return None


def manner(case: Case, endpoint: Endpoint) -> Manner:  # noqa: ARG001 (the same for all)
    """Return how it is sent: after a 401; pip before 26.2 tries its user name alone by then."""
    encoding = bare_manner(case.invocation).encoding
    return Manner(frozenset({401}), encoding, names_user=_wants_username(case))


def deliver(case: Case) -> Delivery:
    """Return PATH, the answers in a memory file, and user names in URLs where pip needs them."""
    texts = dict.fromkeys(case.endpoints.unused_userinfo, "")
    named = _wants_username(case)
    for endpoint, credential in case.deliveries:
        if endpoint.location:
            place = endpoint.location
            place = place._replace(end=place.end + len(endpoint.url.spelled_netloc))
            userinfo = quote(credential.username, safe="") + "@" if named else ""
            texts[place] = userinfo + endpoint.url.asked_netloc
    argv, environ = put_userinfo(case.invocation.argv, case.host.environ, texts)
    if named:
        environ |= _name_users_of_config(case)
    memory, path = hand(render_answers(case.credentials), case.host)
    asker = _NAMES.get(case.invocation.tool, "pip")
    return Delivery(
        argv,
        {
            **environ,
            "PATH": f"{case.host.faces}:{case.host.environ.get('PATH', os.defpath)}",
            "PIP_KEYRING_PROVIDER": "subprocess",
            VARIABLE: path,
        },
        memory,
        case.explain("face", f"{asker} asks our keyring for it"),
    )


def _wants_username(case: Case) -> bool:
    """Whether the pip asks for URLs with a user name only."""
    return (_asker(case) or FIRST_PIP) < ASKS_FOR_USERNAME


def _is_told_another_provider(case: Case) -> bool:
    """Whether argv has pip ask something else than a keyring command."""
    if case.invocation.family != "pip":
        return False
    from shim.tools.pip.tool import read_options

    said = read_options(case.invocation, case.host, ("keyring-provider",))["keyring-provider"]
    return any(mention.origin.kind == "argv" for mention in said) and said[-1].text != "subprocess"


def _is_odd(endpoint: Endpoint) -> bool:
    """Whether pip would not know an index again where we cannot rewrite it: it compares the host,
    as it asked for it, with the text.
    """
    is_fixed = endpoint.role in INDEX_ROLES and endpoint.location is None
    return is_fixed and endpoint.url.spelled_netloc != endpoint.url.asked_netloc


def _cannot_find(case: Case) -> Refusal | None:
    """Return why pip's question would not find the answer to an endpoint that is no index, or None.

    pip asks for the index on the same host that has the longest way in common with the URL.
    """
    given = dict(case.deliveries)
    indexes = [endpoint for endpoint in case.endpoints.items if endpoint.role in INDEX_ROLES]
    for endpoint, credential in case.deliveries:
        beside = [index for index in indexes if index.url.asked_netloc == endpoint.url.asked_netloc]
        nearest = max(
            beside,
            key=lambda index: len(os.path.commonpath((index.url.path, endpoint.url.path))),
            default=None,
        )
        found = given.get(nearest) if nearest else None
        if endpoint.role not in INDEX_ROLES and not (found and same_login(found, credential)):
            return Reason.ELSEWHERE_THAN_INDEXES.of(url=endpoint.url)
    return None


def _asker(case: Case) -> tuple[int, ...] | None:
    """Return the release of the pip that will ask, or of its like; None if nobody knows one."""
    if case.invocation.tool != "pdm":
        return pip_behind(case)
    # With the module keyring at hand pdm asks that, and not the command.
    module = find_release(case.invocation.target.path, "keyring", case.host)[0]
    return ASKS_FOR_USERNAME if module is None else None


def _name_users_of_config(case: Case) -> dict[str, str]:
    """Return pip's variables, which go before pip.conf, for its indexes without a user name."""
    named = {
        endpoint: with_userinfo(endpoint.url, credential.username)
        for endpoint, credential in case.deliveries
        if endpoint.origin.kind == "config"
    }
    extras = configured_extras(case.endpoints)
    variables = {}
    for endpoint, url in named.items():
        if endpoint.role == "index":
            variables["PIP_INDEX_URL"] = url
        else:
            urls = (named.get(extra, said) for extra, said in extras.items())
            variables["PIP_EXTRA_INDEX_URL"] = " ".join(urls)
    return variables
