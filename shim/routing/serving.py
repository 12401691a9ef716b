"""The companion, from its first line on: it reads what it must know, and serves the tool."""

from __future__ import annotations

import json
import os
import socket
from urllib.parse import unquote

from shim.core import regex as re
from shim.core.errors import printable
from shim.core.host import this_host, write_stderr
from shim.core.model import AskedIndex, Credential, Route, Routes, Scheme, Secret
from shim.core.package_names import is_name, normal_name, owner_of
from shim.core.platform_features import hide_process
from shim.core.typing import Any, NoReturn
from shim.core.urls import parse_url, scope_of
from shim.hotpath.redirector_process import ENDED, INSTRUCTIONS, LISTENER
from shim.routing.redirector import Redirector


def main() -> NoReturn:
    """Be the companion. Whatever goes wrong closes the redirector, and pip then has no index."""
    try:
        _serve()
    except BaseException as error:  # noqa: BLE001 (a traceback could show what it holds)
        what = f"{type(error).__name__} in shim's redirector"
        _say(f"{what}: no index can be asked any more", "internal")
    finally:
        os._exit(0)


def _serve() -> None:
    with open(INSTRUCTIONS, "rb") as stream:
        secret, _, text = stream.read().decode().partition("\n")
    routes, listener = read(json.loads(text)), socket.socket(fileno=LISTENER)
    hide_process()
    redirector = Redirector(listener, secret, routes.claims, ENDED)
    if not routes.asked:
        redirector.run(lambda _: (routes.last,))
        return
    from shim.routing.asking import IndexClient

    client = IndexClient(routes.asked, routes.last, this_host(), _say, redirector.wake)
    for name in routes.names:
        if is_name(name) and owner_of(name, routes.claims) is None:
            client.find(name)
    redirector.run(client.find)


def _say(text: str, code: str = "index-unreachable") -> None:
    write_stderr(printable(f"shim: error[{code}]: {text}") + "\n")


def read(document: dict[str, Any]) -> Routes:
    """Return the routes that `render` made a document of."""
    asked = [
        AskedIndex(parse_url(url), _read_credential(who), _read_route(route))
        for url, who, route in document["asked"]
    ]
    claims = tuple((pattern, index) for pattern, index in document["claims"])
    return Routes(claims, tuple(asked), document["last"], tuple(map(_name_of, document["names"])))


def _name_of(text: str) -> str:
    """Return the name that a requirement begins with: `Corp_Lib[x]>=1` is `corp-lib`."""
    return normal_name(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0])


def _read_credential(fields: list[str] | None) -> Credential | None:
    if fields is None:
        return None
    username, secret = map(unquote, fields[:2])
    scope = scope_of(parse_url(fields[2]))
    scheme: Scheme = "bearer" if fields[3] == "bearer" else "basic"
    return Credential(username, Secret(secret), scope, "routing", scheme=scheme)


def _read_route(fields: dict[str, Any]) -> Route:
    return Route(**{**fields, "authorities": tuple(fields["authorities"])})
