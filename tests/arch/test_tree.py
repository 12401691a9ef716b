"""What no file of the repository may hold: somebody's machine, somebody's server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import shim
from shim.core.urls import PUBLIC_HOSTS
from shim.credentials.sources import known

ROOT = Path(shim.__file__).parents[1]

#: Top-level names that nobody can register (RFC 2606, RFC 6761), so that an example never reaches a real server.
RESERVED = ("example", "test", "invalid", "localhost")
URL = re.compile(r"https?://(?:[^\s/@\"'`]*@)?(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
#: The home of a person or a build machine; `/home/alice`, `app` and `vscode` are everybody's examples.
HOMES = re.compile(r"/root/\.|/home/(?!alice\b|user\b|runner\b|app\b|vscode\b)\w+|/Users/\w+|/builds?/\w+/")


def tracked() -> dict[str, str]:
    """Return file name -> text of everything that git has here; without git, of what a source distribution holds."""
    if (ROOT / ".git").exists():
        names = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    else:
        names = [str(path.relative_to(ROOT)) for pattern in ("*.*", "shim/**/*.*", "tests/**/*.*") for path in ROOT.glob(pattern)]
    return {
        name: (ROOT / name).read_text(encoding="utf-8") for name in names if name and (ROOT / name).is_file() and not name.endswith(".pyc")
    }


FILES = tracked()
#: Names of XML vocabularies look like URLs.
VOCABULARIES = {"www.w3.org", "json-schema.org"}


def strangers(text: str) -> set[str]:
    """Return the hosts of URLs in `text` that are neither examples, nor addresses, nor well-known to everybody, nor vendors' (credentials/sources/known.py)."""
    hosts = {match["host"].lower() for match in URL.finditer(text)}
    hosts = {host for host in hosts if not f".{host}".endswith(known.SUFFIXES)}
    return (
        {host for host in hosts if host.rpartition(".")[2] not in RESERVED and not host.rpartition(".")[2].isdigit()}
        - PUBLIC_HOSTS
        - VOCABULARIES
    )


def test_every_server_in_the_tree_is_an_example_or_everybodys() -> None:
    """Which index a machine uses is said by the machine's own pip configuration, never by us."""
    vendors = "tests/unit/test_known.py"  # whose hosts, and those that only look like them, it is about
    assert {name: found for name, text in FILES.items() if name != vendors and (found := strangers(text))} == {}


def test_no_file_names_a_folder_of_one_machine() -> None:
    here = "tests/arch/test_tree.py"
    assert {name: found for name, text in FILES.items() if name != here and (found := HOMES.findall(text))} == {}


def test_the_search_finds_what_it_is_for() -> None:
    mirror = "mirror.corp.com"
    assert strangers(f"pip -i https://alice:pw@{mirror}:8443/simple/ x; https://pypi.corp.example/ http://127.0.0.1:9/") == {mirror}
    assert HOMES.findall("/home/bob/x /home/alice/x") == ["/home/bob"]
    assert {"install.sh", "README.md", "shim/core/urls.py", "tests/conftest.py"} <= set(FILES)
