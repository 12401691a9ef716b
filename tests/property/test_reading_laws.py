"""What a real pip would ask is either named by us or makes the input unreadable: nothing is left out in silence.

Inputs are odd on purpose; the pip answers line by line (`tests/support/pip_oracle.py`). `SHIM_TEST_EXAMPLES=100000` asks for that many of
each kind.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shim.core.files import CannotRead
from shim.core.host import Host
from shim.core.model import Endpoints, Origin, Target
from shim.core.urls import BadUrl, Url, names_web, parse_url, scope_of
from shim.formats.html_links import find_linked_files
from shim.tools.pip import tool
from shim.tools.pip.settings import FileReader, Mention, PipSettings, read_settings
from shim.tools.project_files import in_requirements, pip_trusts
from tests.support import toolchains
from tests.support.pip_oracle import Oracle
from tests.support.selection import tries

WANTED = int(os.environ.get("SHIM_TEST_EXAMPLES", "0"))
#: Inputs in one example: hypothesis takes longer over an example than pip does. Old releases are asked about a few of them only.
BATCH = 25
FEW = BATCH if WANTED else 4
VARIABLES = {"V": "http://v.example/simple", "HALF": "http://half.example", "OPTION": "--extra-index-url http://option.example/simple"}


def examples(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Try so many inputs, in examples of `BATCH` each."""
    several = max(1, (WANTED or tries(number)) // BATCH)
    # The assertion shows the one input that matters; making a batch smaller takes minutes.
    return settings(deadline=None, max_examples=several, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", params=["newest", "23.2.1", "20.3.4"])
def oracle(request: pytest.FixtureRequest) -> Iterator[Oracle]:
    one = Oracle(toolchains.pip(request.param).python, VARIABLES)
    one.share = BATCH if request.param == "newest" else FEW
    yield one
    one.end()


def one_of(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([bytes(word, "utf-8").decode("unicode_escape") for word in text.split(" ")])


SCHEMES = one_of(r"http http http https https HTTP hTTps http\x20 \x20http \thttp ht\ntp \x00http \u200bhttp httpx git+https file ftp h\u00adttp")
MARKS = one_of(r":// :// :// :// :/// :/ : :\\\\ :/\\ // :: ://\t :////")
USERS = st.sampled_from(["", "", "", "u@", "u:p@", "u:p@x@", "@", ":@", "u%40v:p@", "u:p/q@", "u:p#q@", "u:p?q@", "u\\v@", "ü:p@", "u\u200b@"])
HOSTS = one_of(
    r"a.example a.example B.Example a.example. [::1] [::1%25eth0] [::FFFF:1.2.3.4] [0:0:0:0:0:0:0:1] 127.0.0.1 127.1 0x7f.1 2130706433 a\u00ad.example"
    r" a\u200b.example \uff41.example stra\u00dfe.example xn--strae-oqa.example b\u00fccher.example a%2eexample *.example .example a_.x a..example"
    r" a\u3002example [a] ::1 a\x20b a\t.example a\n a\x00 a;x a,b a|x a< a' a` a\u017f.example \u212a.example a\u2024example a^ a{b} -a.example a!.example a$ a\\b"
)
PORTS = one_of(r":80 :443 :8080 : :0 :00443 :99999 :65535 :65536 :-1 :+80 :\u0663 :\x2080 :80\x20 :8_0 :80x :\u00b9 :80:90 :80\\x") | st.just("")
PATHS = st.sampled_from(
    ["", "/", "/simple", "/simple/", "/a/../b", "/simple/%2e%2e/b", "/simple/../x", "/simple\\..\\b", "/a//b", "//simple/x", "/%00", "/ü", "/simple/a b", "/simple/a\tb", "/a;b", "/simple/x?y=1", "?x", "#f", "/a#f?x", "/@x", "/a:b@c", "/simple/.", "/./simple", "/simple/%2E", "/%73imple/x", "/simple%2f..%2fx", "\\x"]
)
URLS = st.tuples(SCHEMES, MARKS, USERS, HOSTS, PORTS, PATHS).map("".join)
PLAIN = st.tuples(st.sampled_from(["http://", "https://"]), USERS, HOSTS, PORTS, PATHS).map("".join)
SOME_URL = URLS | PLAIN | st.builds("http://h{}.example/simple".format, st.integers(0, 9))


def server(asked: list[Any]) -> tuple[str, str, int]:
    return asked[0], asked[1].strip("[]"), asked[2]


def of(url: Url) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port


@examples(5_000)
@given(st.lists(URLS | PLAIN, min_size=BATCH, max_size=BATCH), st.sampled_from(["url", "index"]))
def test_a_url_means_the_server_that_pip_asks_or_is_unread(oracle: Oracle, texts: list[str], kind: str) -> None:
    for text in texts[: oracle.share]:
        for asked in oracle.ask(kind, text)["asked"]:
            try:
                url = parse_url(text.lstrip())
            except BadUrl:
                assert names_web(text), repr(text)
                continue
            assert server(asked) == of(url), repr(text)
            below = scope_of(parse_url(f"{url.origin}/simple"))
            if below.covers(url):
                assert asked[3].partition("?")[0].startswith("/simple/") or asked[3].partition("?")[0] == "/simple", repr(text)


@examples(2_500)
@given(st.lists(st.tuples(st.sampled_from(["{}", "x @ {}", "x@{}", "x[a, b] @ {}", " {}", "x @ {} ", "{}[a]"]), SOME_URL, st.sampled_from(["", "/x-1.whl", "/x.zip#egg=x"]), st.sampled_from(["", " ; os_name == 'posix'", ";os_name=='posix'", "; os_name == 'nobody'", "; ", " ;extra == 'x'", "#egg=x"])), min_size=BATCH, max_size=BATCH))
def test_a_requirement_names_the_server_that_pip_asks_or_is_unread(oracle: Oracle, rows: list[tuple[str, str, str, str]]) -> None:
    for form, url, tail, marker in rows[: oracle.share]:
        text = form.format(url + tail) + marker
        asked = {server(one) for one in oracle.ask("requirement", text)["asked"]}
        if asked:
            endpoints = read(PipSettings(arguments=[Mention(text, Origin("argv", "URL"))]), "/nonexistent")
            assert endpoints.unreadable_inputs or asked <= {of(endpoint.url) for endpoint in endpoints.items}, repr(text)


def read(settings: PipSettings, folder: str) -> Endpoints:
    """Return the endpoints of `pip install` with nothing but these settings."""
    host = Host(environ={**VARIABLES, "HOME": "/nonexistent", "PIP_CONFIG_FILE": os.devnull}, cwd=folder)
    files = FileReader()
    settings.options.setdefault("index-url", [Mention("http://first.example/simple", Origin("argv", "-i"))])
    return tool.index.read_endpoints("install", settings, Target("pip", python=sys.version_info[:2]), host, files)


OPTIONS = [
    *("-i {}", "--index-url={}", "--index-url {}", "--index-u {}", "-i'{}'", '--index-url="{}"', "-qi {}", "--pypi-url={}", "--pre -i {}", "-i\t{}", "- i {}"),
    *("--extra-index-url {}", "--extra-index-url={}", "--extra-i={}", "--extra-index-url '{}' -i {}", "--extra-index-url {} -f {}"),
    *("-f {}", "--find-links={}", "--find-links '{}'", "-f {} -f {}", "-r {}", "-c {}", "--requirement={}", "-r{}", "-r '{}'", "-c {} -i {}", "-e {}", "--editable={}"),
    *("x @ {}", "x@{} ; os_name == 'posix'", "{}", "{}#egg=x", "x==1 -i {}", "x --index-url={}", "x @ {} --hash=sha256:0", "# -i {}", " #-i {}", "x # -i {}", "x #-i {}", "#\\\n-i {}"),
    *("-i \\\n{}", "-i {}\\\n", "-\\\ni {}", "--index-url\\\n={}", "-i {} # c", "-i {}#c", "--trusted-host {}", "--no-index\n-i {}", "--no-index -i {}", "\u2028-i {}", "x\x0b-i {}", "x\x85-i {}"),
]
WORDS = ["--index-url=", "-i ''", "--extra-index-url=", "--extra-index-url ''", "-f .", "--find-links=", "--no-index", "--pre", "x==1", "-r other.txt", "-c other.txt", "-r 'other.txt'"]
WORDS += ["-r ./other.txt", "-r sub/../other.txt", "-r missing.txt", "-r asked.txt", "-r file:other.txt", "-r FOLDER/other.txt", "-r file://FOLDER/other.txt", "-r file:FOLDER/other.txt"]
WORDS += ["-r file://localhost/FOLDER/other.txt", "-r file://FOLDER/other.txt?x", "-r file://FOLDER/other.txt#x", "-r FILE://FOLDER/other.txt", "-r file://FOLDER/%6fther.txt", "-r file://FOLDER//other.txt"]
WORDS += ["-r file://host/FOLDER/other.txt", "-r 'other.txt '", "-r ' file://FOLDER/other.txt'", "-r\tother.txt", "-r other.txt -i x", "${V}", "-i ${V}", "-i ${HALF}/simple", "${OPTION}", "-i ${NONE}", "\\", "'", '"', ""]
WORDS += ["-r odd.txt", "-r latin.txt", "-r coded.txt", "--trusted-host t.example", "--trusted-host=t.example:8443", "--trusted-host ::1", "--trusted-host [::1]:8443", "--trusted-host h1.example", "--trusted-host T.Example:443", "--trusted-host t.example:", "--trusted-host t.example:0", "--trusted-host 'a b'", "-r nested/more.txt", "-r sub dir"]
LINES = st.builds(lambda form, first, second: form.replace("{}", first, 1).replace("{}", second), st.sampled_from(OPTIONS), SOME_URL, SOME_URL) | st.sampled_from(WORDS)
TEXTS = st.tuples(st.lists(LINES, min_size=1, max_size=5), st.sampled_from(["\n", "\n", "\r\n", "\r"])).map(lambda parts: parts[1].join(parts[0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "other.txt").write_text("--extra-index-url http://other.example/simple\n")
    (folder / "odd.txt").write_bytes(b"\xef\xbb\xbf# \xc3\x85 x\n-f http://odd.example/\n")
    (folder / "latin.txt").write_bytes(b"# \xe9\x85--extra-index-url http://latin.example/simple\n")
    (folder / "coded.txt").write_bytes(b"# coding: utf-7\n+AC0-f http+ADo-//coded.example/\n")
    (folder / "sub dir").mkdir()
    (folder / "nested").mkdir()
    (folder / "nested" / "more.txt").write_text("-r ../other.txt\n-r deep.txt\n")
    (folder / "nested" / "deep.txt").write_text("-i http://deep.example/simple\n")
    return folder


@examples(2_500)
@given(st.lists(TEXTS, min_size=BATCH, max_size=BATCH))
def test_requirements_files_name_the_servers_that_pip_asks_or_are_unread(oracle: Oracle, folder: Path, texts: list[str]) -> None:
    for text in (one.replace("FOLDER", str(folder)) for one in texts[: oracle.share]):
        answer = oracle.ask("lines", text, str(folder))
        # pip stops at a file that it cannot read: nothing but what it read before is asked.
        asked = {server(one) for one in answer["asked"]}
        endpoints = read(PipSettings(options={"requirement": [Mention("asked.txt", Origin("argv", "-r"))]}), str(folder))
        assert endpoints.unreadable_inputs or asked <= {of(endpoint.url) for endpoint in endpoints.items}, repr(text)
        host = Host(environ=VARIABLES, cwd=str(folder))
        trusted = [] if endpoints.careless or answer["error"] else answer["trusted"]
        found = [unsafe_setting.server for unsafe_setting in in_requirements(endpoints.files_read, (), host)] if trusted else []
        for url in trusted:
            assert any(pip_trusts(server, parse_url(url)) for server in found), repr(text)


TAGS = ["<a href={}>", "<a href='{}'>", '<a href="{}">', "<A HREF = '{}'>", "<a/href='{}'>", "<a\nhref\t=\n'{}'>", "<a href=x href='{}'>", "<a x='>' href='{}'>", "<base href='{}'>", "<!-- <a href='{}'> -->", "<!--><a href='{}'>"]
TAGS += ["<script><a href='{}'></script>", "<a href='{}' data-requires-python='>3'>", "<a href={}", "<base href=http://base.example/>", "<a href='x-1.zip'>", "<a href='//other.example/x-1.zip'>", "<a href='/x-1.whl'>", "<p>", "</a>", "&amp;", "<![CDATA[<a href='{}'>]]>"]
FILES = ["/x-1.zip", "/x-1-py3-none-any.whl", "/x-1.tar.gz#sha256=0", "/x-1.tar%2egz", "/x-1.zip?a=b", "/x-1.zip/", "/about", "/x-1.ZIP", "&#47;x-1.zip", "/x-1.zip;a"]
ENTITIES = ["http:", "h&#116;tp:", "&#104;ttp:", "\nhttp:", "&#9;http:", "https&colon;", "http&#58;", "&Tab;http:"]
LINKS = st.builds(lambda head, url, file: url.replace("http:", head, 1) + file, st.sampled_from(ENTITIES), SOME_URL, st.sampled_from(FILES))
PAGES = st.lists(st.builds(lambda tag, link: tag.replace("{}", link), st.sampled_from(TAGS), LINKS), min_size=1, max_size=3).map("\n".join)


@examples(2_500)
@given(st.lists(PAGES, min_size=BATCH, max_size=BATCH))
def test_a_page_on_disk_links_to_the_servers_that_pip_asks_or_is_unread(oracle: Oracle, texts: list[str]) -> None:
    for text in texts[: oracle.share]:
        asked = {server(one) for one in oracle.ask("page", text)["asked"]}
        if not asked:
            continue
        found = set()
        try:
            for _, link in find_linked_files(text.encode("utf-8", "surrogatepass")):
                found.add(of(parse_url(link)))
        except (CannotRead, BadUrl):
            continue
        assert asked <= found, repr(text)


def test_settings_of_argv_count_as_pip_counts_them(oracle: Oracle) -> None:
    """An option of a requirements file and the same in argv name one server."""
    host = Host(environ={"HOME": "/nonexistent", "PIP_CONFIG_FILE": os.devnull}, cwd="/nonexistent")
    said = read_settings(("install", "-i", "http://a.example/simple", "x"), 0, Target("pip"), host, FileReader())
    endpoints = tool.index.read_endpoints("install", said, Target("pip"), host, FileReader())
    (asked,) = oracle.ask("index", "http://a.example/simple")["asked"]
    assert [of(endpoint.url) for endpoint in endpoints.items] == [server(asked)]
