"""`shim helper bazel get`: the credential helper protocol of bazel (and `uv auth helper`), one JSON
object on stdin and on stdout.

`{"uri": "https://..."}` is answered with the headers to send and, where the token has one, its end:
`{"headers": {"Authorization": ["Basic ..."]}, "expires": "2026-01-02T03:04:05Z"}`. No headers mean
that none are needed: nobody here knows the URL.

Sources: EngFlow credential-helper-spec, spec.md; uv 0.13 `uv auth helper --protocol=bazel get`; RFC
7617 section 2.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from shim.core.model import Credential
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.helpers import Find, HelperOutput

ACTIONS = ("get",)


def answer(action: str, request: bytes, find: Find) -> HelperOutput:  # noqa: ARG001 (there is one action)
    """Return the reply to `HELPER get`; unknown keys are ignored, as the specification asks."""
    try:
        asked = json.loads(request)["uri"]
        url = parse_url(asked)
        userinfo = find_userinfo(asked)
    except BadUrl as error:
        return refuse(f"that is not a URL we can answer for: {error}")
    except (ValueError, KeyError, TypeError, RecursionError):
        return refuse('the request is not JSON like {"uri": "https://host/path"}')
    credential = find(url, userinfo.username if userinfo else None)
    headers = {"Authorization": [_authorization(credential)]} if credential else {}
    reply: dict[str, object] = {"headers": headers}
    if credential and credential.expires_at is not None:
        end = datetime.fromtimestamp(int(credential.expires_at), UTC)
        reply["expires"] = end.isoformat().replace("+00:00", "Z")
    return HelperOutput(json.dumps(reply) + "\n")


def refuse(message: str) -> HelperOutput:
    """Return a failure: a message on stderr and a status that is not 0."""
    return HelperOutput(message=message, status=1)


def _authorization(credential: Credential) -> str:
    secret = credential.secret.reveal()
    if credential.scheme == "bearer":
        return f"Bearer {secret}"
    return "Basic " + base64.b64encode(f"{credential.username}:{secret}".encode()).decode("ascii")
