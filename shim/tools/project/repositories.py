"""The repositories that hatch's, pdm's and poetry's own configuration files name for uploads.

Sources: hatch 1.18 `publish/index.py`, `publish/auth.py`; pdm 2.29 documentation "Publish",
`project/config.py`; poetry 2.5 documentation "Configuration", `publishing/publisher.py`,
`utils/password_manager.py`.
"""

from __future__ import annotations

import os

from shim.core.dataclass import replace
from shim.core.host import Host
from shim.core.model import Endpoint, Endpoints, Origin
from shim.core.toml import table_at
from shim.core.typing import Any, Mapping
from shim.core.urls import BadUrl, find_userinfo, parse_url
from shim.tools.project.requests import find_upwards, read_document, read_table_at, source_endpoints
from shim.tools.unreadable import Unread
from shim.tools.upload.uploads import Repositories, read_pypirc


def hatch_repositories(name: str, config: str, host: Host) -> Repositories:
    """Return what hatch's config.toml says, and a .pypirc of the repository that is meant."""
    config = config or host.environ.get("HATCH_CONFIG") or _below(host, "hatch", "config.toml")
    path = host.path(config)
    index = _table(path, "publish", "index")
    name = name or host.environ.get("HATCH_INDEX_REPO") or str(index.get("repo") or "main")
    rows: dict[str, dict[str, str]] = {}
    for key, row in table_at(index, "repos").items():
        said = {**index, **row} if isinstance(row, dict) else {**index, "url": row}
        rows[key] = _rename(said, url="repository", user="username", auth="password")
    if name in rows:
        sections = read_pypirc(host.path("~/.pypirc"))
        url = rows[name].get("repository", name)
        same = (section for section in sections.values() if section.get("repository") == url)
        login = sections.get(name) or next(same, {})
        rows[name] = {**_login(login), **rows[name]}
    return Repositories(path, rows, name)


def pdm_repositories(config: str, folder: str, host: Host) -> Repositories:
    """Return what the project's pdm.toml and pdm's own config.toml say; the project goes first."""
    own, project = pdm_config(config, host), find_upwards("pdm.toml", host.path(folder)) or ""
    rows: dict[str, dict[str, str]] = {}
    named: set[str] = set()
    for path in (own, project):
        for name, row in _table(path, "repository").items():
            if isinstance(row, dict):
                said = {**_rename(row, url="repository"), **_login(row)}
                rows[name] = {**rows.get(name, {}), **said}
                named |= {name} if path == project and "url" in row else set()
    return Repositories(own, rows, project=frozenset(named))


def pdm_sources(config: str, folder: str, host: Host) -> Endpoints:
    """Return the sources in pdm's own config.toml, the user's, and in the project's pdm.toml."""
    own, project = pdm_config(config, host), find_upwards("pdm.toml", host.path(folder)) or ""
    unread = Unread()
    tables: dict[str, dict[str, Any]] = {}
    for path in filter(None, (own, project)):
        tables[path] = {}
        with unread.guard(path, careless=path == project):
            tables[path] = table_at(read_document(path), "pypi")
    found = [
        replace(endpoint, origin=Origin("config", own)) if path == own else endpoint
        for path, table in tables.items()
        for endpoint in source_endpoints([table, *table.values()], path, host, unread)
    ]
    return unread.endpoints(found, tables)


def pdm_config(config: str, host: Host) -> str:
    """Return where pdm's own config.toml is."""
    config = config or host.environ.get("PDM_CONFIG_FILE") or _below(host, "pdm", "config.toml")
    return host.path(config)


def poetry_endpoints(name: str, folder: str, host: Host) -> Endpoints:
    """Return what `poetry publish` uploads to, by a variable, poetry.toml or config.toml."""
    files = poetry_files(folder, host)
    name = name or "pypi"
    variable = f"POETRY_REPOSITORIES_{poetry_name(name)}_URL"
    url, origin = host.environ.get(variable), Origin("env", variable)
    for path in reversed(files):
        said = _table(path, "repositories", name).get("url")
        if not url and isinstance(said, str):
            url, origin = said, Origin("file", path, project=path.endswith("poetry.toml"))
    answers = [variable for variable in poetry_variables(name) if host.environ.get(variable)]
    answers += [
        path
        for path in files
        if _table(path, "http-basic", name) or _table(path, "pypi-token").get(name)
    ]
    try:
        target = parse_url(url or "https://upload.pypi.org/legacy/")
        userinfo = find_userinfo(url or "")
    except BadUrl:
        return Endpoints((), tuple(files))
    if userinfo and userinfo.password:
        return Endpoints((), tuple(files))  # the user's own; poetry reads it from there
    answered = answers[0] if answers else None
    endpoint = Endpoint(target, origin, "publish", name, provided_by=answered)
    return Endpoints((endpoint,), tuple(files))


def poetry_files(folder: str, host: Host) -> list[str]:
    """Return poetry's configuration files, what counts most last: the project's poetry.toml."""
    home = host.environ.get("POETRY_CONFIG_DIR") or _below(host, "pypoetry")
    own = [os.path.join(home, file) for file in ("auth.toml", "config.toml")]
    return [*own, *filter(None, [find_upwards("poetry.toml", host.path(folder))])]


def poetry_repositories(folder: str, host: Host) -> list[tuple[str, str]]:
    """Return (name, URL) of each repository for uploads: poetry takes those for sources as well."""
    return [
        (name, str(row.get("url")))
        for path in poetry_files(folder, host)
        for name, row in _table(path, "repositories").items()
        if isinstance(row, dict)
    ]


def poetry_variables(name: str) -> tuple[str, ...]:
    """Return the variables of a repository's or source's password and token."""
    stem = poetry_name(name)
    return f"POETRY_HTTP_BASIC_{stem}_PASSWORD", f"POETRY_PYPI_TOKEN_{stem}"


def poetry_name(name: str) -> str:
    """Return how a name stands in poetry's variables."""
    return name.upper().replace("-", "_")


def _below(host: Host, *parts: str) -> str:
    return os.path.join(host.config_home or "/nonexistent", *parts)


def _table(path: str, *key: str) -> dict[str, Any]:
    return table_at(read_table_at(path, key)) if path else {}


def _rename(said: Mapping[str, Any], **names: str) -> dict[str, str]:
    return {names[key]: str(said[key]) for key in names if key in said}


def _login(said: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(said[key]) for key in ("username", "password") if key in said}
