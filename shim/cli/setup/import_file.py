"""`shim setup --from FILE`: the indexes that another tool's file names. A password in it is not
copied; `shim login --import` moves it.

Sources: pip 26.3 configuration.py; uv 0.13.8 documentation "Indexes"; the .pypirc specification;
pipenv 2026, poetry 2 and pdm 2.2x documentation of their sources.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from shim.cli.setup.fields import default_of, find_same, name_for
from shim.config.edit import Table
from shim.config.settings import Settings
from shim.core.errors import UsageError
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.toml import parse_toml
from shim.core.urls import BadUrl, Url, find_userinfo, parse_url
from shim.formats.pypirc import BadPypirc, parse_pypirc
from shim.formats.uv_toml import tables, texts, tool_table
from shim.tools.pip.config_file import read_pip_config

MAX_BYTES = 1 << 20
#: A longer user name without a password may be a token, as some hosts want it.
MAX_USERNAME = 24
_PLACEHOLDER = re.compile(r"\$\{?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}?")


@dataclass(frozen=True, slots=True)
class Found:
    """An index that a file names: the text of its URL, whether the file makes it its tool's
    default, a name, and a user name beside it.
    """

    text: str
    is_default: bool = False
    name: str | None = None
    username: str | None = None
    has_password: bool = False
    ca_bundle: str | None = None


def read_tables(
    what: str, use: str, settings: Settings, file: str, host: Host
) -> tuple[list[Table], list[str]]:
    """Return the `[[index]]` tables for the indexes that are new, and notes about all else. `use`:
    `default` gives each its own.

    Raises:
        UsageError: no such file, one of another kind, one that is not understood, or one that names
            no index.
    """
    path, reader = _find(what, host)
    found = list(reader(_read(path)))
    if not found:
        raise UsageError(f"{path} names no index", hint="shim setup asks for one")
    notes: dict[str, None] = {}
    made: list[Table] = []
    taken = {index.name for index in settings.indexes}
    has_default = default_of(settings, file) is not None
    for one in found:
        try:
            url, login = _read_url(one)
        except UsageError as error:
            notes[f"{path}: left out: {error.message}"] = None
            continue
        same = find_same(url, settings)
        if (
            same
            or any(table["url"] == url.text for table in made)
            or (url.is_public and use == "no")
        ):
            notes[f"{path}: left out: {url} {_why_left_out(url, same.name if same else None)}"] = (
                None
            )
            continue
        if note := _say_password(one, url, path):
            notes[note] = None
        name = (
            one.name
            if one.name
            and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", one.name)
            and one.name not in taken
            else name_for(url, taken)
        )
        taken.add(name)
        said = {"no": "no", "extra": "extra"}.get(
            use, "default" if one.is_default and not has_default else "extra"
        )
        has_default |= said == "default"
        bundle = {"ca-bundle": one.ca_bundle} if one.ca_bundle and not url.is_public else {}
        made.append(
            {
                "name": name,
                "url": url.text,
                **login,
                **bundle,
                **({"use-as": said} if said != "no" else {}),
            }
        )
    return made, list(notes)


def _why_left_out(url: Url, name: str | None) -> str:
    if name:
        return f"is configured already, as {name}"
    return "serves everybody" if url.is_public else "is there twice"


def _read_url(one: Found) -> tuple[Url, Table]:
    """Return the URL and what goes with it: a user name or nothing. Raises UsageError."""
    text = one.text.strip()
    head, scheme, rest = text.partition("://")
    userinfo, at, _ = rest.partition("/")[0].rpartition("@")
    clean = f"{head}{scheme}{rest[len(userinfo) + len(at) :]}" if at else text
    if "$" in clean:
        raise UsageError("a URL with a variable in its host or path")
    try:
        url = parse_url(clean)
    except BadUrl as error:
        raise UsageError(f"a path, or a URL that is not usable ({error})") from error
    if re.search(r"\s", url.text):
        raise UsageError("a URL with white space in it")
    if not url.is_confidential:
        raise UsageError(f"{url} is plain http: a password would travel in clear")
    return url, _login_of(one, userinfo)


def _login_of(one: Found, userinfo: str) -> Table:
    username, _, password = userinfo.partition(":")
    name = one.username or (_decoded(one) if username and "$" not in username else None)
    is_certain = bool(password or one.has_password or one.username)
    return (
        {"username": name}
        if name
        and name.isprintable()
        and ":" not in name
        and (is_certain or len(name) <= MAX_USERNAME)
        else {}
    )


def _decoded(one: Found) -> str:
    userinfo = find_userinfo(one.text.strip())
    return userinfo.username if userinfo else ""


def _say_password(one: Found, url: Url, path: str) -> str | None:
    """Return what there is to say about a password. A variable is not taken over: a stranger's file
    could name any of yours.
    """
    authority = one.text.partition("://")[2].partition("/")[0]
    password = authority.rpartition("@")[0].partition(":")[2]
    if variable := _PLACEHOLDER.fullmatch(password):
        name = variable["name"]
        return (
            f"{path} takes the password for {url} from {name}; if that is meant for this server,"
            f' add env = {{ password = "{name}" }} to it'
        )
    return (
        f"{path} holds a password for {url}; it was not copied: shim login --import {path}"
        if password or one.has_password
        else None
    )


def _find(what: str, host: Host) -> tuple[str, Callable[[str], Iterable[Found]]]:
    """Return the file and who reads it: a path, or a bare name that is looked for here and where
    its tool looks.
    """
    kind = os.path.basename(what.rstrip("/"))
    if kind not in READERS:
        raise UsageError(
            "shim setup cannot tell what that file is by its name",
            hint="one of: " + ", ".join(READERS),
        )
    places = [what]
    if what == kind:
        home, config = host.home or "", host.config_home or ""
        places += {
            "pip.conf": [
                host.environ.get("PIP_CONFIG_FILE", ""),
                f"{config}/pip/pip.conf",
                f"{home}/.pip/pip.conf",
                "/etc/pip.conf",
            ],
            "uv.toml": [
                host.environ.get("UV_CONFIG_FILE", ""),
                f"{config}/uv/uv.toml",
                "/etc/uv/uv.toml",
            ],
            ".pypirc": [f"{home}/.pypirc"],
        }.get(kind, [])
    path = next(
        (path for place in places if place and os.path.isfile(path := host.path(place))), None
    )
    if path is None:
        looked = ", ".join(host.path(place) for place in places if place)
        raise UsageError(
            f"there is no file {what} (looked for {looked})",
            hint="give its path: shim setup --from /folder/" + kind,
        )
    return path, READERS[kind]


def _read(path: str) -> str:
    try:
        data = read_regular(path, MAX_BYTES) or b""
    except CannotRead as error:
        raise UsageError(
            f"{path} {error.why}", hint="give the URL itself: shim setup URL"
        ) from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8", hint="give the URL itself: shim setup URL"
        ) from error


def _not_understood(kind: str) -> UsageError:
    return UsageError(f"that {kind} is not understood", hint="give the URL itself: shim setup URL")


def _read_pip(text: str) -> Iterator[Found]:
    sections = read_pip_config(text)
    if sections is None:
        raise _not_understood("pip.conf")
    general = sections.get("global", {}).get("cert", ("", 0))[0]
    for keys in sections.values():
        bundle = keys.get("cert", (general, 0))[0].strip()
        bundle = (
            bundle if bundle.startswith("/") else ""
        )  # pip takes another one from where it is started
        if "index-url" in keys:
            yield Found(keys["index-url"][0], is_default=True, ca_bundle=bundle)
        yield from (
            Found(url, ca_bundle=bundle) for url in keys.get("extra-index-url", ("", 0))[0].split()
        )


def _document(text: str, kind: str) -> dict[str, Any]:
    document = parse_toml(text)
    if document is None:
        raise _not_understood(kind)
    return document


def _read_uv(text: str) -> Iterator[Found]:
    yield from _read_uv_table(_document(text, "uv.toml"))


def _read_uv_table(document: dict[str, Any]) -> Iterator[Found]:
    own = document.get("pip")
    for table in (document, own if isinstance(own, dict) else {}):
        yield from _read_rows(table.get("index"), lambda row: row.get("default") is True)
        yield from (Found(url, is_default=True) for url in texts(table.get("index-url")))
        yield from (Found(url) for url in texts(table.get("extra-index-url")))


def _read_project(text: str) -> Iterator[Found]:
    document = _document(text, "pyproject.toml")
    yield from _read_uv_table(tool_table(document) or {})
    tool = document.get("tool")
    for name in ("poetry", "pdm"):
        table = tool.get(name) if isinstance(tool, dict) else None
        if isinstance(table, dict):
            yield from _read_rows(
                table.get("source"),
                lambda row: (
                    row.get("priority") in ("default", "primary") or row.get("name") == "pypi"
                ),
            )


def _read_pipfile(text: str) -> Iterator[Found]:
    rows = list(_read_rows(_document(text, "Pipfile").get("source"), lambda _: False))
    yield from (
        replace(row, is_default=not number) for number, row in enumerate(rows)
    )  # the first one is pipenv's default


def _read_rows(rows: object, is_default: Callable[[dict[str, Any]], bool]) -> Iterator[Found]:
    for row in tables(rows):
        if isinstance(row.get("url"), str):
            name = row.get("name")
            yield Found(row["url"], is_default(row), name if isinstance(name, str) else None)


def _read_pypirc(text: str) -> Iterator[Found]:
    try:
        sections = parse_pypirc(text)
    except BadPypirc as error:
        raise UsageError(
            f"that .pypirc is not understood: {error}", hint="give the URL itself: shim setup URL"
        ) from error
    for section in sections:
        if section.repository:
            yield Found(
                section.repository,
                name=section.name,
                username=section.username,
                has_password=bool(section.password),
            )


READERS: dict[str, Callable[[str], Iterable[Found]]] = {
    "pip.conf": _read_pip,
    "pip.ini": _read_pip,
    "uv.toml": _read_uv,
    "pyproject.toml": _read_project,
    ".pypirc": _read_pypirc,
    "Pipfile": _read_pipfile,
}
