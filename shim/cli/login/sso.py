"""`shim login NAME` for an index whose source is a login at a provider: it is done now, whether or
not a token is still valid.
"""

from __future__ import annotations

import argparse
import sys

from shim.config.index import IndexConfig
from shim.core.errors import Rejected, UsageError
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.urls import Url
from shim.credentials.ask_once import cache_key
from shim.credentials.sources import Query, oidc, posit
from shim.storage import token_cache, verification_cache

MODULES = {"posit": posit, "oidc": oidc}


def login(
    arguments: argparse.Namespace, url: Url, index: IndexConfig | None, host: Host
) -> int | None:
    """Log in, verify the token, and return the exit status; None if this is a login of another
    kind.

    Raises:
        SourceError: the login failed. Rejected: the index does not take its token.
    """
    name = next((name for name in MODULES if index and name in index.source), None)
    if (
        name is None
        or index is None
        or arguments.user
        or arguments.password_stdin
        or arguments.store is not None
    ):
        return None
    for variable in ("SHIM_NO_INPUT", "CI"):
        if host.environ.get(variable, "") not in ("", "0", "false"):
            raise UsageError(
                f"{variable} is set: there is nobody to log in",
                hint=f"run shim login {index.name} at a terminal, without it",
            )
    query = Query(Endpoint(url, Origin("argv", "shim login")), index, host)
    way = MODULES[name].make_login(query)
    if way is None:
        return None
    from shim.credentials.oauth.token_session import log_in

    credential = log_in(way, query)
    token_cache.put(cache_key(query), credential, host)
    account = way.account_of(query)
    until = (
        f", until {token_cache.describe_duration(credential.expires_at - host.clock())} from now"
        if credential.expires_at
        else ""
    )
    sys.stdout.write(f"logged in at {way.where}{f' as {account}' if account else ''}{until}\n")
    if not arguments.no_verify:
        from shim.preflight.rootless import verify_login
        from shim.preflight.route import route_of_person

        page = index.verify_url if url.text == index.url.text else url
        verdict = verify_login(page, credential, host, route_of_person(index, host))
        if verdict.kind == "rejected":
            raise Rejected(
                f"{verdict.detail}: the login is fine, its token is not",
                hint="may this account, or this job, read the index?",
            )
        verification_cache.forget("rejected", credential, verification_cache.place_of(url), host)
        sys.stdout.write(
            f"{'not verified: ' if verdict.kind == 'unreachable' else ''}{verdict.detail}\n"
        )
    sys.stdout.write("pip, uv and all they start use it from now on\n")
    return 0
