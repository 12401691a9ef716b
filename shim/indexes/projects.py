"""Where tools that install by way of pip, uv or themselves are told about indexes: pip's and uv's own settings, and project files.

Sources: pipenv 2026 `project.py` (`sources`, `${VAR}`); poetry 2 documentation "Repositories"; pdm 2.2x documentation "Configure
the package indexes".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from shim.host import Host
from shim.indexes import pip
from shim.indexes.pip_settings import Files, Mention, Settings, read_settings
from shim.model import Need, Needs, Origin, Target
from shim.urls import BadUrl, find_userinfo, parse_url

#: Which pip these tools start, nobody knows.
_SOME_PIP = Target("pip")
#: Where project files stop being looked for.
MAX_LEVELS = 50
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


def pip_needs(host: Host, urls: tuple[Mention, ...] = ()) -> Needs:
    """Return what `pip install` would ask by its variables and configuration alone, `urls` (from an option) replacing the index."""
    files = Files()
    settings: Settings = read_settings(("install",), 0, _SOME_PIP, host, files)
    if urls:
        settings.options["index-url"] = [*urls]
    return pip.read_needs("install", settings, _SOME_PIP, host, files)


def project_needs(name: str, key: tuple[str, ...], host: Host) -> Needs:
    """Return the sources that the nearest project file `name` has at `key`: tables with a `url`."""
    path = _find_upwards(name, host)
    watched = (path or os.path.join(host.cwd, name),)
    needs = []
    for url in _sources(path, key) if path else ():
        expanded = _VARIABLE.sub(lambda match: host.environ.get(match[1] or match[2], match[0]), url)
        try:
            target, userinfo = parse_url(expanded), find_userinfo(expanded)
        except BadUrl:
            continue
        if userinfo and userinfo.password:
            continue  # the user's own; the tool reads it from there
        needs.append(
            Need(target, Origin("file", path or name, project=True), "extra", username=userinfo.username or None if userinfo else None)
        )
    return Needs(tuple(needs), watched)


def join(*several: Needs) -> Needs:
    """Return all needs together, each URL once."""
    items = {(need.url.text, need.username): need for needs in reversed(several) for need in reversed(needs.items)}
    return Needs(
        tuple(reversed(items.values())),
        tuple(path for needs in several for path in needs.watched),
        tuple(text for needs in several for text in needs.unknown),
    )


def _find_upwards(name: str, host: Host) -> str | None:
    folder = host.cwd
    for _ in range(MAX_LEVELS):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
        if folder == "/":
            return None
        folder = os.path.dirname(folder)
    return None


def _sources(path: str, key: tuple[str, ...]) -> Iterator[str]:
    """Yield the URLs; a file that cannot be read has none, the tool will say so itself."""
    import tomllib

    try:
        with open(path, "rb") as stream:
            found: Any = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return
    for part in key:
        found = found.get(part) if isinstance(found, dict) else None
    for row in found if isinstance(found, list) else ():
        if isinstance(row, dict) and isinstance(row.get("url"), str):
            yield row["url"]
