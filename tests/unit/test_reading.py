"""Other people's files: what is read of them, and what becomes of the rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from shim.cli.doctor import clear_text as clear_text_check
from shim.cli.doctor.confusion import read_names
from shim.cli.login import import_file as login_import
from shim.cli.setup import fields, import_file
from shim.config.mentions import is_mentioned as is_routing_mentioned
from shim.config.settings import parse_config, read_config
from shim.core import toml
from shim.core.errors import ConfigError, SourceError, UsageError
from shim.core.files import CannotRead, read_regular
from shim.core.host import Host
from shim.core.model import Endpoint, Origin
from shim.core.own_launchers import is_launcher
from shim.core.urls import names_web, parse_url, shown_url
from shim.credentials.sources import pypirc
from shim.delivery import http_library, tls
from shim.formats import clear_text, html_links, requirements, script
from shim.formats.netrc import read_netrc
from shim.formats.wheel import read_requires
from shim.routing import remembering
from shim.routing.default_index import is_mentioned
from shim.tools.installed_version import find_release
from shim.tools.pip import config_file
from shim.tools.project import direct_urls, requests
from shim.tools.project_files import pip_trusts
from shim.tools.unreadable import Unread
from shim.tools.upload import uploads
from shim.tools.uv import lock_file, tool
from shim.tools.uv.config_files import Reader
from tests.support.selection import tries

TYPED, IN_PROJECT = Origin("argv", "-r"), Origin("file", "r.txt", project=True, line=1)


def make_odd(kind: str, folder: Path) -> str:
    """Return a path at which something is that nobody may read as a file, or wait for."""
    path = folder / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "huge":
        path.touch()
        os.truncate(path, 1 << 40)
    elif kind == "name":
        return f"{path}\0"
    else:
        path.symlink_to("/dev/zero")
    return str(path)


ODD = ["pipe", "folder", "loop", "huge", "device", "name"]


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_plain_file_is_not_read_and_not_waited_for(kind: str, tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match=r"\w"):
        read_regular(make_odd(kind, tmp_path))


def test_a_plain_file_is_read_up_to_its_bound_and_a_missing_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(str(path), 5) == b"12345"
    with pytest.raises(CannotRead):
        read_regular(str(path), 4)
    assert read_regular(str(tmp_path / "no")) is read_regular(str(path / "below")) is None


def refuses(error: type[Exception], read: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(error, match=r"\w"):
        read(*arguments)


def read_receipt(path: str) -> None:
    receipt = Path(path.rstrip("\0")).parent / "config" / "uv" / "uv-receipt.json"
    receipt.parent.mkdir(parents=True)
    with suppress(ValueError):
        receipt.symlink_to(path)
    assert tool._standalone_version(Host({"XDG_CONFIG_HOME": str(receipt.parent.parent)}, "/"), path) is None


def check_bundle(path: str) -> None:
    index = SimpleNamespace(ca_bundle=path, defined_in="config.toml", name="corp")
    with pytest.raises(ConfigError, match=r"ca-bundle .* of corp "):
        tls._check_bundle(path, SimpleNamespace(indexes=[index]), Host({}, "/"))  # type: ignore[arg-type]


READERS: dict[str, Callable[[str], object]] = {
    "pypirc": uploads.read_pypirc,
    "project table": lambda path: requests.read_table_at(path, ("a",)),
    "sources": lambda path: requests.sources_in(path, ("source",), Host({}, "/")),
    "direct": lambda path: direct_urls.direct_endpoints("pdm", (), path, os.path.basename(path)),
    "uv": lambda path: Reader(Host({}, "/"), None).read_toml(path),
    "certificates": check_bundle,
    "pip beside a tool": http_library._read_version,
    "uv's receipt": read_receipt,
    "a launcher": is_launcher,
    "a tool": lambda path: find_release(path, "pip", Host({}, "/")),
    "secrets in clear": clear_text_check.read_sightings,
    "names": lambda path: refuses(UsageError, read_names, [path], Host({}, "/")),
    "a login's import": lambda path: refuses(UsageError, login_import._read, path),
    "setup's file": lambda path: refuses(UsageError, import_file._read, path),
    "setup's certificates": lambda path: refuses(UsageError, fields.read_bundle, path, Host({}, "/")),
    "a source's pypirc": lambda path: refuses(SourceError, pypirc._read, path),
    "use-as": lambda path: is_mentioned(Host({"SHIM_CONFIG_FILE": path}, "/")),
    "routing": lambda path: is_routing_mentioned(Host({"SHIM_CONFIG_FILE": path}, "/")),
    "what an index has": remembering.read,
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_waits_or_breaks(reader: str, kind: str, tmp_path: Path) -> None:
    READERS[reader](make_odd(kind, tmp_path))


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge", "device"])
def test_a_netrc_and_a_wheel_and_a_configuration_that_are_none_are_errors(kind: str, tmp_path: Path) -> None:
    path = make_odd(kind, tmp_path)
    with pytest.raises(OSError, match=r"\w"):
        read_netrc(path)
    with pytest.raises(CannotRead):
        read_requires(path)
    with pytest.raises(ConfigError):
        read_config(path, path)


def test_a_configuration_of_brackets_is_an_error() -> None:
    with pytest.raises(ConfigError, match="is not valid TOML"):
        parse_config("a = " + "[" * 100_000, "config.toml")


def test_what_is_unread_says_what_and_where_once() -> None:
    unread = Unread()
    for _ in range(2):
        with unread.guard("r.txt", careless=True):
            raise CannotRead("is a pipe")
    unread.note_url("./folder", TYPED)
    unread.note_url("git+https://h/x", TYPED)
    unread.note_url("http:\\\\u:PW@h\u00ad.example?t=PW", TYPED)
    assert list(unread.texts) == ["r.txt (it is a pipe)", "http:\\\\****@h\u00ad.example?t=**** (from argv -r) (it is no URL that every program reads alike)"]
    assert list(unread.careless) == ["r.txt (it is a pipe)"]


@pytest.mark.parametrize(
    ("text", "origin", "careless"),
    [("https://h/r.txt", TYPED, False), ("http://h/r.txt", TYPED, True), ("https://h/r.txt?t=1", IN_PROJECT, True)],
)
def test_who_names_a_remote_file_himself_vouches_for_it(text: str, origin: Origin, careless: bool) -> None:
    unread = Unread()
    unread.note_remote(Endpoint(parse_url(text), origin, "input"))
    assert list(unread.texts) == [shown_url(text)]
    assert bool(unread.careless) is careless


@pytest.mark.parametrize("text", ["http://h", "HTTPS:h", " ht\ntp:\\\\h", "\u200bh\u00adttp:h", "x @ https:h", "name=http://h"])
def test_whatever_some_program_may_take_for_a_web_address_is_known(text: str) -> None:
    assert names_web(text)


@pytest.mark.parametrize("text", ["", "./http", "git+https://h/x", "file:///http", "ftp://h", "shttp://h", "/srv/simple"])
def test_paths_and_what_git_fetches_are_no_web_addresses(text: str) -> None:
    assert not names_web(text)


@pytest.mark.parametrize(
    ("host", "url", "means"),
    [
        ("h", "https://h/simple", True),
        ("H", "https://h:8443/simple", True),
        ("h:443", "https://h/simple", True),
        ("h:443", "https://h:443/simple", True),
        ("h:0443", "https://h:443/simple", False),
        ("h:8443", "https://h/simple", False),
        ("h:", "https://h/simple", False),
        ("::1", "https://[::1]/simple", True),
        ("[::1]", "https://[::1]:8443/simple", True),
        ("[::1]:8443", "https://[::1]:8443/simple", True),
        ("::1:8443", "https://[::1]:8443/simple", False),
        ("https://h", "https://h/simple", False),
        ("h/simple", "https://h/simple/x", True),
        ("h/other", "https://h/simple/x", False),
        ("user@h", "https://h/simple", False),
        ("*", "https://h/simple", False),
        ("h.example", "https://h/simple", False),
    ],
)
def test_a_trusted_host_is_compared_as_pip_compares_it(host: str, url: str, means: bool) -> None:
    assert pip_trusts(host, parse_url(url)) is means


MEGABYTE = tries(1_000_000)
PATHOLOGICAL = {
    "blanks before a comment": "x" + " " * MEGABYTE + "y#",
    "an open quote": '-i "' + "x" * MEGABYTE,
    "a long word in quotes": "-i '" + "x" * MEGABYTE + "'",
    "many words in quotes": ("-f '" + "a" * 4000 + "'\n") * (MEGABYTE // 4006),
    "continued lines": "\\\n" * (MEGABYTE // 2),
    "variables": "-i ${A}" * (MEGABYTE // 7),
    "names": "x@" * (MEGABYTE // 2),
    "brackets": "[" * MEGABYTE,
    "links": "<a href='https://" * (MEGABYTE // 17),
    "bases": "<base " * (MEGABYTE // 6),
    "scripts": "# /// script\n" * (MEGABYTE // 13),
    "a script without an end": "# /// script\n" + "# a\n" * (MEGABYTE // 4),
    "a key of many parts": "a." * (MEGABYTE // 2) + "a = 1",
    "a deep header": "[" + "a." * 5000 + "a]\n" + "b = 1\n" * (MEGABYTE // 6),
    "URLs in TOML": 'url = "' * (MEGABYTE // 7),
    "logins": "http://" + "u:" * (MEGABYTE // 2),
    "passwords": "password " * (MEGABYTE // 9),
}
TEXT_READERS: dict[str, Callable[[str], object]] = {
    "requirements": lambda text: list(requirements.read_lines(text, {"A": "b"})),
    "direct": requirements.find_direct_url,
    "marker": lambda text: requirements.may_apply(text, (3, 11)),
    "pylock": lambda text: list(requirements.find_locked_urls(text)),
    "page": lambda text: list(html_links.find_linked_files(text.encode())),
    "script": script.script_block,
    "pip.conf": lambda text: config_file.read_pip_config("[global]\n" + text),
    "TOML": toml.read_toml,
    "uv.lock": lambda text: lock_file.find_folders(text.encode()),
    "other locks": lambda text: list(direct_urls._locked_urls(text)),
    "clear text": lambda text: list(clear_text.find_secrets(text)),
    "shown": shown_url,
    "web": names_web,
}


@pytest.mark.parametrize("reader", TEXT_READERS)
def test_a_megabyte_of_anything_takes_seconds_at_most(reader: str) -> None:
    """Each of these took minutes somewhere: what grows with the square of a text's length takes far longer than this bound.

    With --quick it is a tenth of that, in a tenth of the time.
    """
    for name, text in PATHOLOGICAL.items():
        began = time.process_time()
        with suppress(CannotRead):
            TEXT_READERS[reader](text)
        assert time.process_time() - began < tries(10), name


