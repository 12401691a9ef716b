"""What asks the servers behind a tool: the pip that it brings along, or an HTTP library of its own.
Read from files, as far as they tell.

Sources: pipenv 2026 `patched/pip`; requests 2.32.4 (CVE-2024-47081); unearth 0.17
`utils.get_netrc_auth` (httpx's own host parser).
"""

from __future__ import annotations

import os
from itertools import pairwise

from shim.core.files import may_access, read_head, real_path
from shim.core.model import Endpoint, Target
from shim.delivery import Case
from shim.tools.installed_version import find_release, parse_version

#: From this release pip, and from this one requests, cannot be tricked by a URL into sending a
#: netrc's entry to another host.
SAFE_PIP = (25, 2)
SAFE_REQUESTS = (2, 32, 4)


def pip_behind(case: Case) -> tuple[int, ...] | None:
    """Return the release of the pip that asks, None where there is none or nobody knows it."""
    target = case.invocation.target
    if case.invocation.family == "pip":
        return target.version
    if case.invocation.tool == "pipenv" and (folder := packages_folder(target)):
        return _read_version(os.path.join(folder, "pipenv", "patched", "pip", "__init__.py"))
    if case.invocation.tool == "pipx" and "--global" not in case.invocation.argv:
        from shim.tools.project.pipx_records import oldest_pip

        return oldest_pip(target.path, case.host)
    return None


def packages_folder(target: Target) -> str | None:
    """Return the folder of the packages that are installed beside a tool, if that is known."""
    if not target.prefix or not target.python:
        return None
    return os.path.join(target.prefix, "lib", "python{}.{}".format(*target.python), "site-packages")


def is_faithful(case: Case) -> bool:
    """Whether what asks is known to send a netrc's entry to no other host than it names."""
    if case.invocation.tool == "pdm":
        return True
    if case.invocation.tool == "poetry":
        requests = find_release(case.invocation.target.path, "requests", case.host)[0]
        return requests is not None and requests >= SAFE_REQUESTS
    version = pip_behind(case)
    return version is not None and version >= SAFE_PIP


def is_asked_by_uv(case: Case, endpoint: Endpoint) -> bool:
    """Return whether it is uv, or may be, that a tool starts for an index: what uv's own settings
    say, and what pipx is told.

    Sources: pipx 1.18 `backends/__init__.py` (uv where there is one, unless told pip).
    """
    if endpoint.origin.kind == "argv" and case.invocation.tool == "pipx":
        words = case.invocation.argv
        named = next((value for word, value in pairwise(words) if word == "--backend"), None)
        backend = named or case.host.environ.get("PIPX_DEFAULT_BACKEND")
        return backend != "pip" and "--backend=pip" not in words and _has_uv(case)
    name = os.path.basename(endpoint.origin.where)
    return name.startswith("UV_") if endpoint.origin.kind == "env" else name.startswith("uv.toml")


def _has_uv(case: Case) -> bool:
    target = case.invocation.target
    path = case.host.environ.get("PATH", os.defpath).split(":")
    folders = [os.path.dirname(real_path(target.path)), *path]
    return any(may_access(os.path.join(folder, "uv"), os.X_OK) for folder in folders if folder)


def _read_version(path: str) -> tuple[int, ...] | None:
    """Return the release that a Python file says in `__version__ = "26.2.2"`."""
    lines = read_head(path, 4096).decode("utf-8", "replace").splitlines()
    for line in lines:
        if line.startswith("__version__ ="):
            return parse_version(line.partition('"')[2]) or None
    return None
