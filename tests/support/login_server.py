"""A server where people log in: a stand-in for a Posit Package Manager and for an OpenID provider, with a private index, on loopback.

`exchanged` is what an exchange gives instead of a new token. It can be made to show every fault that a real one shows once a year. What it hands out are JWTs without a signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

from tests.support.listening import QuietServer

USER_CODE = "WDJB-MJHT"


def jwt(**claims: object) -> str:
    """Return an unsigned JWT."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)] + [b"sign"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


class LoginServer:
    """Use as a context manager. `answers` is what the polls get, one after the other; the last one stays.

    `requests` holds (path, form) of every request to the login parts, `reads` (path, status) of those to the index.
    """

    def __init__(self, packages: tuple[str, dict[str, list[str]]] = ("", {}), *, prefix: str = "") -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.reads: list[tuple[str, int]] = []
        self.answers = ["authorization_pending", "ok"]
        self.interval: object = 0.05
        self.expires_in: object = 60
        self.lifetime_s = 3600.0
        self.clock_ahead_s = 0.0
        self.issuer: str | None = None
        self.page: str | None = None
        self.metadata: dict[str, object] = {}
        self.begin_fault: str | None = None
        self.token_fault: str | None = None
        self.replays = 0
        self.claims: dict[str, object] = {"sub": "u-1", "preferred_username": "alice"}
        self.opaque = False
        self.exchanged: str | None = None
        self.rotates = True
        self.gives_refresh = True
        self._tokens: set[str] = set()
        self._refresh: set[str] = set()
        self._used: set[str] = set()
        self._challenges: dict[str, str] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._packages = packages
        self._prefix = prefix
        self._server = QuietServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self._prefix}"

    def __enter__(self) -> LoginServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self, path: str) -> int:
        """Return how often a login path was asked."""
        return sum(asked == path for asked, _ in self.requests)

    def revoke_all(self) -> None:
        """Let no access token count any more."""
        self._tokens.clear()

    def end_sessions(self) -> None:
        """Let no refresh token count any more."""
        self._refresh.clear()

    def answer(self, path: str, form: dict[str, str], authorization: str | None) -> tuple[int, str, bytes, dict[str, str]]:
        """Return status, content type, body and headers."""
        path = path.removeprefix(self._prefix)
        with self._lock:
            if path.startswith(("/simple/", "/files/")):
                return self._serve(path, authorization)
            self.requests.append((path, form))
            return self._answer_login(path, form)

    def _answer_login(self, path: str, form: dict[str, str]) -> tuple[int, str, bytes, dict[str, str]]:
        if path == "/.well-known/openid-configuration":
            return _json(200, self._metadata())
        if path in ("/__api__/device", "/oauth/device"):
            return _fault(self.begin_fault) if self.begin_fault else self._begin(form)
        if path == "/__api__/device_access":
            return self._poll(form, lambda: {"id_token": self._make("identity")})
        if path == "/__api__/token" or path == "/exchange":
            return _fault(self.token_fault) if self.token_fault else self._exchange(form)
        if path == "/oauth/token" and form.get("grant_type") == "refresh_token":
            return _fault(self.token_fault) if self.token_fault else self._renew(form)
        if path == "/oauth/token":
            return self._poll(form, self._tokens_for_client)
        if path == "/oauth/revoke":
            self._refresh.discard(form.get("token", ""))
            return 200, "text/plain", b"", {}
        return 404, "text/html", b"<html>not here</html>", {}

    def _metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer or self.url,
            "device_authorization_endpoint": self.url + "/oauth/device",
            "token_endpoint": self.url + "/oauth/token",
            "revocation_endpoint": self.url + "/oauth/revoke",
            **self.metadata,
        }

    def _begin(self, form: dict[str, str]) -> tuple[int, str, bytes, dict[str, str]]:
        self._number += 1
        code = f"device-{self._number}"
        self._challenges[code] = form["code_challenge"]
        page = self.page or self.url + "/activate"
        fields = {"device_code": code, "user_code": USER_CODE, "verification_uri": page, "interval": self.interval}
        return _json(200, {**fields, "verification_uri_complete": f"{page}?user_code={USER_CODE}", "expires_in": self.expires_in})

    def _poll(self, form: dict[str, str], give) -> tuple[int, str, bytes, dict[str, str]]:  # type: ignore[no-untyped-def]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if self._challenges.get(form["device_code"]) != base64.urlsafe_b64encode(digest).decode().rstrip("="):
            return _json(400, {"error": "invalid_grant"})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "ok":
            self.answers = ["authorization_pending", "ok"]
            return _json(200, give())
        return _fault(answer)

    def _tokens_for_client(self) -> dict[str, object]:
        fields: dict[str, object] = {"access_token": self._make("access"), "token_type": "bearer", "expires_in": self.lifetime_s}
        fields["id_token"] = self._make("identity")
        if self.gives_refresh:
            self._number += 1
            fields["refresh_token"] = f"refresh-{self._number}"
            self._refresh.add(f"refresh-{self._number}")
        return fields

    def _renew(self, form: dict[str, str]) -> tuple[int, str, bytes, dict[str, str]]:
        token = form.get("refresh_token", "")
        if token not in self._refresh:
            self.replays += token in self._used
            return _json(400, {"error": "invalid_grant", "error_description": f"{token} is no token"})
        if self.rotates:
            self._refresh.discard(token)
            self._used.add(token)
        fields = self._tokens_for_client()
        if not self.rotates:
            del fields["refresh_token"]
        return _json(200, fields)

    def _exchange(self, form: dict[str, str]) -> tuple[int, str, bytes, dict[str, str]]:
        if form.get("subject_token", "").count(".") != 2:
            return _json(400, {"error": "invalid_request"})
        return _json(200, {"access_token": self.exchanged or self._make("registry")})

    def _make(self, kind: str) -> str:
        self._number += 1
        now = time.time() + self.clock_ahead_s
        claims = {"kind": kind, "jti": self._number, "iat": int(now), "exp": int(now + self.lifetime_s), **self.claims}
        token = f"opaque-{kind}-{self._number}" if self.opaque else jwt(**claims)
        self._tokens.add(token)
        return token

    def _serve(self, path: str, authorization: str | None) -> tuple[int, str, bytes, dict[str, str]]:
        scheme, _, value = (authorization or "").partition(" ")
        who, _, token = base64.b64decode(value).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if who != "__token__" or token not in self._tokens:
            self.reads.append((path, 401))
            return 401, "text/plain", b"who are you?", {"WWW-Authenticate": 'Basic realm="ppm"'}
        self.reads.append((path, 200))
        folder, files = self._packages
        parts = path.strip("/").split("/")
        if parts[0] == "files":
            return 200, "application/octet-stream", (Path(folder) / parts[1]).read_bytes(), {}
        names = [f"{name}/" for name in files] if len(parts) == 1 else [f"{self._prefix}/files/{name}" for name in files.get(parts[1], [])]
        rows = "".join(f'<a href="{name}">{name.strip("/").rpartition("/")[2]}</a>\n' for name in names)
        return 200, "text/html", f"<!DOCTYPE html><html><body>{rows}</body></html>".encode(), {}


def _fault(name: str) -> tuple[int, str, bytes, dict[str, str]]:
    """Return the answer of a given name: an OAuth error code, `html`, `429`, `500`, `redirect`, or anything else as text."""
    faults: dict[str, tuple[int, str, bytes, dict[str, str]]] = {
        "html": (200, "text/html", b"<html>Please sign in</html>", {}),
        "429": (429, "text/plain", b"too many", {"Retry-After": "2"}),
        "500": (500, "text/html", b"<html>oops</html>", {}),
        "redirect": (307, "text/plain", b"", {"Location": "http://127.0.0.1:9/stolen"}),
        "huge": (200, "application/json", b'{"x": "' + b"x" * (1 << 20) + b'"}', {}),
        "list": (200, "application/json", b"[]", {}),
        "empty": (200, "application/json", b"{}", {}),
    }
    return faults[name] if name in faults else _json(400, {"error": name})


def _json(status: int, fields: dict[str, object]) -> tuple[int, str, bytes, dict[str, str]]:
    return status, "application/json", json.dumps(fields).encode(), {}


def _handler_for(server: LoginServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            is_json = self.headers.get("Content-Type") == "application/json"
            self._answer(json.loads(body) if is_json else {name: values[0] for name, values in parse_qs(body).items()})

        def do_GET(self) -> None:
            self._answer({})

        do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

        def _answer(self, form: dict[str, str]) -> None:
            path = self.path.partition("?")[0]
            status, kind, body, headers = server.answer(path, form, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in {**headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int((timestamp or time.time()) + server.clock_ahead_s))

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler
