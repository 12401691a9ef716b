"""Source `env`: the secret is in a variable that the configuration names, or in a dotenv file that
has it.
"""

from __future__ import annotations

from shim.core.errors import SourceError
from shim.core.model import Credential
from shim.credentials.sources import Query, Source, make_credential


def find(query: Query) -> Credential | None:
    """Return the credential from the configured variables, or None without the password's.

    The environment goes before the dotenv file, as everywhere; both parts come from one place.

    Raises:
        SourceError: a password without its user name; a dotenv file that cannot be read safely.
    """
    lookup = query.index.env if query.index else None
    if lookup is None:
        return None
    place, values = "", query.host.environ
    if not values.get(lookup.password) and lookup.file:
        place, values = f" in {lookup.file}", _read(lookup.file, query)
    password = values.get(lookup.password)
    if not password:
        beside = f", nor in {lookup.file}" if lookup.file else ""
        query.note("env", f"{lookup.password} is not set{beside}")
        return None
    name = lookup.username
    if name and not values.get(name):
        hint = f"add {name} to {lookup.file}" if place else f"export {name}"
        raise SourceError(f"{lookup.password} is set{place}, {name} is not", hint=hint)
    return make_credential(query, "env", password, values[name] if name else None)


def _read(name: str, query: Query) -> dict[str, str]:
    """Return what a dotenv file has; nothing if it does not exist."""
    from shim.formats.dotenv import MAX_BYTES, NoReader, parse_dotenv
    from shim.storage.private_files import find_path, read_private

    path = find_path(name, query.host)
    data = read_private(path, MAX_BYTES, purpose="a dotenv file")
    try:
        return parse_dotenv(data.decode("utf-8-sig")) if data else {}
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8", hint="save it as UTF-8") from error
    except NoReader:
        message = f"python-dotenv, which reads {path}, is not installed"
        raise SourceError(message, hint="shim backend add python-dotenv") from None


SOURCE = Source(find)
