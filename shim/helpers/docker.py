"""`shim helper docker get|store|erase|list`: the protocol of docker-credential-helpers, a server's
URL on stdin and JSON on stdout.

A server without a scheme is one that is reached by https, as container clients do. Errors go to
stdout, where those clients look for them. We give and do not take: `store` and `erase` fail and
name the command that does it.

Sources: docker-credential-helpers 0.9 credentials/credentials.go and error.go; an identity token
has the user name `<token>`.
"""

from __future__ import annotations

import json

from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.helpers import Find, HelperOutput

ACTIONS = ("get", "store", "erase", "list")
NOT_FOUND = "credentials not found in native keychain"
NO_SERVER = "no credentials server URL"


def answer(action: str, request: bytes, find: Find) -> HelperOutput:
    """Return the reply to `docker-credential-shim ACTION`."""
    if action == "list":
        # A list without the secrets would need every keyring to be searched, which they cannot.
        return HelperOutput("{}\n")
    if action != "get":
        verb = "login" if action == "store" else "logout"
        return refuse(f"this helper only gives credentials: shim {verb} URL")
    server = request.decode("utf-8", "replace").strip()
    if not server:
        return refuse(NO_SERVER)
    try:
        text = server if "://" in server else f"https://{server}"
        userinfo = find_userinfo(text)
        credential = find(parse_url(text), userinfo.username if userinfo else None)
    except BadUrl:
        return refuse(NOT_FOUND)
    if credential is None:
        return refuse(NOT_FOUND)
    username = "<token>" if credential.scheme == "bearer" else credential.username
    reply = {"ServerURL": server, "Username": username, "Secret": credential.secret.reveal()}
    return HelperOutput(json.dumps(reply) + "\n")


def refuse(message: str) -> HelperOutput:
    """Return a failure as these clients read it: the message on stdout, status 1."""
    return HelperOutput(message + "\n", status=1)
