"""`shim status`: every configured index, who answers for it, and until when. Nothing is run and nobody is asked to log in."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from shim.errors import SourceError
from shim.host import Host
from shim.model import Credential, Need, Origin
from shim.resolve import cache_key, find_flaw, refuse_scheme
from shim.setting_indexes import IndexConfig
from shim.settings import load_settings
from shim.sources import AGING_SOURCES, Query, load_source, program_of
from shim.store import cache

HELP = "show each configured index, who answers for it, and until when"
EXAMPLE = "shim status --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim status`."""
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def main(arguments: argparse.Namespace, host: Host) -> int:
    """Print one line for each index; never a secret."""
    settings = load_settings(host)
    rows = [describe(index, host) for index in settings.indexes]
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    if not rows:
        files = " or ".join(settings.files)
        sys.stdout.write(f"no [[index]] is configured (looked for {files}); `shim setup` writes one\n")
    for row in rows:
        sys.stdout.write(f"{row['name']}  {row['url']}  {row['state']}\n")
    return 0


def describe(index: IndexConfig, host: Host) -> dict[str, Any]:
    """Return one index as plain data without secrets."""
    query = Query(Need(index.url, Origin("config", index.defined_in), username=index.username), index, host)
    answered_by, credential = _ask(index, query)
    expires_at = credential.expires_at if credential else None
    login = _describe_login(index, query)
    return {
        "name": index.name,
        "url": str(index.url),
        "scope": str(index.scope),
        "defined_in": index.defined_in,
        "source": list(index.source),
        "answered_by": answered_by,
        "username": credential.shown_username if credential else index.username,
        "expires_at": expires_at,
        "login": login,
        "tried": [{"source": source, "outcome": outcome} for source, outcome in query.notes],
        "state": _state(answered_by, credential.shown_username if credential else None, expires_at, query.notes, host)
        + (_say(login) if credential else ""),
    }


def _ask(index: IndexConfig, query: Query) -> tuple[str | None, Credential | None]:
    """Return who answers and, unless a program would have to run for it, the answer; the query has notes of what was found."""
    if index.is_everybodys:
        query.note("public", "nobody is asked")
        return None, None
    if refused := refuse_scheme(index.url, index):
        query.note("scope", refused)
        return None, None
    for name in index.source:
        try:
            if program := program_of(name, query):
                found = cache.find(cache_key(query), query.host) if name in AGING_SOURCES else cache.Found(None, None, "")
                credential = found.credential or found.ending or _find_kept(name, query)
                query.note(*(("cache", found.outcome) if credential else (name, f"would ask {program}")))
                return ("cache" if credential else name), credential
            credential = load_source(name).find(query)
        except SourceError as error:
            query.note(name, error.message)
            continue
        flaw = find_flaw(credential, query) if credential else None
        if flaw:
            query.note(name, flaw)
        elif credential:
            return name, credential
    return None, None


def _find_kept(name: str, query: Query) -> Credential | None:
    """Return the token of a login that is not in the cache, or None; nobody is asked for it."""
    make_login: Any = getattr(load_source(name), "make_login", None)
    if make_login is None:
        return None
    from shim.sso.session import is_good

    kept = make_login(query).find_kept(query)
    return kept.credential if kept and is_good(kept.credential, query) else None


def _describe_login(index: IndexConfig, query: Query) -> dict[str, str | None] | None:
    """Return where one logs in for an index, and as whom one is, or None if there is no such place."""
    for name in index.source:
        make_login, account_of = (getattr(load_source(name), part, None) for part in ("make_login", "account_of"))
        if make_login and account_of and (way := make_login(query)):
            return {"at": way.where, "account": account_of(query)}
    return None


def _state(answered_by: str | None, username: str | None, expires_at: float | None, tried: list[tuple[str, str]], host: Host) -> str:
    """Return the state in words."""
    if answered_by is None:
        return "no credential: " + ", ".join(f"{source} ({outcome})" for source, outcome in tried)
    if username is None:
        return f"answered by {answered_by}: {tried[-1][1]}"
    until = f", ends in {cache.describe_duration(expires_at - host.clock())}" if expires_at else ""
    return f"answered by {answered_by} as {username}{until}"


def _say(login: dict[str, str | None] | None) -> str:
    if login is None:
        return ""
    return f"; login at {login['at']}" + (f" as {login['account']}" if login["account"] else "")
