"""What a real uv asks for a URL of odd spelling is listed by us, or makes the command's inputs unread.

The URL parser of browsers, which uv has, mends most of what is odd: case, escapes, tabs, backslashes, numbers for an address.
`SHIM_TEST_EXAMPLES=100000` tries that many, `SHIM_TEST_SEED=1` others than every time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.core.host import Host
from shim.core.model import Endpoints
from shim.core.urls import parse_url, scope_of
from shim.tools import load_tool
from tests.support import toolchains
from tests.support.selection import tries
from tests.support.uv_oracle import LAST, Asked, UvOracle

WANTED = int(os.environ.get("SHIM_TEST_EXAMPLES", "0")) or tries(600)
SEED = int(os.environ.get("SHIM_TEST_SEED", "0"))
#: URLs in one command: each costs a request, and one that uv does not understand some commands more.
BATCH = 50

SCHEMES = ["http", "http", "http", "HTTP", "hTTp", " http", "\thttp", "ht\ntp", "\x00http", "corp=http", "c=HTTP", "http ", "h\u00adttp", "file", "httpx"]
MARKS = ["://"] * 6 + [":/", ":", ":\\\\", ":/\\", "://\t", ":////", ":///", "//", "::"]
USERS = ["", "", "", "", "u@", "u:p@", "u:p@x@", "@", ":@", "u%40v:p@", "u:p/q@", "u:p#q@", "u:p?q@", "u\\v@", "\u00fc:p@", "u\u200b@"]
HOST_TEXT = (
    "a.example B.Example a.example. a.example.. [::1] [::FFFF:1.2.3.4] [0:0:0:0:0:0:0:1] [::1%25eth0] 127.0.0.1 127.1 0x7f.1 2130706433 017700000001 1.2.3 0xA.example"
    " a\u00ad.example a\u200b.example \uff41.example stra\u00dfe.example xn--strae-oqa.example b\u00fccher.example a%2eexample %61.example A%2EExample. *.example"
    " .example a_.x a..example a\u3002example a\uff0eexample ::1 a;x a,b a|x a<b a'b a`b a\u017f.example \u212a.example a^b a{b} -a.example a!.example a$b a\\b a&b.example"
    " xn--a xn--.example a~.example \u0130.example \u2100.example a(b) 1.2.3.4. 256.1.1.1 1.2.3.4.5 0x.example 08.1.1.1"
)
HOSTS = HOST_TEXT.split(" ")
PORTS = [""] * 6 + [":80", ":443", ":0443", ":00080", ":8080", ":", ":0", ":99999", ":65535", ":-1", ":+80", ":\u0663", ": 80", ":8\t0", ":8_0", ":80x", ":80:90", ":80\\x"]
PATHS = [
    "", "/", "/simple", "/simple/", "/a/../b", "/simple/%2e%2e/b", "/simple/../x", "/simple\\..\\b", "/a//b", "//simple/x", "/%00", "/\u00fc", "/simple/a b", "/simple/a\tb",
    "/a;b", "/simple/x?y=1", "?x", "#f", "/a#f?x", "/@x", "/a:b@c", "/simple/.", "/./simple", "/simple/%2E", "/%73imple/x", "/simple%2f..%2fx", "\\x", "/simple/%2E./x", "/simple/.%2e",
    "/SIMPLE/x", "/simple/x/../../y", "/simple/\n../x", "/simple;/../x", "/simple//../x", "/simple/${HOME}/x", "/simple/~/x", "/simple/'x", "/simple/|x", "/simple/[x]",
]  # fmt: skip


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UvOracle]:
    with UvOracle(toolchains.uv().path, tmp_path_factory.mktemp("uv")) as one:
        yield one


LINES = ["x @ {}", "x@{}", " x @ {}", "x[a, b] @ {} ", "x @ {} ; os_name == 'posix'", "x @ {}#sha256=0", "{}", "{}#egg=x", "-e {}", "x @ \\\n{}", "x @ {} --hash=sha256:0", "x @ {} # c"]
#: What is odd about a URL, and what it is else: one that is odd everywhere is none to anybody.
PARTS = ((SCHEMES, "http"), (MARKS, "://"), (USERS, ""), (HOSTS, "h.example"), (PORTS, ""), (PATHS, "/simple"))
ODD = 0.25


def spell(chance: random.Random, number: int) -> str:
    """Return a URL, most of whose hosts say which one it is."""
    scheme, between, user, host, port, path = (chance.choice(odd) if chance.random() < ODD else plain for odd, plain in PARTS)
    mark = f"n{number}-" if host[0].isalpha() else ""
    return f"{scheme}{between}{user}{mark}{host}{port}{path}"


def read(folder: Path, *words: str) -> Endpoints:
    """Return what we say that `uv pip install` asks with these words."""
    uv, host = load_tool("uv"), Host({"HOME": str(folder), "PATH": "/usr/bin:/bin"}, str(folder))
    argv = ("pip", "install", "--no-config", "--default-index", LAST, *words)
    return uv.read_endpoints(uv.read_invocation("uv", argv, host, "/usr/bin/uv"), host)


def is_listed(asked: Asked, endpoints: list[Endpoints]) -> bool:
    """Whether one of the commands has an endpoint for that server, and no endpoint below /simple for what lies elsewhere."""
    scheme, host, port, path = asked
    urls = [endpoint.url for one in endpoints for endpoint in one.items if (endpoint.url.scheme, endpoint.url.host, endpoint.url.port) == (scheme, host, port)]
    if scheme == "https" or path.startswith("/simple/"):
        return bool(urls)
    return any(not scope_of(parse_url(f"{url.origin}/simple")).covers(url) for url in urls)


def test_an_index_that_uv_asks_is_listed_or_unread(oracle: UvOracle, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    different, requests = [], 0
    for start in range(0, WANTED, BATCH):
        urls = list(dict.fromkeys(spell(chance, number) for number in range(start, start + BATCH)))
        found = {url: read(tmp_path, "--index", url, "nobody") for url in urls}
        plain_urls = [url for url in urls if not found[url].unreadable_inputs and "\0" not in url]
        for group, asked in oracle.ask(plain_urls):
            endpoints = [found[url] for url in group]
            requests += len(asked)
            different += [(one, group) for one in asked if not is_listed(one, endpoints)]

    assert different == []
    assert requests > WANTED // 4, "most were no URLs to anybody"


def test_a_direct_url_that_uv_asks_is_listed_or_unread(oracle: UvOracle, tmp_path: Path) -> None:
    chance, path = random.Random(SEED), tmp_path / "requirements.txt"
    different, requests = [], 0
    for number in range(WANTED // 6):
        line = chance.choice(LINES).format(spell(chance, number).removesuffix("/simple") + "/x-1.0-py3-none-any.whl")
        path.write_text(line, encoding="utf-8", newline="")
        endpoints = read(tmp_path, "-r", str(path))
        if endpoints.unreadable_inputs or "\0" in line:
            continue
        asked = [one for one in oracle.ask_line(line) if one[1] != "last.example"]
        requests += len(asked)
        different += [(one, line) for one in asked if not is_listed(one, [endpoints])]

    assert different == []
    assert requests > WANTED // 24
