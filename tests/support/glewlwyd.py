"""A real provider with a device flow: glewlwyd, a package of Debian, with one client and one user of ours."""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.support import machine
from tests.support.servers import free_port, wait_for

#: Debian's: the tables, and an administrator called admin.
DATABASE = Path("/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz")
#: What is not here of it, or an empty text.
MISSING = machine.lacks_programs("glewlwyd") or (
    "" if DATABASE.exists() else "glewlwyd is here without its documentation, where its tables are: apt install --reinstall glewlwyd"
)
ADMIN = {"username": "admin", "password": "password"}
CLIENT = "pip"
SCOPE = "openid"

CONFIG = """
port={port}
bind_address="127.0.0.1"
external_url="http://127.0.0.1:{port}"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="WARNING"
log_file="{folder}/log"
cookie_domain="127.0.0.1"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
login_api_enabled=true
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{folder}/database" }};
"""


@dataclass
class Glewlwyd:
    """The server. `issuer` is its OpenID issuer; `approve` is what the user does in a browser."""

    base: str

    def __post_init__(self) -> None:
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    @property
    def issuer(self) -> str:
        return f"{self.base}/api/oidc"

    def call(self, method: str, path: str, fields: object = None) -> tuple[int, bytes]:
        """Return status and body of one call of its API, as the administrator."""
        data = json.dumps(fields).encode() if fields is not None else None
        request = Request(f"{self.base}/api/{path}", data, {"Content-Type": "application/json"}, method=method)
        with self._opener.open(request, timeout=30) as response:
            return response.status, response.read()

    def approve(self, code: str) -> None:
        """Confirm the code that a device shows. The page for it is not served here, only its address tells how it went."""
        try:
            self.call("GET", f"oidc/device?code={quote(code)}&g_continue")
        except HTTPError as error:
            with error:
                assert "prompt=deviceComplete" in error.url, error.url


@contextmanager
def glewlwyd(folder: Path, *, access_s: int = 3600) -> Iterator[Glewlwyd]:
    """Run it on loopback; access tokens live for `access_s` seconds, refresh tokens are good for one use."""
    port = free_port()
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    with sqlite3.connect(folder / "database") as database:
        database.executescript(gzip.decompress(DATABASE.read_bytes()).decode())
    database.close()
    with open(folder / "output", "wb") as output:
        process = subprocess.Popen(["glewlwyd", "--config-file", str(folder / "config")], stdout=output, stderr=output)
    try:
        wait_for(port)
        server = Glewlwyd(f"http://127.0.0.1:{port}")
        _set_up(server, access_s)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _set_up(server: Glewlwyd, access_s: int) -> None:
    """Add the plugin, the client, and what the user may grant it."""
    server.call("POST", "auth", ADMIN)
    parameters = {
        "iss": server.issuer,
        "jwt-type": "sha",
        "jwt-key-size": "256",
        "key": "a key for tests alone",
        "access-token-duration": access_s,
        "refresh-token-duration": 86400,
        "code-duration": 600,
        "refresh-token-rolling": False,
        "refresh-token-one-use": "always",
        "auth-type-code-enabled": True,
        "auth-type-token-enabled": True,
        "auth-type-id-token-enabled": True,
        "auth-type-refresh-enabled": True,
        "auth-type-device-enabled": True,
        "device-authorization-expiration": 300,
        "device-authorization-interval": 1,
        "pkce-allowed": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-auth-scope": [SCOPE],
        "subject-type": "public",
        "scope": [],
        "claims": [],
    }
    plugin = {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": parameters, "enabled": True}
    server.call("POST", "mod/plugin", plugin)
    client = {
        "client_id": CLIENT,
        "name": CLIENT,
        "enabled": True,
        "confidential": False,
        "redirect_uri": [],
        "authorization_type": ["device_authorization", "refresh_token", "delete_token"],
        "scope": [],
    }
    server.call("POST", "client", client)
    server.call("PUT", "user/admin", {"name": "admin", "enabled": True, "scope": ["g_admin", "g_profile", SCOPE]})
    server.call("PUT", f"auth/grant/{CLIENT}", {"scope": SCOPE})
