"""`shim setup --from FILE`: the indexes that another tool's file names, without a password.

Sources: pip 26.3 configuration.py; uv 0.13.8 documentation "Indexes"; the .pypirc specification;
pipenv 2026, poetry 2 and pdm 2.2x documentation of their sources.
"""

from __future__ import annotations

import os
import re

from shim.cli.setup.fields import default_of, find_same, name_for
from shim.config.edit import Table
from shim.config.settings import Settings
from shim.core.dataclass import dataclass, replace
from shim.core.errors import UsageError
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.toml import parse_toml
from shim.core.typing import Any, Callable, Iterable, Iterator
from shim.core.urls import BadUrl, Url, find_userinfo, parse_url
from shim.formats.pypirc import BadPypirc, parse_pypirc
from shim.formats.uv_toml import tables, texts, tool_table
from shim.tools.pip.config_file import read_pip_config

MAX_BYTES = 1 << 20
#: A longer user name without a password may be a token, as some hosts want it.
MAX_USERNAME = 24
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLACEHOLDER = re.compile(r"\$\{?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}?")


@dataclass(frozen=True, slots=True)
class ImportedIndex:
    """An index as a file names it; `is_default` if the file makes it its tool's default."""

    text: str
    is_default: bool = False
    name: str | None = None
    username: str | None = None
    has_password: bool = False
    ca_bundle: str | None = None


def read_tables(
    what: str, use: str, settings: Settings, file: str, host: Host
) -> tuple[list[Table], list[str]]:
    """Return the `[[index]]` tables for the indexes that are new, and notes about all else.

    `use` is their `use-as`; with `default`, only what the file itself makes so is the default.

    Raises:
        UsageError: no such file, one that is not understood, or one that names no index.
    """
    path, reader = _find(what, host)
    found = list(reader(_read(path)))
    if not found:
        raise UsageError(f"{path} names no index", hint="shim setup asks for one")
    notes: dict[str, None] = {}
    made: dict[str, Table] = {}
    taken = {index.name for index in settings.indexes}
    has_default = default_of(settings, file) is not None
    for one in found:
        try:
            url, username = _read_url(one)
        except UsageError as error:
            notes[f"{path}: left out: {error.message}"] = None
            continue
        if same := find_same(url, settings):
            notes[f"{path}: left out: {url} is configured already, as {same.name}"] = None
            continue
        if url.text in made or (url.is_public and use == "no"):
            why = "serves everybody" if url.is_public else "is there twice"
            notes[f"{path}: left out: {url} {why}"] = None
            continue
        if note := _say_password(one, url, path):
            notes[note] = None
        is_usable = one.name and _PLAIN.fullmatch(one.name) and one.name not in taken
        name = one.name if one.name and is_usable else name_for(url, taken)
        taken.add(name)
        said = "extra" if use == "default" and (has_default or not one.is_default) else use
        has_default |= said == "default"
        table = {
            "name": name,
            "url": url.text,
            "username": username,
            "ca-bundle": None if url.is_public else one.ca_bundle,
            "use-as": None if said == "no" else said,
        }
        made[url.text] = {key: value for key, value in table.items() if value}
    return list(made.values()), list(notes)


def _read_url(one: ImportedIndex) -> tuple[Url, str | None]:
    """Return the URL and the user name that goes with it. Raises UsageError."""
    text = one.text.strip()
    head, scheme, rest = text.partition("://")
    userinfo, at, _ = rest.partition("/")[0].rpartition("@")
    clean = f"{head}{scheme}{rest[len(userinfo) + len(at) :]}" if at else text
    if "$" in clean:
        raise UsageError("a URL with a variable in its host or path")
    try:
        url, username = parse_url(clean), _username_of(one, userinfo)
    except BadUrl as error:
        raise UsageError(f"a path, or a URL that is not usable ({error})") from error
    if re.search(r"\s", url.text):
        raise UsageError("a URL with white space in it")
    if not url.is_confidential:
        raise UsageError(f"{url} is plain http: a password would travel in clear")
    return url, username


def _username_of(one: ImportedIndex, userinfo: str) -> str | None:
    """Return the user name that goes into the table, if any. Raises BadUrl."""
    username, _, password = userinfo.partition(":")
    name = one.username or ""
    if not name and username and "$" not in username:
        decoded = find_userinfo(one.text.strip())
        name = decoded.username if decoded else ""
    is_certain = password or one.has_password or one.username
    is_usable = name.isprintable() and ":" not in name
    return name if is_usable and (is_certain or len(name) <= MAX_USERNAME) else None


def _say_password(one: ImportedIndex, url: Url, path: str) -> str | None:
    """Return what there is to say about a password. A stranger's file could name any variable."""
    authority = one.text.partition("://")[2].partition("/")[0]
    password = authority.rpartition("@")[0].partition(":")[2]
    if variable := _PLACEHOLDER.fullmatch(password):
        name = variable["name"]
        return (
            f"{path} takes the password for {url} from {name}; if that is meant for this server,"
            f' add env = {{ password = "{name}" }} to it'
        )
    if password or one.has_password:
        return f"{path} holds a password for {url}; it was not copied: shim login --import {path}"
    return None


def _find(what: str, host: Host) -> tuple[str, Callable[[str], Iterable[ImportedIndex]]]:
    """Return the file and who reads it. A bare name is looked for where its tool looks."""
    kind = os.path.basename(what.rstrip("/"))
    if kind not in READERS:
        raise UsageError(
            "shim setup cannot tell what that file is by its name",
            hint="one of: " + ", ".join(READERS),
        )
    places = [what]
    if what == kind:
        home, config = host.home or "", host.config_home or ""
        named = {"pip.conf": "PIP_CONFIG_FILE", "uv.toml": "UV_CONFIG_FILE"}.get(kind, "")
        usual = {
            "pip.conf": (f"{config}/pip/pip.conf", f"{home}/.pip/pip.conf", "/etc/pip.conf"),
            "uv.toml": (f"{config}/uv/uv.toml", "/etc/uv/uv.toml"),
            ".pypirc": (f"{home}/.pypirc",),
        }.get(kind, ())
        places += filter(None, [host.environ.get(named), *usual])
    paths = [host.path(place) for place in places]
    path = next((path for path in paths if os.path.isfile(path)), None)
    if path is None:
        raise UsageError(
            f"there is no file {what} (looked for {', '.join(paths)})",
            hint="give its path: shim setup --from /folder/" + kind,
        )
    return path, READERS[kind]


def _read(path: str) -> str:
    try:
        return (read_regular(path, MAX_BYTES) or b"").decode("utf-8-sig").replace("\r\n", "\n")
    except CannotRead as error:
        raise _refuse(f"{path} {error.why}") from error
    except UnicodeDecodeError as error:
        raise _refuse(f"{path} is not UTF-8") from error


def _refuse(message: str) -> UsageError:
    return UsageError(message, hint="give the URL itself: shim setup URL")


def _read_pip(text: str) -> Iterator[ImportedIndex]:
    sections = read_pip_config(text)
    if sections is None:
        raise _refuse("that pip.conf is not understood")
    general = sections.get("global", {}).get("cert", ("", 0))
    for keys in sections.values():
        bundle = keys.get("cert", general)[0].strip()
        if not bundle.startswith("/"):  # pip takes it from where it is started
            bundle = ""
        if "index-url" in keys:
            yield ImportedIndex(keys["index-url"][0], is_default=True, ca_bundle=bundle)
        for url in keys.get("extra-index-url", ("", 0))[0].split():
            yield ImportedIndex(url, ca_bundle=bundle)


def _document(text: str, kind: str) -> dict[str, Any]:
    document = parse_toml(text)
    if document is None:
        raise _refuse(f"that {kind} is not understood")
    return document


def _read_uv(text: str) -> Iterator[ImportedIndex]:
    yield from _read_uv_table(_document(text, "uv.toml"))


def _read_uv_table(document: dict[str, Any]) -> Iterator[ImportedIndex]:
    own = document.get("pip")
    for table in (document, own if isinstance(own, dict) else {}):
        yield from _read_rows(table.get("index"), lambda row: row.get("default") is True)
        yield from (ImportedIndex(url, is_default=True) for url in texts(table.get("index-url")))
        yield from (ImportedIndex(url) for url in texts(table.get("extra-index-url")))


def _read_project(text: str) -> Iterator[ImportedIndex]:
    document = _document(text, "pyproject.toml")
    yield from _read_uv_table(tool_table(document) or {})
    tool = document.get("tool")
    for name in ("poetry", "pdm"):
        table = tool.get(name) if isinstance(tool, dict) else None
        if isinstance(table, dict):
            yield from _read_rows(table.get("source"), _is_first)


def _is_first(row: dict[str, Any]) -> bool:
    return row.get("priority") in ("default", "primary") or row.get("name") == "pypi"


def _read_pipfile(text: str) -> Iterator[ImportedIndex]:
    rows = _read_rows(_document(text, "Pipfile").get("source"), lambda _: False)
    for number, row in enumerate(rows):
        yield replace(row, is_default=number == 0)  # for pipenv


def _read_rows(
    rows: object, is_default: Callable[[dict[str, Any]], bool]
) -> Iterator[ImportedIndex]:
    for row in tables(rows):
        url, name = row.get("url"), row.get("name")
        if isinstance(url, str):
            yield ImportedIndex(url, is_default(row), name if isinstance(name, str) else None)


def _read_pypirc(text: str) -> Iterator[ImportedIndex]:
    try:
        sections = parse_pypirc(text)
    except BadPypirc as error:
        raise _refuse(f"that .pypirc is not understood: {error}") from error
    for one in sections:
        if one.repository:
            password = bool(one.password)
            yield ImportedIndex(one.repository, False, one.name, one.username, password)


READERS: dict[str, Callable[[str], Iterable[ImportedIndex]]] = {
    "pip.conf": _read_pip,
    "pip.ini": _read_pip,
    "uv.toml": _read_uv,
    "pyproject.toml": _read_project,
    ".pypirc": _read_pypirc,
    "Pipfile": _read_pipfile,
}
