"""A stand-in for a Posit Package Manager, run by the Python of a venv that has Authlib and Flask: `python FILE PORTS FOLDER`.

Others made what decides: Authlib the device flow and its errors (RFC 8628), the proof key (RFC 7636) and the dispatch of grants, joserfc
the signed tokens (RFC 7519). Ours are the three paths, which are the Package Manager's own, the question whether an identity is exchanged
(its signature, issuer, audience and end must be right), an index whose files need the token, and `/log`.
"""

import json
import os
import sys
import threading
import time

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import (
    BaseGrant,
    InvalidGrantError,
    InvalidRequestError,
    TokenEndpointMixin,
)
from authlib.oauth2.rfc7636.challenge import (
    CODE_CHALLENGE_PATTERN,
    CODE_VERIFIER_PATTERN,
    compare_s256_code_challenge,
)
from authlib.oauth2.rfc8628 import (
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialDict,
)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from werkzeug.serving import WSGIRequestHandler, make_server

LIFETIME_S = 3600


class AnyClient:
    """Who asks a Package Manager says no name."""

    def get_client_id(self):
        return "anybody"

    def check_endpoint_auth_method(self, method, endpoint):
        return True

    def check_grant_type(self, grant_type):
        return grant_type != "refresh_token"


class Device(DeviceAuthorizationEndpoint):
    CLIENT_AUTH_METHODS = ("anybody",)
    INTERVAL = 1
    EXPIRES_IN = 120

    def get_verification_uri(self):
        return flask.request.url_root + "activate"

    def save_device_credential(self, client_id, scope, data):
        challenge, method = (flask.request.form.get(name, "") for name in ("code_challenge", "code_challenge_method"))
        if method != "S256" or not CODE_CHALLENGE_PATTERN.match(challenge):
            raise InvalidRequestError("a proof key is required")
        credential = DeviceCredentialDict(
            client_id=client_id, code_challenge=challenge, expires_at=time.time() + data["expires_in"], **data
        )
        flask.g.site.credentials[data["device_code"]] = credential


class DeviceAccess(DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("anybody",)

    @classmethod
    def check_token_endpoint(cls, request):
        return flask.request.path == "/__api__/device_access"

    def query_device_credential(self, device_code):
        return flask.g.site.credentials.get(device_code)

    def query_user_grant(self, user_code):
        return flask.g.site.grants.get(user_code)

    def should_slow_down(self, credential):
        before, credential["asked_at"] = credential.get("asked_at", 0.0), time.monotonic()
        return time.monotonic() - before < Device.INTERVAL * 0.9

    def create_token_response(self):
        verifier = self.request.form.get("code_verifier", "")
        if not CODE_VERIFIER_PATTERN.match(verifier) or not compare_s256_code_challenge(
            verifier, self.request.credential["code_challenge"]
        ):
            raise InvalidGrantError("the proof key is another one")
        del flask.g.site.credentials[self.request.credential["device_code"]]
        return 200, {"id_token": flask.g.site.sign(self.request.user, "ppm-client")}, self.TOKEN_RESPONSE_HEADER


class Exchange(BaseGrant, TokenEndpointMixin):
    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
    TOKEN_ENDPOINT_AUTH_METHODS = ("anybody",)

    def validate_token_request(self):
        self.request.client = self.authenticate_token_endpoint_client()
        form = self.request.form
        account = flask.g.site.check(form.get("subject_token", ""), "ppm-client")
        if form.get("subject_token_type") != "urn:ietf:params:oauth:token-type:id_token" or account is None:
            raise InvalidGrantError("that is no identity")
        self.request.user = account

    def create_token_response(self):
        token = flask.g.site.sign(self.request.user, "packagemanager")
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return 200, {"access_token": token, "issued_token_type": kind, "token_type": "Bearer"}, self.TOKEN_RESPONSE_HEADER


class Site:
    """One Package Manager: its key, codes and log."""

    def __init__(self, port):
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = OctKey.generate_key(256)
        self.credentials, self.grants, self.log = {}, {}, []

    def sign(self, account, audience):
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": account, "aud": audience, "iat": now, "exp": now + LIFETIME_S, "jti": os.urandom(8).hex()}
        return jwt.encode({"alg": "HS256"}, claims, self.key)

    def check(self, token, audience):
        """Return the account of a token of ours that is good for `audience`, or None."""
        try:
            claims = jwt.decode(token, self.key, algorithms=["HS256"]).claims
            registry = {name: {"essential": True, "value": value} for name, value in (("iss", self.issuer), ("aud", audience))}
            jwt.JWTClaimsRegistry(exp={"essential": True}, **registry).validate(claims)
        except (JoseError, ValueError):
            return None
        return claims["sub"]


def make_application(site, folder):
    application = flask.Flask("package_manager")
    server = AuthorizationServer(application, lambda client_id: AnyClient(), lambda token, request: None)
    server.register_client_auth_method("anybody", lambda query, request: AnyClient())
    server.register_endpoint(Device)
    server.register_grant(DeviceAccess)
    server.register_grant(Exchange)

    @application.before_request
    def begin():
        flask.g.site = site
        if flask.request.path != "/log":
            site.log.append(flask.request.path)

    @application.post("/__api__/device")
    def device():
        return server.create_endpoint_response(Device.ENDPOINT_NAME)

    @application.post("/__api__/device_access")
    @application.post("/__api__/token")
    def token():
        return server.create_token_response()

    @application.post("/activate")
    def activate():
        code = flask.request.form["user_code"]
        if all(one["user_code"] != code for one in site.credentials.values()):
            return "no such code\n", 404
        site.grants[code] = ("alice", flask.request.form["answer"] == "yes")
        return "thank you\n"

    @application.get("/log")
    def log():
        return json.dumps(site.log)

    @application.get("/")
    @application.get("/<path:path>")
    def index(path=""):
        given = flask.request.authorization
        if not given or given.username != "__token__" or site.check(given.password, "packagemanager") is None:
            return "who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="ppm"'}
        if path.startswith("files/"):
            return flask.send_from_directory(folder, path.removeprefix("files/"))
        wanted = path.strip("/").rpartition("/")[2].replace("-", "_") + "-"
        return "".join(f'<a href="/files/{name}">{name}</a>\n' for name in sorted(os.listdir(folder)) if name.startswith(wanted))

    return application


class Quiet(WSGIRequestHandler):
    def log(self, type, message, *arguments):
        """Say nothing."""


def main():
    folder = sys.argv[2]
    servers = [make_server("127.0.0.1", int(port), None, threaded=True, request_handler=Quiet) for port in sys.argv[1].split(",")]
    for server in servers:
        server.app = make_application(Site(server.port), folder)
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
