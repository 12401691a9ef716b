"""Questions to servers that log people in: a form or a JSON object out, a JSON object back.

Like in `http_client.py`, whose routes are taken: a total deadline, a cap on the answer. A redirect
is never followed, since what is sent is a secret. What goes out or comes back as a token is a
`Secret`, and no message repeats one that was sent.

Sources: RFC 6749 sections 5.1 and 5.2 (answers of a token endpoint), RFC 6585 section 4
(Retry-After).
"""

from __future__ import annotations

from functools import partial
from http.client import HTTPException, HTTPResponse
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request

from shim import __version__
from shim.core.dataclass import dataclass, field
from shim.core.host import Host
from shim.core.model import Route, Secret
from shim.core.typing import Any, Mapping, Sequence
from shim.core.urls import Url
from shim.net.http_client import at_once, explain, make_opener

#: More than any answer of a token endpoint, or metadata.
MAX_JSON_BYTES = 1 << 18
#: How much of a server's explanation is shown.
MAX_REASON = 200
#: A difference of clocks that is none: a header has whole seconds, and its way takes time.
CLOCK_TOLERANCE_S = 30.0


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """What a server answered: the status and a JSON object's fields, else `error` in words.

    `ahead_s` is how far our clock is ahead of the server's. Fields may be tokens: not in the repr.
    """

    status: int | None
    error: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    retry_after_s: float | None = None
    ahead_s: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether the status is 200 and a JSON object came with it."""
        return self.status == 200 and self.error is None

    @property
    def is_silent(self) -> bool:
        """Whether nobody answered, or a server that is out of order for now."""
        return self.status is None or self.status >= 500

    def text(self, name: str) -> str | None:
        """Return a field that is a text, or None."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None

    def secret(self, name: str) -> Secret | None:
        """Return a field that is a token, a text of one line, or None."""
        value = self.text(name)
        return Secret(value) if value and value.isprintable() else None

    def number(self, name: str) -> float | None:
        """Return a field that is a number, also one that is written as text, or None."""
        value = self.fields.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12:
            return float(value)
        return None


def ask(
    url: Url,
    host: Host,
    route: Route,
    timeout_s: float,
    form: Mapping[str, str | Secret] | None = None,
    *,
    as_json: bool = False,
    bearer: Secret | None = None,
) -> JsonResponse:
    """Return what `url` answers to a POST of `form`, or to a GET without one; the network raises
    nothing. `bearer` is the access token of who asks, if the server wants to know that.

    It runs in a thread: neither a slow server nor a name look-up outlasts `timeout_s` or Ctrl-C.
    """
    values = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in (form or {}).items()
    }
    sent = [values[name] for name, value in (form or {}).items() if isinstance(value, Secret)]
    request = Request(  # noqa: S310
        url.text, headers={"Accept": "application/json", "User-Agent": f"pip-uv-shim/{__version__}"}
    )
    if form is not None:
        import json

        request.data = (json.dumps(values) if as_json else urlencode(values)).encode()
        request.add_header(
            "Content-Type", "application/json" if as_json else "application/x-www-form-urlencoded"
        )
    if bearer:
        sent.append(bearer.reveal())
        request.add_unredirected_header("Authorization", f"Bearer {bearer.reveal()}")
    task = partial(_ask, request, sent, url, host, route, timeout_s)
    return at_once([task], [JsonResponse(None, "no answer in time")], timeout_s)[0]


def _ask(
    request: Request, sent: Sequence[str], url: Url, host: Host, route: Route, timeout_s: float
) -> JsonResponse:
    refused: int | None = None
    try:
        with make_opener(url, route, host).open(request, timeout=timeout_s) as response:
            refused = None if 200 <= response.status < 300 else response.status
            return _read(response, sent, host)
    except URLError as error:
        return JsonResponse(None, explain(error.reason))
    except (OSError, HTTPException, ValueError) as error:
        return JsonResponse(refused, explain(error))


def _read(response: HTTPResponse, sent: Sequence[str], host: Host) -> JsonResponse:
    """Return what came back, any secret that was sent and is told back masked."""
    import json

    data, status = response.read(MAX_JSON_BYTES + 1), response.status
    after = response.headers.get("Retry-After", "")
    wait_s = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else None
    if 300 <= status < 400:
        return JsonResponse(status, "it redirects to another place, where no token is sent")
    if len(data) > MAX_JSON_BYTES:
        words = f"it answers more than {MAX_JSON_BYTES} bytes"
        return JsonResponse(status, words, retry_after_s=wait_s)
    try:
        fields = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        kind = "a web page" if data.lstrip()[:1] == b"<" else "something else"
        words = f"it answers {status} with {kind} instead of JSON"
        return JsonResponse(status, words, retry_after_s=wait_s)
    if 200 <= status < 300:
        return JsonResponse(status, None, fields, None, _read_clock(response, host))
    return JsonResponse(status, _read_refusal(status, fields, sent), fields, wait_s)


def _read_clock(response: HTTPResponse, host: Host) -> float:
    """Return how many seconds our clock is ahead of the server's (RFC 9110 6.6.1), 0 if few."""
    from email.utils import parsedate_to_datetime

    try:
        ahead_s = host.clock() - parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return ahead_s if abs(ahead_s) > CLOCK_TOLERANCE_S else 0.0


def _read_refusal(status: int, fields: Mapping[str, Any], sent: Sequence[str]) -> str:
    code, reason = (
        value if isinstance(value := fields.get(name), str) else ""
        for name in ("error", "error_description")
    )
    words = ": ".join(part for part in (code, reason) if part) or f"it answers {status}"
    for secret in sent:
        words = words.replace(secret, "****") if secret else words
    return words[:MAX_REASON]
