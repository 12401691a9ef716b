"""Where a tool uploads to: an option, a variable, or a section of .pypirc.

Sources: twine 7.0 `settings.py`, `utils.py` (get_config, get_repository_from_config); flit 3.12 `upload.py`; the .pypirc
specification (packaging.python.org).
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass

from shim.formats.optparse_scan import Word
from shim.host import Host
from shim.model import Need, Needs, Origin, Place, Secret
from shim.urls import BadUrl, find_userinfo, parse_url

#: The repositories that every tool knows without a .pypirc.
KNOWN = {"pypi": "https://upload.pypi.org/legacy/", "testpypi": "https://test.pypi.org/legacy/"}
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Uploader:
    """How one tool is told about a repository: its options, and the variables that stand in for them ("" for none)."""

    url: str
    repository: str
    config_file: str
    username: str
    password: str
    variables: Mapping[str, str]

    def said(self, option: str, words: list[Word], host: Host) -> str | None:
        """Return what an option says, else its variable; None for neither or empty."""
        typed = [word.value for word in words if option and word.name == option]
        return (typed[-1] if typed else host.environ.get(self.variables.get(option, ""), "")) or None


def read_upload_needs(uploader: Uploader, words: list[Word], host: Host) -> Needs:
    """Return the one endpoint that the command uploads to, and who answers for it already."""
    path = host.path(uploader.said(uploader.config_file, words, host) or "~/.pypirc")
    name = uploader.said(uploader.repository, words, host) or "pypi"
    section = _read_pypirc(path).get(name, {})
    url = uploader.said(uploader.url, words, host)
    if url:
        origin, key = _origin(uploader.url, uploader, words)
        section = {}  # the tools read no section then
    else:
        url = section.get("repository") or KNOWN.get(name)
        origin, key = Origin("config", f"{path} [{name}]"), None
    if not url:
        return Needs((), (path,))
    try:
        target, userinfo = parse_url(url), find_userinfo(url)
    except BadUrl:
        return Needs((), (path,))
    given = Secret(userinfo.password) if userinfo and userinfo.password else None
    username = (userinfo.username if userinfo else None) or uploader.said(uploader.username, words, host) or section.get("username")
    answered = None
    if uploader.said(uploader.password, words, host):
        answered = uploader.variables.get(uploader.password) or f"--{uploader.password}"
    elif section.get("password"):
        answered = f"{path} [{name}]"
    place = (
        Place("argv" if isinstance(key, int) else "env", key, userinfo.start, userinfo.end)
        if given and userinfo and key is not None
        else None
    )
    return Needs((Need(target, origin, "publish", name, username, given, place, None if given else answered),), (path,))


def _origin(option: str, uploader: Uploader, words: list[Word]) -> tuple[Origin, int | str | None]:
    """Return where the URL was said, and the element of argv (None if it is only a part of one) or the variable."""
    typed = [word for word in words if word.name == option]
    if typed:
        return Origin("argv", f"--{option}"), typed[-1].position if typed[-1].start == 0 else None
    variable = uploader.variables[option]
    return Origin("env", variable), variable


def _read_pypirc(path: str) -> dict[str, dict[str, str]]:
    """Return section -> keys of a .pypirc; nothing for a file that is not there or cannot be understood."""
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as stream:
            parser.read_string(stream.read(MAX_BYTES))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}
