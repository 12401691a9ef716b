"""What uv.toml, `[tool.uv]` and scripts of a project make uv careless with.

Sources: uv 0.13.8 settings reference (`allow-insecure-host`, `http-proxy`, `https-proxy`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from shim.formats import uv_toml
from shim.host import Host
from shim.laxity import PROXY, PROXY_VARIABLES, UNCHECKED, Laxity
from shim.laxity.files import read_document, read_script, shown
from shim.model import Invocation, Needs

PROXY_KEYS = ("http-proxy", "https-proxy")


def find_laxities(invocation: Invocation, needs: Needs, host: Host) -> Iterator[Laxity]:
    """Yield what the project's files say; the user's and the machine's uv.toml are not a project's."""
    words = [*invocation.argv, ""]
    pairs = [word.partition("=")[::2] if "=" in word else (word, after) for word, after in pairwise(words)]
    own = [value for flag, value in pairs if flag in ("--allow-insecure-host", "--trusted-host")]
    own += host.environ.get("UV_INSECURE_HOST", "").split()
    own_proxies = {host.environ[name] for name in PROXY_VARIABLES if host.environ.get(name)}
    named = {
        host.path(value)
        for flag, value in [*pairs, ("--config-file", host.environ.get("UV_CONFIG_FILE"))]
        if flag == "--config-file" and value
    }
    for path in needs.watched:
        if path in named or _is_users(path, host):
            continue
        for table in _tables(path, host):
            for pattern in uv_toml.texts(table.get("allow-insecure-host")) + uv_toml.texts(table.get("trusted-host")):
                if pattern not in own:
                    yield Laxity(UNCHECKED, shown(path, host), pattern)
            for key in PROXY_KEYS:
                proxy = table.get(key)
                if isinstance(proxy, str) and proxy not in own_proxies:
                    yield Laxity(PROXY, shown(path, host))


def _tables(path: str, host: Host) -> list[dict[str, Any]]:
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
    pip = table.get("pip")
    return [table, *([pip] if isinstance(pip, dict) else [])]


def _is_users(path: str, host: Host) -> bool:
    folders = [host.config_home, *host.config_directories, "/etc"]
    return any(folder and path.startswith(os.path.join(folder, "uv", "")) for folder in folders)
