"""What vendors' real commands talk to, played on loopback: CodeArtifact and STS of AWS, Google's token endpoint, and a
Package Manager that takes every token.

Tokens name who asks: `token-of-AKIAWORK` for an access key, `token-of-work@…` for a Google account.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.support import machine
from tests.support.listening import QuietServer

#: When AWS's tokens end, as seconds since 1970: aws-cli 1 prints that number, aws-cli 2 a time.
AWS_END = 4102444800.0
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE
</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser></AssumeRoleResult>
</AssumeRoleResponse>""".replace("\n", "")


class VendorApis:
    """A server on loopback; use as a context manager. `is_over` lets every question be refused; `codes` are the MFA codes it saw."""

    def __init__(self) -> None:
        self.is_over = False
        self.codes: list[str] = []
        self._server = QuietServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> VendorApis:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, authorization: str, form: dict[str, list[str]]) -> tuple[int, str, str]:
        """Return status, content type and body."""
        if self.is_over:
            return 403, "application/json", '{"message": "The security token included in the request is expired"}'
        if path.startswith("/v1/authorization-token"):
            who = re.findall(r"Credential=(\w+)", authorization)[0]
            return 200, "application/json", json.dumps({"authorizationToken": f"token-of-{who}", "expiration": AWS_END})
        if form.get("Action") == ["AssumeRole"]:
            self.codes += form.get("TokenCode", [])
            return 200, "text/xml", ASSUMED
        claims = form["assertion"][0].split(".")[1]
        who = json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"]
        return 200, "application/json", json.dumps({"access_token": f"token-of-{who}", "expires_in": 3599, "token_type": "Bearer"})


def _handler_for(apis: VendorApis) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            status, kind, body = apis.answer(self.path, self.headers.get("Authorization") or "", form)
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:  # a Package Manager's own page, for who has a token
            self.send_response(200 if self.headers.get("Authorization") else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    return Handler


AWS_CONFIG = """[profile work]
region = eu-west-1
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = work
mfa_serial = arn:aws:iam::123456789012:mfa/alice
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = r
region = eu-west-1
[sso-session corp]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
"""


def write_aws(home: Path, apis: VendorApis) -> dict[str, str]:
    """Write the profiles work, publisher, mfa (asks for a code) and sso (whose login has ended); return the variables."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(AWS_CONFIG)
    profiles = {"work": "AKIAWORK", "publisher": "AKIAPUBLISHER"}
    rows = [f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = x\n" for name, key in profiles.items()]
    (home / ".aws" / "credentials").write_text("".join(rows))
    return {"AWS_ENDPOINT_URL_CODEARTIFACT": apis.url, "AWS_ENDPOINT_URL_STS": apis.url, "AWS_EC2_METADATA_DISABLED": "true"}


def log_in_google(home: Path, apis: VendorApis, gcloud: str, name: str) -> dict[str, str]:
    """Let the real gcloud log in as a service account, in a configuration of its own; return the variables."""
    machine.skip_without(machine.lacks_programs("openssl"))
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True)
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": key.stdout.decode(),
        "client_email": f"{name}@p.example",
        "client_id": "1",
        "token_uri": f"{apis.url}/token",
    }
    (home / f"{name}.json").write_text(json.dumps(account))
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "CLOUDSDK_AUTH_TOKEN_HOST": f"{apis.url}/token"}
    for words in (["config", "configurations", "create", name], ["auth", "activate-service-account", "--key-file", str(home / f"{name}.json")]):
        subprocess.run([gcloud, *words], env=environ, check=True, capture_output=True)
    return {"CLOUDSDK_AUTH_TOKEN_HOST": f"{apis.url}/token"}
