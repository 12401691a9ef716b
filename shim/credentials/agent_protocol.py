"""What `shim agent` and those who ask it say to each other: one line of JSON each way, then the
connection ends.

    request    {"shim-agent": 1, "url": "https://pypi.corp.example/simple/", "refresh": false}
    answer     {"username", "secret", "scope", "expires_at", "username_is_secret"}
               {"nothing": "why"}      the host does not share it, or has no credential
               {"failed": "why"}       the host could not get the one it has, or who asks may not

Neither side trusts the other: lengths and kinds are checked, and nothing of a line that is not
understood is repeated.
"""

from __future__ import annotations

from shim.core.dataclass import dataclass, field
from shim.core.typing import Any

VERSION = 1
#: More than any index URL.
MAX_REQUEST_BYTES = 8192
#: More than any secret with what belongs to it.
MAX_ANSWER_BYTES = 1 << 17
#: What an answer has to have, as texts.
PARTS = ("username", "secret", "scope")
#: Longer words are cut: they are for a person.
MAX_WORDS = 200
#: Seconds since 1970 beyond this are nonsense: the year 5138.
MAX_EPOCH_S = 1e11


class BadLine(ValueError):
    """The line is none of this protocol. The message says what is wrong, never what is in it."""


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """Which index is asked about, and whether a cached token will not do."""

    url: str
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """What the agent said: a secret, `nothing` or `failed`; `expires_at` in UTC epoch seconds."""

    secret: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    scope: str = ""
    expires_at: float | None = None
    username_is_secret: bool = False
    nothing: str | None = None
    failed: str | None = None


def render_request(request: AgentRequest) -> bytes:
    """Return the line of a request."""
    return _render({"shim-agent": VERSION, "url": request.url, "refresh": request.refresh})


def read_request(data: bytes) -> AgentRequest:
    """Return what is asked. Raises BadLine."""
    document = _load(data)
    if document.get("shim-agent") != VERSION:
        raise BadLine(f"is not of version {VERSION}")
    url, refresh = document.get("url"), document.get("refresh", False)
    if not isinstance(url, str) or not isinstance(refresh, bool):
        raise BadLine("names no URL")
    return AgentRequest(url, refresh)


def render_answer(answer: AgentAnswer) -> bytes:
    """Return the line of an answer, with the secret in clear."""
    if answer.nothing is not None:
        return _render({"nothing": answer.nothing})
    if answer.failed is not None:
        return _render({"failed": answer.failed})
    names = (*PARTS, "expires_at", "username_is_secret")
    return _render({name: getattr(answer, name) for name in names})


def read_answer(data: bytes) -> AgentAnswer:
    """Return what the agent said. Raises BadLine."""
    document = _load(data)
    if "nothing" in document:
        return AgentAnswer(nothing=_words(document["nothing"]))
    if "failed" in document:
        return AgentAnswer(failed=_words(document["failed"]))
    username, secret, scope = (_text(document.get(name)) for name in PARTS)
    is_secret = document.get("username_is_secret", False)
    if not secret or not isinstance(is_secret, bool):
        raise BadLine("holds no secret")
    return AgentAnswer(secret, username, scope, _moment(document.get("expires_at")), is_secret)


def _render(document: dict[str, Any]) -> bytes:
    from json import dumps

    return dumps(document).encode() + b"\n"


def _load(data: bytes) -> dict[str, Any]:
    from json import loads

    try:
        document = loads(data)
    except (ValueError, RecursionError):
        raise BadLine("is not JSON") from None
    if not isinstance(document, dict):
        raise BadLine("is not an object")
    return document


def _text(value: object) -> str:
    """Return a text that can be written again as UTF-8; JSON can also say halves of letters."""
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadLine("lacks a part, or has one of another kind")
    return value


def _words(value: object) -> str:
    return _text(value)[:MAX_WORDS]


def _moment(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_EPOCH_S:
        return float(value)
    raise BadLine("has an end that is no time")
