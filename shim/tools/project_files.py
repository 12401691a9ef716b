"""Reads a project's files for careless things; none is harmless that it cannot read."""

from __future__ import annotations

from shim.core.contextlib import contextmanager
from shim.core.errors import CannotDeliver
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.toml import read_toml
from shim.core.typing import Any, Container, Iterable, Iterator
from shim.core.urls import Url
from shim.formats import requirements
from shim.formats.optparse_scan import read_table, scan
from shim.tools.unsafe_settings import Does, UnsafeSetting


def read_document(path: str, host: Host) -> dict[str, Any]:
    """Return a TOML file's document, nothing if there is no file. Raises CannotDeliver."""
    with refusing(path, host):
        return read_toml(_read(path, host).decode("utf-8", "replace"))


def read_script(path: str, host: Host) -> dict[str, Any]:
    """Return the metadata of a PEP 723 script, nothing if there is none. Raises CannotDeliver."""
    from shim.formats.script import script_block

    with refusing(path, host):
        return read_toml(script_block(_read(path, host).decode("utf-8", "replace")))


def in_requirements(
    paths: Iterable[str], own: Container[str], host: Host
) -> Iterator[UnsafeSetting]:
    """Yield what requirements files say beyond `own`, the user's hosts. Raises CannotDeliver.

    A path that is none of those, or that only the tool may read, is unread already.
    """
    from shim.tools.pip.options import REQUIREMENTS_LINE, WANTED

    table = read_table(REQUIREMENTS_LINE, WANTED)
    for path in paths:
        try:
            text = requirements.decode_requirements(_read(path, host))
        except CannotRead:
            continue
        for line in requirements.read_lines(text, host.environ):
            for word in scan(line.options, table):
                if word.name == "trusted-host" and word.value not in own:
                    where = f"{shown(path, host)}:{line.number}"
                    yield UnsafeSetting(Does.UNCHECKED, where, word.value or "", means=pip_trusts)


def shown(path: str, host: Host) -> str:
    """Return a path as people are shown it."""
    return path.removeprefix(host.cwd.rstrip("/") + "/")


def pip_trusts(host: str, url: Url) -> bool:
    """Return whether pip takes `--trusted-host host` to mean the URL, or a file of its server: it
    compares the text of what it asks.

    Sources: pip 26.3 `network/session.py` (`add_trusted_host`, `mount`), requests 2.32
    (`get_adapter`).
    """
    netloc = f"[{host}]" if host.count(":") >= 2 and "@" not in host and "[" not in host else host
    trusted = f"https://{netloc}".lower()
    has_port = netloc.rpartition("]")[2].rpartition(":")[2].strip("0").isdigit()
    with_port = f"{url.netloc.removesuffix(f':{url.port}')}:{url.port}"
    for asked in {url.netloc, with_port}:  # a page may name the port or not
        text = f"https://{asked}{url.path}".lower()
        if text.startswith(f"{trusted}/") or (not has_port and text.startswith(f"{trusted}:")):
            return True
    return False


@contextmanager
def refusing(path: str, host: Host) -> Iterator[None]:
    """Raise CannotDeliver for a file of which it turns out that it cannot be read."""
    try:
        yield
    except CannotRead as error:
        what = (
            f"{shown(path, host)} {error.why}: it may turn off the check of certificates, or choose"
            " a proxy, for a credential"
        )
        raise CannotDeliver(what, hint="mend the file") from None


def _read(path: str, host: Host) -> bytes:
    return read_regular(host.path(path)) or b""
