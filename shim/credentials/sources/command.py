"""Source `command`: a program of the user's gives the secret, by one of the protocols of
`credentials/helper_protocols.py`.
"""

from __future__ import annotations

from shim.core.model import Credential
from shim.credentials.sources import Query, Source
from shim.credentials.surroundings import state_of_command


def find_program(query: Query) -> str | None:
    """Return the program that would have to run for an answer, or None."""
    return query.index.command.argv[0] if query.index and query.index.command else None


def surroundings(query: Query) -> str:
    """Return what changes when the command may answer for somebody else."""
    if query.index and query.index.command:
        return state_of_command(query.index.command, query.host)
    return ""


def find(query: Query) -> Credential | None:
    """Return the credential that the configured command gives, or None if it says that it has none.

    Raises:
        SourceError: not found, failed, too slow, or no answer of its protocol.
    """
    from shim.credentials.helper_program import ask_program

    command = query.index.command if query.index else None
    return ask_program(query, command, "command") if command else None


SOURCE = Source(find, find_program, surroundings)
