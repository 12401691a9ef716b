"""What the project's files of pip-tools, pipenv, pdm and poetry make those tools careless with.

What tox, nox and hatch read, and pipenv's `.env`, is not looked at: those run the project's own
code, which can do as it likes.

Sources: pip-tools 7.6 `utils.py` (`override_defaults_from_config_file`); pipenv 2026
`utils/indexes.py`; pdm 2.29 `project/config.py`, `project/core.py`; poetry 2.5
`utils/authenticator.py` (`RepositoryCertificateConfig`).
"""

from __future__ import annotations

import os
from itertools import pairwise

from shim.core.contextlib import suppress
from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.core.toml import table_at, value_at
from shim.core.typing import Any, Iterator
from shim.core.urls import Url
from shim.formats import uv_toml
from shim.tools.project.locks import sources_of_lock
from shim.tools.project.pip_tools_requests import configured_options
from shim.tools.project.requests import expand_variables
from shim.tools.project_files import in_requirements, pip_trusts, read_document, refusing, shown
from shim.tools.unsafe_settings import Does, UnsafeSetting, names

#: What pip's options do, where pip-tools' configuration has them.
_PIP_OPTIONS = {"trusted-host": Does.UNCHECKED, "cert": Does.AUTHORITY, "proxy": Does.PROXY}

#: Where project files and locks list sources.
_SOURCES = (("source",), ("sources",), ("tool", "pdm", "source"), ("tool", "poetry", "source"))


def find_unsafe_settings(
    invocation: Invocation, endpoints: Endpoints, host: Host
) -> Iterator[UnsafeSetting]:
    """Yield what the project's files say that neither argv nor `PIP_TRUSTED_HOST` does."""
    own = {after for word, after in pairwise([*invocation.argv, ""]) if word == "--trusted-host"}
    joined = [word for word in invocation.argv if word.startswith("--trusted-host=")]
    own |= {word.partition("=")[2] for word in joined}
    own |= set(host.environ.get("PIP_TRUSTED_HOST", "").split())
    locks = [path for path in endpoints.files_read if path.endswith(".lock")]
    pipfiles = [path.removesuffix(".lock") for path in locks]  # by any name
    ends = (".toml", "Pipfile")
    documents = [one for one in endpoints.files_read if one.endswith(ends) or one in pipfiles]
    others = [path for path in endpoints.files_read if path not in locks]
    tables = {path: read_document(path, host) for path in documents}
    for path in locks if invocation.tool == "pipenv" else ():
        with suppress(CannotRead):  # what cannot be read is careless already
            tables[path] = {"source": sources_of_lock(path)}
    yield from in_requirements((path for path in others if path not in tables), own, host)
    for path, document in tables.items():
        for does, server in _in_document(path, document, host):
            if server not in own:
                yield UnsafeSetting(does, shown(path, host), server, means=_means)


def _means(server: str, url: Url) -> bool:
    """Return whether a source's URL, or what pip is told to trust, is a URL's server."""
    return names(server, url) or pip_trusts(server, url)


def _in_document(path: str, document: dict[str, Any], host: Host) -> Iterator[tuple[Does, str]]:
    """Yield what a file does, and for which server: a URL, a pattern, or `*` by a name."""
    rows = [row for key in _SOURCES for row in uv_toml.tables(value_at(document, *key))]
    if os.path.basename(path) == "pdm.toml":
        rows += _pdm_rows(document)
    beside = os.path.join(os.path.dirname(path), "poetry.toml")
    for row in [*rows, *_poetry_rows(rows, read_document(beside, host))]:
        server = expand_variables(row["url"], host) if isinstance(row.get("url"), str) else "*"
        if row.get("verify_ssl", True) is not True:
            yield Does.UNCHECKED, server
        if row.get("ca_certs"):
            yield Does.AUTHORITY, server
    with refusing(path, host):
        said = [*configured_options(value_at(document, "tool", "pip-tools"), path, _PIP_OPTIONS)]
    for name, mention in said:
        yield _PIP_OPTIONS[name], mention.text if name == "trusted-host" else "*"


def _pdm_rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield sources and repositories of a pdm.toml: a key with dots is as good as a table."""
    rows: dict[str, dict[str, Any]] = {}
    for key, value in _flatten(document):
        prefix, _, name = key.rpartition(".")
        if key.partition(".")[0] in ("pypi", "repository"):
            rows.setdefault(prefix, {})[name] = value
    yield from rows.values()


def _flatten(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _poetry_rows(sources: list[dict[str, Any]], poetry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a poetry.toml says of certificates in the words of a source; the URL may also
    stand in the user's own configuration.
    """
    urls = {row.get("name"): row.get("url") for row in sources}
    urls |= {name: value_at(row, "url") for name, row in table_at(poetry, "repositories").items()}
    for name, row in table_at(poetry, "certificates").items():
        said = [value_at(row, key) for key in ("verify", "cert")]
        yield {
            "url": urls.get(name),
            "verify_ssl": False not in said,
            "ca_certs": any(isinstance(value, str) for value in said),
        }
