"""`shim helper git get|store|erase`: git's credential protocol, `key=value` lines on stdin and
stdout up to an empty one.

`get` answers with a user name and a password, or with nothing, which git takes for "not mine".
`store` is a no-op: git stores what we gave it. `erase` comes after a refusal: a cached token that
was refused is dropped, so that the next command gets a new one; what `shim login` stored stays. git
names only the host unless `credential.URL.useHttpPath` is set, and a host is covered only by a
credential for the whole host.

Sources: git 2.50 Documentation/git-credential.adoc (input and output format, `authtype`,
`password_expiry_utc`), gitcredentials(7).
"""

from __future__ import annotations

from shim.core.model import Credential, Secret
from shim.core.urls import BadUrl, Url, parse_url
from shim.helpers import Find, HelperOutput

ACTIONS = ("get", "store", "erase")


def answer(action: str, request: bytes, find: Find) -> HelperOutput:
    """Return the reply; an action that git may invent later is ignored, as its manual asks."""
    fields, capabilities = _read(request)
    url = _read_url(fields)
    if url is None or action not in ("get", "erase"):
        return HelperOutput()
    if action == "erase":
        password = fields.get("password")
        return HelperOutput(rejected=(url, Secret(password)) if password else None)
    credential = find(url, fields.get("username") or None)
    if credential is None:
        return HelperOutput()
    return HelperOutput(_render(fields, credential, "authtype" in capabilities))


def refuse(message: str) -> HelperOutput:
    """Return a failure: git shows our stderr, and goes on to its next helper or asks the user."""
    return HelperOutput(message=message, status=1)


def _read(request: bytes) -> tuple[dict[str, str], set[str]]:
    """Return the fields (the last of a name counts) and the capabilities of a request."""
    fields: dict[str, str] = {}
    capabilities: set[str] = set()
    for line in request.split(b"\n"):
        if not line:
            break
        name, equals, value = line.decode("utf-8", "replace").partition("=")
        if name == "capability[]":
            capabilities.add(value)
        elif equals and not name.endswith("[]"):
            fields[name] = value
    return fields, capabilities


def _read_url(fields: dict[str, str]) -> Url | None:
    try:
        path = fields.get("path", "").lstrip("/")
        return parse_url(f"{fields['protocol']}://{fields['host']}/{path}")
    except (BadUrl, KeyError):
        return None


def _render(fields: dict[str, str], credential: Credential, knows_authtype: bool) -> str:
    """Return the text; none with a bearer token for a git before 2.46, which cannot send one."""
    secret = credential.secret.reveal()
    if any(character in secret + credential.username for character in "\n\0"):
        return ""
    lines = [f"protocol={fields['protocol']}", f"host={fields['host']}"]
    if credential.scheme == "bearer":
        if not knows_authtype:
            return ""
        lines = ["capability[]=authtype", *lines, "authtype=Bearer"]
        lines += [f"credential={secret}", "ephemeral=1"]
    else:
        lines += [f"username={credential.username}", f"password={secret}"]
    if credential.expires_at is not None:
        lines.append(f"password_expiry_utc={int(credential.expires_at)}")
    return "\n".join(lines) + "\n"
