"""What is said to a program that gives credentials, and how its answer is read: one pair of
functions for each protocol.

    plain   nothing is said; one line is the secret (`op read`, `uv auth token`)
    first   nothing is said; the first line is the secret, what follows is notes (`pass show`)
    json    nothing is said; an object whose fields the configuration names (gcloud, az, aws)
    git     `protocol=`, `host=`, `path=`, `username=` lines; `username=`, `password=` lines
    docker  the server's URL; `{"Username", "Secret"}`, or a sentence on stdout and status 1
    bazel   `{"uri"}`; `{"headers": {"Authorization": [...]}, "expires"}`

Sources: cargo `cargo:token-from-stdout`; git 2.50 Documentation/git-credential.adoc;
docker-credential-helpers 0.9 credentials/credentials.go and error.go, pass/pass.go; EngFlow
credential-helper-spec spec.md; RFC 7617 section 2.
"""

from __future__ import annotations

from shim.core.dataclass import dataclass, field
from shim.core.typing import Any, Callable, Mapping
from shim.core.urls import BadUrl, Url, parse_url
from shim.formats.answer_times import BadAnswer, read_time

__all__ = ["PROTOCOLS", "BadAnswer", "HelperReply", "HelperRequest"]

#: What docker's helpers print when they have nothing.
DOCKER_NOT_FOUND = "credentials not found in native keychain"
#: What `git credential fill` ends with when nobody knows a password.
GIT_NOTHING = 128
#: Where the parts of a json answer are if the configuration does not say. What is not there then is
#: no fault.
DEFAULT_FIELDS = {"password": "password", "username": "username", "expires": "expires"}
#: What is no field of a json answer; null is one.
MISSING = object()


@dataclass(frozen=True, slots=True)
class HelperRequest:
    """Who is asked about. `fields` are the dotted paths of `json`; `names_path` sends the URL's
    path to git's helpers.

    `now` (UTC epoch seconds) is when the program was asked: some say an end as seconds from there.
    """

    url: Url
    username: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    names_path: bool = False
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class HelperReply:
    """What a program said; `expires_at` in UTC epoch seconds, None for never, or nothing said."""

    secret: str = field(repr=False)
    username: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """`render(request)` is what goes to stdin (None: nothing does). `read(text, request)` returns
    the reply, None for "not mine", or raises BadAnswer. `is_nothing(text, status)` tells a failure
    that only means "not mine".
    """

    render: Callable[[HelperRequest], str] | None
    read: Callable[[str, HelperRequest], HelperReply | None]
    is_nothing: Callable[[str, int], bool] = lambda _text, _status: False


def read_plain(text: str, _request: HelperRequest) -> HelperReply:
    """Return the one line."""
    lines = text.removesuffix("\n").removesuffix("\r").split("\n")
    if len(lines) > 1:
        hint = (
            'let it print the secret alone, or write protocol = "first" if that is the first line'
        )
        raise BadAnswer(f"printed {len(lines)} lines", hint)
    if "\0" in lines[0] or "\r" in lines[0] or not lines[0]:
        raise BadAnswer("printed 1 lines", "let it print the secret in exactly one line")
    return HelperReply(lines[0])


def read_json(text: str, request: HelperRequest) -> HelperReply:
    """Return the named fields. One that is configured must be there; an end may be null."""
    document = _load(text)
    values = {
        name: _find(document, request.fields.get(name, path))
        for name, path in DEFAULT_FIELDS.items()
    }
    if values["expires"] is MISSING and "expires" not in request.fields:
        values["expires"] = _find(document, "expires_in")  # as OAuth's own answers have it
    for name, value in values.items():
        if value is MISSING or (value is None and name == "password"):
            if name == "password" or name in request.fields:
                path = request.fields.get(name, DEFAULT_FIELDS[name])
                raise BadAnswer(
                    f"printed JSON without a field {path!r}",
                    f'name the right one: {name} = "outer.inner"',
                )
            values[name] = None
    if not isinstance(values["password"], str) or not isinstance(values["username"], str | None):
        words = "printed JSON whose user name or password is not a string"
        raise BadAnswer(words, "name the fields that hold them: password, username")
    expires_at = read_time(values["expires"], request.now)
    return HelperReply(values["password"], values["username"], expires_at)


def render_git(request: HelperRequest) -> str:
    """Return git's description of the index. A user name that could begin a line is refused."""
    pairs = [("protocol", request.url.scheme), ("host", request.url.netloc)]
    if request.names_path:
        pairs.append(("path", request.url.path.lstrip("/")))
    if request.username is not None:
        pairs.append(("username", request.username))
    if any(ord(character) < 32 for _, value in pairs for character in value):
        words = "cannot be asked about a user name with a control character in it"
        raise BadAnswer(words, "write the user name without it")
    return "".join(f"{name}={value}\n" for name, value in pairs) + "\n"


def read_git(text: str, request: HelperRequest) -> HelperReply | None:
    """Return the answer, None if there is none. `quit` means that nobody else shall be asked."""
    pairs = dict(line.partition("=")[::2] for line in text.split("\n") if "=" in line)
    if pairs.get("quit", "").lower() in ("1", "true", "yes", "on"):
        raise BadAnswer("refuses to go on (quit=1)", "its own message is above")
    for name, ours in (("protocol", request.url.scheme), ("host", request.url.netloc)):
        if pairs.get(name, ours).lower() != ours:
            raise BadAnswer(f"answered for another {name}", "ask it by hand: git credential fill")
    if "password" not in pairs:
        return None
    expires_at = read_time(pairs.get("password_expiry_utc"), request.now)
    return HelperReply(pairs["password"], pairs.get("username") or None, expires_at)


def read_docker(text: str, request: HelperRequest) -> HelperReply | None:
    """Return user name and secret, None where both are empty, as docker-credential-pass does.

    An identity token, whose user name is `<token>`, only a container registry can exchange.
    """
    document = _load(text)
    parts = document if isinstance(document, dict) else {}
    username, secret, server = (parts.get(name) for name in ("Username", "Secret", "ServerURL"))
    if not isinstance(username, str) or not isinstance(secret, str):
        words = "printed JSON without Username and Secret"
        raise BadAnswer(words, 'is it called with "get" as its last argument?')
    if not username and not secret:
        return None
    if username == "<token>":
        words = "has an identity token, which only a container registry can exchange"
        raise BadAnswer(words, "log in to it with a user name and a password")
    if isinstance(server, str) and server and _origin(server) != request.url.origin:
        words = "answered for another server"
        raise BadAnswer(words, "ask it by hand: it must give what it is asked for")
    return HelperReply(secret, username or None)


def render_bazel(request: HelperRequest) -> str:
    """Return the request as JSON."""
    import json

    return json.dumps({"uri": request.url.text})


def read_bazel(text: str, request: HelperRequest) -> HelperReply | None:
    """Return what Authorization says (a bearer token is a password), None without one."""
    document = _load(text)
    headers = document.get("headers", {}) if isinstance(document, dict) else None
    if not isinstance(headers, dict):
        words = "printed JSON that is no bazel answer"
        raise BadAnswer(words, 'is it called with "get" as its last argument?')
    values = next(
        (value for name, value in headers.items() if name.lower() == "authorization"), None
    )
    if not values:
        return None
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        raise BadAnswer("gave more than one Authorization header", "it must give exactly one")
    kind, _, token = values[0].strip().partition(" ")
    expires_at = read_time(document.get("expires"), request.now)
    if kind.lower() == "bearer" and token.strip():
        return HelperReply(token.strip(), None, expires_at)
    if kind.lower() != "basic":
        words = "gave an Authorization that is neither Basic nor Bearer"
        raise BadAnswer(words, "pip and uv can send those two only")
    username, secret = _read_basic(token)
    return HelperReply(secret, username, expires_at)


def _load(text: str) -> Any:
    """Return the parsed JSON. The parser's own message would quote it."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadAnswer(
            "printed what is not JSON", "does it need an option to print JSON?"
        ) from None


def _find(document: Any, path: str) -> Any:
    """Return the value at a dotted path (None for null), or MISSING."""
    for name in path.split("."):
        document = document.get(name, MISSING) if isinstance(document, dict) else MISSING
    return document


def _origin(text: str) -> str | None:
    try:
        return parse_url(text if "://" in text else f"https://{text}").origin
    except BadUrl:
        return None


def _read_basic(token: str) -> tuple[str, str]:
    import base64

    try:
        username, colon, secret = (
            base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
        )
    except ValueError:
        colon = ""
    if not colon:
        words = "gave a Basic Authorization that is not base64 of user:password"
        raise BadAnswer(words, "ask it by hand")
    return username, secret


#: `protocol = "..."` -> how it is spoken.
PROTOCOLS: Mapping[str, Protocol] = {
    "plain": Protocol(None, read_plain),
    # What `pass` and those after it keep below are a user name, a URL, notes.
    "first": Protocol(None, lambda text, request: read_plain(text.partition("\n")[0], request)),
    "json": Protocol(None, read_json),
    "git": Protocol(
        render_git, read_git, lambda text, status: status == GIT_NOTHING and not text.strip()
    ),
    "docker": Protocol(
        lambda request: request.url.origin,
        read_docker,
        lambda text, status: status == 1 and text.strip() == DOCKER_NOT_FOUND,
    ),
    "bazel": Protocol(render_bazel, read_bazel),
}
