"""Channel `store`: UV_CREDENTIALS_DIR points at a folder of ours whose `credentials.toml` is a link
to a memory file.

uv looks an entry up by scheme, host, port and path prefix, and nothing of it stands in any
environment: user code under `uv run`, build backends and dependencies that define an index of our
name get nothing. What it found once, it also tries elsewhere on that scheme, host and port
(`uv_realm.py`). Files that a lock has beside their index, on its server, have entries of their own.

It looks after a 401, 403 or 404, but before it asks for a page of an index whose URL has a user
name. Files it then asks for as that user with an empty password first, which a server may count as
a failing login: so only `store_named` gives URLs a user name, where a server does not challenge
strangers.

Sources: uv 0.13.8, crates/uv-auth/src/store.rs; measured on 0.9.30 and later.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import Credential, Delivery, Endpoint, Manner, Secret
from shim.core.typing import Any
from shim.core.urls import BadUrl, Scope, parse_url, scope_of
from shim.delivery import Case, same_login
from shim.delivery.memory_file import can_hand, can_link, hand
from shim.delivery.netrc import read_user_entries as read_netrc_entries
from shim.delivery.reasons import Reason, Refusal
from shim.delivery.userinfo import put_userinfo
from shim.delivery.uv_realm import (
    CHALLENGES,
    find_nested,
    find_own,
    find_sibling,
    find_unscoped,
    is_same_realm,
    manner_of_realm,
    names_user,
)

#: The first series with the credential store in the form that we write.
FIRST_UV = (0, 9)
FILE = "credentials.toml"
#: What gets a user name in argv and variables.
NAMED_ROLES = ("index", "extra", "links", "input")
#: A URL with a user name is written into the receipt as one that wants a login, as it is where its
#: password was typed.
RECEIPT_VERB = ("tool", "install")


def fits(case: Case, *, adds_names: bool = False) -> Refusal | None:
    """Return None if uv's credential store can carry every credential of the case, else why not.

    With `adds_names`, here and below, URLs in argv and variables get a user name.
    """
    if not can_hand(case.host):
        return Reason.NO_MEMORY.of()
    version = case.invocation.target.version
    if version is not None and version < FIRST_UV:
        return Reason.OLD_UV.of()
    is_typed = any(one.source == "url" for one in case.credentials)
    if case.invocation.verb == RECEIPT_VERB and is_typed and not adds_names:
        return Reason.RECEIPT.of()
    if refusal := find_sibling(case) or _find_rival(case, adds_names) or find_nested(case):
        return refusal
    if not can_link(case.host, FILE):
        return Reason.NO_FOLDER_FOR_LOCK.of()
    return None


def _find_rival(case: Case, adds_names: bool) -> Refusal | None:
    """Return that there is another credential which uv would send instead of ours; None if there is
    none.

    Its store is the last place where uv looks, and the first thing it finds for a server is for all
    of it, except where each URL of that server insists on a user name of its own.
    """
    if own := find_own(case):
        return Reason.OWN_FIRST.of(url=own.url)
    if rival := _find_in_netrc(case):
        return Reason.OTHER_IN_NETRC.of(host=rival.scope.host)
    for credential in case.credentials:
        scope = credential.scope
        same = [pair for pair in case.deliveries if is_same_realm(scope, pair[0].url)]
        others = [other for _, other in same if not same_login(other, credential)]
        named = all(_is_named(endpoint, other, adds_names) for endpoint, other in same)
        if any(other.username == credential.username for other in others):
            return Reason.NAMESAKES.of(host=scope.host, user=credential.shown_username)
        if others and not named:
            return Reason.ONE_IN_STORE.of(host=scope.host)
    return None


def _find_in_netrc(case: Case) -> Credential | None:
    """Return a credential for whose host the user's netrc has another login, which uv prefers."""
    entries = read_netrc_entries(case.host)
    default = next((entry for entry in entries if entry.machine is None), None)
    for credential in case.credentials:
        own = (entry for entry in reversed(entries) if entry.machine == credential.scope.host)
        entry = next(own, default)
        if entry is None:
            continue
        if entry.login != credential.username or not entry.password.same_as(credential.secret):
            return credential
    return None


def manner(case: Case, endpoint: Endpoint, *, adds_names: bool = False) -> Manner:
    """Return how it is sent: where the URL has a user name, unasked with each page, while files are
    first asked for as that user.
    """
    credential = next(one for answered, one in case.deliveries if answered is endpoint)
    if endpoint.eager or not _is_named(endpoint, credential, adds_names):
        return manner_of_realm(endpoint)
    if endpoint.role == "input":
        return Manner()
    return Manner(CHALLENGES, names_user=True, files_only=True)


def _is_named(endpoint: Endpoint, credential: Credential, adds_names: bool) -> bool:
    """Whether the URL has a user name, or gets one: locks and receipts keep a direct URL's."""
    is_nameable = adds_names and endpoint.location is not None and endpoint.role in NAMED_ROLES
    is_name = credential.scheme == "basic" and not credential.username_is_secret
    return names_user(endpoint) or (is_nameable and is_name and bool(credential.username))


def deliver(case: Case, *, adds_names: bool = False) -> Delivery:
    """Return UV_CREDENTIALS_DIR and the memory file: the user's other entries, and ours."""
    texts = dict.fromkeys(case.endpoints.unused_userinfo, "")
    for endpoint, credential in case.deliveries:
        if endpoint.location and not names_user(endpoint):
            is_named = _is_named(endpoint, credential, adds_names)
            texts[endpoint.location] = quote(credential.username, safe="") + "@" if is_named else ""
    argv, environ = put_userinfo(case.invocation.argv, case.host.environ, texts)
    ours = [
        (reach, one) for one in case.credentials for reach in (_reach(one), *_beside(case, one))
    ]
    reaches = [reach for reach, _ in ours]
    entries = [entry for entry in read_user_entries(case.host) if _scope(entry) not in reaches]
    text = "".join(map(_render_entry, entries))
    text += "".join(_render_credential(reach, credential) for reach, credential in ours)
    memory, folder = hand(Secret(text), case.host, FILE)
    return Delivery(
        argv,
        {**environ, "UV_CREDENTIALS_DIR": folder},
        memory,
        tuple(
            ("store", str(endpoint.url), f"asked by uv for {_reach(credential)}")
            for endpoint, credential in case.deliveries
        ),
    )


def _reach(credential: Credential) -> Scope:
    """Return the scope that uv is told. A password that the user typed into a URL reaches the whole
    server, as with uv itself: its files may lie beside the index.
    """
    scope = credential.scope
    return Scope(scope.scheme, scope.host, scope.port) if credential.source == "url" else scope


def _beside(case: Case, credential: Credential) -> list[Scope]:
    """Return where files of a credential's index lie beside it by a lock: uv asks no index then,
    and so has nothing for that server but what the store says of each file.
    """
    own, found = _reach(credential), dict[Scope, None]()
    for endpoint in find_unscoped(case):
        is_of_index = credential.scope.covers_text(endpoint.registry)
        if is_of_index and is_same_realm(own, endpoint.url) and not own.covers(endpoint.url):
            found[scope_of(endpoint.url)] = None
    return list(found)


def read_user_entries(host: Host) -> list[dict[str, Any]]:
    """Return the entries of the user's own uv store, or none if uv could not read it either."""
    import tomllib

    own = host.data_home and os.path.join(host.data_home, "uv", "credentials")
    folder = host.environ.get("UV_CREDENTIALS_DIR") or own
    try:
        data = read_regular(os.path.join(folder or "/nonexistent", FILE)) or b""
        entries = tomllib.loads(data.decode("utf-8")).get("credential", [])
    except (CannotRead, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [
        entry
        for entry in entries
        if isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
    ]


def _scope(entry: dict[str, str]) -> Scope | None:
    try:
        return scope_of(parse_url(entry.get("service", "")))
    except BadUrl:
        return None


def _render_credential(reach: Scope, credential: Credential) -> str:
    secret = credential.secret.reveal()
    service = str(reach).removesuffix("/")
    if credential.scheme == "bearer":
        return _render_entry({"service": service, "scheme": "bearer", "token": secret})
    pair = {"username": credential.username, "scheme": "basic", "password": secret}
    return _render_entry({"service": service, **pair})


def _render_entry(entry: dict[str, str]) -> str:
    """Return one `[[credential]]` table; a key that is not bare is none of uv's."""
    rows = (f"{key} = {render_string(text)}\n" for key, text in entry.items() if key.isidentifier())
    return "".join(["[[credential]]\n", *rows, "\n"])


def render_string(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are a part of TOML's, which has one more."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
