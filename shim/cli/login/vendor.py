"""`shim login URL` for a known package host whose vendor's command is on PATH: its approval.

Asked for by a user who says no user name, no secret and no place: then the vendor's command is run
and its token verified, and from then on it may be run for that host even where only a project's
file names it.
"""

from __future__ import annotations

import argparse
import sys

from shim.config.index import IndexConfig
from shim.core.errors import IndexUnreachable, Rejected, SourceError
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.urls import Url
from shim.credentials.sources import Query, known
from shim.preflight.hints import hint_for_unreachable
from shim.preflight.rootless import verify_login
from shim.preflight.route import route_of_person
from shim.storage import approved_origins


def login(
    arguments: argparse.Namespace, url: Url, index: IndexConfig | None, host: Host
) -> int | None:
    """Verify and approve, and return the exit status; None if this is a login of another kind.

    Raises:
        SourceError: the vendor's command fails. Rejected, IndexUnreachable: the index does not take
            its token. Nothing is approved then. StoreError: the approval cannot be remembered.
    """
    if arguments.user or arguments.password_stdin or arguments.store is not None:
        return None
    if index and "known" not in index.source:
        return None
    query = Query(Endpoint(url, Origin("argv", "shim login")), index, host)
    program = known.find_program(query)
    if program is None:
        return None
    try:
        credential = known.find(query)
    except SourceError as error:
        raise SourceError(
            f"{error.message}; nothing was approved",
            hint=f"{error.hint}, or store a token: --user NAME",
        ) from error
    if credential is None:
        raise SourceError(
            f"`{program}` has nothing for {url}; nothing was approved",
            hint="store a token instead: --user NAME",
        )
    proved = "not verified, as you asked"
    if not arguments.no_verify:
        page = index.verify_url if index else url
        verdict = verify_login(page, credential, host, route_of_person(index, host))
        if verdict.kind == "rejected":
            raise Rejected(
                f"{verdict.detail}: nothing was approved",
                hint=f"may the account that `{program}` is logged in with read it?",
            )
        if verdict.kind == "unreachable":
            hint = hint_for_unreachable(verdict, page, index, host)
            raise IndexUnreachable(f"{verdict.detail}: nothing was approved", hint=hint)
        proved = verdict.detail
    approved_origins.approve(url, host)
    sys.stdout.write(
        f"`{program}` answers for {url.origin} as {credential.shown_username}: {proved}\n"
        f"approved: it is run whenever an index at {url.origin} is asked, also where only a"
        " project's file names it\n"
    )
    return 0
