"""What uv.toml, `[tool.uv]` and scripts of a project make uv careless with.

Sources: uv 0.13.8 settings reference (`allow-insecure-host`, `http-proxy`, `https-proxy`).
"""

from __future__ import annotations

import os
from itertools import pairwise

from shim.core import regex as re
from shim.core.host import Host
from shim.core.model import Endpoints, Invocation
from shim.core.toml import table_at
from shim.core.typing import Any, Iterator
from shim.core.urls import Url
from shim.formats import uv_toml
from shim.tools.project_files import read_document, read_script, shown
from shim.tools.unsafe_settings import PROXY_VARIABLES, Does, UnsafeSetting

PROXY_KEYS = ("http-proxy", "https-proxy")
HOST_KEYS = ("allow-insecure-host", "trusted-host")
_PATTERN = r"(?:\w+://)?(\[[^]]*\]|[^:/]*)(?:/[^:]*)?(?::\+?(\d+))?(?:/.*)?"


def find_unsafe_settings(
    invocation: Invocation, endpoints: Endpoints, host: Host
) -> Iterator[UnsafeSetting]:
    """Yield what the project's files say, not the user's and the machine's uv.toml."""
    pairs = [
        word.partition("=")[::2] if "=" in word else (word, after)
        for word, after in pairwise([*invocation.argv, ""])
    ]
    own = [value for flag, value in pairs if flag in ("--allow-insecure-host", "--trusted-host")]
    own += host.environ.get("UV_INSECURE_HOST", "").split()
    own_proxies = {host.environ[name] for name in PROXY_VARIABLES if host.environ.get(name)}
    named = {
        host.path(value)
        for flag, value in [*pairs, ("--config-file", host.environ.get("UV_CONFIG_FILE"))]
        if flag == "--config-file" and value
    }
    for path in endpoints.files_read:
        if path in named or _is_users(path, host):
            continue
        for table in read_tables(path, host):
            patterns = [pattern for key in HOST_KEYS for pattern in _patterns(table.get(key))]
            for pattern in patterns:
                if pattern not in own:
                    yield UnsafeSetting(Does.UNCHECKED, shown(path, host), pattern, means=means)
            for key in PROXY_KEYS:
                proxy = table.get(key)
                if isinstance(proxy, str) and proxy not in own_proxies:
                    yield UnsafeSetting(Does.PROXY, shown(path, host))


def means(pattern: str, url: Url) -> bool:
    """Return whether uv may take `host`, `host:port`, a URL or `*` for the URL's server."""
    from shim.formats.whatwg import plain_host

    match = re.fullmatch(_PATTERN, pattern.strip())
    host = plain_host(match[1].removesuffix(".")) if match else None
    if match is None or host is None or "*" in host:
        return True  # what is no host to us may be one to uv
    is_port = match[2] is None or int(match[2]) == url.port
    return is_port and host == plain_host(url.host.removesuffix("."))


def _patterns(value: object) -> list[str]:
    """Return the hosts of a setting: texts, or tables of `scheme`, `host` and `port`."""
    rows = uv_toml.tables(value if isinstance(value, list) else [value])
    return uv_toml.texts(value) + [
        f"{row.get('host')}:{row['port']}" if "port" in row else str(row.get("host"))
        for row in rows
    ]


def read_tables(path: str, host: Host) -> list[dict[str, Any]]:
    """Return uv's settings in a file: the document of a uv.toml, `[tool.uv]` of others."""
    name = os.path.basename(path)
    if name == "uv.toml":
        table = read_document(path, host)
    elif name == "pyproject.toml":
        table = uv_toml.tool_table(read_document(path, host)) or {}
    elif name.endswith((".toml", ".lock")):
        return []
    else:  # `uv run --script` takes a file of any name
        table = uv_toml.tool_table(read_script(path, host)) or {}
    return [table, table_at(table, "pip")]


def _is_users(path: str, host: Host) -> bool:
    folders = [host.config_home, *host.config_directories, "/etc"]
    return any(folder and path.startswith(os.path.join(folder, "uv", "")) for folder in folders)
