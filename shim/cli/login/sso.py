"""`shim login NAME` for an index whose source is a login at a provider: it is done now, anew."""

from __future__ import annotations

import argparse
import sys

from shim.config.index import IndexConfig
from shim.core.errors import Rejected, UsageError
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.urls import Url
from shim.credentials.ask_once import cache_key
from shim.credentials.oauth.token_session import log_in
from shim.credentials.sources import Query, oidc, posit
from shim.preflight.rootless import verify_login
from shim.preflight.route import route_of_person
from shim.storage import token_cache, verification_cache

MODULES = {"posit": posit, "oidc": oidc}


def login(
    arguments: argparse.Namespace, url: Url, index: IndexConfig | None, host: Host
) -> int | None:
    """Log in, verify the token, and return the exit status; None if the login is of another kind.

    Raises:
        SourceError: the login failed. Rejected: the index does not take its token.
    """
    if index is None or arguments.user or arguments.password_stdin or arguments.store is not None:
        return None
    module = next((MODULES[name] for name in MODULES if name in index.source), None)
    if module is None:
        return None
    for variable in ("SHIM_NO_INPUT", "CI"):
        if host.environ.get(variable, "") not in ("", "0", "false"):
            raise UsageError(
                f"{variable} is set: there is nobody to log in",
                hint=f"run shim login {index.name} at a terminal, without it",
            )
    query = Query(Endpoint(url, Origin("argv", "shim login")), index, host)
    way = module.make_login(query)
    if way is None:
        return None
    credential = log_in(way, query)
    token_cache.put(cache_key(query), credential, host)
    account, until = way.account_of(query), ""
    if credential.expires_at:
        left = token_cache.describe_duration(credential.expires_at - host.clock())
        until = f", until {left} from now"
    sys.stdout.write(f"logged in at {way.where}{f' as {account}' if account else ''}{until}\n")
    if not arguments.no_verify:
        page = index.verify_url if url.text == index.url.text else url
        verdict = verify_login(page, credential, host, route_of_person(index, host))
        if verdict.kind == "rejected":
            raise Rejected(
                f"{verdict.detail}: the login is fine, its token is not",
                hint="may this account, or this job, read the index?",
            )
        verification_cache.forget("rejected", credential, verification_cache.place_of(url), host)
        prefix = "not verified: " if verdict.kind == "unreachable" else ""
        sys.stdout.write(f"{prefix}{verdict.detail}\n")
    sys.stdout.write("pip, uv and all they start use it from now on\n")
    return 0
