"""A project that makes a tool careless with a server which is about to get a credential: no certificate check, or a proxy of its choice.

The tool would obey, and whoever answers in the server's place would get the secret. What the user says (argv, variables, own
configuration, `insecure = true` of an `[[index]]`) is the user's business; what a project's file says is a stranger's.

Sources: pip 26.3 `req/req_file.py` (`--trusted-host` counts there, `--proxy` and `--cert` do not); uv 0.13.8 settings reference
(`allow-insecure-host`, `http-proxy`, `https-proxy` in uv.toml, `[tool.uv]` and PEP 723 scripts).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shim.errors import CannotDeliver
from shim.formats import requirements, uv_toml
from shim.formats.optparse_scan import read_table, scan
from shim.formats.pip_options import REQUIREMENTS_LINE, WANTED
from shim.host import Host
from shim.model import Answer, Invocation, Needs
from shim.settings import Settings
from shim.urls import Url

MAX_BYTES = 16 << 20
PROXY_KEYS = ("http-proxy", "https-proxy")
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Laxity:
    """What a project's file says: an unchecked `host[:port]`, or a proxy's URL; `where` it stands."""

    unchecked: str
    proxy: str
    where: str


def refuse_laxity(invocation: Invocation, needs: Needs, answers: tuple[Answer, ...], settings: Settings, host: Host) -> None:
    """Raise CannotDeliver if a project's file would expose a credential of this command."""
    exposed = [answer for answer in answers if answer.credential and not _is_waived(answer, settings)]
    if not exposed:
        return
    for laxity in find_laxities(invocation, needs, host):
        for answer in exposed:
            url = answer.need.url
            if laxity.unchecked and url.scheme == "https" and names(laxity.unchecked, url):
                what = f"says that nobody checks the certificate of {url.host}"
            elif laxity.proxy:
                what = "sends requests through a proxy of its own choice"
            else:
                continue
            raise CannotDeliver(
                f"{laxity.where} {what}, and the credential for {url} would go that way",
                hint="take that out of the file; if you want it so, set insecure = true for this [[index]], or say it on your command line",
            )


def find_laxities(invocation: Invocation, needs: Needs, host: Host) -> Iterator[Laxity]:
    """Yield what the project's files of a command say that the user's own configuration does not say as well."""
    if invocation.family == "pip":
        yield from _in_requirements(invocation, needs, host)
    elif invocation.family == "uv":
        yield from _in_uv_files(invocation, needs, host)
    elif invocation.family == "project":
        yield from _in_project_files(invocation, needs, host)


def names(pattern: str, url: Url) -> bool:
    """Return whether `host`, `host:port` or `*` means the URL's server."""
    text = pattern.lower().rpartition("://")[2].partition("/")[0]
    host, colon, port = text.rpartition(":") if text.rpartition(":")[2].isdigit() else (text, "", "")
    return host == "*" or (host.strip("[]") == url.host and (not colon or port == str(url.port)))


def _is_waived(answer: Answer, settings: Settings) -> bool:
    index = settings.index_named(answer.index) if answer.index else None
    return bool(index and index.insecure)


def _in_requirements(invocation: Invocation, needs: Needs, host: Host) -> Iterator[Laxity]:
    from shim.tools.pip import read_options

    own = {mention.text for mention in read_options(invocation, host, ("trusted-host",))["trusted-host"]}
    yield from _in_lines(needs.watched, own, host)


def _in_lines(paths: Iterable[str], own: set[str], host: Host) -> Iterator[Laxity]:
    """Yield from requirements files; `own` is what the user says."""
    table = read_table(REQUIREMENTS_LINE, WANTED)
    for path in paths:
        data = _read(path)
        for line in requirements.read_lines(requirements.decode_requirements(data), host.environ) if data else ():
            for word in scan(line.options, table):
                if word.name == "trusted-host" and word.value not in own:
                    yield Laxity(word.value or "", "", f"{_shown(path, host)}:{line.number}")


def _in_project_files(invocation: Invocation, needs: Needs, host: Host) -> Iterator[Laxity]:
    """Yield the sources whose certificate nobody checks, and what requirements files and pip-tools' configuration say.

    What tox, nox and hatch read is not looked at: those run the project's own code, which can do as it likes.
    """
    own = {after for word, after in pairwise([*invocation.argv, ""]) if word == "--trusted-host"}
    own |= {word.partition("=")[2] for word in invocation.argv if word.startswith("--trusted-host=")}
    own |= set(host.environ.get("PIP_TRUSTED_HOST", "").split())
    yield from _in_lines((path for path in needs.watched if path.endswith((".txt", ".in"))), own, host)
    for path in needs.watched:
        document = uv_toml.parse_toml((_read(path) or b"").decode("utf-8", "replace")) or {}
        for url in _unchecked_sources(path, document, host):
            yield Laxity(url, "", _shown(path, host))
        for pattern in uv_toml.texts(_at(document, "tool", "pip-tools", "trusted-host")):
            if pattern not in own:
                yield Laxity(pattern, "", _shown(path, host))


def _unchecked_sources(path: str, document: dict[str, Any], host: Host) -> Iterator[str]:
    """Yield the URLs of sources with `verify_ssl = false`, or, for poetry, whose `certificates.NAME.cert` is false."""
    beside = os.path.join(os.path.dirname(host.path(path)), "poetry.toml")
    poetry = uv_toml.parse_toml((_read(beside) or b"").decode("utf-8", "replace")) or {}
    rows = [*uv_toml.tables(document.get("source"))]
    rows += [row for tool in ("pdm", "poetry") for row in uv_toml.tables(_at(document, "tool", tool, "source"))]
    named = _at(poetry, "repositories")
    rows += [{**row, "name": name} for name, row in named.items() if isinstance(row, dict)] if isinstance(named, dict) else []
    for row in rows:
        is_unchecked = row.get("verify_ssl") is False or _at(poetry, "certificates", str(row.get("name")), "cert") is False
        if is_unchecked and isinstance(row.get("url"), str):
            from shim.indexes.projects import expand_variables  # pip and uv never come here

            yield expand_variables(row["url"], host)


def _at(document: Any, *key: str) -> Any:
    for part in key:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def _in_uv_files(invocation: Invocation, needs: Needs, host: Host) -> Iterator[Laxity]:
    """Yield from uv.toml, pyproject.toml and scripts of the project; the user's and the machine's uv.toml are not a project's."""
    words = [*invocation.argv, ""]
    pairs = [word.partition("=")[::2] if "=" in word else (word, after) for word, after in pairwise(words)]
    own = [value for flag, value in pairs if flag in ("--allow-insecure-host", "--trusted-host")]
    own += host.environ.get("UV_INSECURE_HOST", "").split()
    own_proxies = {host.environ[name] for name in PROXY_VARIABLES if host.environ.get(name)}
    named = {host.path(value) for value in (*invocation.argv, host.environ.get("UV_CONFIG_FILE") or "/") if value.endswith("uv.toml")}
    for path in needs.watched:
        if path in named or _is_users(path, host):
            continue
        for table in _uv_tables(path):
            for pattern in uv_toml.texts(table.get("allow-insecure-host")) + uv_toml.texts(table.get("trusted-host")):
                if pattern not in own:
                    yield Laxity(pattern, "", _shown(path, host))
            for key in PROXY_KEYS:
                proxy = table.get(key)
                if isinstance(proxy, str) and proxy not in own_proxies:
                    yield Laxity("", proxy, _shown(path, host))


def _uv_tables(path: str) -> list[dict[str, Any]]:
    """Return uv's settings in a file: the document of a uv.toml, `[tool.uv]` of others."""
    name = os.path.basename(path)
    if not (name in ("uv.toml", "pyproject.toml") or name.endswith((".py", ".pyw"))):
        return []
    text = (_read(path) or b"").decode("utf-8", "replace")
    document = uv_toml.parse_toml(text) if name.endswith(".toml") else uv_toml.script_document(text)
    table = (document if name == "uv.toml" else uv_toml.tool_table(document or {})) or {}
    pip = table.get("pip")
    return [table, *([pip] if isinstance(pip, dict) else [])]


def _is_users(path: str, host: Host) -> bool:
    folders = [host.config_home, *host.config_directories, "/etc"]
    return any(folder and path.startswith(os.path.join(folder, "uv", "")) for folder in folders)


def _read(path: str) -> bytes | None:
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > MAX_BYTES:
            return None
        with open(path, "rb") as stream:
            return stream.read()
    except (OSError, ValueError):
        return None


def _shown(path: str, host: Host) -> str:
    return path.removeprefix(host.cwd.rstrip("/") + "/")
